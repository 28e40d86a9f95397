//! Who put each entry of a tree there.

use std::collections::BTreeMap;

use longshore_oci::{Origin, Tree, TreePath};

use super::Held;

/// The origin of every path. There are many paths and few origins, so a path has the number of its origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origins {
    /// In the order of their first paths.
    known: Vec<Origin>,
    numbers: BTreeMap<Origin, usize>,
    /// That of the last path: mostly that of the next, too.
    last: usize,
    paths: BTreeMap<TreePath, usize>,
}

impl Origins {
    pub(super) fn insert(&mut self, path: TreePath, origin: &Origin) {
        if self.known.get(self.last) != Some(origin) {
            self.last = self.numbers.get(origin).copied().unwrap_or_else(|| {
                self.known.push(origin.clone());
                self.numbers.insert(origin.clone(), self.known.len() - 1);
                self.known.len() - 1
            });
        }
        self.paths.insert(path, self.last);
    }

    pub(super) fn get(&self, path: &TreePath) -> Option<&Origin> {
        self.paths.get(path).and_then(|&number| self.known.get(number))
    }

    /// The same in less memory: what grew path by path has nodes half of which are empty.
    pub(super) fn compact(self) -> Self {
        Self { paths: self.paths.into_iter().collect(), ..self }
    }

    /// What each origin has in `tree`, sorted.
    pub(super) fn components<'a>(&'a self, tree: &'a Tree) -> BTreeMap<&'a Origin, Vec<Held<'a>>> {
        let mut of: Vec<Vec<Held<'_>>> = self.known.iter().map(|_| Vec::new()).collect();
        let mut paths = self.paths.iter().peekable();
        for held in tree.iter() {
            while paths.next_if(|(path, _)| *path < held.0).is_some() {}
            if let Some((_, &number)) = paths.next_if(|(path, _)| *path == held.0) {
                of[number].push(held);
            }
        }
        self.known.iter().zip(of).filter(|(_, all)| !all.is_empty()).collect()
    }
}
