//! Manifests, indexes and configurations of an image, and the descriptors of its layers.

use std::collections::BTreeMap;

use longshore_image::ImageIndex;
use longshore_image::pack::{self, Codec};
use longshore_oci::{Content, Descriptor, Index, Progress, Reference, Store, media_type};

use crate::Error;

/// The annotation by which containerd names what it imports.
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// An image as registries and layouts have it.
pub(crate) struct Documents {
    /// The manifest of a single platform, or else an index.
    pub top: Descriptor,
    /// Configurations, manifests and the index.
    pub documents: BTreeMap<Content, Vec<u8>>,
    /// Layers of each image, in the order of the index.
    pub layers: Vec<Vec<Descriptor>>,
}

impl Documents {
    /// Compresses what is not compressed yet, and writes the documents about it.
    pub(crate) fn of(
        index: &ImageIndex,
        codec: Codec,
        store: &Store,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let mut all = Self {
            top: Descriptor::new(media_type::INDEX, Content::of(b"")),
            documents: BTreeMap::new(),
            layers: Vec::new(),
        };
        let mut manifests = Vec::new();
        for image in &index.images {
            let compressed = pack::compress_all(&image.layers, codec, store, jobs, progress)?;
            let layers: Vec<_> = compressed.into_iter().map(|layer| layer.descriptor).collect();
            all.add(image.config.to_bytes());
            let manifest = all.add(image.manifest(&layers).to_bytes());
            let mut manifest = Descriptor::new(media_type::MANIFEST, manifest);
            manifest.platform = Some(image.platform.clone());
            manifests.push(manifest);
            all.layers.push(layers);
        }
        all.top = match (&manifests[..], index.images.first()) {
            ([only], _) => only.clone(),
            (_, first) => {
                let annotations = first.map(|image| image.annotations()).unwrap_or_default();
                let content = all.add(Index::new(manifests, annotations).to_bytes());
                Descriptor::new(media_type::INDEX, content)
            }
        };
        Ok(all)
    }

    fn add(&mut self, bytes: Vec<u8>) -> Content {
        let content = Content::of(&bytes);
        self.documents.insert(content, bytes);
        content
    }
}

/// What an engine calls the image: with a tag, without a digest, which names what was before.
pub(crate) fn name(reference: &Reference) -> String {
    let tag = reference.tag.as_deref().unwrap_or("latest");
    format!("{}:{tag}", reference.name())
}

/// The name with the registry that Docker and containerd mean when there is none.
pub(crate) fn normalised(reference: &Reference) -> String {
    let name = name(reference);
    match (reference.registry.as_str(), reference.repository.contains('/')) {
        ("", true) => format!("docker.io/{name}"),
        ("", false) => format!("docker.io/library/{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_engines() {
        for (reference, short, full) in [
            ("web", "web:latest", "docker.io/library/web:latest"),
            ("stack/web:1", "stack/web:1", "docker.io/stack/web:1"),
            ("ghcr.io/stack/web:1", "ghcr.io/stack/web:1", "ghcr.io/stack/web:1"),
        ] {
            let reference: Reference = reference.parse().unwrap();
            assert_eq!((name(&reference).as_str(), normalised(&reference).as_str()), (short, full));
        }
    }
}
