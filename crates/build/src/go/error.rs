//! Why a Go build can't be prepared.

use super::dirhash::ZipError;
use super::gomod::GoModError;
use super::gosum::GoSumError;

/// Why a Go build can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum GoError {
    /// The toolchain has no Go.
    #[error("build `{build}`: nothing in its toolchain is Go")]
    NoGo {
        /// The build.
        build: String,
    },
    /// The folder has no `go.mod` or `go.sum`.
    #[error("build `{build}`: `{file}` is not among the files of its `path`")]
    NoFile {
        /// The build.
        build: String,
        /// Which one.
        file: &'static str,
    },
    /// A `go.mod` can't be read.
    #[error("`go.mod` of {of}: {error}")]
    GoMod {
        /// Whose.
        of: String,
        /// Where and why.
        error: GoModError,
    },
    /// A `go.sum` can't be read.
    #[error("`go.sum` of {of}: {error}")]
    GoSum {
        /// Whose.
        of: String,
        /// Where and why.
        error: GoSumError,
    },
    /// It is not text.
    #[error("`{file}` of {of} is not UTF-8 text, or is too large")]
    Text {
        /// Which file.
        file: &'static str,
        /// Whose.
        of: String,
    },
    /// The stack file names no module.
    #[error("build `{build}`: `{module}` is no module with a version, such as `golang.org/x/tools@v0.30.0`")]
    NoModule {
        /// The build.
        build: String,
        /// As named.
        module: String,
    },
    /// A package of a published module that isn't in it.
    #[error("build `{build}`: package `{package}` is not written as a folder of the module, `./cmd/name`")]
    Package {
        /// The build.
        build: String,
        /// As written.
        package: String,
    },
    /// `go.sum` does not say what a module must be.
    #[error("`go.sum` of {of} has no line for `{module}`, which `go.mod` requires")]
    MissingSum {
        /// Whose.
        of: String,
        /// The module.
        module: String,
    },
    /// A module is not what its sum says.
    #[error(
        "checksum mismatch for Go module `{module}` ({part})\n  expected {expected}, from {by}\n  found    {found}"
    )]
    Checksum {
        /// The module.
        module: String,
        /// Which of its files.
        part: &'static str,
        /// Its sum.
        expected: String,
        /// Who says so.
        by: String,
        /// The sum of what came.
        found: String,
    },
    /// A zip is no module's.
    #[error("the zip of Go module `{module}` is refused: {error}")]
    Zip {
        /// The module.
        module: String,
        /// Why.
        error: ZipError,
    },
    /// A local replacement that leaves the source.
    #[error("`go.mod` of {of} replaces `{old}` by the folder `{folder}`, which {problem}")]
    Folder {
        /// Whose.
        of: String,
        /// What is replaced.
        old: String,
        /// By which folder.
        folder: String,
        /// Why it can't be.
        problem: &'static str,
    },
    /// `go.mod` does not say all that is needed.
    #[error("`go.mod` of {of} is not complete: {problem}")]
    Untidy {
        /// Whose.
        of: String,
        /// What is missing.
        problem: String,
    },
    /// There is no such module or version.
    #[error("a Go module that {of} needs can't be found: {line}")]
    NotFound {
        /// Who needs it.
        of: String,
        /// What Go says.
        line: String,
    },
    /// The checksum database can't say what a module must be.
    #[error("the checksum database does not vouch for a Go module that {of} needs: {line}")]
    Unvouched {
        /// Who needs it.
        of: String,
        /// What Go says.
        line: String,
    },
    /// Go itself found wrong bytes.
    #[error("a Go module that {of} needs is not what its checksum says: {line}")]
    Tampered {
        /// Who needs it.
        of: String,
        /// What Go says.
        line: String,
    },
    /// The module proxy does not answer.
    #[error("the Go module proxy can't be reached for {of}: {line}")]
    Unreachable {
        /// Who needs it.
        of: String,
        /// What Go says.
        line: String,
    },
    /// Go said that all is well, and it isn't.
    #[error("Go fetched `{module}`, and left no {part} of it")]
    NotFetched {
        /// What was fetched.
        module: String,
        /// What is missing.
        part: &'static str,
    },
}

impl GoError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoGo { build } => {
                format!("add the package `golang-go` to `toolchain` in `[build.{build}]`, or take `toolchain` out")
            }
            Self::NoFile { file, .. } => format!("run `go mod tidy` and `git add {file}` in that folder"),
            Self::MissingSum { .. } | Self::Untidy { .. } => {
                "run `go mod tidy` in the module's folder and commit `go.mod` and `go.sum`".to_owned()
            }
            Self::Checksum { .. } | Self::Tampered { .. } => {
                "the module proxy sent other bytes than were published; try another by `GOPROXY`, and tell whoever runs it"
                    .to_owned()
            }
            Self::Folder { .. } => {
                "replace it by a published version: `go mod edit -replace OLD=NEW@VERSION`".to_owned()
            }
            Self::NotFound { .. } => {
                "check the name and the version: `go list -m -versions MODULE` lists what is published".to_owned()
            }
            Self::Unvouched { .. } => {
                "write the `h1:` sums of its zip and its `go.mod` as `sums` beside `module`, if you have them from someone you trust"
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "check the network, or name a proxy that you reach: `GOPROXY=https://… longshore build`".to_owned()
            }
            _ => return None,
        })
    }
}

impl From<GoError> for crate::Error {
    fn from(error: GoError) -> Self {
        Self::Go(Box::new(error))
    }
}
