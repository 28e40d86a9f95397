//! What publishing came to.

use longshore_oci::{Descriptor, Digest};

/// What publishing came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// The images, in the order given.
    pub images: Vec<PublishedImage>,
    /// Bytes written to the sink.
    pub bytes_sent: u64,
    /// Bytes that the sink had already.
    pub bytes_skipped: u64,
}

/// An image that a sink holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedImage {
    /// What the sink calls it: `repository/image:tag`.
    pub name: String,
    /// What it is there.
    pub identity: Identity,
}

/// By what an image is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An engine's image id: the digest of the configuration, or, in engines that keep manifests, of the manifest.
    Id(Digest),
    /// The manifest, or the index of several platforms' manifests.
    Manifest(Descriptor),
}

impl Identity {
    /// The digest.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Id(digest) => *digest,
            Self::Manifest(descriptor) => descriptor.digest,
        }
    }
}
