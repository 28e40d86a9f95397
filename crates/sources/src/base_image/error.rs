//! Why somebody's image can't be had.

use longshore_oci::{DiffId, Digest, Platform, Reference, StoreError, TreeError, TreePath};

use crate::deb::archive::Problem;

/// Why somebody's image can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry does not give it.
    #[error("image `{reference}`")]
    Registry {
        /// The image.
        reference: Box<Reference>,
        /// Why.
        #[source]
        error: Box<longshore_registry::Error>,
    },
    /// It is not for a platform of the stack.
    #[error("image `{reference}` is not for {platform}, only for {}", listed(has))]
    NoPlatform {
        /// The image.
        reference: Box<Reference>,
        /// What is wanted.
        platform: Box<Platform>,
        /// What it is for, sorted.
        has: Vec<String>,
    },
    /// An index and a configuration disagree.
    #[error(
        "image `{reference}`: manifest {manifest} is listed for {listed}, and its configuration says {configured}"
    )]
    OtherPlatform {
        /// The image.
        reference: Box<Reference>,
        /// The manifest.
        manifest: Digest,
        /// What the index says.
        listed: Box<Platform>,
        /// What the configuration says.
        configured: String,
    },
    /// A manifest of Docker's first kind.
    #[error(
        "image `{reference}` has a manifest of Docker's schema 1, which names its layers by nothing that could be verified"
    )]
    Schema1 {
        /// The image.
        reference: Box<Reference>,
    },
    /// Something of another kind than images consist of.
    #[error("image `{reference}`: {what} has the media type `{found}`, expected {expected}")]
    Kind {
        /// The image.
        reference: Box<Reference>,
        /// ``manifest sha256:…``.
        what: String,
        /// Its media type.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A layer that is not the registry's to give.
    #[error(
        "image `{reference}`: layer {layer} is foreign (`{media_type}`): its owner allows no copies of it in other registries"
    )]
    Foreign {
        /// The image.
        reference: Box<Reference>,
        /// The layer's blob.
        layer: Digest,
        /// Its media type.
        media_type: String,
    },
    /// A document that can't be understood.
    #[error("image `{reference}`: {what} can't be read")]
    Document {
        /// The image.
        reference: Box<Reference>,
        /// ``manifest sha256:…``.
        what: String,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
    /// Too many documents.
    #[error("image `{reference}`: more than {limit} manifests and indexes would have to be read")]
    Endless {
        /// The image.
        reference: Box<Reference>,
        /// How many are read.
        limit: usize,
    },
    /// Indexes in indexes without end.
    #[error("image `{reference}`: its indexes lie in each other more than {limit} deep")]
    Nested {
        /// The image.
        reference: Box<Reference>,
        /// How deep they may.
        limit: usize,
    },
    /// Manifest and configuration count other layers.
    #[error("image `{reference}`: manifest {manifest} has {layers} layers, and its configuration {diff_ids}")]
    Count {
        /// The image.
        reference: Box<Reference>,
        /// The manifest.
        manifest: Digest,
        /// Layers in the manifest.
        layers: usize,
        /// `diff_ids` in the configuration.
        diff_ids: usize,
    },
    /// The lock speaks of other layers than the configuration that it names.
    #[error("image `{reference}`: the layers in the lock are not those of the configuration {config} there")]
    NotLocked {
        /// The image.
        reference: Box<Reference>,
        /// The configuration.
        config: Digest,
    },
    /// More than is taken.
    #[error("image `{reference}`: {what} has {size} bytes; at most {limit} are taken")]
    TooLarge {
        /// The image.
        reference: Box<Reference>,
        /// ``layer sha256:…``.
        what: String,
        /// How many it has.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// A layer that is not taken.
    #[error("image `{reference}`, layer {layer}: {problem}")]
    Layer {
        /// The image.
        reference: Box<Reference>,
        /// Which, counted from 1 at the lowest.
        layer: usize,
        /// What is wrong.
        problem: Problem,
    },
    /// A layer is compressed in another way than its media type says.
    #[error(
        "image `{reference}`, layer {layer}: its media type is `{media_type}`, and its bytes are {found}"
    )]
    Compression {
        /// The image.
        reference: Box<Reference>,
        /// Which, counted from 1 at the lowest.
        layer: usize,
        /// What the manifest says.
        media_type: String,
        /// What it is: `gzip`.
        found: &'static str,
    },
    /// A layer is not what the configuration says.
    #[error(
        "image `{reference}`, layer {layer}: its uncompressed bytes are {found}, the configuration says {expected}"
    )]
    DiffId {
        /// The image.
        reference: Box<Reference>,
        /// Which, counted from 1 at the lowest.
        layer: usize,
        /// What the configuration says.
        expected: DiffId,
        /// What it is.
        found: DiffId,
    },
    /// Paths of it contradict each other.
    #[error("image `{reference}`, layer {layer}: {error}")]
    Tree {
        /// The image.
        reference: Box<Reference>,
        /// Which, counted from 1 at the lowest.
        layer: usize,
        /// How.
        error: TreeError,
    },
    /// Links in a layer below lead in a circle.
    #[error("image `{reference}`, layer {layer}: links on the way to `{path}` lead in a circle")]
    Loop {
        /// The image.
        reference: Box<Reference>,
        /// Which, counted from 1 at the lowest.
        layer: usize,
        /// Where to.
        path: TreePath,
    },
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(has: &[String]) -> String {
    if has.is_empty() { "no platform at all".to_owned() } else { has.join(", ") }
}

impl Error {
    /// The image that it is about.
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Registry { reference, .. }
            | Self::NoPlatform { reference, .. }
            | Self::OtherPlatform { reference, .. }
            | Self::Schema1 { reference }
            | Self::Kind { reference, .. }
            | Self::Foreign { reference, .. }
            | Self::Document { reference, .. }
            | Self::Endless { reference, .. }
            | Self::Nested { reference, .. }
            | Self::Count { reference, .. }
            | Self::NotLocked { reference, .. }
            | Self::TooLarge { reference, .. }
            | Self::Layer { reference, .. }
            | Self::Compression { reference, .. }
            | Self::DiffId { reference, .. }
            | Self::Tree { reference, .. }
            | Self::Loop { reference, .. } => Some(reference.as_ref()),
            Self::Store(_) => None,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry { reference, error } if error.is_not_found() => Some(match reference.digest {
                Some(_) => "the registry no longer has it: name one that is there, then run `longshore lock`"
                    .to_owned(),
                None => format!(
                    "correct the name, or run `longshore update {reference}` to pin what it names now"
                ),
            }),
            Self::Registry { error, .. } => error.hint(),
            Self::NoPlatform { platform, .. } => Some(format!(
                "leave `{platform}` out of `platforms`, or take an image that is for it; then run `longshore lock`"
            )),
            Self::NotLocked { reference, .. } => Some(format!(
                "take the lock back from version control, or run `longshore update {reference}` to pin what it names now"
            )),
            Self::Schema1 { reference } => Some(format!(
                "have it pushed anew by a current engine: `docker pull {reference}` and `docker push {reference}`"
            )),
            Self::Foreign { .. } => Some("take an image that has all its layers in its registry".to_owned()),
            Self::Layer { reference, .. }
            | Self::Compression { reference, .. }
            | Self::DiffId { reference, .. }
            | Self::Tree { reference, .. }
            | Self::Loop { reference, .. }
            | Self::Count { reference, .. }
            | Self::OtherPlatform { reference, .. } => Some(format!(
                "whoever publishes it made it so; `skopeo inspect docker://{reference}` says who that is"
            )),
            Self::Store(error) => error.hint(),
            Self::Kind { .. }
            | Self::Document { .. }
            | Self::Endless { .. }
            | Self::Nested { .. }
            | Self::TooLarge { .. } => None,
        }
    }
}
