//! cosign's older form, in which what vouches for a signature is in annotations of the layer that holds what was signed. The
//! verifier reads bundles, so it is made into one of their first version (protobuf-specs, bundle v0.1), in which a log's promise is
//! enough.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_types::{DerCertificate, Sha256Hash, TransparencyLogEntry};

/// Who signed, where a certificate says it; PEM.
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// The certificates above it.
const CHAIN: &str = "dev.sigstore.cosign/chain";
/// What a log said of it.
const ENTRY: &str = "dev.sigstore.cosign/bundle";

/// What vouches for something in the older form.
#[derive(Debug, Clone)]
pub(crate) struct Vouchers {
    certificate: Option<String>,
    entry: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    signed_entry_timestamp: String,
    payload: Logged,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    body: String,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    kind: String,
    api_version: String,
}

impl Vouchers {
    /// Those in the annotations of a layer.
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        let filled = |name: &str| annotations.get(name).filter(|text| !text.is_empty()).cloned();
        Self { certificate: filled(CERTIFICATE), entry: filled(ENTRY) }
    }

    /// Whether a certificate says who signed.
    pub fn certified(&self) -> bool {
        self.certificate.is_some()
    }

    /// Whether a log said something of it.
    pub fn logged(&self) -> bool {
        self.entry.is_some()
    }

    /// A bundle with these, in which `content` is the member `name`.
    pub fn bundle(&self, name: &str, content: Value) -> Result<sigstore_types::Bundle, String> {
        let mut material = match &self.certificate {
            Some(pem) => {
                let certificate = DerCertificate::from_pem(pem);
                let certificate = certificate.map_err(|_| "its certificate can't be read".to_owned())?;
                json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": certificate.to_base64() }] } })
            }
            // A key is known by other means than by what the bundle says.
            None => json!({ "publicKey": { "hint": "" } }),
        };
        let entries = self.entry.as_deref().map(entry).transpose()?;
        material["tlogEntries"] = entries.into_iter().collect();
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
            "verificationMaterial": material,
            name: content,
        });
        sigstore_types::Bundle::from_json(&bundle.to_string()).map_err(|error| error.to_string())
    }
}

/// Annotations that say who signed and what a log promised. None where there is a certificate and no promise.
pub(crate) fn annotations(
    certificate: Option<&str>,
    entry: Option<&TransparencyLogEntry>,
) -> Option<BTreeMap<String, String>> {
    let promised = entry.and_then(promised);
    if certificate.is_some() && promised.is_none() {
        return None;
    }
    let mut all = BTreeMap::new();
    all.extend(promised.map(|entry| (ENTRY.to_owned(), entry)));
    if let Some(pem) = certificate {
        all.insert(CERTIFICATE.to_owned(), pem.to_owned());
        // cosign wants it there, and takes the chain from its trusted root.
        all.insert(CHAIN.to_owned(), String::new());
    }
    Some(all)
}

/// A log's promise, as cosign keeps it; none where it made none.
fn promised(entry: &TransparencyLogEntry) -> Option<String> {
    let entry = serde_json::to_value(entry).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| text(value)?.parse::<i64>().ok();
    let log = BASE64_STANDARD.decode(text(&entry["logId"]["keyId"])?).ok()?;
    let log: String = log.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = json!({
        "SignedEntryTimestamp": text(&entry["inclusionPromise"]["signedEntryTimestamp"])?,
        "Payload": {
            "body": text(&entry["canonicalizedBody"])?,
            "integratedTime": number(&entry["integratedTime"])?,
            "logIndex": number(&entry["logIndex"])?,
            "logID": log,
        },
    });
    Some(kept.to_string())
}

/// What a log said, as bundles have it.
fn entry(text: &str) -> Result<Value, String> {
    let wrong = || "its log entry can't be read".to_owned();
    let Entry { signed_entry_timestamp, payload } = serde_json::from_str(text).map_err(|_| wrong())?;
    let body = BASE64_STANDARD.decode(&payload.body).map_err(|_| wrong())?;
    let kind: Kind = serde_json::from_slice(&body).map_err(|_| wrong())?;
    let log = Sha256Hash::from_hex(&payload.log_id).map_err(|_| "its log entry names no log".to_owned())?;
    Ok(json!({
        "logIndex": payload.log_index.to_string(),
        "logId": { "keyId": log.to_base64() },
        "kindVersion": { "kind": kind.kind, "version": kind.api_version },
        "integratedTime": payload.integrated_time.to_string(),
        "inclusionPromise": { "signedEntryTimestamp": signed_entry_timestamp },
        "canonicalizedBody": payload.body,
    }))
}
