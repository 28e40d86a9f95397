//! Indexes and manifests as others write them (OCI image specification 1.1; Docker's image manifest version 2, schema 2).

use longshore_oci::{Content, Digest, Platform, media_type};
use serde::Deserialize;

/// The annotation by which BuildKit marks what is about an image and none itself.
const ABOUT: &str = "vnd.docker.reference.type";
/// What a layer is called whose owner allows no copies: OCI's word, and Docker's.
const FOREIGN: [&str; 2] = [".nondistributable.", ".foreign."];

/// An index, or Docker's list of manifests.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    #[serde(default)]
    pub(super) manifests: Vec<Listed>,
}

/// A manifest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) config: Listed,
    #[serde(default)]
    pub(super) layers: Vec<Listed>,
}

/// A descriptor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    platform: Option<Platforms>,
    artifact_type: Option<String>,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// What an image is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Platforms {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    variant: Option<String>,
}

/// What something in an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Index,
    Manifest,
    Other,
}

impl Kind {
    pub(super) fn of(media_type: &str) -> Self {
        match media_type {
            media_type::INDEX | media_type::DOCKER_LIST => Self::Index,
            media_type::MANIFEST | media_type::DOCKER_MANIFEST => Self::Manifest,
            _ => Self::Other,
        }
    }
}

/// What a layer is, by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayerKind {
    Tar,
    Gzip,
    Zstd,
    Foreign,
    Other,
}

impl LayerKind {
    pub(super) fn of(media_type: &str) -> Self {
        match media_type {
            media_type::LAYER_TAR | media_type::DOCKER_LAYER_TAR => Self::Tar,
            media_type::LAYER_GZIP | media_type::DOCKER_LAYER_GZIP => Self::Gzip,
            media_type::LAYER_ZSTD | media_type::DOCKER_LAYER_ZSTD => Self::Zstd,
            other if FOREIGN.iter().any(|word| other.contains(word)) => Self::Foreign,
            _ => Self::Other,
        }
    }
}

impl Listed {
    pub(super) fn content(&self) -> Content {
        Content { digest: self.digest, size: self.size }
    }

    /// Whether it is about an image and none itself, as attestations are.
    pub(super) fn is_about_another(&self) -> bool {
        let marked = self.annotations.as_ref().is_some_and(|all| all.contains_key(ABOUT));
        let unknown = self.platform.as_ref().is_some_and(|platform| platform.os == "unknown");
        // go-containerregistry says of images, too, what their configuration is.
        let images = [media_type::CONFIG, media_type::DOCKER_CONFIG];
        let artifact = self.artifact_type.as_deref().is_some_and(|kind| !images.contains(&kind));
        marked || unknown || artifact
    }

    /// What it is said to be for.
    pub(super) fn platform(&self) -> Option<&Platforms> {
        self.platform.as_ref().filter(|platform| !platform.architecture.is_empty())
    }
}

impl Platforms {
    pub(super) fn new(architecture: String, os: String, variant: Option<String>) -> Self {
        Self { architecture, os, variant }
    }

    /// Whether what is for this runs on `platform`, names normalised as containerd does: `arm64` is its `v8`, `arm` its `v7`,
    /// and `amd64` its `v1`.
    pub(super) fn fits(&self, platform: &Platform) -> bool {
        let (os, architecture, variant) = self.usual();
        let wanted = Self::new(platform.architecture.clone(), platform.os.clone(), platform.variant.clone());
        (os, architecture, variant) == wanted.usual()
    }

    fn usual(&self) -> (&str, &str, Option<&str>) {
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty());
        let (architecture, variant) = match (self.architecture.as_str(), variant) {
            ("amd64" | "x86_64", None | Some("v1")) => ("amd64", None),
            ("arm64" | "aarch64", None | Some("v8" | "8")) => ("arm64", None),
            ("arm", None | Some("v7" | "7")) => ("arm", Some("v7")),
            other => other,
        };
        (&self.os, architecture, variant)
    }
}

impl std::fmt::Display for Platforms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |text: &str| {
            let plain: String = text.chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
            if plain.is_empty() { "unnamed".to_owned() } else { plain }
        };
        write!(f, "{}/{}", word(&self.os), word(&self.architecture))?;
        match self.variant.as_deref().filter(|variant| !variant.is_empty()) {
            Some(variant) => write!(f, "/{}", word(variant)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LayerKind, Platforms};

    #[test]
    fn platforms_are_compared_as_engines_do() {
        for (listed, wanted, fits) in [
            (("amd64", None), "linux/amd64", true),
            (("amd64", Some("v1")), "linux/amd64", true),
            (("amd64", Some("v3")), "linux/amd64", false),
            (("arm64", Some("v8")), "linux/arm64", true),
            (("arm64", None), "linux/arm64", true),
            (("arm", None), "linux/arm/v7", true),
            (("arm", Some("v6")), "linux/arm/v7", false),
            (("386", None), "linux/amd64", false),
        ] {
            let (architecture, variant) = listed;
            let found = Platforms::new(architecture.into(), "linux".into(), variant.map(str::to_owned));
            assert_eq!(found.fits(&wanted.parse().unwrap()), fits, "{found} for {wanted}");
        }
        let windows = Platforms::new("amd64".into(), "windows".into(), None);
        assert!(!windows.fits(&"linux/amd64".parse().unwrap()));
    }

    #[test]
    fn layers_are_known_by_their_media_type() {
        for (text, kind) in [
            ("application/vnd.oci.image.layer.v1.tar", LayerKind::Tar),
            ("application/vnd.oci.image.layer.v1.tar+gzip", LayerKind::Gzip),
            ("application/vnd.oci.image.layer.v1.tar+zstd", LayerKind::Zstd),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", LayerKind::Gzip),
            ("application/vnd.docker.image.rootfs.diff.tar", LayerKind::Tar),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LayerKind::Foreign),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", LayerKind::Foreign),
            ("application/vnd.oci.image.layer.v1.tar+encrypted", LayerKind::Other),
            ("application/octet-stream", LayerKind::Other),
        ] {
            assert_eq!(LayerKind::of(text), kind, "{text}");
        }
    }
}
