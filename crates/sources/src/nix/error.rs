//! Why a path of the Nix store can't be had.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_net::NetError;
use longshore_oci::{Content, Digest, STORE_DIR, StoreError, StorePath};

use super::narinfo::{Malformed, Untrusted};
use super::{EvaluateError, local, nar};

/// Why a path of the Nix store can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of a cache is none.
    #[error("binary cache `{address}`: {reason}")]
    Address {
        /// The address, without credentials.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is nowhere to ask.
    #[error("store path `{path}`: there is no binary cache to ask")]
    NoCaches {
        /// The path.
        path: Box<StorePath>,
    },
    /// No binary cache has it as it must be.
    #[error("store path `{path}`: {}", told(misses))]
    Nowhere {
        /// The path.
        path: Box<StorePath>,
        /// What came of each cache, in the order in which they were asked; last of those that can't be.
        misses: Vec<Miss>,
    },
    /// It is not known what an installable is.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Neither Nix nor a cache brings it.
    #[error("{cache}; and {nix}")]
    Unbuilt {
        /// The path.
        path: Box<StorePath>,
        /// What Nix says.
        nix: Arc<EvaluateError>,
        /// What caches say.
        cache: Box<Error>,
    },
    /// An archive of it can't be unpacked.
    #[error("store path `{path}`: {problem}")]
    Archive {
        /// The path.
        path: Box<StorePath>,
        /// What is wrong.
        problem: nar::Problem,
    },
    /// An archive of it is another one than was locked.
    #[error(
        "store path `{path}`: the lock expects the archive {}, {} bytes; found {}, {} bytes",
        .expected.digest, .expected.size, .found.digest, .found.size
    )]
    Other {
        /// The path.
        path: Box<StorePath>,
        /// What the lock says.
        expected: Content,
        /// What was found.
        found: Content,
    },
    /// A store on disk has it, and it can't be taken.
    #[error("store path `{path}`: {problem}")]
    Local {
        /// The path.
        path: Box<StorePath>,
        /// Where it is on this machine.
        at: PathBuf,
        /// What is wrong.
        problem: Box<local::Problem>,
    },
    /// A store on disk has something else.
    #[error(
        "store path `{path}`: the lock expects the archive {}, {} bytes; `{}` gives {}, {} bytes",
        .expected.digest, .expected.size, at.display(), .found.digest, .found.size
    )]
    Changed {
        /// The path.
        path: Box<StorePath>,
        /// Where it is on this machine.
        at: PathBuf,
        /// What the lock says.
        expected: Content,
        /// What was found.
        found: Content,
    },
    /// The content store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A binary cache, and why it does not give a path.
#[derive(Debug, Clone, thiserror::Error)]
#[error("binary cache `{cache}` {reason}")]
pub struct Miss {
    /// The cache's address, without credentials.
    pub cache: String,
    /// Why not.
    pub reason: Arc<Reason>,
}

/// Why a binary cache does not give a path.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It does not have it.
    #[error("does not have it")]
    Absent,
    /// There is nothing that a cache would have.
    #[error("is none: there is no `nix-cache-info`")]
    NoCache,
    /// It can't be read.
    #[error("can't be read: {0}")]
    Net(Box<NetError>),
    /// A bucket that is not for everybody.
    #[error("is a bucket that not everybody may read (status 403), and longshore makes no signed requests")]
    Private,
    /// What it says of itself can't be understood.
    #[error("has a `nix-cache-info` that can't be understood: {0}")]
    CacheInfo(Malformed),
    /// It is for stores elsewhere.
    #[error("is for a store at `{found}`, expected `{STORE_DIR}`")]
    StoreDir {
        /// Where.
        found: String,
    },
    /// What it says of the path can't be understood.
    #[error("has a narinfo that can't be understood: {0}")]
    Narinfo(Malformed),
    /// What it says is about something else.
    #[error("has a narinfo of that hash that is about `{found}`")]
    OtherPath {
        /// About what.
        found: Box<StorePath>,
    },
    /// Nobody who is trusted says what it says.
    #[error("has it, but {0}")]
    Untrusted(Untrusted),
    /// The lock says something else.
    #[error("has another one than was locked: its {what} is {found}, expected {expected}")]
    Differs {
        /// What of it.
        what: &'static str,
        /// What the lock says.
        expected: String,
        /// What the cache says.
        found: String,
    },
    /// The lock has other references.
    #[error("has another one than was locked: {}", references(more, missing))]
    References {
        /// Those that the lock doesn't have.
        more: Vec<StorePath>,
        /// Those that the lock has and the cache doesn't.
        missing: Vec<StorePath>,
    },
    /// The archive is not where it should be, or not what it should be.
    #[error("has it, but not its archive: {error}")]
    Archive {
        /// Why.
        error: Box<NetError>,
    },
    /// The archive's place is none that may be read.
    #[error(
        "has it, but no place to read its archive from: `{url}` is none, or less safe than the cache's address"
    )]
    ArchiveUrl {
        /// As its narinfo has it.
        url: String,
    },
    /// The archive's compressed form differs.
    #[error(
        "has it, but its archive `{url}` is {}, {} bytes; its narinfo says {}, {} bytes",
        .found.digest, .found.size, .expected.digest, .expected.size
    )]
    File {
        /// As its narinfo has it.
        url: String,
        /// What the narinfo says.
        expected: Content,
        /// What came.
        found: Content,
    },
    /// The archive can't be unpacked.
    #[error("has it, but its archive `{url}` can't be unpacked: {problem}")]
    Nar {
        /// As its narinfo has it.
        url: String,
        /// What is wrong.
        problem: nar::Problem,
    },
    /// The archive is another one.
    #[error(
        "has it, but its archive `{url}` unpacks to {}, {} bytes; expected {}, {} bytes",
        .found.digest, .found.size, .expected.digest, .expected.size
    )]
    Different {
        /// As its narinfo has it.
        url: String,
        /// What was promised.
        expected: Content,
        /// What came.
        found: Content,
    },
    /// The path's content is not the one that it is named by.
    #[error("has it unsigned, and its content is not the one that it is named by ({expected})")]
    Misnamed {
        /// The digest in its content address.
        expected: Digest,
    },
    /// Our own disk can't.
    #[error(transparent)]
    Store(StoreError),
}

impl Reason {
    /// Whether the cache has the path and it can't be taken, which says more than that others have nothing.
    fn has_it(&self) -> bool {
        match self {
            Self::Narinfo(_)
            | Self::OtherPath { .. }
            | Self::Untrusted(_)
            | Self::Differs { .. }
            | Self::References { .. }
            | Self::Archive { .. }
            | Self::ArchiveUrl { .. }
            | Self::File { .. }
            | Self::Nar { .. }
            | Self::Different { .. }
            | Self::Misnamed { .. } => true,
            Self::Absent
            | Self::NoCache
            | Self::Net(_)
            | Self::Private
            | Self::CacheInfo(_)
            | Self::StoreDir { .. }
            | Self::Store(_) => false,
        }
    }

    /// Whether somebody should look after the cache, though another one had the path.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            // Of others, or of another build.
            Self::Untrusted(Untrusted::Unsigned | Untrusted::Others { .. })
            | Self::Differs { .. }
            | Self::References { .. } => false,
            reason => reason.has_it(),
        }
    }

    fn hint(&self, path: &StorePath) -> Option<String> {
        match self {
            Self::Untrusted(Untrusted::Others { signers, .. }) => Some(format!(
                "if you trust `{0}`, add its public key to `trusted-public-keys` of [nix] in the stack file: `trusted-public-keys = [\"{0}:BASE64\", …]`; `nix key convert-secret-to-public` prints it from the secret one",
                signers.first().map_or("NAME", String::as_str)
            )),
            Self::Untrusted(Untrusted::Unsigned) => Some(format!(
                "have the cache's owner sign what is in it: `nix store sign --store CACHE --recursive --key-file SECRET-KEY {path}`; then add the public key to `trusted-public-keys` of [nix] in the stack file"
            )),
            Self::Untrusted(Untrusted::Changed { .. }) => Some(
                "find out who changed it, or compare the key in `trusted-public-keys` of [nix] with the cache's".to_owned(),
            ),
            Self::Differs { .. } | Self::References { .. } => Some(
                "it was built again with another result; to take the cache's, run `longshore update`".to_owned(),
            ),
            Self::Private => Some(
                "let everybody read the bucket, or give its address as `https://` of a proxy that signs requests, or copy it to a folder with `nix copy --from s3://… --to file:///…` and name that".to_owned(),
            ),
            Self::NoCache => Some("check the address in `caches` of [nix] in the stack file".to_owned()),
            Self::Net(error) => error.hint(),
            Self::Archive { error } if !error.is_gone() && error.different().is_none() => error.hint(),
            Self::Archive { .. }
            | Self::File { .. }
            | Self::Nar { .. }
            | Self::Different { .. }
            | Self::Misnamed { .. }
            | Self::Narinfo(_)
            | Self::OtherPath { .. }
            | Self::ArchiveUrl { .. } => Some(format!(
                "have the cache's owner remove `{}.narinfo` and the archive there, and copy it again with `nix copy --refresh --to CACHE {path}`",
                path.hash()
            )),
            Self::Store(error) => error.hint(),
            Self::Absent | Self::CacheInfo(_) | Self::StoreDir { .. } => None,
        }
    }
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Address { .. } => {
                Some("correct `caches` of [nix] in the stack file, or LONGSHORE_NIX_CACHES".to_owned())
            }
            Self::NoCaches { .. } => Some(
                "name one in `caches` of [nix] in the stack file, or run where Nix has the path".to_owned(),
            ),
            Self::Nowhere { path, misses } => {
                let (near, others): (Vec<_>, Vec<_>) = misses.iter().partition(|miss| miss.reason.has_it());
                near.into_iter().chain(others).find_map(|miss| miss.reason.hint(path)).or_else(|| {
                    Some(format!(
                        "copy it into a cache with `nix copy --to CACHE {path}`, or run where Nix has it; caches are named in `caches` of [nix] in the stack file"
                    ))
                })
            }
            Self::Local { problem, path, .. } => match &**problem {
                local::Problem::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Some(format!("bring it there with `nix-store --realise {path}`"))
                }
                _ => None,
            },
            Self::Changed { path, .. } => Some(format!(
                "if the store is damaged, run `nix-store --repair-path {path}`; if it was built again with another result, run `longshore update`"
            )),
            Self::Evaluate(error) => error.hint(),
            // That it could not be built says more than that nobody built it before.
            Self::Unbuilt { nix, cache, .. } => nix.hint().or_else(|| cache.hint()),
            Self::Archive { .. } | Self::Other { .. } => None,
            Self::Store(error) => error.hint(),
        }
    }
}

fn references(more: &[StorePath], missing: &[StorePath]) -> String {
    let names = |paths: &[StorePath]| {
        let names: Vec<_> = paths.iter().map(|path| format!("`{}`", path.base_name())).collect();
        names.join(", ")
    };
    match (more, missing) {
        ([], missing) => format!("it does not refer to {}", names(missing)),
        (more, []) => format!("it refers to {} as well", names(more)),
        (more, missing) => format!("it refers to {} and not to {}", names(more), names(missing)),
    }
}

fn told(misses: &[Miss]) -> String {
    misses.iter().map(Miss::to_string).collect::<Vec<_>>().join("; ")
}
