//! Why a pinned archive or file can't be had.

use longshore_oci::{Digest, Platform, StoreError, TreeError};

use super::zip::ZipProblem;
use crate::deb::archive::Problem;
use longshore_net::{NetError, UrlError};

/// Why a pinned archive or file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack file gives no address for a platform.
    #[error("url `{name}` has no address for platform `{platform}`")]
    NoAddress {
        /// Its name in the stack file.
        name: String,
        /// The platform.
        platform: Platform,
    },
    /// The lock has no pin for it, or one of another address.
    #[error("url `{name}` is not in the lock")]
    NotLocked {
        /// Its name in the stack file.
        name: String,
    },
    /// Its address is none.
    #[error("url `{name}`")]
    Address {
        /// Its name in the stack file.
        name: String,
        /// Why.
        #[source]
        error: UrlError,
    },
    /// It can't be fetched, or is something else now.
    #[error("url `{name}`")]
    Net {
        /// Its name in the stack file.
        name: String,
        /// Why.
        #[source]
        error: Box<NetError>,
    },
    /// What is there is not what the stack file says.
    #[error("url `{name}`: the stack file expects {expected}, the server has {found}")]
    Different {
        /// Its name in the stack file.
        name: String,
        /// What the stack file says.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// A tar that is not taken.
    #[error("url `{name}`: {problem}")]
    Tar {
        /// Its name in the stack file.
        name: String,
        /// What is wrong.
        problem: Problem,
    },
    /// A zip that is not taken.
    #[error("url `{name}`: {problem}")]
    Zip {
        /// Its name in the stack file.
        name: String,
        /// What is wrong.
        problem: ZipProblem,
    },
    /// Paths of it contradict each other.
    #[error("url `{name}`: {error}")]
    Tree {
        /// Its name in the stack file.
        name: String,
        /// Which.
        error: TreeError,
    },
    /// No archive that is known.
    #[error("url `{name}` is neither a tar (also with gzip, xz, zstd or bzip2) nor a zip")]
    NoArchive {
        /// Its name in the stack file.
        name: String,
    },
    /// Nothing is left of it.
    #[error("url `{name}`: nothing is left of the archive without its first {strip} folders")]
    Stripped {
        /// Its name in the stack file.
        name: String,
        /// How many path components were dropped.
        strip: u32,
    },
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAddress { platform, .. } => {
                Some(format!("add `\"{platform}\" = \"https://…\"` to its `urls`, then run `longshore lock`"))
            }
            Self::NotLocked { .. } => Some("run `longshore lock`".to_owned()),
            Self::Net { name, error } if error.different().is_some() => {
                Some(format!("find out why it changed; if it is meant to, run `longshore update {name}`"))
            }
            Self::Net { error, .. } => error.hint(),
            Self::Different { name, .. } => Some(format!(
                "find out why it changed; if it is meant to, correct `sha256` of [url.{name}]; then run `longshore lock`"
            )),
            Self::NoArchive { name } => {
                Some(format!("add `form = \"file\"` to [url.{name}]; then run `longshore check`"))
            }
            Self::Stripped { name, .. } => {
                Some(format!("make `strip` of [url.{name}] smaller; then run `longshore check`"))
            }
            Self::Store(error) => error.hint(),
            Self::Address { .. } | Self::Tar { .. } | Self::Zip { .. } | Self::Tree { .. } => None,
        }
    }
}
