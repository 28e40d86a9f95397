//! When services run: those of a group bring along what they need, whatever group that is in.
//!
//! Compose refuses a file in which a service that runs depends on one that does not.

use std::collections::{BTreeMap, BTreeSet};

use longshore_stack::model::Stack;

/// When a service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When<'a> {
    Always,
    /// When one of these groups is asked for.
    Asked(BTreeSet<&'a str>),
}

impl<'a> When<'a> {
    fn of(groups: &'a [String]) -> Self {
        match groups {
            [] => Self::Always,
            groups => Self::Asked(groups.iter().map(String::as_str).collect()),
        }
    }

    /// Also whenever `other` runs.
    fn with(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Asked(own), Self::Asked(other)) => Self::Asked(own.union(other).copied().collect()),
            _ => Self::Always,
        }
    }

    /// The groups' names; none when it always runs.
    pub(super) fn names(&self) -> Vec<&'a str> {
        match self {
            Self::Always => Vec::new(),
            Self::Asked(groups) => groups.iter().copied().collect(),
        }
    }
}

/// When each service runs.
pub(super) fn when(stack: &Stack) -> BTreeMap<&str, When<'_>> {
    let mut when: BTreeMap<&str, When<'_>> =
        stack.services.iter().map(|(name, spec)| (name.as_str(), When::of(&spec.groups))).collect();
    let mut waiting: Vec<&str> = when.keys().copied().collect();
    while let Some(name) = waiting.pop() {
        let (Some(spec), Some(own)) = (stack.services.get(name), when.get(name).cloned()) else { continue };
        for need in spec.needs.keys() {
            let Some(theirs) = when.get_mut(need.as_str()) else { continue };
            let more = theirs.with(&own);
            if more != *theirs {
                *theirs = more;
                waiting.push(need);
            }
        }
    }
    when
}
