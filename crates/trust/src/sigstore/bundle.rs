//! Bundles: what was said, the signature, and what is needed to verify it.

use std::collections::BTreeMap;

use sigstore_bundle::{BundleV03, VerificationMaterialV03};
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{
    DerCertificate, DsseEnvelope, DsseSignature, KeyId, PayloadBytes, SignatureBytes, SignatureContent,
    TimestampToken, TransparencyLogEntry,
};

use super::older::{self, Vouchers};
use super::unambiguous;
use crate::key::PublicKey;
use crate::statement::PAYLOAD_TYPE;

/// Its media type, and the type of the artifact that holds one.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// More bytes than this are no bundle that is read: the largest hold the bill of materials of a whole image.
pub const MAX_BUNDLE: u64 = 64 << 20;
/// More log entries or timestamps than this are in no bundle that is read: each is a signature to verify, and one will do.
const MOST_WITNESSES: usize = 32;

/// A statement that somebody signed.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub(super) inner: sigstore_types::Bundle,
    pub(super) envelope: DsseEnvelope,
}

/// Who signed: a key that verifiers have, or a certificate that says it.
pub(crate) enum Material<'a> {
    Key(&'a PublicKey),
    Certificate(DerCertificate),
}

impl Material<'_> {
    /// The key or the certificate.
    pub(crate) fn to_pem(&self) -> String {
        match self {
            Self::Key(key) => key.to_pem(),
            Self::Certificate(certificate) => certificate.to_pem(),
        }
    }
}

impl Bundle {
    /// The bundle in these bytes of JSON.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
        unambiguous::check(bytes).map_err(|error| format!("it is no bundle: {error}"))?;
        let inner =
            sigstore_types::Bundle::from_json(text).map_err(|error| format!("it is no bundle: {error}"))?;
        let material = &inner.verification_material;
        let timestamps = material.timestamp_verification_data.rfc3161_timestamps.len();
        if material.tlog_entries.len().max(timestamps) > MOST_WITNESSES {
            return Err(format!("it has more than {MOST_WITNESSES} log entries or timestamps"));
        }
        match &inner.content {
            SignatureContent::DsseEnvelope(envelope) if envelope.payload_type == PAYLOAD_TYPE => {
                Ok(Self { envelope: envelope.clone(), inner })
            }
            SignatureContent::DsseEnvelope(envelope) => {
                Err(format!("its payload is of the type `{}`, which is no statement", envelope.payload_type))
            }
            _ => Err("it holds a bare signature and no statement".to_owned()),
        }
    }

    /// An older attestation: an envelope, and what vouches for it in the annotations of its layer.
    pub fn of_envelope(bytes: &[u8], annotations: &BTreeMap<String, String>) -> Result<Self, String> {
        unambiguous::check(bytes).map_err(|error| format!("it is no envelope: {error}"))?;
        let envelope: DsseEnvelope =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no envelope: {error}"))?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(format!(
                "its payload is of the type `{}`, which is no statement",
                envelope.payload_type
            ));
        }
        let vouchers = Vouchers::of(annotations);
        let inner = if vouchers.certified() || vouchers.logged() {
            let written = serde_json::to_value(&envelope).map_err(|error| error.to_string())?;
            vouchers.bundle("dsseEnvelope", written)?
        } else {
            let material = VerificationMaterialV03::PublicKey { hint: String::new() };
            BundleV03::new(material, SignatureContent::DsseEnvelope(envelope.clone())).into_bundle()
        };
        Ok(Self { inner, envelope })
    }

    /// What vouches for it in the older form: annotations of the layer that holds its envelope. None where it can't be said there: a
    /// certificate is nothing without a log's promise.
    pub(crate) fn older_annotations(&self) -> Option<BTreeMap<String, String>> {
        let material = &self.inner.verification_material;
        let certificate = match &material.content {
            VerificationMaterialContent::PublicKey(_) => None,
            VerificationMaterialContent::Certificate(certificate) => Some(certificate.raw_bytes.to_pem()),
            _ => return None,
        };
        older::annotations(certificate.as_deref(), material.tlog_entries.first())
    }

    /// Its envelope alone, as JSON.
    pub fn envelope_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.envelope).unwrap_or_default()
    }

    /// As JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Its parts were JSON, or are made of what can be.
        self.inner.to_json().unwrap_or_default().into_bytes()
    }

    /// The bytes of the statement. What is in them is anybody's word until the bundle is verified.
    pub fn payload(&self) -> &[u8] {
        self.envelope.payload.as_bytes()
    }

    /// Whether it names a key of the verifier's rather than a certificate.
    pub fn is_by_key(&self) -> bool {
        matches!(self.inner.verification_material.content, VerificationMaterialContent::PublicKey(_))
    }

    /// Whether it says that `key` signed it.
    pub(crate) fn names(&self, key: &PublicKey) -> bool {
        match &self.inner.verification_material.content {
            VerificationMaterialContent::PublicKey(named) => named.hint == key.hint(),
            _ => false,
        }
    }

    /// Whether there are entries of a log with it.
    pub(crate) fn has_entries(&self) -> bool {
        !self.inner.verification_material.tlog_entries.is_empty()
    }

    /// Whether a log or a timestamp authority vouches for its time.
    pub(crate) fn is_witnessed(&self) -> bool {
        let timestamps = &self.inner.verification_material.timestamp_verification_data;
        self.has_entries() || !timestamps.rfc3161_timestamps.is_empty()
    }

    pub(super) fn envelope(payload: &[u8], signature: &[u8]) -> DsseEnvelope {
        let signature = DsseSignature::new(SignatureBytes::new(signature.to_vec()), KeyId::default());
        DsseEnvelope::new(PAYLOAD_TYPE, PayloadBytes::new(payload.to_vec()), signature)
    }

    pub(crate) fn new(
        material: Material<'_>,
        payload: &[u8],
        signature: &[u8],
        entry: Option<TransparencyLogEntry>,
        timestamp: Option<TimestampToken>,
    ) -> Self {
        let material = match material {
            Material::Key(key) => VerificationMaterialV03::PublicKey { hint: key.hint() },
            Material::Certificate(certificate) => VerificationMaterialV03::Certificate(certificate),
        };
        let envelope = Self::envelope(payload, signature);
        let mut bundle = BundleV03::new(material, SignatureContent::DsseEnvelope(envelope.clone()));
        if let Some(entry) = entry {
            bundle = bundle.with_tlog_entry(entry);
        }
        if let Some(timestamp) = timestamp {
            bundle = bundle.with_rfc3161_timestamp(timestamp);
        }
        Self { inner: bundle.into_bundle(), envelope }
    }
}

/// What is signed of a payload (DSSE v1, "Signature Definition").
pub(crate) fn encoded(payload: &[u8]) -> Vec<u8> {
    sigstore_types::pae(PAYLOAD_TYPE, payload)
}
