//! From requirements to packages: what apt would install into an empty root, without recommendations.
//!
//! `greedy` does what apt does and nearly always succeeds, in a fraction of a millisecond; where it runs into a corner,
//! `fallback` asks a SAT solver; where that finds nothing either, `explain` says why in the words of the stack file.
//! All three see the packages through a [`view::View`]: one candidate a name, and apt's order of options.

mod error;
mod explain;
mod fallback;
mod greedy;
mod view;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Content, PackageId};
use longshore_stack::model::{Requirement, Scope};

use super::index::{Index, PackageIndex};
use view::View;

pub use error::Unsatisfiable;
pub use why::why;

/// What is to be resolved: the roots of one image on one platform.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is asked for. Of a root the candidate is the highest version in its own source, of what it depends on the
    /// highest in all sources.
    pub roots: &'a [Requirement],
    /// Whom to take where several packages provide a name: `awk` → `mawk`.
    pub prefer: &'a BTreeMap<String, String>,
    /// Versions by package name that are candidates as long as the index has them: those of the last lock.
    pub pins: &'a BTreeMap<String, String>,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The packages, sorted by name, one version of each.
    pub packages: Vec<Chosen>,
    /// Where something else would have done as well, sorted by what was wanted.
    pub choices: Vec<Choice>,
}

/// A chosen package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which.
    pub id: PackageId,
    /// The suite that it is from.
    pub suite: String,
    /// Where its file is, relative to the archive's address.
    pub path: String,
    /// Its file's bytes.
    pub content: Content,
    /// The chosen packages that satisfy its dependencies, by name, sorted; none for a root without its dependencies.
    pub depends: Vec<String>,
    /// Whether it is `Essential: yes`.
    pub essential: bool,
    /// Its `Installed-Size` in KiB, zero where it says none.
    pub installed_kib: u32,
}

/// A package that was taken though another would have done: by `prefer`, or by apt's rule, which depends on the order of
/// the package lists and may fall otherwise with the next ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// The dependency: `awk`, or `default-mta | mail-transport-agent`.
    pub wanted: String,
    /// The package that has it.
    pub by: String,
    /// The package taken.
    pub chosen: String,
    /// What would have done as well, in the order in which it would have been tried.
    pub others: Vec<String>,
}

/// Resolves a request; the same index and request give the same solution.
pub fn resolve(index: &Index, request: &Request<'_>) -> Result<Solution, Unsatisfiable> {
    let view = View::new(index, request)?;
    let mut closures = Vec::new();
    let mut alone = Vec::new();
    for root in request.roots {
        let package = view.root(root)?;
        match root.scope {
            Scope::Closure => closures.push(package),
            Scope::Alone => alone.push(package),
        }
    }
    let installed = match greedy::solve(&view, &closures) {
        Ok(installed) => installed,
        Err(collision) => match fallback::solve(&view, &closures) {
            Some(installed) => installed,
            None => return Err(explain::explain(&view, &closures, collision.as_ref())),
        },
    };
    Ok(solution(&view, &installed, &alone))
}

/// Edges and choices: each group is satisfied by the first of its options that is there.
fn solution(view: &View<'_>, installed: &BTreeSet<PackageIndex>, alone: &[PackageIndex]) -> Solution {
    let mut packages = Vec::new();
    let mut choices = BTreeSet::new();
    let all: BTreeSet<PackageIndex> = installed.iter().chain(alone).copied().collect();
    for at in all {
        let package = view.index.package(at);
        let mut depends = BTreeSet::new();
        // Of a root that stands alone, the dependencies are not looked at.
        let groups = installed.contains(&at).then(|| package.depends()).into_iter().flatten();
        for group in groups {
            let options = view.options(&group);
            let Some(chosen) = options.iter().copied().find(|option| installed.contains(option)) else {
                continue;
            };
            let name = |option: PackageIndex| view.index.package(option).name();
            if chosen != at {
                depends.insert(name(chosen).to_owned());
            }
            // The first alternative by its own name is no choice: that is what the package asks for.
            let by_name =
                group.first().is_some_and(|first| first.name == view.index.package(chosen).name_id());
            let others: Vec<_> =
                options.iter().filter(|option| **option != chosen).map(|o| name(*o)).collect();
            if !by_name && !others.is_empty() {
                choices.insert(Choice {
                    wanted: view.text(&group),
                    by: package.name().to_owned(),
                    chosen: name(chosen).to_owned(),
                    others: others.into_iter().map(str::to_owned).collect(),
                });
            }
        }
        packages.push(Chosen {
            id: package.id(),
            suite: package.suite().to_owned(),
            path: package.path(),
            content: package.content(),
            depends: depends.into_iter().collect(),
            essential: package.is_essential(),
            installed_kib: package.installed_kib(),
        });
    }
    packages.sort_by(|a, b| a.id.name.cmp(&b.id.name));
    Solution { packages, choices: choices.into_iter().collect() }
}

#[cfg(test)]
mod tests;
