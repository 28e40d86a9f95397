//! The OCI image layout on disk (image specification 1.1, "Image Layout").
//!
//! ```text
//! oci-layout             the version of the layout
//! index.json             what is in it, by `org.opencontainers.image.ref.name`
//! blobs/sha256/abcd…     manifests, configurations, layers
//! ```

mod atomic;
mod listed;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};

pub use atomic::AtomicFile;
use listed::Listed;

use crate::{
    Annotations, Content, Descriptor, Digest, ImageConfig, Index, Manifest, Store, StoreError,
    VerifiedReader, media_type, read_bounded,
};

/// The annotation that names an image in a layout's index.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The bytes of `oci-layout`.
pub const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// Indexes, manifests and configurations are at most this long (distribution specification, "Pushing Manifests").
pub const MAX_MANIFEST: u64 = 4 << 20;

/// Why a layout can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The folder holds something else.
    #[error("`{}` is not empty and not an OCI image layout: it has no `oci-layout` file", path.display())]
    NotALayout {
        /// The folder.
        path: PathBuf,
    },
    /// A version that longshore does not know.
    #[error("`{}` has image layout version `{version}`, expected `1.0.0`", path.display())]
    Version {
        /// The folder.
        path: PathBuf,
        /// What it says.
        version: String,
    },
    /// A document can't be understood.
    #[error("can't read `{}`", path.display())]
    Json {
        /// The document.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A blob is missing, or is not what its descriptor says.
    #[error("blob {digest} of `{}` is damaged or missing", path.display())]
    Blob {
        /// The layout.
        path: PathBuf,
        /// The blob.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// A blob for the layout can't be had from the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LayoutError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotALayout { .. } => {
                Some("name a new or empty folder; nothing was changed in this one".to_owned())
            }
            Self::Blob { path, .. } => Some(format!("`rm -r {}` and save again", path.display())),
            Self::Store(error) => error.hint(),
            Self::Io(_) | Self::Version { .. } | Self::Json { .. } => None,
        }
    }
}

/// An image layout in a folder.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
    index: LayoutIndex,
}

/// The file `index.json`, as far as this module cares; other programs may have left more in its entries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayoutIndex {
    schema_version: u32,
    #[serde(default = "LayoutIndex::media_type")]
    media_type: String,
    manifests: Vec<Listed>,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
}

impl LayoutIndex {
    fn media_type() -> String {
        media_type::INDEX.to_owned()
    }
}

/// The file `oci-layout`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

impl Layout {
    /// Reads the layout at `root`.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let root = root.into();
        let marker = root.join("oci-layout");
        let Marker { image_layout_version: version } = match read_file(&marker) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LayoutError::NotALayout { path: root });
            }
            other => parse(&other?, &marker)?,
        };
        if version != "1.0.0" {
            return Err(LayoutError::Version { path: root, version });
        }
        let path = root.join("index.json");
        let index = parse(&read_file(&path)?, &path)?;
        Ok(Self { root, index })
    }

    /// Opens the layout at `root` to add to it, or starts one there. Nothing else may be in the folder then.
    ///
    /// A layout that was started but never finished, without `index.json`, is started again.
    pub fn open_or_create(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        if root.join("index.json").exists() {
            return Self::open(root);
        }
        if !root.join("oci-layout").exists() && fs::read_dir(&root)?.next().is_some() {
            return Err(LayoutError::NotALayout { path: root });
        }
        write_file(&root.join("oci-layout"), OCI_LAYOUT)?;
        fs::create_dir_all(root.join("blobs/sha256"))?;
        let index = LayoutIndex {
            schema_version: 2,
            media_type: LayoutIndex::media_type(),
            manifests: Vec::new(),
            annotations: Annotations::new(),
        };
        Ok(Self { root, index })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is in it.
    pub fn entries(&self) -> impl Iterator<Item = &Descriptor> {
        self.index.manifests.iter().map(Listed::descriptor)
    }

    /// What is called `name`.
    pub fn find(&self, name: &str) -> Option<&Descriptor> {
        self.entries().find(|entry| entry.annotations.get(REF_NAME).is_some_and(|n| n == name))
    }

    /// Where a blob is or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// Opens a blob; its end is reached only when it is what `content` says.
    pub fn open_blob(&self, content: &Content) -> Result<VerifiedReader<fs::File>, LayoutError> {
        let file =
            fs::File::open(self.blob_path(&content.digest)).map_err(|error| self.damaged(content, error))?;
        Ok(VerifiedReader::new(file, *content))
    }

    /// The verified bytes of a manifest, an index or a configuration.
    pub fn read_document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, LayoutError> {
        let content = descriptor.content();
        read_bounded(self.open_blob(&content)?, MAX_MANIFEST).map_err(|error| self.damaged(&content, error))
    }

    /// An index.
    pub fn index(&self, descriptor: &Descriptor) -> Result<Index, LayoutError> {
        parse(&self.read_document(descriptor)?, &self.blob_path(&descriptor.digest))
    }

    /// A manifest.
    pub fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest, LayoutError> {
        parse(&self.read_document(descriptor)?, &self.blob_path(&descriptor.digest))
    }

    /// A configuration.
    pub fn config(&self, descriptor: &Descriptor) -> Result<ImageConfig, LayoutError> {
        parse(&self.read_document(descriptor)?, &self.blob_path(&descriptor.digest))
    }

    /// Whether a blob is there with the right size.
    pub fn has(&self, content: &Content) -> bool {
        fs::metadata(self.blob_path(&content.digest)).is_ok_and(|meta| meta.len() == content.size)
    }

    /// Adds `bytes` as a blob.
    pub fn put(&self, bytes: &[u8]) -> Result<Content, LayoutError> {
        let content = Content::of(bytes);
        if !self.has(&content) {
            write_file(&self.blob_path(&content.digest), bytes)?;
        }
        Ok(content)
    }

    /// Adds a blob of the store. Returns how many bytes were added: none when it was there.
    pub fn add(&self, store: &Store, content: &Content) -> Result<u64, LayoutError> {
        if self.has(content) {
            return Ok(0);
        }
        if !store.has(content) {
            return Err(StoreError::Missing(*content).into());
        }
        atomic::place(&store.blob_path(&content.digest), &self.blob_path(&content.digest))?;
        Ok(content.size)
    }

    /// Calls `descriptor` `name`, instead of what had that name. Its blobs must be there already.
    /// Takes effect with [`Self::commit`].
    pub fn tag(&mut self, name: &str, mut descriptor: Descriptor) {
        descriptor.annotations.insert(REF_NAME.to_owned(), name.to_owned());
        self.index.manifests.retain(|entry| entry.name().is_none_or(|n| n != name));
        self.index.manifests.push(Listed::Ours(descriptor));
        // By name, so that the order of tagging does not show; what has no name stays first.
        self.index.manifests.sort_by(|a, b| a.name().cmp(&b.name()));
    }

    /// Lists `descriptor`, whose blobs must be there already, without a name. Takes effect with [`Self::commit`].
    pub fn list(&mut self, descriptor: Descriptor) {
        if self
            .entries()
            .any(|entry| entry.digest == descriptor.digest && !entry.annotations.contains_key(REF_NAME))
        {
            return;
        }
        self.index.manifests.push(Listed::Ours(descriptor));
        self.index.manifests.sort_by(|a, b| a.name().cmp(&b.name()));
    }

    /// Writes the index: from here on the layout holds what was tagged.
    pub fn commit(&self) -> Result<(), LayoutError> {
        let path = self.root.join("index.json");
        let bytes = serde_json::to_vec(&self.index)
            .map_err(|source| LayoutError::Json { path: path.clone(), source })?;
        Ok(write_file(&path, &bytes)?)
    }

    fn damaged(&self, content: &Content, source: io::Error) -> LayoutError {
        LayoutError::Blob { path: self.root.clone(), digest: content.digest, source }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    read_bounded(fs::File::open(path)?, MAX_MANIFEST)
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, LayoutError> {
    serde_json::from_slice(bytes).map_err(|source| LayoutError::Json { path: path.to_owned(), source })
}
