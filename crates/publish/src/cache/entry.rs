//! Entries of the cache as manifests.

use std::io::{self, Read as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::{Annotations, Content, Descriptor, Digest, Manifest, Store, StoreError, media_type};

/// The annotation that says of what an entry is.
const KEY: &str = "dev.longshore.cache.key";
/// The annotation that holds a signature.
const SIGNATURE: &str = "dev.longshore.cache.signature";
/// What a build's files are, one after the other.
const PACK: &str = "application/vnd.longshore.build.files.v1+zstd";
/// What a build's record is.
const RECORD: &str = "application/vnd.longshore.build.record.v1";

/// What an entry keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Layer,
    Build,
}

impl Kind {
    fn artifact_type(self) -> &'static str {
        match self {
            Self::Layer => "application/vnd.longshore.cache.layer.v1",
            Self::Build => "application/vnd.longshore.cache.build.v1",
        }
    }

    /// Where the entry of a key is.
    pub(super) fn tag(self, key: &Digest) -> String {
        let word = match self {
            Self::Layer => "layer",
            Self::Build => "build",
        };
        format!("{word}-{}", key.hex())
    }
}

/// An entry.
pub(super) struct Entry {
    kind: Kind,
    key: Digest,
    pub(super) layers: Vec<Descriptor>,
    signature: Option<String>,
}

/// What is signed: the key, and what is kept under it. The record holds the digest of every file.
pub(super) fn statement(key: &Digest, record: &Digest) -> String {
    format!("longshore build cache 1\n{key}\n{record}\n")
}

impl Entry {
    pub(super) fn layer(key: &Digest, blob: Descriptor) -> Self {
        Self { kind: Kind::Layer, key: *key, layers: vec![blob], signature: None }
    }

    pub(super) fn build(key: &Digest, record: Content, pack: Content, signature: &[u8]) -> Self {
        let layers = vec![Descriptor::new(RECORD, record), Descriptor::new(PACK, pack)];
        Self { kind: Kind::Build, key: *key, layers, signature: Some(BASE64_STANDARD.encode(signature)) }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let manifest: Manifest = serde_json::from_slice(bytes).ok()?;
        let artifact_type = manifest.artifact_type?;
        let kind =
            [Kind::Layer, Kind::Build].into_iter().find(|kind| kind.artifact_type() == artifact_type)?;
        let key = manifest.annotations.get(KEY)?.parse().ok()?;
        Some(Self {
            kind,
            key,
            layers: manifest.layers,
            signature: manifest.annotations.get(SIGNATURE).cloned(),
        })
    }

    pub(super) fn is(&self, kind: Kind, key: &Digest) -> bool {
        self.kind == kind && self.key == *key
    }

    pub(super) fn tag(&self) -> String {
        self.kind.tag(&self.key)
    }

    pub(super) fn signature(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.signature.as_ref()?).ok()
    }

    pub(super) fn manifest(&self) -> Manifest {
        let mut annotations = Annotations::from([(KEY.to_owned(), self.key.to_string())]);
        annotations.extend(self.signature.clone().map(|signature| (SIGNATURE.to_owned(), signature)));
        let config = Descriptor::new(media_type::EMPTY, Content::of(b"{}"));
        let mut manifest = Manifest::new(config, self.layers.clone(), annotations);
        manifest.artifact_type = Some(self.kind.artifact_type().to_owned());
        manifest
    }
}

/// The files one after the other, compressed, in the store.
pub(super) fn pack(store: &Store, files: &[Content]) -> Result<Content, StoreError> {
    let mut encoder = zstd::Encoder::new(store.writer()?, 3)?;
    for content in files {
        io::copy(&mut store.open_blob(content)?, &mut encoder)?;
    }
    encoder.finish()?.commit()
}

/// Takes the files out again; says what is wrong when they are not the expected ones. No more is read than they have.
pub(super) fn unpack(
    store: &Store,
    pack: &Content,
    files: &[Content],
) -> Result<Result<(), String>, StoreError> {
    let mut decoder = zstd::Decoder::new(store.open_blob(pack)?)?;
    for content in files {
        let mut writer = store.writer()?;
        let copied = io::copy(&mut decoder.by_ref().take(content.size), &mut writer);
        let whole = copied.is_ok_and(|copied| copied == content.size);
        match writer.commit_expecting(content) {
            Ok(()) if whole => {}
            Err(StoreError::Io(error)) => return Err(error.into()),
            _ => return Ok(Err(format!("it does not hold {}", content.digest))),
        }
    }
    Ok(Ok(()))
}
