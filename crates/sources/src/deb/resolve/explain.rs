//! Why a request has no solution: the nearest dependency that nothing satisfies, or the two packages that collide.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Unsatisfiable;
use super::greedy::Collision;
use super::view::View;
use crate::deb::index::{Alternative, PackageIndex, Wanted};

pub(super) fn explain(
    view: &View<'_>,
    roots: &[PackageIndex],
    collision: Option<&Collision>,
) -> Unsatisfiable {
    let graph = Graph::new(view, roots);
    if let Some(root) = roots.iter().find(|root| graph.hopeless.contains_key(root)) {
        return graph.missing(*root);
    }
    if let Some(collision) = collision {
        return conflict(view, collision);
    }
    Unsatisfiable::Together { roots: view.names(roots) }
}

/// What the roots can reach, and what of it can't be installed even where nothing excludes anything.
struct Graph<'v, 'a> {
    view: &'v View<'a>,
    /// With the place of the group that can't be satisfied. Its options were all found before its owner, so following
    /// groups ends.
    hopeless: BTreeMap<PackageIndex, usize>,
}

/// A dependency of something that can be reached.
#[derive(Clone, Copy)]
struct Group {
    owner: PackageIndex,
    place: usize,
    /// How many of its options are not known to be hopeless.
    left: usize,
}

impl<'v, 'a> Graph<'v, 'a> {
    fn new(view: &'v View<'a>, roots: &[PackageIndex]) -> Self {
        // Everything that can be reached, and for each of it the groups that it is an option of.
        let mut groups: Vec<Group> = Vec::new();
        let mut option_of: BTreeMap<PackageIndex, Vec<usize>> = BTreeMap::new();
        let mut queue: VecDeque<PackageIndex> = roots.iter().copied().collect();
        let mut seen: BTreeSet<PackageIndex> = roots.iter().copied().collect();
        while let Some(owner) = queue.pop_front() {
            for (place, group) in view.index.package(owner).depends().enumerate() {
                let options = view.options(&group);
                for option in &options {
                    option_of.entry(*option).or_default().push(groups.len());
                    if seen.insert(*option) {
                        queue.push_back(*option);
                    }
                }
                groups.push(Group { owner, place, left: options.len() });
            }
        }
        // From the groups without options upwards.
        let mut hopeless: BTreeMap<PackageIndex, usize> = BTreeMap::new();
        let mut lost: VecDeque<usize> = (0..groups.len()).filter(|at| groups[*at].left == 0).collect();
        while let Some(at) = lost.pop_front() {
            let Group { owner, place, .. } = groups[at];
            if hopeless.contains_key(&owner) {
                continue;
            }
            hopeless.insert(owner, place);
            for at in option_of.get(&owner).into_iter().flatten() {
                groups[*at].left -= 1;
                if groups[*at].left == 0 {
                    lost.push_back(*at);
                }
            }
        }
        Self { view, hopeless }
    }

    /// Follows the first option of each group that can't be satisfied, down to one that has no options.
    fn missing(&self, root: PackageIndex) -> Unsatisfiable {
        let mut chain = vec![root];
        let mut at = root;
        loop {
            let group =
                self.hopeless.get(&at).and_then(|group| self.view.index.package(at).depends().nth(*group));
            let group = group.unwrap_or_default();
            match self.view.options(&group).first() {
                Some(next) => {
                    chain.push(*next);
                    at = *next;
                }
                None => {
                    return Unsatisfiable::Missing {
                        chain: self.view.names(&chain),
                        wanted: self.view.text(&group),
                        found: group.iter().map(|alternative| self.found(alternative)).collect(),
                    };
                }
            }
        }
    }

    /// What there is of a name, where it is not what was wanted.
    fn found(&self, alternative: &Alternative<'_>) -> String {
        let (index, name) = (self.view.index, self.view.index.name_text(alternative.name));
        if alternative.wanted == Wanted::OtherArchitecture {
            return format!("`{name}` is wanted of another architecture");
        }
        let candidate = self.view.candidate(alternative.name).map(|package| package.at());
        let packages = index.packages(alternative.name).map(|package| {
            let here = if candidate == Some(package.at()) { "" } else { ", not chosen" };
            format!("{} ({} {}{here})", package.version(), package.source(), package.suite())
        });
        let provided = index.providers(alternative.name).map(|(package, version)| match version {
            Some(version) => format!("{version} (provided by `{}`)", package.name()),
            None => format!("without version (provided by `{}`)", package.name()),
        });
        let all: Vec<_> = packages.chain(provided).take(8).collect();
        if all.is_empty() {
            format!("no source has `{name}`")
        } else {
            format!("`{name}` is there as {}", all.join(", "))
        }
    }
}

fn conflict(view: &View<'_>, collision: &Collision) -> Unsatisfiable {
    let (first, second) = (view.names(&collision.first), view.names(&collision.second));
    let pair = collision.first.last().zip(collision.second.last());
    let relation = pair.and_then(|(a, b)| excludes(view, *a, *b).or_else(|| excludes(view, *b, *a)));
    match relation {
        Some(relation) => Unsatisfiable::Conflict { first, second, relation },
        None => Unsatisfiable::Together {
            roots: [&first[..], &second[..]].iter().filter_map(|c| c.first().cloned()).collect(),
        },
    }
}

/// The relation by which `a` excludes `b`.
fn excludes(view: &View<'_>, a: PackageIndex, b: PackageIndex) -> Option<String> {
    let package = view.index.package(a);
    let relation = package.conflicts().find(|alternative| view.targets(alternative).contains(&b))?;
    let field = if package.breaks().any(|broken| broken == relation) { "Breaks" } else { "Conflicts" };
    let other = view.index.package(b);
    Some(format!(
        "`{}` {} does not go with `{}` {} (`{field}: {}`)",
        package.name(),
        package.version(),
        other.name(),
        other.version(),
        view.text(&[relation])
    ))
}
