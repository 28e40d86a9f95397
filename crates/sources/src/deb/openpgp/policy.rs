//! When a signature on a release file counts.

use pgp::composed::SignedPublicKey;
use pgp::packet::{Signature, SignatureType};
use pgp::types::KeyDetails as _;

use super::certificate::{
    check_signing_primary, check_signing_subkey, created, expires, has_unknown_critical, hex, strong_hash,
    strong_key,
};
use super::keyring::issued_by;
use super::{Keyring, Refused, Why};

/// How far a signer's clock may be ahead of ours, in seconds.
pub const SKEW: u64 = 3600;

/// Checks one signature over `bytes`; returns the fingerprint of the primary key that stands behind it.
///
/// It counts when it is over a document, with SHA-256, SHA-384 or SHA-512, neither from the future nor expired, by a
/// key of the keyring (and of `pins`, where there are any) that may sign at `now`.
pub(super) fn check(
    signature: &Signature,
    bytes: &[u8],
    keyring: &Keyring,
    pins: &[String],
    now: u64,
) -> Result<String, Refused> {
    let mut why = Why::UnknownKey;
    for key in keyring.candidates(signature) {
        match check_with(signature, bytes, key, pins, now) {
            Ok(()) => return Ok(hex(&key.fingerprint())),
            Err(reason) => why = reason,
        }
    }
    Err(Refused { key: claimed(signature), why })
}

fn check_with(
    signature: &Signature,
    bytes: &[u8],
    key: &SignedPublicKey,
    pins: &[String],
    now: u64,
) -> Result<(), Why> {
    let subkey = key.public_subkeys.iter().find(|subkey| issued_by(signature, &subkey.key));
    let primary = hex(&key.fingerprint());
    let signer = subkey.map_or_else(|| primary.clone(), |subkey| hex(&subkey.key.fingerprint()));
    if !pins.is_empty() && !pins.iter().any(|pin| same(pin, &primary) || same(pin, &signer)) {
        return Err(Why::NotPinned);
    }
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err(Why::WrongType);
    }
    strong_hash(signature)?;
    match subkey {
        Some(subkey) => {
            strong_key(&subkey.key)?;
            signature.verify(&subkey.key, bytes)
        }
        None => {
            strong_key(key)?;
            signature.verify(&key.primary_key, bytes)
        }
    }
    .map_err(|_| Why::Mismatch)?;
    check_time(
        signature,
        subkey.map_or_else(|| key.created_at(), |subkey| subkey.key.created_at()).as_secs(),
        now,
    )?;
    match subkey {
        Some(subkey) => check_signing_subkey(key, subkey, now),
        None => check_signing_primary(key, now),
    }
}

/// Made after its key and before now, and not expired.
fn check_time(signature: &Signature, key_made: u32, now: u64) -> Result<(), Why> {
    let at = created(signature).ok_or(Why::Unsupported)?;
    if has_unknown_critical(signature) || at < u64::from(key_made) {
        return Err(Why::Unsupported);
    }
    if at > now + SKEW {
        return Err(Why::Future { at });
    }
    match expires(signature) {
        Some(at) if at <= now => Err(Why::SignatureExpired { at }),
        _ => Ok(()),
    }
}

/// Fingerprints are written with and without spaces, in either case.
fn same(pin: &str, fingerprint: &str) -> bool {
    let pin = pin.strip_prefix("0x").unwrap_or(pin);
    pin.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_ascii_uppercase()).eq(fingerprint.chars())
}

/// Who the signature says made it.
fn claimed(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return hex(fingerprint);
    }
    signature
        .issuer_key_id()
        .first()
        .map_or_else(|| "without a name".to_owned(), |id| id.to_string().to_ascii_uppercase())
}
