//! An archive's members on their way into a tree: leading folders dropped, nothing twice, nothing out of it.

use std::sync::Arc;

use longshore_oci::{Entry, Facts, FileFacts, Node, Store, StoreError, Tree, TreePath};

use crate::deb::archive::Problem;
use crate::deb::archive::entries::stays_inside;
use crate::intake;

/// The tree as it grows.
pub(super) struct Sink<'a> {
    store: &'a Store,
    strip: usize,
    pub(super) tree: Tree,
    pub(super) facts: Facts,
}

/// What is known of a file's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its bits.
    Bits(u16),
    /// Nothing: a program or script is executable, anything else is not.
    Unknown,
}

impl<'a> Sink<'a> {
    pub(super) fn new(store: &'a Store, strip: u32) -> Self {
        Self { store, strip: strip as usize, tree: Tree::new(), facts: Facts::new() }
    }

    pub(super) fn directory(&mut self, path: &TreePath) -> Result<(), Problem> {
        self.insert(path, Entry::directory(0o755))
    }

    /// Takes a file of `size` bytes, which `read` gives piece by piece until it says 0.
    pub(super) fn file<E: From<StoreError> + From<Problem>>(
        &mut self,
        path: &TreePath,
        mode: Mode,
        size: u64,
        read: impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let Some(to) = self.stripped(path) else { return Ok(()) };
        let (content, facts) = intake::sized(size, read, self.store)?;
        let executable = match mode {
            Mode::Bits(bits) => bits & 0o111 != 0,
            Mode::Unknown => facts.is_some(),
        };
        // Only what the kernel would run has needs: a script without the bit is a document.
        let runs = !matches!(facts, Some(FileFacts::Script { .. })) || executable;
        self.facts.extend(facts.filter(|_| runs).map(|facts| (to, facts)));
        Ok(self.insert(path, Entry::file(if executable { 0o755 } else { 0o644 }, content))?)
    }

    pub(super) fn symlink(&mut self, path: &TreePath, target: Vec<u8>) -> Result<(), Problem> {
        if let Some(to) = self.stripped(path) {
            stays_inside(&to, &target)?;
        }
        self.insert(path, Entry::symlink(target))
    }

    /// Another name of a file before it, with its permissions.
    pub(super) fn hardlink(&mut self, path: &TreePath, target: &TreePath) -> Result<(), Problem> {
        let first = self.stripped(target).and_then(|to| Some((self.tree.get(&to)?.clone(), to)));
        match first {
            Some((first, to)) => {
                self.insert(path, Entry { node: Node::Hardlink(to), ..Arc::unwrap_or_clone(first) })
            }
            // It was dropped, being too near the root.
            None => Err(Problem::Hardlink { path: path.to_string(), target: target.to_string() }),
        }
    }

    fn insert(&mut self, path: &TreePath, entry: Entry) -> Result<(), Problem> {
        let Some(to) = self.stripped(path) else { return Ok(()) };
        let folder = entry.node == Node::Directory;
        match self.tree.insert(to, entry) {
            Some(first) if !folder || first.node != Node::Directory => {
                Err(Problem::DuplicatePath { path: path.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Where a member goes; nowhere for what is too near the root.
    fn stripped(&self, path: &TreePath) -> Option<TreePath> {
        let mut rest = path.as_bytes();
        for _ in 0..self.strip {
            let slash = rest.iter().position(|&b| b == b'/')?;
            rest = &rest[slash + 1..];
        }
        TreePath::new(rest).ok().filter(|path| !path.is_root())
    }
}
