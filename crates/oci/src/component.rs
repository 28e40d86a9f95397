//! What every source and builder hands to composition.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Content, Digest, Facts, Store, StorePath, Tree, TreePath};

/// A named part of an image: what it holds, what that needs, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Where it came from.
    pub origin: Origin,
    /// What it holds. Paths are already those of a merged `/usr`.
    pub tree: Tree,
    /// What the programs in it need.
    pub facts: Facts,
    /// For packages: what their package manager knows.
    pub package: Option<PackageMeta>,
}

impl Component {
    /// Whether all bytes that it speaks of are in the store and whole.
    pub fn is_whole(&self, store: &Store) -> bool {
        let sums = self.package.as_ref().and_then(|package| package.md5sums);
        store.has_all(&self.tree) && sums.is_none_or(|sums| store.has(&sums))
    }
}

/// The input that put an entry into an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// Made by longshore itself: usr-merge links, `/etc/passwd`, `/tmp`; the name says which fragment.
    Longshore(String),
    /// A package.
    Package(PackageId),
    /// A file or folder beside the stack file, by its path as written there.
    Path(String),
    /// Text or a template in the stack file, by the path it makes.
    Inline(String),
    /// What a build of the stack made, by its name.
    Build(String),
    /// A pinned archive or file, by its name in the stack file.
    Url(String),
    /// Somebody's image, of which this is a part.
    Image(ImageLayer),
    /// The image that this one builds on: what is in a layer of it stays there.
    Base(ImageLayer),
    /// A path of the Nix store.
    Nix(StorePath),
}

/// A layer of somebody's image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ImageLayer {
    /// The image, as the stack file names it.
    pub reference: String,
    /// Its manifest.
    pub manifest: Digest,
    /// Which layer, counted from 1 at the lowest.
    pub layer: u32,
}

/// The files of somebody's image, all its layers on top of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFiles {
    /// The image, as the stack file names it.
    pub reference: String,
    /// Its manifest.
    pub manifest: Digest,
    /// What it holds, every folder an entry of its own.
    pub tree: Tree,
    /// What the programs in it need.
    pub facts: Facts,
    /// Which layer each entry is from, counted from 1 at the lowest.
    pub layers: BTreeMap<TreePath, u32>,
}

impl ImageFiles {
    /// The layer that has what is at `path`; the lowest, where nothing is.
    pub fn layer(&self, path: &TreePath) -> ImageLayer {
        let layer = self.layers.get(path).copied().unwrap_or(1);
        ImageLayer { reference: self.reference.clone(), manifest: self.manifest, layer }
    }
}

/// One package, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageId {
    /// The stack file's name of its source.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Debian's name of its architecture, `all` included.
    pub architecture: String,
}

/// What the package manager would know of a package, had it installed it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PackageMeta {
    /// The control paragraph as shipped, for `/var/lib/dpkg/status.d`.
    pub control: Vec<u8>,
    /// The shipped `md5sums` file, for scanners, where there is one; its bytes are in the store.
    pub md5sums: Option<Content>,
    /// Configuration files.
    pub conffiles: Vec<Vec<u8>>,
    /// What its maintainer scripts would have done and did not do, a sentence each, for `longshore show --scripts`.
    pub skipped: Vec<String>,
    /// Names whose files it may replace (`Replaces`).
    pub replaces: Vec<String>,
}

impl PackageMeta {
    /// The source package, where it is not called as the package is (Debian policy 5.6.1).
    pub fn source(&self) -> Option<&str> {
        let control = std::str::from_utf8(&self.control).ok()?;
        let text = control.lines().find_map(|line| line.strip_prefix("Source:"))?.trim();
        Some(text.split_once(" (").map_or(text, |(name, _version)| name))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Longshore(fragment) => write!(f, "longshore {fragment}"),
            Self::Package(id) => write!(f, "{id}"),
            Self::Path(path) => write!(f, "path {path}"),
            Self::Inline(path) => write!(f, "inline {path}"),
            Self::Build(name) => write!(f, "build {name}"),
            Self::Url(name) => write!(f, "url {name}"),
            Self::Image(layer) => write!(f, "image {layer}"),
            Self::Base(layer) => write!(f, "base {layer}"),
            Self::Nix(path) => write!(f, "nix {}", path.base_name()),
        }
    }
}

impl fmt::Display for ImageLayer {
    /// `debian:trixie (manifest 0123456789ab, layer 1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (manifest {}, layer {})", self.reference, self.manifest.short(), self.layer)
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}={}:{}", self.source, self.name, self.version, self.architecture)
    }
}
