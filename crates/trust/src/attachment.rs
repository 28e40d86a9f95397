//! What hangs on an image: bundles as artifacts that refer to it (image specification 1.1, "Artifacts"), and cosign's older tags.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::{Annotations, Content, Descriptor, Digest, Manifest, media_type};
use serde_json::json;

use crate::TrustError;
use crate::sigstore::{BUNDLE_TYPE, Bundle};

/// The type of the layers of older signatures: what was signed.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The type of the layers of older attestations.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// Where an older signature is: base64, beside what was signed.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const PREDICATE_TYPE: &str = "predicateType";

/// A manifest that refers to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The image.
    pub subject: Content,
    /// What lists of referrers say of it.
    pub entry: Descriptor,
    /// The manifest.
    pub manifest: Vec<u8>,
    /// Its configuration and its layer.
    pub blobs: Vec<Vec<u8>>,
}

impl Attachment {
    /// `bundle`, which says something of the type `predicate_type`, on the image `subject`.
    pub fn new(bundle: &Bundle, predicate_type: &str, subject: &Descriptor) -> Self {
        let (config, layer) = (b"{}".to_vec(), bundle.to_bytes());
        let mut subject_only = Descriptor::new(&subject.media_type, subject.content());
        subject_only.platform = None;
        let mut manifest = Manifest::new(
            Descriptor::new(media_type::EMPTY, Content::of(&config)),
            vec![Descriptor::new(BUNDLE_TYPE, Content::of(&layer))],
            Annotations::from([
                ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
                ("dev.sigstore.bundle.predicateType".to_owned(), predicate_type.to_owned()),
            ]),
        );
        manifest.artifact_type = Some(BUNDLE_TYPE.to_owned());
        manifest.subject = Some(subject_only);
        let bytes = manifest.to_bytes();
        let mut entry = Descriptor::new(media_type::MANIFEST, Content::of(&bytes));
        entry.artifact_type = manifest.artifact_type;
        entry.annotations = manifest.annotations;
        Self { subject: subject.content(), entry, manifest: bytes, blobs: vec![config, layer] }
    }
}

/// What cosign's older tags hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Older {
    /// Signatures: `sha256-….sig`.
    Signatures,
    /// Attestations: `sha256-….att`.
    Attestations,
}

impl Older {
    /// The tag beside an image.
    pub fn tag(self, subject: &Digest) -> String {
        let suffix = match self {
            Self::Signatures => "sig",
            Self::Attestations => "att",
        };
        format!("{}.{suffix}", subject.to_string().replace(':', "-"))
    }
}

/// A layer of one of those manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlderLayer {
    /// What describes it, with its annotations.
    pub descriptor: Descriptor,
    /// It.
    pub bytes: Vec<u8>,
}

impl OlderLayer {
    /// What is signed for an image of `repository` (`ghcr.io/org/web`) in the older form: containers' simple signing.
    pub fn payload(subject: &Digest, repository: &str) -> Vec<u8> {
        let payload = json!({
            "critical": {
                "identity": { "docker-reference": repository },
                "image": { "docker-manifest-digest": subject.to_string() },
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        payload.to_string().into_bytes()
    }

    /// A signature (ASN.1 DER) of that, and the annotations that vouch for it.
    pub fn signature(payload: Vec<u8>, signature: &[u8], vouchers: BTreeMap<String, String>) -> Self {
        let mut descriptor = Descriptor::new(SIMPLE_SIGNING, Content::of(&payload));
        descriptor.annotations.extend(vouchers);
        descriptor.annotations.insert(SIGNATURE.to_owned(), BASE64_STANDARD.encode(signature));
        Self { descriptor, bytes: payload }
    }

    /// The envelope of a bundle, with what vouches for it.
    ///
    /// # Errors
    /// When a certificate vouches for it, and no log promised at once to keep it.
    pub fn attestation(bundle: &Bundle, predicate_type: &str) -> Result<Self, TrustError> {
        let bytes = bundle.envelope_bytes();
        let mut descriptor = Descriptor::new(ENVELOPE, Content::of(&bytes));
        descriptor.annotations.extend(bundle.older_annotations().ok_or(TrustError::OlderNeedsLog)?);
        descriptor.annotations.insert(SIGNATURE.to_owned(), String::new());
        descriptor.annotations.insert(PREDICATE_TYPE.to_owned(), predicate_type.to_owned());
        Ok(Self { descriptor, bytes })
    }
}

/// A manifest for such a tag: the layers of the one before, if there was one, and `layer`; with its configuration.
pub fn appended(before: Option<&Manifest>, layer: &Descriptor) -> (Manifest, Vec<u8>) {
    let mut layers = before.map(|before| before.layers.clone()).unwrap_or_default();
    // A signature has the same payload each time: what differs is the annotation.
    if !layers.contains(layer) {
        layers.push(layer.clone());
    }
    let diff_ids: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    let config = json!({
        "architecture": "",
        "config": {},
        "created": "0001-01-01T00:00:00Z",
        "history": vec![json!({ "created": "0001-01-01T00:00:00Z" }); layers.len()],
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = config.to_string().into_bytes();
    let described = Descriptor::new(media_type::CONFIG, Content::of(&config));
    (Manifest::new(described, layers, Annotations::new()), config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_appended_and_never_replaced() {
        let payload = OlderLayer::payload(&Digest::of(b"image"), "ghcr.io/org/web");
        let layers = ["one", "two"]
            .map(|text| OlderLayer::signature(payload.clone(), text.as_bytes(), BTreeMap::new()).descriptor);
        let (first, _) = appended(None, &layers[0]);
        let (second, config) = appended(Some(&first), &layers[1]);
        assert_eq!(second.layers, layers);
        assert_eq!(appended(Some(&second), &layers[0]).0, second);
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_older_payload_is_cosign_s() {
        let payload = OlderLayer::payload(&Digest::of(b"image"), "127.0.0.1:5901/demo/legacy");
        let expected = format!(
            "{{\"critical\":{{\"identity\":{{\"docker-reference\":\"127.0.0.1:5901/demo/legacy\"}},\"image\":{{\"docker-manifest-digest\":\"{}\"}},\
             \"type\":\"cosign container image signature\"}},\"optional\":null}}",
            Digest::of(b"image")
        );
        assert_eq!(String::from_utf8(payload).unwrap(), expected);
    }
}
