//! What images take from the Nix store, and who is trusted to fill it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_oci::{Platform, StorePath, TreePath};
use serde::{Deserialize, Serialize};

use super::{ContentSpec, Destination, ImageSpec, Stack};

/// Binary caches, and who must have signed what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NixSpec {
    /// Addresses of binary caches, in order of mention.
    pub caches: Vec<String>,
    /// Keys whose signatures are believed.
    pub trusted_keys: Vec<NixKey>,
}

/// A public key of a binary cache: `NAME:BASE64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NixKey {
    /// What it calls itself in signatures.
    pub name: String,
    /// Ed25519 (RFC 8032, 5.1.5).
    pub key: [u8; 32],
}

/// Paths of the Nix store in an image, with all they refer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NixRequest {
    /// Which.
    pub installable: Installable,
    /// What of them is linked elsewhere in the image.
    pub links: NixLinks,
    /// Names of store paths (`gcc-13.2.0`, or `gcc-*` for all that begin so) that are left out, with what only they refer to.
    pub exclude: Vec<String>,
}

/// What gives store paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Installable {
    /// A store path itself.
    StorePath(StorePath),
    /// A flake's output: `.#backend`, `nixpkgs#openssl^bin,out`.
    Flake(String),
    /// An attribute of the value of a Nix file beside the stack file.
    File {
        /// The file.
        file: String,
        /// The attribute; the value itself when not said.
        attr: Option<String>,
    },
    /// A Flox environment beside the stack file, as its lock has it.
    Flox {
        /// The folder that holds `.flox`.
        folder: String,
        /// What it installs, by platform: of two with the same file the earlier one's is linked.
        outputs: BTreeMap<Platform, Vec<StorePath>>,
    },
}

/// What of store paths is linked elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NixLinks {
    /// What is in their `bin`, into `/bin`.
    Programs,
    /// Everything in them, below a folder.
    Everything(TreePath),
    /// These files or folders, by their paths in the store path. None: nothing is linked.
    Parts {
        /// Which.
        from: Vec<TreePath>,
        /// Where they go.
        to: Destination,
    },
    /// Nothing.
    Nothing,
}

impl Installable {
    /// The store paths that are known without asking anyone; none where Nix decides.
    pub fn known_outputs(&self, platform: &Platform) -> Option<BTreeSet<StorePath>> {
        match self {
            Self::StorePath(path) => Some([path.clone()].into()),
            Self::Flox { .. } => Some(self.order(platform)?.iter().cloned().collect()),
            Self::Flake(_) | Self::File { .. } => None,
        }
    }

    /// The same in the order in which they count, where they have one: of two with the same file the earlier one's is linked.
    pub fn order(&self, platform: &Platform) -> Option<&[StorePath]> {
        match self {
            Self::Flox { outputs, .. } => Some(outputs.get(platform).map_or(&[], Vec::as_slice)),
            Self::StorePath(_) | Self::Flake(_) | Self::File { .. } => None,
        }
    }
}

impl fmt::Display for Installable {
    /// As the lock has it: `.#backend`, `/nix/store/…`, `default.nix backend`, `flox:env`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StorePath(path) => write!(f, "{path}"),
            Self::Flake(text) => f.write_str(text),
            Self::File { file, attr: Some(attr) } => write!(f, "{file} {attr}"),
            Self::File { file, attr: None } => f.write_str(file),
            Self::Flox { folder, .. } => write!(f, "flox:{folder}"),
        }
    }
}

impl ImageSpec {
    /// What it takes from the Nix store.
    pub fn nix(&self) -> impl Iterator<Item = &NixRequest> {
        self.contents.iter().filter_map(|content| match content {
            ContentSpec::Nix(request) => Some(request),
            _ => None,
        })
    }
}

impl Stack {
    /// Everything that any image takes from the Nix store, each once.
    pub fn installables(&self) -> BTreeSet<&Installable> {
        self.images.values().flat_map(ImageSpec::nix).map(|request| &request.installable).collect()
    }
}
