//! Kinds of inputs.

use serde::{Deserialize, Serialize};

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A package of Debian's; its id is its digest.
    Deb,
    /// A file of `[url.*]`; its id is its digest.
    Url,
    /// A blob of somebody's image: its configuration or a layer; its id is its digest.
    ImageBlob,
    /// The archive of a path of the Nix store; its id is its digest.
    Nar,
    /// A `.crate` file; its id is its checksum in `Cargo.lock`.
    Crate,
    /// The objects of a git revision, as a tar; its id is the revision.
    GitRevision,
    /// The zip of a Go module or of a release of Go; its id is its line of `go.sum`.
    GoModule,
    /// A Go module's `go.mod`; its id is its line of `go.sum`.
    GoMod,
    /// Which Go modules a build needs; its id is a digest of the question.
    GoModules,
    /// A package of npm's; its id is its sum in `package-lock.json`.
    NpmTarball,
}

impl Kind {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Url => "url",
            Self::ImageBlob => "image-blob",
            Self::Nar => "nar",
            Self::Crate => "crate",
            Self::GitRevision => "git-revision",
            Self::GoModule => "go-module",
            Self::GoMod => "go-mod",
            Self::GoModules => "go-modules",
            Self::NpmTarball => "npm-tarball",
        }
    }
}
