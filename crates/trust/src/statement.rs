//! What is said of an image: in-toto statements (in-toto Attestation Framework v1, "Statement") in DSSE envelopes (DSSE v1).

use longshore_oci::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a signature of an image says, as cosign's do.
pub const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";
/// SLSA provenance, v1.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// An SPDX document.
pub const SPDX: &str = "https://spdx.dev/Document";
/// A CycloneDX document.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// An OpenVEX document.
pub const VEX: &str = "https://openvex.dev/ns/v0.2.0";

/// What scanners found, in the form of in-toto and in that of cosign.
pub const FINDINGS: [&str; 3] = [
    "https://in-toto.io/attestation/vulns/v0.2",
    "https://in-toto.io/attestation/vulns/v0.1",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
];

/// The predicate types that have short names.
const SHORT: [(&str, &str); 6] = [
    ("slsa-provenance", PROVENANCE),
    ("spdx", SPDX),
    ("cyclonedx", CYCLONEDX),
    ("vex", VEX),
    ("vulns", FINDINGS[0]),
    ("vuln", FINDINGS[2]),
];

/// The predicate type that `kind` names: by its short name, or by its own, which is an address.
pub fn predicate_type(kind: &str) -> Result<String, String> {
    match SHORT.iter().find(|(short, _)| *short == kind) {
        Some((_, full)) => Ok((*full).to_owned()),
        None if kind.contains("://") => Ok(kind.to_owned()),
        None => {
            let known: Vec<_> = SHORT.iter().map(|(short, _)| *short).collect();
            Err(format!("`{kind}` is no type of attestation: {}, or the address of one", known.join(", ")))
        }
    }
}

/// The type of an envelope's payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const V1: &str = "https://in-toto.io/Statement/v1";
const V0_1: &str = "https://in-toto.io/Statement/v0.1";

/// A statement about one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What of: a manifest or an index.
    pub subject: Digest,
    /// What the subject is called; signatures name none.
    pub name: Option<String>,
    /// What kind of thing is said.
    pub predicate_type: String,
    /// What is said.
    pub predicate: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    digest: Digests,
}

#[derive(Serialize, Deserialize)]
struct Digests {
    sha256: Option<String>,
}

impl Statement {
    /// That somebody signs `subject`.
    pub fn signature(subject: Digest) -> Self {
        let predicate = Value::Object(serde_json::Map::new());
        Self { subject, name: None, predicate_type: SIGNED.to_owned(), predicate }
    }

    /// As JSON, in the form that is signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            kind: V1.to_owned(),
            subject: vec![Subject {
                name: self.name.clone(),
                digest: Digests { sha256: Some(self.subject.hex()) },
            }],
            predicate_type: self.predicate_type.clone(),
            predicate: self.predicate.clone(),
        };
        // Maps with text as keys are always JSON.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// The statement in `payload`, if it is about `subject`; other subjects of it do not matter.
    pub fn read(payload: &[u8], subject: &Digest) -> Result<Self, String> {
        let written: Written =
            serde_json::from_slice(payload).map_err(|error| format!("it is no statement: {error}"))?;
        if ![V1, V0_1].contains(&written.kind.as_str()) {
            return Err(format!("it is of the type `{}`, which is no statement", written.kind));
        }
        let hex = subject.hex();
        let found =
            written.subject.into_iter().find(|one| one.digest.sha256.as_deref() == Some(hex.as_ref()));
        let found = found.ok_or_else(|| "it is about something else".to_owned())?;
        Ok(Self {
            subject: *subject,
            name: found.name,
            predicate_type: written.predicate_type,
            predicate: written.predicate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_say_what_cosign_s_do() {
        let subject = Digest::of(b"x");
        let bytes = Statement::signature(subject).to_bytes();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            format!(
                "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{{\"digest\":{{\"sha256\":\"{}\"}}}}],\
                 \"predicateType\":\"https://sigstore.dev/cosign/sign/v1\",\"predicate\":{{}}}}",
                subject.hex()
            )
        );
        assert_eq!(Statement::read(&bytes, &subject).unwrap(), Statement::signature(subject));
        assert!(Statement::read(&bytes, &Digest::of(b"y")).is_err());
    }

    #[test]
    fn other_people_s_statements_are_read() {
        let subject = Digest::of(b"x");
        let text = format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"t\",\"subject\":[{{\"name\":\"n\",\"digest\":\
             {{\"sha512\":\"00\"}}}},{{\"name\":\"m\",\"digest\":{{\"sha256\":\"{}\",\"sha1\":\"00\"}}}}],\"predicate\":1}}",
            subject.hex()
        );
        let read = Statement::read(text.as_bytes(), &subject).unwrap();
        assert_eq!(
            (read.name.as_deref(), read.predicate_type.as_str(), &read.predicate),
            (Some("m"), "t", &Value::from(1))
        );
        for wrong in ["", "{}", "[]", &text.replace("Statement/v0.1", "Statement/v9")] {
            assert!(Statement::read(wrong.as_bytes(), &subject).is_err(), "{wrong}");
        }
    }
}
