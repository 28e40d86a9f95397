//! OpenPGP signatures on release files (RFC 9580), and the policy by which one counts.
//!
//! The `pgp` crate does packets and cryptography and judges nothing; what a signature, and the key that made it, must
//! be like is in [`policy`] and [`certificate`]. Only bytes that a good signature covers come out, as [`Signed`].

mod certificate;
mod error;
mod keyring;
mod policy;

use pgp::composed::{CleartextSignedMessage, Deserializable as _, DetachedSignature};
use pgp::packet::Signature;

pub use error::{OpenPgpError, Refused, Why};
pub use keyring::Keyring;
pub use policy::SKEW;

/// More signatures than this on one file are refused; Debian's have three.
const MAX_SIGNATURES: usize = 32;

/// Bytes that a trusted key signed. Only verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    text: Vec<u8>,
    signed_by: Vec<String>,
}

impl Signed {
    /// The signed bytes: of a clear-signed file without armour and dash escapes, lines ended by `\n`, the last one by
    /// nothing, as its end is not signed.
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Fingerprints (upper-case hex) of the primary keys whose signatures counted, sorted, without doubles.
    pub fn signed_by(&self) -> &[String] {
        &self.signed_by
    }
}

/// Verifies a clear-signed file (`InRelease`): exactly one signed message and nothing around it.
///
/// `pins` are fingerprints of the only keys (primary or subkey) accepted from `keyring`; none for all of it. `now` is in
/// seconds since 1970.
pub fn verify_clearsigned(
    bytes: &[u8],
    keyring: &Keyring,
    pins: &[String],
    now: u64,
) -> Result<Signed, OpenPgpError> {
    // The crate's own errors quote their input, so they are never shown.
    let text = std::str::from_utf8(bytes).map_err(|_| OpenPgpError::NotSigned)?;
    let (message, _) = CleartextSignedMessage::from_string(text).map_err(|_| OpenPgpError::NotSigned)?;
    let signed = message.signed_text();
    let signed_by = judge(message.signatures().iter(), signed.as_bytes(), keyring, pins, now)?;
    Ok(Signed { text: signed.replace("\r\n", "\n").into_bytes(), signed_by })
}

/// Verifies `bytes` (`Release`) against a detached signature, armoured or binary (`Release.gpg`).
///
/// Arguments as for [`verify_clearsigned`].
pub fn verify_detached(
    bytes: &[u8],
    signature: &[u8],
    keyring: &Keyring,
    pins: &[String],
    now: u64,
) -> Result<Signed, OpenPgpError> {
    let unreadable = |_| OpenPgpError::BadSignatureFile;
    let (found, _) = DetachedSignature::from_reader_many(signature).map_err(unreadable)?;
    let signatures = found
        .take(MAX_SIGNATURES + 1)
        .map(|s| s.map(|s| s.signature))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    let signed_by = judge(signatures.iter(), bytes, keyring, pins, now)?;
    Ok(Signed { text: bytes.to_vec(), signed_by })
}

/// Whose good signatures are on `bytes`; at least one, or why none counted.
fn judge<'a>(
    signatures: impl ExactSizeIterator<Item = &'a Signature>,
    bytes: &[u8],
    keyring: &Keyring,
    pins: &[String],
    now: u64,
) -> Result<Vec<String>, OpenPgpError> {
    if signatures.len() == 0 {
        return Err(OpenPgpError::NotSigned);
    }
    if signatures.len() > MAX_SIGNATURES {
        return Err(OpenPgpError::TooManySignatures { limit: MAX_SIGNATURES });
    }
    let mut good = Vec::new();
    let mut refused = Vec::new();
    for signature in signatures {
        match policy::check(signature, bytes, keyring, pins, now) {
            Ok(fingerprint) => good.push(fingerprint),
            Err(reason) => refused.push(reason),
        }
    }
    if good.is_empty() {
        return Err(OpenPgpError::Untrusted { keyring: keyring.name().to_owned(), refused });
    }
    good.sort();
    good.dedup();
    Ok(good)
}
