//! The same question put to a SAT solver, for the few requests where apt's way runs into a corner.
//!
//! Every candidate is a name of its own with one version; a dependency is a union over its options in apt's order.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

use resolvo::{
    Candidates, Condition, ConditionId, Dependencies, DependencyProvider, Interner, KnownDependencies,
    NameId, Problem, Requirement, SolvableId, Solver, SolverCache, StringId, VersionSetId, VersionSetUnionId,
};

use super::view::View;
use crate::deb::index::PackageIndex;

/// A closure of the roots, if there is one.
pub(super) fn solve(view: &View<'_>, roots: &[PackageIndex]) -> Option<BTreeSet<PackageIndex>> {
    let requirements = roots.iter().map(|root| Requirement::Single(exactly(*root)).into()).collect();
    let provider = Provider { view, unions: RefCell::default() };
    let solved = Solver::new(provider).solve(Problem::new().requirements(requirements)).ok()?;
    Some(solved.into_iter().map(|solvable| PackageIndex(solvable.into_raw())).collect())
}

/// Version sets are numbered by package: the even one is the package, the odd one nothing.
fn exactly(at: PackageIndex) -> VersionSetId {
    VersionSetId(at.0 * 2)
}

fn nothing(at: PackageIndex) -> VersionSetId {
    VersionSetId(at.0 * 2 + 1)
}

struct Provider<'v, 'a> {
    view: &'v View<'a>,
    unions: RefCell<Vec<Vec<VersionSetId>>>,
}

impl Provider<'_, '_> {
    fn text(&self, at: u32) -> String {
        let package = self.view.index.package(PackageIndex(at));
        format!("{} {}", package.name(), package.version())
    }
}

impl Interner for Provider<'_, '_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        self.text(solvable.into_raw())
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.text(name.into_raw())
    }

    fn display_version_set(&self, _: VersionSetId) -> impl Display + '_ {
        ""
    }

    fn display_string(&self, _: StringId) -> impl Display + '_ {
        "a dependency that no package satisfies"
    }

    fn version_set_name(&self, set: VersionSetId) -> NameId {
        NameId::from_raw(set.0 / 2)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        NameId::from_raw(solvable.into_raw())
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.unions.borrow().get(union.0 as usize).cloned().unwrap_or_default().into_iter()
    }

    fn resolve_condition(&self, condition: ConditionId) -> Condition {
        // No requirement has a condition, so the solver has none to ask about.
        Condition::Requirement(VersionSetId(condition.as_u32()))
    }
}

impl DependencyProvider for Provider<'_, '_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let inside = |candidate: &SolvableId| exactly(PackageIndex(candidate.into_raw())) == set;
        candidates.iter().copied().filter(|candidate| inside(candidate) != inverse).collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        Some(Candidates { candidates: vec![SolvableId::from_raw(name.into_raw())], ..Candidates::default() })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, _: &mut [SolvableId]) {}

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let at = PackageIndex(solvable.into_raw());
        let package = self.view.index.package(at);
        let mut known = KnownDependencies::default();
        for group in package.depends() {
            let options = self.view.options(&group);
            match options.as_slice() {
                options if options.contains(&at) => {}
                [] => return Dependencies::Unknown(StringId(0)),
                [one] => known.requirements.push(Requirement::Single(exactly(*one)).into()),
                several => {
                    let mut unions = self.unions.borrow_mut();
                    known
                        .requirements
                        .push(Requirement::Union(VersionSetUnionId(unions.len() as u32)).into());
                    unions.push(several.iter().map(|option| exactly(*option)).collect());
                }
            }
        }
        let excluded = package.conflicts().flat_map(|alternative| self.view.targets(&alternative));
        known.constrains = excluded.filter(|excluded| *excluded != at).map(nothing).collect();
        Dependencies::Known(known)
    }
}
