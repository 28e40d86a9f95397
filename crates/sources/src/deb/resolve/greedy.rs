//! apt's own way: install a package, then what it needs, first option first; on failure take back and try the next.
//!
//! The rule is that of apt's classic resolver (`pkgDepCache::MarkInstall`) for an empty root.

use std::collections::BTreeSet;

use super::view::View;
use crate::deb::index::PackageIndex;

/// Deeper chains of dependencies are left to the fallback; real ones have some dozens of links.
const DEPTH: usize = 1000;
/// So are searches with more steps; real ones have some thousands.
const STEPS: usize = 1_000_000;

/// Two packages that exclude each other, each with the chain of packages that brought it, root first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collision {
    pub(super) first: Vec<PackageIndex>,
    pub(super) second: Vec<PackageIndex>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    /// Installed, for another package or as a root.
    Installed(Option<PackageIndex>),
    /// Not to be installed, because of that package: it excludes it, or is it.
    Forbidden(PackageIndex),
}

struct Greedy<'v, 'a> {
    view: &'v View<'a>,
    state: Vec<State>,
    trail: Vec<PackageIndex>,
    steps: usize,
    collision: Option<Collision>,
}

/// The closure of the roots; or the last collision that was met, none where something is simply not there.
pub(super) fn solve(
    view: &View<'_>,
    roots: &[PackageIndex],
) -> Result<BTreeSet<PackageIndex>, Option<Collision>> {
    let state = vec![State::Free; view.index.package_count() as usize];
    let mut greedy = Greedy { view, state, trail: Vec::new(), steps: 0, collision: None };
    for root in roots {
        if !greedy.mark(*root, None, 0) {
            return Err(greedy.collision);
        }
    }
    Ok(greedy.trail.iter().copied().filter(|at| greedy.is_installed(*at)).collect())
}

impl Greedy<'_, '_> {
    fn state(&self, at: PackageIndex) -> State {
        self.state.get(at.0 as usize).copied().unwrap_or(State::Forbidden(at))
    }

    fn is_installed(&self, at: PackageIndex) -> bool {
        matches!(self.state(at), State::Installed(_))
    }

    fn set(&mut self, at: PackageIndex, state: State) {
        if let Some(place) = self.state.get_mut(at.0 as usize) {
            *place = state;
            self.trail.push(at);
        }
    }

    fn undo(&mut self, length: usize) {
        for at in self.trail.drain(length..) {
            self.state[at.0 as usize] = State::Free;
        }
    }

    /// Installs a package with what it needs, or leaves everything as it was and forbids it.
    fn mark(&mut self, at: PackageIndex, parent: Option<PackageIndex>, depth: usize) -> bool {
        match self.state(at) {
            State::Installed(_) => return true,
            State::Forbidden(by) => {
                // What failed before by itself has its own collision.
                if by != at {
                    self.collide(at, parent, by);
                }
                return false;
            }
            State::Free => {}
        }
        self.steps += 1;
        if depth > DEPTH || self.steps > STEPS {
            return false;
        }
        let package = self.view.index.package(at);
        let start = self.trail.len();
        // What is satisfied before this package is installed is not looked at again: apt's order, which can matter.
        let mut needed: Vec<Vec<PackageIndex>> =
            package.depends().map(|group| self.view.options(&group)).collect();
        needed.retain(|options| !options.iter().any(|option| self.is_installed(*option)));
        for excluded in package.conflicts().flat_map(|alternative| self.view.targets(&alternative)) {
            match self.state(excluded) {
                _ if excluded == at => {}
                State::Installed(_) => {
                    self.collide(at, parent, excluded);
                    self.undo(start);
                    return false;
                }
                State::Free => self.set(excluded, State::Forbidden(at)),
                State::Forbidden(_) => {}
            }
        }
        self.set(at, State::Installed(parent));
        for options in needed {
            if options.iter().any(|option| self.is_installed(*option)) {
                continue;
            }
            if !options.iter().any(|option| self.mark(*option, Some(at), depth + 1)) {
                self.undo(start);
                self.set(at, State::Forbidden(at));
                return false;
            }
        }
        true
    }

    fn collide(&mut self, at: PackageIndex, parent: Option<PackageIndex>, with: PackageIndex) {
        let mut first = parent.map(|parent| self.chain(parent)).unwrap_or_default();
        first.push(at);
        self.collision = Some(Collision { first, second: self.chain(with) });
    }

    /// The packages that brought an installed one, root first, itself last.
    fn chain(&self, mut at: PackageIndex) -> Vec<PackageIndex> {
        let mut chain = vec![at];
        while let State::Installed(Some(parent)) = self.state(at)
            && chain.len() <= DEPTH
        {
            chain.push(parent);
            at = parent;
        }
        chain.reverse();
        chain
    }
}
