//! What was found beside an image, and whether it holds.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::Digest;
use serde::Deserialize;

use crate::attachment::SIGNATURE;
use crate::key::PublicKey;
use crate::refusal::Refusal;
use crate::sigstore::{Bundle, Checked, Expected, Legacy, Verifier, Vouchers, unambiguous};
use crate::statement::{SIGNED, Statement};

/// Most pieces of evidence that are looked at for one image. One that holds is enough, and more never make it less.
pub const MOST: usize = 200;
/// So many bytes of it are looked at: all of them are in memory at once.
pub const MOST_BYTES: u64 = 128 << 20;

/// Something beside an image that may vouch for it.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// A statement in a bundle.
    Bundle(Box<Bundle>),
    /// An older signature: what was signed, and the annotations of its layer.
    Older {
        /// What was signed.
        payload: Vec<u8>,
        /// The layer's annotations.
        annotations: BTreeMap<String, String>,
    },
    /// Something that can't be understood.
    Unreadable(String),
}

/// What is believed of a signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// Who has this key.
    Key(Box<PublicKey>),
    /// Whom an issuer calls so. `*` stands for any characters.
    Identity {
        /// An email address or the address of a workflow.
        identity: String,
        /// Who says so.
        issuer: String,
    },
}

/// A statement that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// What it says.
    pub statement: Statement,
    /// Who says it and when.
    pub checked: Checked,
}

impl Evidence {
    /// The bundle in these bytes.
    pub fn bundle(bytes: &[u8]) -> Self {
        Bundle::read(bytes).map_or_else(Self::Unreadable, |bundle| Self::Bundle(Box::new(bundle)))
    }

    /// The older attestation in these bytes, an envelope, in a layer with these annotations.
    pub fn envelope(bytes: &[u8], annotations: &BTreeMap<String, String>) -> Self {
        let read = Bundle::of_envelope(bytes, annotations);
        read.map_or_else(Self::Unreadable, |bundle| Self::Bundle(Box::new(bundle)))
    }

    /// What kind of thing it says, as far as it says: anybody's word until it is checked.
    pub fn claims(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Claim {
            predicate_type: String,
        }
        match self {
            Self::Bundle(bundle) => {
                let read: Option<Claim> = serde_json::from_slice(bundle.payload()).ok();
                read.map(|claim| claim.predicate_type)
            }
            Self::Older { .. } => Some(SIGNED.to_owned()),
            Self::Unreadable(_) => None,
        }
    }

    /// What it says of `subject`, if `signer` said it.
    ///
    /// # Errors
    /// Why not.
    pub fn held(
        &self,
        subject: &Digest,
        signer: &Signer,
        expected: Expected,
        verifier: &Verifier,
    ) -> Result<Held, Refusal> {
        match self {
            Self::Unreadable(reason) => Err(Refusal::Broken(reason.clone())),
            Self::Bundle(bundle) => {
                // Of what it is about first: most of what is wrong is simply about something else.
                let statement =
                    Statement::read(bundle.payload(), subject).map_err(|reason| match reason.as_str() {
                        "it is about something else" => Refusal::OtherSubject,
                        _ => Refusal::Broken(reason),
                    })?;
                let checked = match signer {
                    Signer::Key(key) if bundle.is_by_key() => verifier.by_key(bundle, key, expected)?,
                    Signer::Key(_) => {
                        return Err(Refusal::OtherSigner("a certificate, and no key, signed it".to_owned()));
                    }
                    Signer::Identity { .. } if bundle.is_by_key() => {
                        return Err(Refusal::OtherSigner("a key, and no certificate, signed it".to_owned()));
                    }
                    Signer::Identity { .. } => {
                        authorised(verifier.by_certificate(bundle, expected)?, signer)?
                    }
                };
                Ok(Held { statement, checked })
            }
            Self::Older { payload, annotations } => {
                about(payload, subject)?;
                let legacy = Legacy::new(payload, annotations)?;
                let checked = match signer {
                    Signer::Key(key) => verifier.older_by_key(&legacy, key, expected)?,
                    Signer::Identity { .. } => {
                        authorised(verifier.older_by_certificate(&legacy, expected)?, signer)?
                    }
                };
                Ok(Held { statement: Statement::signature(*subject), checked })
            }
        }
    }
}

/// That what was signed in the older form (containers' simple signing) is the image `subject`.
fn about(payload: &[u8], subject: &Digest) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Payload {
        critical: Critical,
    }
    #[derive(Deserialize)]
    struct Critical {
        image: Image,
        #[serde(rename = "type")]
        kind: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Image {
        docker_manifest_digest: String,
    }
    // All of it has to be JSON, and not only what is read of it.
    let whole = unambiguous::check(payload).is_ok();
    let said: Option<Payload> = serde_json::from_slice(payload).ok().filter(|_| whole);
    let said = said.filter(|said| said.critical.kind == "cosign container image signature");
    let said =
        said.ok_or_else(|| Refusal::Broken("what was signed is no signature of an image".to_owned()))?;
    match said.critical.image.docker_manifest_digest == subject.to_string() {
        true => Ok(()),
        false => Err(Refusal::OtherSubject),
    }
}

/// The same, if it is the signer's certificate.
fn authorised(checked: Checked, signer: &Signer) -> Result<Checked, Refusal> {
    let (Some(certificate), Signer::Identity { identity, issuer }) = (&checked.certificate, signer) else {
        return Err(Refusal::OtherSigner("no certificate says who it is".to_owned()));
    };
    match fits(identity, &certificate.identity) && fits(issuer, &certificate.issuer) {
        true => Ok(checked),
        false => Err(Refusal::OtherSigner(format!("{} of {}", certificate.identity, certificate.issuer))),
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

impl Legacy {
    /// The signature that is beside `payload` in `annotations`.
    fn new(payload: &[u8], annotations: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let broken = |reason: &str| Refusal::Broken(reason.to_owned());
        let signature = annotations.get(SIGNATURE).and_then(|text| BASE64_STANDARD.decode(text).ok());
        Ok(Self {
            payload: payload.to_vec(),
            signature: signature.ok_or_else(|| broken("there is no signature beside it"))?,
            vouchers: Vouchers::of(annotations),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, text, expected) in [
            ("a@b", "a@b", true),
            ("a@b", "a@bc", false),
            ("*", "x", true),
            ("https://github.com/acme/*", "https://github.com/acme/app", true),
            ("https://github.com/acme/*", "https://github.com/evil/app", false),
            ("*@acme.org", "eve@acme.org.evil.org", false),
            ("a*b*c", "axbyc", true),
            ("a*b*c", "axcyb", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
