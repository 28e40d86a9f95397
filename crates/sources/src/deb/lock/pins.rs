//! Holding versions: those of the last lock are taken as long as that is possible.

use std::collections::BTreeMap;

use longshore_stack::lock::{Lock, LockedClosure};
use longshore_stack::model::Requirement;

use super::Refresh;
use crate::deb::index::Index;
use crate::deb::resolve::{self, Request, Solution, Unsatisfiable};

/// The versions to hold for a closure on `architecture`: its own first, then those of other closures.
pub(super) fn held(
    previous: &Lock,
    own: Option<&LockedClosure>,
    architecture: &str,
    refresh: &Refresh,
) -> BTreeMap<String, String> {
    let moves = |name: &str| match refresh {
        Refresh::Missing => false,
        Refresh::All => true,
        Refresh::Packages(names) => names.contains(name),
    };
    let own = own.into_iter().flat_map(|closure| &closure.packages);
    let all = own.chain(previous.packages.keys());
    let mut held = BTreeMap::new();
    for id in
        all.filter(|id| (id.architecture == architecture || id.architecture == "all") && !moves(&id.name))
    {
        held.entry(id.name.clone()).or_insert_with(|| id.version.clone());
    }
    held
}

/// Resolves with versions held; where they are in the way, those that are let go, no more than needed.
pub(super) fn resolve(
    index: &Index,
    roots: &[Requirement],
    prefer: &BTreeMap<String, String>,
    mut pins: BTreeMap<String, String>,
) -> Result<Solution, Unsatisfiable> {
    loop {
        match resolve::resolve(index, &Request { roots, prefer, pins: &pins }) {
            Err(error) if !pins.is_empty() => release(&mut pins, &error),
            other => return other,
        }
    }
}

/// Lets go of at least one version: what was needed in another one, else who needed it, else everything.
fn release(pins: &mut BTreeMap<String, String>, error: &Unsatisfiable) {
    let before = pins.len();
    match error {
        Unsatisfiable::Missing { chain, wanted, .. } => {
            for alternative in wanted.split('|') {
                let name = alternative.trim().split([' ', ':', '(']).next().unwrap_or_default();
                pins.remove(name);
            }
            for name in chain.iter().rev() {
                if pins.len() < before {
                    return;
                }
                pins.remove(bare(name));
            }
        }
        Unsatisfiable::Conflict { first, second, .. } => {
            for name in first.last().into_iter().chain(second.last()) {
                pins.remove(bare(name));
            }
        }
        _ => {}
    }
    if pins.len() == before {
        pins.clear();
    }
}

/// The name at the beginning of what a message calls a package.
fn bare(text: &str) -> &str {
    text.split([' ', ':', '=']).next().unwrap_or_default()
}
