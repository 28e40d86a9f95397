//! Whether a bundle holds: its signature, who made it, and who vouches for when.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sigstore_types::Sha256Hash;
use sigstore_verify::{
    CertificateError, PublicKeyVerificationPolicy, TimestampError, TransparencyLogError, VerificationPolicy,
};

use super::bundle::{Bundle, encoded};
use super::older::Vouchers;
use super::roots::TrustRoot;
use crate::key::PublicKey;
use crate::refusal::Refusal;

/// What is said of a signature that its key did not make of this.
const NO_SIGNATURE: &str = "the signature is not one of what it is with";

/// How the verifier says that a log or a timestamp authority is not the root's: in its text alone.
const UNKNOWN: [&str; 4] = [
    "No matching Rekor key",
    "No log key",
    "does not match any trusted TSA certificate",
    "no timestamp authorities configured",
];

/// What is demanded beyond a good signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// An entry of a log that is believed.
    Logged,
    /// None: the log is not asked.
    Unlogged,
}

/// Who signed, as a certificate says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// An email address, or the address of a workflow.
    pub identity: String,
    /// Who says so.
    pub issuer: String,
    /// The repository that a workflow is of, and its revision, where the certificate says it.
    pub source: Option<String>,
}

/// What was found to be true of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Who signed; none where a key did.
    pub certificate: Option<Certificate>,
    /// A log that is believed has it.
    pub logged: bool,
    /// Times that are vouched for, in seconds since 1970, sorted.
    pub times: Vec<i64>,
}

/// Checks bundles against one root.
pub struct Verifier {
    inner: Option<sigstore_verify::Verifier>,
}

impl Verifier {
    /// One that believes `root`; without one only keys are believed.
    ///
    /// # Errors
    /// Why the root can't be used.
    pub fn new(root: Option<&TrustRoot>) -> Result<Self, String> {
        let inner = root.map(|root| sigstore_verify::Verifier::new(&root.0)).transpose();
        Ok(Self { inner: inner.map_err(|error| error.to_string())? })
    }

    /// Whether `key` signed the statement in `bundle`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn by_key(&self, bundle: &Bundle, key: &PublicKey, expected: Expected) -> Result<Checked, Refusal> {
        let signed = key.verifies(&encoded(bundle.payload()), bundle.envelope.signature.sig.as_bytes());
        if !signed {
            // It says by itself that it is this key's, and is none of its signatures.
            return Err(match bundle.names(key) {
                true => Refusal::Broken(NO_SIGNATURE.to_owned()),
                false => Refusal::OtherSigner("another key signed it".to_owned()),
            });
        }
        if expected == Expected::Logged && !bundle.has_entries() {
            return Err(Refusal::NotLogged);
        }
        if !bundle.is_witnessed() {
            return Ok(Checked::default());
        }
        let Some(inner) = &self.inner else {
            // Nobody is believed who could vouch for a log or a time.
            return match expected {
                Expected::Logged => Err(Refusal::NoRoot),
                Expected::Unlogged => Ok(Checked::default()),
            };
        };
        let mut policy = PublicKeyVerificationPolicy::new(key.der().clone());
        if expected == Expected::Unlogged {
            policy = policy.skip_tlog_unsafe();
        }
        let result = inner.verify(subject(bundle)?, &bundle.inner, &policy);
        Ok(checked(&result.map_err(|error| refusal(&error))?, None, &bundle.inner))
    }

    /// Who signed the statement in `bundle` by a certificate. Whether they may is for others to say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn by_certificate(&self, bundle: &Bundle, expected: Expected) -> Result<Checked, Refusal> {
        let inner = self.inner.as_ref().ok_or(Refusal::NoRoot)?;
        let mut policy = VerificationPolicy::any_identity();
        if expected == Expected::Unlogged {
            policy = policy.skip_tlog_unsafe();
        } else if !bundle.has_entries() {
            return Err(Refusal::NotLogged);
        }
        if !bundle.is_witnessed() {
            return Err(Refusal::NoTime("neither a log nor a timestamp authority says when".to_owned()));
        }
        let result =
            inner.verify(subject(bundle)?, &bundle.inner, &policy).map_err(|error| refusal(&error))?;
        Ok(checked(&result, Some(certificate(&result)?), &bundle.inner))
    }
}

/// A signature in the older form.
pub(crate) struct Legacy {
    pub payload: Vec<u8>,
    /// ASN.1 DER.
    pub signature: Vec<u8>,
    pub vouchers: Vouchers,
}

impl Legacy {
    fn to_bundle(&self) -> Result<sigstore_types::Bundle, Refusal> {
        let digest = longshore_oci::Digest::of(&self.payload);
        let signature = serde_json::json!({
            "messageDigest": { "algorithm": "SHA2_256", "digest": BASE64_STANDARD.encode(digest.as_bytes()) },
            "signature": BASE64_STANDARD.encode(&self.signature),
        });
        self.vouchers.bundle("messageSignature", signature).map_err(Refusal::Broken)
    }
}

impl Verifier {
    /// Whether `key` made an older signature.
    pub(crate) fn older_by_key(
        &self,
        legacy: &Legacy,
        key: &PublicKey,
        expected: Expected,
    ) -> Result<Checked, Refusal> {
        if !key.verifies(&legacy.payload, &legacy.signature) {
            return Err(Refusal::OtherSigner("another key signed it".to_owned()));
        }
        if expected == Expected::Unlogged {
            return Ok(Checked::default());
        }
        if !legacy.vouchers.logged() {
            return Err(Refusal::NotLogged);
        }
        if legacy.vouchers.certified() {
            return Err(Refusal::OtherSigner("a certificate, and no key, signed it".to_owned()));
        }
        let inner = self.inner.as_ref().ok_or(Refusal::NoRoot)?;
        let bundle = legacy.to_bundle()?;
        let policy = PublicKeyVerificationPolicy::new(key.der().clone());
        let result = inner.verify(legacy.payload.as_slice(), &bundle, &policy);
        Ok(checked(&result.map_err(|error| refusal(&error))?, None, &bundle))
    }

    /// Who made an older signature by a certificate.
    pub(crate) fn older_by_certificate(
        &self,
        legacy: &Legacy,
        expected: Expected,
    ) -> Result<Checked, Refusal> {
        let inner = self.inner.as_ref().ok_or(Refusal::NoRoot)?;
        if !legacy.vouchers.certified() {
            return Err(Refusal::OtherSigner("a key, and no certificate, signed it".to_owned()));
        }
        if !legacy.vouchers.logged() {
            return Err(Refusal::NotLogged);
        }
        let bundle = legacy.to_bundle()?;
        let mut policy = VerificationPolicy::any_identity();
        if expected == Expected::Unlogged {
            policy = policy.skip_tlog_unsafe();
        }
        let result =
            inner.verify(legacy.payload.as_slice(), &bundle, &policy).map_err(|error| refusal(&error))?;
        let certificate = certificate(&result)?;
        // A promise of the log's is what such a signature has instead of a proof.
        Ok(Checked { logged: true, ..checked(&result, Some(certificate), &bundle) })
    }
}

/// What the verifier wants to see named: a subject of the statement itself, since which of them matters is looked at elsewhere.
fn subject(bundle: &Bundle) -> Result<Sha256Hash, Refusal> {
    #[derive(serde::Deserialize)]
    struct Statement {
        subject: Vec<Subject>,
    }
    #[derive(serde::Deserialize)]
    struct Subject {
        digest: std::collections::BTreeMap<String, String>,
    }
    let read: Statement = serde_json::from_slice(bundle.payload())
        .map_err(|_| Refusal::Broken("what was signed is no statement".to_owned()))?;
    let hashes = read.subject.iter().filter_map(|subject| subject.digest.get("sha256"));
    let found = hashes.into_iter().find_map(|hex| Sha256Hash::from_hex(hex).ok());
    found.ok_or_else(|| Refusal::Broken("what was signed names no subject by SHA-256".to_owned()))
}

/// Whose certificate it was.
fn certificate(result: &sigstore_verify::VerificationResult) -> Result<Certificate, Refusal> {
    let (Some(identity), Some(issuer)) = (result.identity(), result.issuer()) else {
        return Err(Refusal::Broken("its certificate does not say whose it is".to_owned()));
    };
    let source =
        result.certificate().and_then(|certificate| certificate.ci_claims.source_repository_uri.clone());
    Ok(Certificate { identity: identity.as_str().to_owned(), issuer: issuer.to_owned(), source })
}

fn checked(
    result: &sigstore_verify::VerificationResult,
    certificate: Option<Certificate>,
    bundle: &sigstore_types::Bundle,
) -> Checked {
    let logged = result.tlog_verified() && !bundle.verification_material.tlog_entries.is_empty();
    let mut times: Vec<i64> = result.verified_timestamps().iter().map(|time| time.as_second()).collect();
    times.sort_unstable();
    Checked { certificate, logged, times }
}

/// What went wrong, in our words.
fn refusal(error: &sigstore_verify::Error) -> Refusal {
    use sigstore_verify::Error;
    let text = error.to_string();
    match error {
        Error::SignatureInvalid(_) => Refusal::Broken(NO_SIGNATURE.to_owned()),
        Error::ArtifactMismatch(_) => Refusal::OtherSubject,
        Error::Certificate(CertificateError::Expired { .. } | CertificateError::NotYetValid { .. }) => {
            Refusal::Expired(text)
        }
        // Found with the chain, which says it in its text only.
        Error::Certificate(CertificateError::ChainInvalid(reason))
            if ["CertExpired", "CertNotValidYet"].iter().any(|name| reason.contains(name)) =>
        {
            Refusal::Expired("it was not valid when this was signed".to_owned())
        }
        Error::Certificate(CertificateError::Sct(reason)) => Refusal::NotTransparent(reason.clone()),
        Error::Certificate(_) | Error::InvalidTrustRoot(_) => Refusal::OtherRoot(text),
        Error::TransparencyLog(TransparencyLogError::UnknownLog { .. }) => Refusal::OtherRoot(text),
        Error::TransparencyLog(_) | Error::Timestamp(_) if UNKNOWN.iter().any(|part| text.contains(part)) => {
            Refusal::OtherRoot(text)
        }
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => Refusal::NoTime(text),
        Error::TransparencyLog(_) | Error::Timestamp(_) => Refusal::Broken(text),
        _ => Refusal::Broken(text),
    }
}
