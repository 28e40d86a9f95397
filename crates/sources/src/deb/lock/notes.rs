//! What the user should know of a new lock.

use std::collections::{BTreeMap, BTreeSet};

use longshore_stack::lock::{Lock, LockedClosure};

use super::{Refresh, has};
use crate::deb::index::Index;
use crate::deb::resolve::{Choice, Solution};

/// Notes, each once: most are the same for several images and platforms.
pub(super) struct Notes<'a> {
    previous: &'a Lock,
    prefer: &'a BTreeMap<String, String>,
    refresh: &'a Refresh,
    found: BTreeSet<String>,
}

impl<'a> Notes<'a> {
    /// None yet. What is new is judged against `previous`.
    pub(super) fn new(
        previous: &'a Lock,
        prefer: &'a BTreeMap<String, String>,
        refresh: &'a Refresh,
    ) -> Self {
        Self { previous, prefer, refresh, found: BTreeSet::new() }
    }

    /// Notes what a closure's new solution chose, and what had to move.
    pub(super) fn add(
        &mut self,
        solution: &Solution,
        kept: Option<&LockedClosure>,
        architecture: &str,
        index: &Index,
    ) {
        let before: BTreeSet<&str> =
            kept.into_iter().flat_map(|c| &c.packages).map(|id| id.name.as_str()).collect();
        for choice in &solution.choices {
            if !self.prefer.contains_key(&choice.wanted) && !before.contains(choice.chosen.as_str()) {
                self.found.insert(chosen(choice));
            }
        }
        // Who asked for new versions need not be told that there are any.
        if *self.refresh == Refresh::All {
            return;
        }
        for (id, package) in &self.previous.packages {
            if (id.architecture == architecture || id.architecture == "all") && !has(index, id, package) {
                let now = solution.packages.iter().find(|p| p.id.name == id.name);
                self.found.extend(now.map(|now| moved(&id.name, &id.version, &now.id.version)));
            }
        }
    }

    /// All of them, sorted.
    pub(super) fn finish(self) -> Vec<String> {
        self.found.into_iter().collect()
    }
}

fn chosen(choice: &Choice) -> String {
    let others: Vec<_> = choice.others.iter().map(|name| format!("`{name}`")).collect();
    format!("`{}` → `{}`, also: {}", choice.wanted, choice.chosen, others.join(", "))
}

fn moved(name: &str, from: &str, to: &str) -> String {
    if from == to {
        return format!("`{name}` {from}: the archive replaced its file");
    }
    format!("`{name}` {from} → {to} (the archive no longer has {from})")
}
