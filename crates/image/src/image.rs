//! Images: known by their configuration, whose digest needs no compressed byte.

use longshore_oci::validate::{BASE_DIGEST, BASE_NAME};
use longshore_oci::{
    Annotations, Content, Descriptor, Digest, ImageConfig, Manifest, Platform, Reference, media_type,
};

use crate::base::BuiltOn;
use crate::pack::Layer;

/// An image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name in the stack file.
    pub name: String,
    /// What it runs on.
    pub platform: Platform,
    /// How it runs, and its layers by `diff_id`.
    pub config: ImageConfig,
    /// Its layers, lowest first; those of what it builds on are the lowest.
    pub layers: Vec<Layer>,
    /// What the manifest says of each of its own layers, lowest first: see [`crate::plan::notes`].
    pub notes: Vec<Annotations>,
    /// What it builds on.
    pub base: Option<BuiltOn>,
}

impl Image {
    /// The image's identity: the digest of its configuration.
    pub fn id(&self) -> Digest {
        self.config.content().digest
    }

    /// The configuration's descriptor.
    pub fn config_descriptor(&self) -> Descriptor {
        Descriptor::new(media_type::CONFIG, self.config.content())
    }

    /// The manifest, given the descriptors of the layers' blobs, lowest first. Its annotations are the image's
    /// `org.opencontainers.image.*` labels, for tools that read no configuration.
    pub fn manifest(&self, layers: &[Descriptor]) -> Manifest {
        let mut layers = layers.to_vec();
        // Notes are of the uppermost layers, a base's are below them.
        for (layer, notes) in layers.iter_mut().rev().zip(self.notes.iter().rev()) {
            layer.annotations.extend(notes.clone());
        }
        Manifest::new(self.config_descriptor(), layers, self.annotations())
    }

    /// Bytes of all uncompressed layers.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    /// The labels that the image specification defines as annotations, and what it builds on.
    pub fn annotations(&self) -> Annotations {
        self.annotations_with(|base| base.manifest)
    }

    /// The same for an index of this image and those for other platforms: all build on what the base's name named.
    pub fn index_annotations(&self) -> Annotations {
        self.annotations_with(|base| base.named)
    }

    fn annotations_with(&self, digest: impl Fn(&BuiltOn) -> Digest) -> Annotations {
        let labels = self.config.config.labels.iter();
        let standard = labels.filter(|(key, _)| key.starts_with("org.opencontainers.image."));
        let mut all: Annotations = standard.map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(base) = &self.base {
            all.insert(BASE_NAME.to_owned(), base.reference.to_string());
            all.insert(BASE_DIGEST.to_owned(), digest(base).to_string());
        }
        all
    }

    /// The configuration's bytes and their name.
    pub fn config_bytes(&self) -> (Vec<u8>, Content) {
        let bytes = self.config.to_bytes();
        let content = Content::of(&bytes);
        (bytes, content)
    }
}

/// One image for every platform it is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageIndex {
    /// What it is published as; its tag is a suggestion that sinks may use.
    pub reference: Reference,
    /// One a platform, sorted by platform.
    pub images: Vec<Image>,
}

impl ImageIndex {
    /// `images` under the name `reference`.
    pub fn new(reference: Reference, mut images: Vec<Image>) -> Self {
        images.sort_by(|a, b| a.platform.cmp(&b.platform));
        Self { reference, images }
    }

    /// The image that runs on `platform`.
    pub fn on(&self, platform: &Platform) -> Option<&Image> {
        self.images.iter().find(|image| image.platform == *platform)
    }
}
