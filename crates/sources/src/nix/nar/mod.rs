//! Nix archives (Nix manual, "Nix Archive (NAR) format"; Dolstra 2006, figure 5.2): one file, link or folder, nothing of who owns it
//! or when it was made.
//!
//! [`unpack`] reads one as foreign bytes and puts what it holds into the store, [`write`] makes the same bytes again.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;

use longshore_oci::{Content, Entry, Facts, FileFacts, Node, StoreError, StorePath, Tree, TreePath};
use serde::{Deserialize, Serialize};

pub use read::unpack;
pub(super) use write::Writer;
pub use write::write;

/// The first string of every archive.
const MAGIC: &[u8] = b"nix-archive-1";
/// Longest name of an entry in bytes (Linux `NAME_MAX`).
const MAX_NAME: u64 = 255;
/// Longest target of a symbolic link in bytes (Linux `PATH_MAX` less the NUL).
const MAX_TARGET: u64 = 4095;
/// Entries of one archive: several times what the largest store paths hold.
pub(super) const MAX_ENTRIES: usize = 2_000_000;

/// A store path that has been read: its files are in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// What it holds, below `nix/store/HASH-NAME`: folders `0555`, files `0444` or, programs, `0555`.
    pub tree: Tree,
    /// What the programs in it need.
    pub facts: Facts,
    /// Its archive.
    pub nar: Content,
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Reading or decoding failed.
    #[error("{0}")]
    Io(io::Error),
    /// It is another format.
    #[error("it is no Nix archive: it does not begin with `nix-archive-1`")]
    NotNar,
    /// It ends in the middle of something.
    #[error("it is cut short")]
    Truncated,
    /// It goes on where it should end.
    #[error("data follows its end")]
    Trailing,
    /// It is larger than promised.
    #[error("it is larger than the promised {limit} bytes")]
    TooLarge {
        /// The promise.
        limit: u64,
    },
    /// A string that does not belong there.
    #[error("expected `{expected}` at byte {offset}")]
    Unexpected {
        /// What belongs there.
        expected: &'static str,
        /// Where.
        offset: u64,
    },
    /// Padding that is not zero.
    #[error("bytes that should be zero are not, before byte {offset}")]
    Padding {
        /// Where they end.
        offset: u64,
    },
    /// A name that can't be one.
    #[error("`{folder}` has an entry `{name}`, which is no name: {reason}")]
    Name {
        /// The folder.
        folder: TreePath,
        /// The name, lossily.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Names out of order.
    #[error("in `{folder}`, `{name}` comes after `{before}`: entries are not sorted, or one is there twice")]
    Order {
        /// The folder.
        folder: TreePath,
        /// The name, lossily.
        name: String,
        /// The one before it.
        before: String,
    },
    /// A target that no link has.
    #[error("symbolic link `{path}` has a target that is empty, too long or holds NUL")]
    Target {
        /// The link.
        path: TreePath,
    },
    /// More entries than allowed.
    #[error("more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    /// A tree that is no store path's.
    #[error("`{path}` can't be in a Nix archive: {reason}")]
    Foreign {
        /// What of it.
        path: TreePath,
        /// Why.
        reason: &'static str,
    },
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// A store path's entries as they come.
#[derive(Default)]
pub(super) struct Sink {
    tree: Tree,
    facts: Facts,
}

impl Sink {
    pub(super) fn directory(&mut self, path: &TreePath) -> Result<(), Problem> {
        self.insert(path, Entry::directory(0o555))
    }

    pub(super) fn symlink(&mut self, path: &TreePath, target: Vec<u8>) -> Result<(), Problem> {
        if target.is_empty() || target.len() as u64 > MAX_TARGET || target.contains(&0) {
            return Err(Problem::Target { path: path.clone() });
        }
        self.insert(path, Entry::symlink(target))
    }

    pub(super) fn file(
        &mut self,
        path: &TreePath,
        executable: bool,
        (content, facts): (Content, Option<FileFacts>),
    ) -> Result<(), Problem> {
        // Only what the kernel would run has needs: a script without the bit is a document.
        let runs = !matches!(facts, Some(FileFacts::Script { .. })) || executable;
        self.facts.extend(facts.filter(|_| runs).map(|facts| (path.clone(), facts)));
        self.insert(path, Entry::file(if executable { 0o555 } else { 0o444 }, content))
    }

    pub(super) fn finish(self, nar: Content) -> Unpacked {
        Unpacked { tree: self.tree, facts: self.facts, nar }
    }

    fn insert(&mut self, path: &TreePath, entry: Entry) -> Result<(), Problem> {
        if self.tree.len() >= MAX_ENTRIES {
            return Err(Problem::TooManyEntries);
        }
        self.tree.insert(path.clone(), entry);
        Ok(())
    }
}

/// `name` in `folder`, if it can be one.
pub(super) fn child(folder: &TreePath, name: &[u8]) -> Result<TreePath, Problem> {
    let bad = |reason: String| Problem::Name { folder: folder.clone(), name: lossy(name), reason };
    match name {
        b"" => return Err(bad("it is empty".to_owned())),
        b"." | b".." => return Err(bad("it stands for a folder above".to_owned())),
        _ if name.contains(&b'/') => return Err(bad("it holds a slash".to_owned())),
        _ => {}
    }
    folder.join(name).map_err(|error| bad(error.to_string()))
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The only content of a store path that is a single file.
pub(super) fn single(unpacked: &Unpacked, path: &StorePath) -> Option<Content> {
    match unpacked.tree.get(&path.tree_path())?.node {
        Node::File(content) => Some(content),
        _ => None,
    }
}
