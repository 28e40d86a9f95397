//! Who put each entry of a tree there.

use std::collections::BTreeMap;

use longshore_oci::{Origin, TreePath};

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

    /// The paths of every origin, sorted.
    pub(super) fn components(&self) -> BTreeMap<&Origin, Vec<&TreePath>> {
        let mut of: Vec<Vec<&TreePath>> = self.known.iter().map(|_| Vec::new()).collect();
        for (path, &number) in &self.paths {
            of[number].push(path);
        }
        self.known.iter().zip(of).filter(|(_, paths)| !paths.is_empty()).collect()
    }
}
