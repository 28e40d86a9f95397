//! Why a build can't be made.

use std::io;
use std::path::PathBuf;

use longshore_oci::folder::FolderError;
use longshore_oci::{Digest, StoreError, TreeError};

/// Why a build can't be made. Each kind of build adds its own reasons as one variant.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no; the message has the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Processes can't be run apart on this machine.
    #[error("build `{build}`: {error}")]
    Sandbox {
        /// The build.
        build: String,
        /// What stands in the way.
        error: longshore_sandbox::Error,
    },
    /// Packages of a toolchain can't be had.
    #[error("the toolchain can't be had")]
    Toolchain(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Packages of a toolchain, or inputs of a build, contradict each other.
    #[error("{what}: {error}")]
    Tree {
        /// Whose.
        what: String,
        /// Which paths.
        error: TreeError,
    },
    /// A tree that a recipe names was never made, or is gone.
    #[error("the tree {tree} of {what} is not in the store")]
    NoTree {
        /// What the recipe calls it.
        what: String,
        /// Its digest.
        tree: Digest,
    },
    /// Something would have to be fetched, and the network may not be used.
    #[error("build `{build}` needs what is not in the store (`{what}`), and `--offline` allows no network")]
    Offline {
        /// The build.
        build: String,
        /// What would be run.
        what: String,
    },
    /// What was vendored lacks files, and nothing else may be asked.
    #[error("build `{build}` needs what was not vendored: {}", some(missing))]
    NotSupplied {
        /// The build.
        build: String,
        /// For people: ``crate `serde` 1.0.0``.
        missing: Vec<String>,
    },
    /// What was vendored can't be read.
    #[error("what was vendored can't be used")]
    Supply(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The toolchain is the machine's own, and that is not wanted.
    #[error("build `{build}` has `toolchain = \"host\"`, which `--hermetic` refuses")]
    NotHermetic {
        /// The build.
        build: String,
    },
    /// An input's place is none.
    #[error(
        "build `{build}`: `{to}` is no place for an input; inputs are seen below `/src` or `/deps`, read-only"
    )]
    Place {
        /// The build.
        build: String,
        /// Where it was to be.
        to: String,
    },
    /// Two inputs have one path.
    #[error("build `{build}`: two inputs have the path `{path}`")]
    Collision {
        /// The build.
        build: String,
        /// The path inside.
        path: String,
    },
    /// An input was not given: a mistake of the caller's.
    #[error("build `{build}`: its input {input} was not loaded")]
    NotLoaded {
        /// The build.
        build: String,
        /// The input.
        input: String,
    },
    /// A command failed.
    #[error(transparent)]
    Failed(Box<Failed>),
    /// What a build left can't be taken.
    #[error("build `{build}`: its output `{path}` {problem}")]
    Output {
        /// The build.
        build: String,
        /// What, absolute inside.
        path: String,
        /// Why.
        problem: String,
    },
    /// A build left more than it may.
    #[error("build `{build}` left more than {limit} bytes in its output, which is its limit")]
    TooLarge {
        /// The build.
        build: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A Cargo build can't be prepared.
    #[error(transparent)]
    Cargo(#[from] crate::cargo::Error),
    /// An npm build can't be prepared.
    #[error(transparent)]
    Npm(#[from] crate::npm::Error),
    /// A Go build can't be prepared.
    #[error("{0}")]
    Go(Box<crate::go::GoError>),
    /// Builds need each other.
    #[error("builds need each other: {}", builds.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// Each needs the next; the last is the first.
        builds: Vec<String>,
    },
    /// A build needs one that there isn't.
    #[error("build `{build}` takes the output of `{needed}`, which is no build of the stack")]
    Unknown {
        /// The build.
        build: String,
        /// What it names.
        needed: String,
    },
}

impl From<FolderError> for Error {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Io(error) => Self::Io(error),
            FolderError::Store(error) => Self::Store(error),
        }
    }
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Cargo(error) => error.hint(),
            Self::Npm(error) => error.hint(),
            Self::Go(error) => error.hint(),
            Self::Sandbox { error, .. } => error.hint(),
            Self::Failed(failed) if failed.kept.is_none() => Some(format!(
                "run `longshore build --keep-failed` to keep its folder, or `longshore shell {}` to look around",
                failed.build
            )),
            Self::Offline { .. } => Some(String::from("run again without `--offline`")),
            Self::NotSupplied { .. } => {
                Some(String::from("run `longshore vendor` where there is network, to add it"))
            }
            Self::NotHermetic { build } => Some(format!(
                "take `toolchain = \"host\"` out of `[build.{build}]`, or run without `--hermetic`"
            )),
            Self::TooLarge { build, .. } => {
                Some(format!("raise `limits.output` in `[build.{build}]`, or leave less in `/out`"))
            }
            _ => None,
        }
    }
}

impl Error {
    /// The same, saying whose tree is missing.
    pub(crate) fn about(self, whose: &str) -> Self {
        match self {
            Self::NoTree { tree, .. } => Self::NoTree { what: whose.to_owned(), tree },
            other => other,
        }
    }
}

/// A command that failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "build `{build}`: `{step}` {how}\n{}\n  the whole log: {}{}",
    indent(tail),
    log.display(),
    kept_note(kept)
)]
pub struct Failed {
    /// The build.
    pub build: String,
    /// What was done.
    pub step: String,
    /// `failed: exit code 1`, `failed: ended by signal 9`, `took longer than 3600 s`.
    pub how: String,
    /// The last lines of its log.
    pub tail: Vec<String>,
    /// Its log.
    pub log: PathBuf,
    /// Its folder, where it was to be kept.
    pub kept: Option<PathBuf>,
}

/// The first of them, and how many there are.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        more => format!("{shown} and {} more", more - 3),
    }
}

fn indent(lines: &[String]) -> String {
    match lines {
        [] => String::from("  (it printed nothing)"),
        lines => lines.iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n"),
    }
}

fn kept_note(kept: &Option<PathBuf>) -> String {
    kept.as_ref().map(|path| format!("\n  its folder: {}", path.display())).unwrap_or_default()
}
