//! The check that every produced image passes: a whole layout, every blob read, every layer unpacked.

mod tar;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::path::Path;

pub use tar::{TarError, read as read_tar};

use crate::layout::{Layout, LayoutError};
use crate::{
    Content, Descriptor, DiffId, Digest, HashingReader, ImageConfig, Index, Manifest, Platform, media_type,
};

/// The annotation of an image that builds on another one: that one's name.
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The annotation of an image that builds on another one: that one's digest.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Makes a reader of uncompressed bytes of a layer's blob, by its media type. Decompression is the caller's, so that
/// this crate needs no codec.
pub type Decode<'a> = dyn Fn(&str, Box<dyn Read>) -> io::Result<Box<dyn Read>> + 'a;

/// Something wrong with a layout.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The layout, or a document in it, can't be read.
    #[error("{subject}: {source}{}", because(source))]
    Unreadable {
        /// What was being read.
        subject: String,
        /// Why.
        source: LayoutError,
    },
    /// A descriptor names a kind of thing that does not belong there.
    #[error("{digest} has the media type `{found}`, expected {expected}")]
    MediaType {
        /// The blob.
        digest: Digest,
        /// What it is called.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A layer's blob can't be read or decompressed, or is not what its descriptor says.
    #[error("layer {digest}: {source}")]
    Layer {
        /// The blob.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// A layer's tar is not canonical.
    #[error("layer {digest}: {source}")]
    Tar {
        /// The blob.
        digest: Digest,
        /// Where and why.
        source: TarError,
    },
    /// A layer's uncompressed bytes are not those of the configuration's `diff_id`.
    #[error("layer {digest} has the diff_id {found}, the configuration says {expected}")]
    DiffId {
        /// The blob.
        digest: Digest,
        /// What the configuration says.
        expected: DiffId,
        /// What it is.
        found: DiffId,
    },
    /// Manifest, `diff_ids` and history do not count the same layers.
    #[error("image {digest} has {layers} layers, {diff_ids} diff_ids and {history} history entries")]
    Count {
        /// The manifest.
        digest: Digest,
        /// Layers in the manifest.
        layers: usize,
        /// `diff_ids` in the configuration.
        diff_ids: usize,
        /// Entries in its history.
        history: usize,
    },
    /// An index says another platform than the configuration.
    #[error("image {digest} is listed for {listed}, its configuration says {configured}")]
    Platform {
        /// The manifest.
        digest: Digest,
        /// What the index says.
        listed: Box<Platform>,
        /// What the configuration says.
        configured: Box<Platform>,
    },
    /// A document says another media type than its descriptor, or another schema version than 2.
    #[error("{digest} calls itself `{found}` with schema version {version}")]
    Document {
        /// The document.
        digest: Digest,
        /// Its own media type.
        found: String,
        /// Its schema version.
        version: u32,
    },
}

fn because(error: &LayoutError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

/// Checks all that the layout at `root` lists; no problems, a sound layout.
pub fn validate(root: &Path, decode: &Decode<'_>) -> Vec<Problem> {
    let mut check = Check { decode, problems: Vec::new() };
    match Layout::open(root) {
        Ok(layout) => layout.entries().for_each(|entry| check.entry(&layout, entry)),
        Err(source) => {
            check.problems.push(Problem::Unreadable { subject: root.display().to_string(), source })
        }
    }
    check.problems
}

/// Whether the tars of an image's layers must be canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tars {
    Canonical,
    /// Some are others'.
    Anyhow,
}

struct Check<'a> {
    decode: &'a Decode<'a>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn entry(&mut self, layout: &Layout, entry: &Descriptor) {
        match entry.media_type.as_str() {
            media_type::INDEX => self.index(layout, entry),
            media_type::MANIFEST => self.manifest(layout, entry),
            _ => self.media_type(entry, "an image manifest or an index"),
        }
    }

    fn index(&mut self, layout: &Layout, entry: &Descriptor) {
        let read = layout.index(entry);
        let Some(Index { schema_version, media_type, manifests, .. }) = self.readable(entry, read) else {
            return;
        };
        self.document(entry, media_type, schema_version);
        for manifest in &manifests {
            match manifest.media_type.as_str() {
                media_type::MANIFEST => self.manifest(layout, manifest),
                _ => self.media_type(manifest, "an image manifest"),
            }
        }
    }

    fn manifest(&mut self, layout: &Layout, entry: &Descriptor) {
        let read = layout.manifest(entry);
        let Some(Manifest {
            schema_version,
            media_type,
            artifact_type,
            config: about,
            layers,
            annotations,
            ..
        }) = self.readable(entry, read)
        else {
            return;
        };
        // How others wrote the layers that an image builds on is theirs.
        let tars = if annotations.contains_key(BASE_NAME) { Tars::Anyhow } else { Tars::Canonical };
        self.document(entry, media_type, schema_version);
        if artifact_type.is_some() {
            // No image: its blobs are whatever they are, and must be there.
            return std::iter::once(&about).chain(&layers).for_each(|blob| self.blob(layout, blob));
        }
        if about.media_type != media_type::CONFIG {
            self.media_type(&about, "an image configuration");
        }
        let read = layout.config(&about);
        let Some(ImageConfig { platform, rootfs, history, .. }) = self.readable(&about, read) else { return };
        if let Some(listed) = entry.platform.clone().filter(|listed| *listed != platform) {
            self.problems.push(Problem::Platform {
                digest: entry.digest,
                listed: listed.into(),
                configured: platform.into(),
            });
        }
        let history = history.iter().filter(|entry| !entry.empty_layer).count();
        let counts = (layers.len(), rootfs.diff_ids.len(), history);
        if counts.0 != counts.1 || counts.0 != counts.2 {
            let (layers, diff_ids, history) = counts;
            self.problems.push(Problem::Count { digest: entry.digest, layers, diff_ids, history });
        }
        for (layer, expected) in layers.iter().zip(rootfs.diff_ids) {
            if let Err(problem) = self.layer(layout, layer, expected, tars) {
                self.problems.push(problem);
            }
        }
    }

    fn blob(&mut self, layout: &Layout, blob: &Descriptor) {
        let open = layout.open_blob(&blob.content());
        let Some(mut reader) = self.readable(blob, open) else { return };
        if let Err(source) = io::copy(&mut reader, &mut io::sink()) {
            self.problems.push(Problem::Layer { digest: blob.digest, source });
        }
    }

    fn layer(
        &self,
        layout: &Layout,
        layer: &Descriptor,
        expected: DiffId,
        tars: Tars,
    ) -> Result<(), Problem> {
        let digest = layer.digest;
        let known = [media_type::LAYER_TAR, media_type::LAYER_GZIP, media_type::LAYER_ZSTD];
        if !known.contains(&layer.media_type.as_str()) {
            let found = layer.media_type.clone();
            return Err(Problem::MediaType { digest, found, expected: "an image layer" });
        }
        let open = || {
            let subject = || format!("layer {digest}");
            layout
                .open_blob(&layer.content())
                .map_err(|source| Problem::Unreadable { subject: subject(), source })
        };
        let failed = |source| Problem::Layer { digest, source };
        // First alone: a broken blob should not be reported as a broken tar.
        io::copy(&mut open()?, &mut io::sink()).map_err(failed)?;
        let plain = (self.decode)(&layer.media_type, Box::new(open()?)).map_err(failed)?;
        let mut hashing = HashingReader::new(plain);
        match read_tar(&mut hashing) {
            Err(source) if tars == Tars::Canonical => return Err(Problem::Tar { digest, source }),
            _ => drop(io::copy(&mut hashing, &mut io::sink()).map_err(failed)?),
        }
        let Content { digest: found, .. } = hashing.finish();
        if DiffId(found) != expected {
            return Err(Problem::DiffId { digest, expected, found: DiffId(found) });
        }
        Ok(())
    }

    fn readable<T>(&mut self, entry: &Descriptor, read: Result<T, LayoutError>) -> Option<T> {
        let subject = || format!("{} ({})", entry.digest, entry.media_type);
        read.map_err(|source| self.problems.push(Problem::Unreadable { subject: subject(), source })).ok()
    }

    fn document(&mut self, entry: &Descriptor, found: String, version: u32) {
        if found != entry.media_type || version != 2 {
            self.problems.push(Problem::Document { digest: entry.digest, found, version });
        }
    }

    fn media_type(&mut self, entry: &Descriptor, expected: &'static str) {
        let found = entry.media_type.clone();
        self.problems.push(Problem::MediaType { digest: entry.digest, found, expected });
    }
}
