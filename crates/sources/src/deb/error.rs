//! Why packages could not be locked or fetched.

use longshore_oci::{Content, PackageId, StoreError};
use longshore_stack::model::Consumer;

use super::index::IndexError;
use super::mirror::MirrorError;
use super::openpgp::OpenPgpError;
use super::release::ReleaseError;
use super::resolve::Unsatisfiable;
use longshore_net::{Attempt, NetError, Url};

/// Why packages could not be locked or fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no address.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// A keyring can't be read.
    #[error("source `{source_name}`: can't read keyring `{path}`")]
    KeyringFile {
        /// The source in the stack file.
        source_name: String,
        /// As in the stack file.
        path: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A keyring is none.
    #[error("source `{source_name}`")]
    Keyring {
        /// The source in the stack file.
        source_name: String,
        /// Why.
        #[source]
        error: OpenPgpError,
    },
    /// No mirror has a release file of the suite that can be trusted.
    #[error("no release file to trust for suite `{suite}` of source `{source_name}`: {}", list(.problems))]
    Suite {
        /// The source in the stack file.
        source_name: String,
        /// The suite.
        suite: String,
        /// Each mirror, and what is wrong with it.
        problems: Vec<MirrorProblem>,
    },
    /// The network may not be used, and the suite was never fetched.
    #[error(
        "the release file of suite `{suite}` of source `{source_name}` is not in the store, and the network may not be used"
    )]
    OfflineSuite {
        /// The source in the stack file.
        source_name: String,
        /// The suite.
        suite: String,
    },
    /// The suite has no such component or architecture.
    #[error(
        "suite `{suite}` of source `{source_name}` has no component `{component}` for architecture `{architecture}`"
    )]
    NoPackages {
        /// The source in the stack file.
        source_name: String,
        /// The suite.
        suite: String,
        /// As in the stack file.
        component: String,
        /// Debian's name.
        architecture: String,
    },
    /// A package list could not be fetched.
    #[error("can't fetch `{file}` of suite `{suite}` of source `{source_name}`")]
    List {
        /// The source in the stack file.
        source_name: String,
        /// The suite.
        suite: String,
        /// Below the suite's folder.
        file: String,
        /// Why.
        #[source]
        error: Box<NetError>,
    },
    /// A package list can't be decompressed.
    #[error("can't decompress `{file}` of suite `{suite}` of source `{source_name}`")]
    Decompress {
        /// The source in the stack file.
        source_name: String,
        /// The suite.
        suite: String,
        /// Below the suite's folder.
        file: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A package list can't be read.
    #[error(transparent)]
    Index(Box<IndexError>),
    /// There is no set of packages that fits.
    #[error("{consumer} on {platform}")]
    Resolve {
        /// Who asks for the packages.
        consumer: Consumer,
        /// `linux/amd64`.
        platform: String,
        /// Why.
        #[source]
        error: Box<Unsatisfiable>,
    },
    /// A name given to `longshore update` that no closure has.
    #[error("package `{name}` is in no image or toolchain of the stack")]
    NotLocked {
        /// The name.
        name: String,
    },
    /// A package that the lock does not have.
    #[error("package `{id}` is not in the lock")]
    NotInLock {
        /// Which.
        id: Box<PackageId>,
    },
    /// A mirror has other bytes under a pinned package's name.
    #[error("checksum mismatch for deb `{}` {} ({})", id.name, id.version, id.architecture)]
    Mismatch {
        /// The package.
        id: Box<PackageId>,
        /// As locked.
        expected: Content,
        /// What the first such mirror sent.
        #[source]
        attempt: Box<Attempt>,
    },
    /// A pinned package that its archive dropped, and no snapshot that can be reached has.
    #[error("deb `{}` {} ({}) is gone from its archive{}", id.name, id.version, id.architecture, replacement.as_ref().map_or(String::new(), |version| format!("; it was replaced by {version}")))]
    Gone {
        /// The package.
        id: Box<PackageId>,
        /// The version that the archive has now, where it could be found out.
        replacement: Option<String>,
        /// Where it was looked for.
        addresses: Vec<Url>,
    },
    /// A package could not be fetched.
    #[error("can't fetch deb `{}` {} ({})", id.name, id.version, id.architecture)]
    Fetch {
        /// The package.
        id: Box<PackageId>,
        /// Why.
        #[source]
        error: Box<NetError>,
    },
    /// The network may not be used, and a package is not in the store.
    #[error("deb `{}` {} ({}) is not in the store, and the network may not be used", id.name, id.version, id.architecture)]
    OfflinePackage {
        /// The package.
        id: Box<PackageId>,
    },
    /// The store can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A mirror, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {problem}")]
pub struct MirrorProblem {
    /// The archive's address.
    pub url: Url,
    /// What is wrong.
    pub problem: SuiteProblem,
}

/// What is wrong with a mirror's release file.
#[derive(Debug, thiserror::Error)]
pub enum SuiteProblem {
    /// It can't be fetched.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its signature does not count.
    #[error(transparent)]
    OpenPgp(#[from] OpenPgpError),
    /// It is not the one wanted.
    #[error(transparent)]
    Release(#[from] ReleaseError),
}

impl From<IndexError> for Error {
    fn from(error: IndexError) -> Self {
        Self::Index(Box::new(error))
    }
}

impl Error {
    /// The name of the package that it is about.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::NotInLock { id }
            | Self::Mismatch { id, .. }
            | Self::Gone { id, .. }
            | Self::Fetch { id, .. }
            | Self::OfflinePackage { id } => Some(&id.name),
            _ => None,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Mirror(error) => error.hint(),
            Self::KeyringFile { .. } => {
                Some("a path in `keyring` starts at the stack file's folder; the shipped one is called `debian-archive`".to_owned())
            }
            Self::Keyring { error, .. } => error.hint(),
            // What was there and bad says more than what was not reached.
            Self::Suite { problems, .. } => problems
                .iter()
                .find_map(|p| match &p.problem {
                    SuiteProblem::OpenPgp(error) => error.hint(),
                    SuiteProblem::Release(error) => error.hint(),
                    SuiteProblem::Net(_) => None,
                })
                .or_else(|| {
                    problems.iter().find_map(|p| match &p.problem {
                        SuiteProblem::Net(error) => error.hint(),
                        _ => None,
                    })
                }),
            Self::OfflineSuite { .. } => Some("run `longshore lock` once without `--offline`".to_owned()),
            Self::NoPackages { source_name, .. } => {
                Some(format!("change `suites` or `components` of `[sources.{source_name}]`, or the stack's `platforms`"))
            }
            Self::List { error, .. } | Self::Fetch { error, .. } => error.hint(),
            Self::Decompress { .. } => None,
            Self::Index(error) => error.hint(),
            Self::Resolve { error, .. } => error.hint(),
            Self::NotLocked { .. } => Some("see what there is with `longshore show`".to_owned()),
            Self::NotInLock { .. } => Some("run `longshore lock`".to_owned()),
            Self::Mismatch { id, .. } => Some(format!(
                "the mirror replaced a published file or sends another; to take what the archive has now, run `longshore update {}`",
                id.name
            )),
            Self::Gone { id, .. } => Some(format!("longshore update {}", id.name)).map(|command| format!("run `{command}`")),
            Self::OfflinePackage { .. } => Some("run `longshore build` once without `--offline`".to_owned()),
            Self::Store(error) => error.hint(),
        }
    }
}

fn list(problems: &[MirrorProblem]) -> String {
    problems.iter().map(MirrorProblem::to_string).collect::<Vec<_>>().join("; ")
}
