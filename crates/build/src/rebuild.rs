//! Proves that a recipe makes the same bytes under other conditions, or names the first file that differs.

mod contents;
mod section;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use longshore_oci::{Entry, Node, Store, Tree, TreePath};

use crate::exec::{Caches, Conditions};
use crate::explain::{both, shown};
use crate::{Error, Executor, Limits, Output, Recipe};

/// What a rebuild changes, in words.
const CHANGED: &str = "in another folder, as another user and group, on one CPU, with nothing kept";

/// Where two outputs of one recipe differ first, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub path: TreePath,
    /// How it differs, in one or several lines.
    pub what: String,
    /// How many more paths differ.
    pub more: usize,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {}", self.path, self.what)?;
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n  {more} more paths differ"),
        }
    }
}

/// Makes `recipe` once more, in another folder, as another user, on one CPU, later and from nothing that an earlier build
/// left, and compares it with what it made before (or makes now). None when they are the same.
pub fn rebuild(
    executor: &Executor<'_>,
    recipe: &Recipe,
    limits: &Limits,
) -> Result<Option<Difference>, Error> {
    let before = executor.run_within(recipe, limits)?;
    let what = format!("{} {CHANGED}", recipe.name);
    let again = executor.progress().during("Rebuilding", &what, None, |_| again(executor, recipe, limits))?;
    compare(&before, &again, executor.store())
}

fn again(executor: &Executor<'_>, recipe: &Recipe, limits: &Limits) -> Result<Output, Error> {
    let conditions = Conditions {
        ids: (4242, 4343),
        cpus: NonZeroUsize::new(1),
        folder: executor.store().scratch().join("rebuild/in/another/folder"),
        caches: Caches::Cold,
    };
    executor.make(recipe, limits, &conditions, "logs-rebuild")
}

/// The first path where two outputs differ.
pub fn compare(old: &Output, new: &Output, store: &Store) -> Result<Option<Difference>, Error> {
    let by_path = |tree: &Tree| -> BTreeMap<TreePath, Arc<Entry>> {
        tree.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect()
    };
    let (old, new) = (by_path(&old.tree), by_path(&new.tree));
    let differ = both(&old, &new);
    let Some((path, first, second)) = differ.first() else { return Ok(None) };
    let what = match (first, second) {
        (Some(first), Some(second)) => entries(first, second, store)?,
        (None, _) => String::from("is there only the second time"),
        (_, None) => String::from("is there only the first time"),
    };
    Ok(Some(Difference { path: path.clone(), what, more: differ.len() - 1 }))
}

fn entries(first: &Entry, second: &Entry, store: &Store) -> Result<String, Error> {
    match (&first.node, &second.node) {
        (Node::File(a), Node::File(b)) if a != b => contents::differ(a, b, store),
        _ => Ok(format!("differs: {} and {}", shown(first), shown(second))),
    }
}
