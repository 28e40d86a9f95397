//! The store as one archive, for a machine that starts with nothing: a tar of blobs, then of the records that name them.
//!
//! ```text
//! blobs/sha256/abcd…      of every blob, its bytes
//! records/<kind>/abcd…    of every record, its file
//! ```
//!
//! Times are when something was used last, in whole seconds. Folders for sandboxes and the caches of compilers stay where
//! they are: they are made again, and some hold what is this machine's alone.

mod export;
mod import;

use std::io;

use crate::{Digest, StoreError};

pub use self::export::{Exported, export};
pub use self::import::{Imported, import};

/// Where blobs are in an archive.
const BLOBS: &str = "blobs/sha256/";
/// Where records are.
const RECORDS: &str = "records/";

/// Why an archive can't be written or taken in.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The store can't do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive can't be written.
    #[error("the archive can't be written")]
    Write(#[source] io::Error),
    /// It can't be read.
    #[error("the archive can't be read: it is no whole tar archive")]
    Read(#[source] io::Error),
    /// It has something that no export has.
    #[error("the archive is no export of a store: entry `{entry}` {problem}")]
    Entry {
        /// The name there.
        entry: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A blob of this store is damaged.
    #[error("blob {0} is not what it is called")]
    Damaged(Digest),
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is a link, a folder or the like.
    #[error("is no file")]
    Type,
    /// Its name is neither a blob's nor a record's.
    #[error("is called like neither a blob nor a record")]
    Name,
    /// It is longer than any that we write.
    #[error("is too long")]
    Size,
    /// Its bytes are not what its name says.
    #[error("does not hold what it is called after")]
    Digest,
    /// The check of a record fails.
    #[error("is no whole record")]
    Record,
    /// A blob comes after a record.
    #[error("is a blob that comes after records")]
    Order,
}

impl ArchiveError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Write(error) => StoreError::hint_of(error),
            Self::Read(_) | Self::Entry { .. } => {
                Some("nothing of it was taken; write it again with `longshore cache export`".to_owned())
            }
            Self::Damaged(_) => {
                Some("run `longshore cache verify`, which removes what is damaged".to_owned())
            }
        }
    }
}
