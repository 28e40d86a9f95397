//! Whether a key in a keyring may sign at all: self-signatures, bindings, times, flags, revocations (RFC 9580, 5.2 and
//! 10.1). Third-party certifications say nothing here and are passed over.

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{Fingerprint, KeyDetails, PublicParams, Tag};

use super::Why;
use super::keyring::issued_by;

/// The hash algorithms that count.
pub(super) fn strong_hash(signature: &Signature) -> Result<(), Why> {
    match signature.hash_alg() {
        Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) => Ok(()),
        Some(hash) => Err(Why::WeakHash { hash: hash.to_string() }),
        None => Err(Why::Unsupported),
    }
}

/// Upper-case hex, as `gpg` prints fingerprints.
pub(super) fn hex(fingerprint: &Fingerprint) -> String {
    format!("{fingerprint:X}")
}

/// The parts of a signature that its hash covers; what is outside says nothing.
pub(super) fn hashed(signature: &Signature) -> impl Iterator<Item = &SubpacketData> {
    signature
        .config()
        .into_iter()
        .flat_map(|config| config.hashed_subpackets.iter().map(|subpacket| &subpacket.data))
}

/// Whether there is a critical part that is not understood (RFC 9580, 5.2.3.7).
pub(super) fn has_unknown_critical(signature: &Signature) -> bool {
    signature.config().is_some_and(|config| {
        config.hashed_subpackets.iter().any(|subpacket| {
            subpacket.is_critical
                && matches!(
                    subpacket.data,
                    SubpacketData::Other(..) | SubpacketData::Experimental(..) | SubpacketData::Notation(_)
                )
        })
    })
}

/// When it was made, in seconds since 1970.
pub(super) fn created(signature: &Signature) -> Option<u64> {
    hashed(signature).find_map(|data| match data {
        SubpacketData::SignatureCreationTime(time) => Some(u64::from(time.as_secs())),
        _ => None,
    })
}

/// When its own time to live ends; none when it never does.
pub(super) fn expires(signature: &Signature) -> Option<u64> {
    let lifetime = hashed(signature).find_map(|data| match data {
        SubpacketData::SignatureExpirationTime(time) => Some(u64::from(time.as_secs())),
        _ => None,
    })?;
    (lifetime != 0).then(|| created(signature).unwrap_or(0) + lifetime)
}

/// Checks that a primary key may vouch for things at `now`; returns the self-signature that says so.
pub(super) fn check_primary(key: &SignedPublicKey, now: u64) -> Result<&Signature, Why> {
    strong_key(key)?;
    let primary = &key.primary_key;
    let revoked = key
        .details
        .revocation_signatures
        .iter()
        .any(|s| issued_by(s, primary) && s.verify_key(primary).is_ok());
    if revoked {
        return Err(Why::KeyRevoked);
    }
    let direct = key.details.direct_signatures.iter().filter(|s| s.verify_key(primary).is_ok());
    let users = key.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|s| {
            s.typ() != Some(SignatureType::CertRevocation)
                && s.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        })
    });
    let own = direct.chain(users).filter(|s| issued_by(s, primary));
    let newest = newest(own, now).ok_or(Why::Unbound)?;
    check_lifetime(primary, newest, now)?;
    Ok(newest)
}

/// Checks that the primary key itself may sign documents at `now`.
pub(super) fn check_signing_primary(key: &SignedPublicKey, now: u64) -> Result<(), Why> {
    if flags(check_primary(key, now)?).is_some_and(KeyFlags::sign) { Ok(()) } else { Err(Why::NotForSigning) }
}

/// Checks that a subkey of `key` may sign documents at `now`.
pub(super) fn check_signing_subkey(
    key: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
    now: u64,
) -> Result<(), Why> {
    check_primary(key, now)?;
    strong_key(&subkey.key)?;
    let primary = &key.primary_key;
    let valid = |kind| {
        subkey.signatures.iter().filter(move |s| {
            s.typ() == Some(kind)
                && issued_by(s, primary)
                && s.verify_subkey_binding(primary, &subkey.key).is_ok()
        })
    };
    if valid(SignatureType::SubkeyRevocation).next().is_some() {
        return Err(Why::KeyRevoked);
    }
    let binding = newest(valid(SignatureType::SubkeyBinding), now).ok_or(Why::Unbound)?;
    if !flags(binding).is_some_and(KeyFlags::sign) {
        return Err(Why::NotForSigning);
    }
    // Without the signature back, anyone could claim another's signing key as their subkey.
    let back = binding.embedded_signature().ok_or(Why::Unbound)?;
    strong_hash(back).map_err(|_| Why::Unbound)?;
    back.verify_primary_key_binding(&subkey.key, primary).map_err(|_| Why::Unbound)?;
    check_lifetime(&subkey.key, binding, now)
}

/// The newest of the key's own signatures that counts at `now`.
fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>, now: u64) -> Option<&'a Signature> {
    signatures
        .filter(|s| strong_hash(s).is_ok() && !has_unknown_critical(s))
        .filter(|s| {
            created(s).is_some_and(|at| at <= now + super::SKEW) && expires(s).is_none_or(|at| at > now)
        })
        .max_by_key(|s| created(s))
}

/// Checks the key's own time to live, as `binding` sets it.
fn check_lifetime(key: &impl KeyDetails, binding: &Signature, now: u64) -> Result<(), Why> {
    let made = u64::from(key.created_at().as_secs());
    if made > now + super::SKEW {
        return Err(Why::Future { at: made });
    }
    let lifetime = hashed(binding).find_map(|data| match data {
        SubpacketData::KeyExpirationTime(time) => Some(u64::from(time.as_secs())),
        _ => None,
    });
    match lifetime {
        Some(seconds) if seconds != 0 && made + seconds <= now => Err(Why::KeyExpired { at: made + seconds }),
        _ => Ok(()),
    }
}

fn flags(signature: &Signature) -> Option<&KeyFlags> {
    hashed(signature).find_map(|data| match data {
        SubpacketData::KeyFlags(flags) => Some(flags),
        _ => None,
    })
}

/// RSA from 2048 bits, ECDSA, EdDSA.
pub(super) fn strong_key(key: &impl KeyDetails) -> Result<(), Why> {
    match key.public_params() {
        PublicParams::RSA(rsa) => {
            // The first of an RSA key's numbers is its modulus, written as its length in bits and its bytes (3.2).
            let bytes = rsa.to_bytes().map_err(|_| Why::Unsupported)?;
            let bits = bytes.first_chunk().map_or(0, |length| u16::from_be_bytes(*length));
            if bits < 2048 { Err(Why::WeakKey { key: format!("RSA, {bits} bits") }) } else { Ok(()) }
        }
        PublicParams::ECDSA(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => Ok(()),
        PublicParams::DSA(_) => Err(Why::WeakKey { key: "DSA".to_owned() }),
        _ => Err(Why::WeakKey { key: "an algorithm that is not for signing, or unknown".to_owned() }),
    }
}
