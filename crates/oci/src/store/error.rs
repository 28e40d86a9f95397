//! Why the store can't do what was asked.

use std::io;

use crate::{Content, Verify};

/// Why the store can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Bytes are not there, or not whole.
    #[error("{} ({} bytes) is not in the store", .0.digest, .0.size)]
    Missing(Content),
    /// Bytes that were to be stored are not the ones expected.
    #[error(transparent)]
    Verify(#[from] Verify),
}

impl StoreError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => Self::hint_of(error),
            Self::Missing(_) => Some("run `longshore build` without `--offline` to fetch it".to_owned()),
            Self::Verify(_) => None,
        }
    }

    /// What can be done about a disk that says no.
    pub(crate) fn hint_of(error: &io::Error) -> Option<String> {
        match error.kind() {
            io::ErrorKind::StorageFull => Some(
                "the disk is full; free some space or set LONGSHORE_STORE to a folder on another disk"
                    .to_owned(),
            ),
            io::ErrorKind::PermissionDenied => {
                Some("set LONGSHORE_STORE to a folder that you may write".to_owned())
            }
            _ => None,
        }
    }
}
