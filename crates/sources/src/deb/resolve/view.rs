//! The packages as resolution sees them: one candidate a name, and the options of a dependency in apt's order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use longshore_stack::model::Requirement;

use super::{Request, Unsatisfiable};
use crate::deb::index::{Alternative, Index, NameId, Package, PackageIndex, Wanted};
use crate::deb::version;

/// Candidates and options for one request.
pub(super) struct View<'a> {
    pub(super) index: &'a Index,
    /// Candidates that are not simply the highest version: pins and roots.
    chosen: BTreeMap<NameId, PackageIndex>,
    /// Preferred packages by the name that they provide.
    prefer: BTreeMap<NameId, NameId>,
}

impl<'a> View<'a> {
    pub(super) fn new(index: &'a Index, request: &Request<'_>) -> Result<Self, Unsatisfiable> {
        let mut chosen = BTreeMap::new();
        for (name, pinned) in request.pins {
            if let Some(name) = index.name(name)
                && let Some(package) = index.packages(name).find(|package| package.version() == pinned)
            {
                chosen.insert(name, package.at());
            }
        }
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        for root in request.roots {
            if let Some(first) = from.insert(&root.package, &root.source)
                && first != root.source
            {
                return Err(Unsatisfiable::TwoSources {
                    package: root.package.clone(),
                    first: first.to_owned(),
                    second: root.source.clone(),
                });
            }
            let Some(name) = index.name(&root.package) else { continue };
            let pinned = request.pins.get(&root.package);
            let of_source = || index.packages(name).filter(|package| package.source() == root.source);
            let package =
                of_source().find(|p| pinned.is_some_and(|v| v == p.version())).or_else(|| of_source().next());
            if let Some(package) = package {
                chosen.insert(name, package.at());
            }
        }
        let mut view = Self { index, chosen, prefer: BTreeMap::new() };
        for (name, preferred) in request.prefer {
            let (wanted, package) = (index.name(name), index.name(preferred));
            let options = wanted
                .map(|name| view.options(&[Alternative { name, wanted: Wanted::Any }]))
                .unwrap_or_default();
            match (wanted, package) {
                (Some(name), Some(package))
                    if options.iter().any(|option| index.package(*option).name_id() == package) =>
                {
                    view.prefer.insert(name, package);
                }
                _ => {
                    return Err(Unsatisfiable::Preference {
                        name: name.clone(),
                        preferred: preferred.clone(),
                        providers: view.names(&options),
                    });
                }
            }
        }
        Ok(view)
    }

    /// The package that a root means.
    pub(super) fn root(&self, root: &Requirement) -> Result<PackageIndex, Unsatisfiable> {
        let name = self.index.name(&root.package);
        let candidate = name.and_then(|name| self.candidate(name));
        if let Some(candidate) = candidate.filter(|candidate| candidate.source() == root.source) {
            return Ok(candidate.at());
        }
        let mut elsewhere: Vec<_> = name
            .into_iter()
            .flat_map(|name| self.index.packages(name))
            .map(|package| package.source().to_owned())
            .collect();
        elsewhere.sort();
        elsewhere.dedup();
        let mut providers: Vec<_> = name
            .into_iter()
            .flat_map(|name| self.index.providers(name))
            .filter(|(package, _)| package.source() == root.source)
            .map(|(package, _)| package.name().to_owned())
            .collect();
        providers.sort();
        providers.dedup();
        let (source, package) = (root.source.clone(), root.package.clone());
        Err(if elsewhere.is_empty() && !providers.is_empty() {
            Unsatisfiable::Virtual { archive: source, package, providers }
        } else {
            let nearest =
                if elsewhere.is_empty() { self.nearest(&root.package, &root.source) } else { Vec::new() };
            Unsatisfiable::Unknown { archive: source, package, elsewhere, nearest }
        })
    }

    /// The one version of a name that may be installed.
    pub(super) fn candidate(&self, name: NameId) -> Option<Package<'a>> {
        match self.chosen.get(&name) {
            Some(at) => Some(self.index.package(*at)),
            None => self.index.packages(name).next(),
        }
    }

    /// What would satisfy one alternative, or collide with it: the package itself, then its providers; of these the
    /// essential first, then the protected, the more important, and what apt would have read of last.
    pub(super) fn targets(&self, alternative: &Alternative<'_>) -> Vec<PackageIndex> {
        let name = alternative.name;
        let holds = |version: Option<&str>| match alternative.wanted {
            Wanted::OtherArchitecture => false,
            Wanted::Any => true,
            Wanted::Version(comparison, wanted) => {
                version.is_some_and(|version| comparison.holds(version::compare(version, wanted)))
            }
        };
        let real = self.candidate(name).filter(|package| holds(Some(package.version())));
        let is_candidate = |package: &Package<'_>| {
            self.candidate(package.name_id()).is_some_and(|candidate| candidate.at() == package.at())
        };
        let mut providers: Vec<Package<'_>> = self
            .index
            .providers(name)
            .filter(|(package, version)| holds(*version) && is_candidate(package))
            .map(|(package, _)| package)
            .filter(|package| real.is_none_or(|real| real.at() != package.at()))
            .collect();
        providers.sort_by_key(|package| {
            let rank = self.index.rank(package.name_id());
            (!package.is_essential(), !package.is_protected(), package.priority(), Reverse(rank))
        });
        providers.dedup();
        real.into_iter().chain(providers).map(|package| package.at()).collect()
    }

    /// What would satisfy a group, in the order in which it is tried.
    pub(super) fn options(&self, group: &[Alternative<'_>]) -> Vec<PackageIndex> {
        let mut options: Vec<PackageIndex> = Vec::new();
        for alternative in group {
            for target in self.targets(alternative) {
                if !options.contains(&target) {
                    options.push(target);
                }
            }
        }
        for preferred in group.iter().filter_map(|alternative| self.prefer.get(&alternative.name)) {
            if let Some(at) = options.iter().position(|o| self.index.package(*o).name_id() == *preferred) {
                options[..=at].rotate_right(1);
            }
        }
        options
    }

    /// A group as control files write it.
    pub(super) fn text(&self, group: &[Alternative<'_>]) -> String {
        let one = |alternative: &Alternative<'_>| {
            let name = self.index.name_text(alternative.name);
            match alternative.wanted {
                Wanted::Any => name.to_owned(),
                Wanted::Version(comparison, version) => format!("{name} ({comparison} {version})"),
                Wanted::OtherArchitecture => format!("{name} (of another architecture)"),
            }
        };
        group.iter().map(one).collect::<Vec<_>>().join(" | ")
    }

    pub(super) fn names(&self, packages: &[PackageIndex]) -> Vec<String> {
        packages.iter().map(|at| self.index.package(*at).name().to_owned()).collect()
    }

    /// At most three package names of a source that look like `name`.
    fn nearest(&self, name: &str, source: &str) -> Vec<String> {
        let mut near: Vec<(usize, &str)> = self
            .index
            .names()
            .filter(|id| self.index.packages(*id).any(|package| package.source() == source))
            .map(|id| self.index.name_text(id))
            .filter(|other| other.len().abs_diff(name.len()) <= 2)
            .map(|other| (strsim::damerau_levenshtein(name, other), other))
            .filter(|(distance, _)| *distance <= 2 && distance * 2 < name.len())
            .collect();
        near.sort();
        near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
    }
}
