//! Why a file or folder can't be taken.

use std::io;

use longshore_oci::{StoreError, TreeError};

/// Why a file or folder beside the stack file can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The disk said no; the message has the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is nothing.
    #[error("`{path}` does not exist")]
    NotFound {
        /// As in the stack file.
        path: String,
    },
    /// A file was expected.
    #[error("`{path}` is not a file")]
    NotFile {
        /// As in the stack file.
        path: String,
    },
    /// A folder was expected.
    #[error("`{path}` is not a folder")]
    NotDirectory {
        /// As in the stack file.
        path: String,
    },
    /// It lies, or links lead, outside the stack's folder.
    #[error("`{path}` leads out of the stack's folder")]
    Outside {
        /// As in the stack file.
        path: String,
    },
    /// A symbolic link in a folder leads out of it.
    #[error("symbolic link `{path}`: its target `{target}` leads out of the folder")]
    Escapes {
        /// The link.
        path: String,
        /// Its target.
        target: String,
    },
    /// A device, pipe or socket.
    #[error("`{path}` is {kind}; a folder in an image holds files, folders and links only")]
    Special {
        /// Where.
        path: String,
        /// What.
        kind: &'static str,
    },
    /// A name that no image can hold.
    #[error("in `{folder}`: {error}")]
    Name {
        /// The folder.
        folder: String,
        /// Which name and why.
        error: TreeError,
    },
    /// It changed while it was read.
    #[error("{path} changed while it was being read")]
    Changed {
        /// Which.
        path: String,
    },
    /// git is needed to know which files are tracked.
    #[error("`{folder}` is in a git work tree, and `git` was not found")]
    NoGit {
        /// The folder.
        folder: String,
    },
    /// git failed.
    #[error("`git ls-files` failed in `{folder}`: {message}")]
    Git {
        /// The folder.
        folder: String,
        /// What it said, shortened.
        message: String,
    },
    /// A submodule that is not checked out.
    #[error("the git submodule `{path}` is not checked out")]
    Submodule {
        /// Where.
        path: String,
    },
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PathError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Changed { .. } => Some("run it again when nothing writes there".to_owned()),
            Self::NoGit { .. } => Some("install git: `apt-get install git`".to_owned()),
            Self::Submodule { path } => Some(format!("run `git submodule update --init {path}`")),
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}
