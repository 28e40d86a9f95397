//! Sets of trusted keys.

use pgp::composed::{Deserializable as _, SignedPublicKey};
use pgp::packet::Signature;
use pgp::types::{KeyDetails as _, KeyId};

use super::OpenPgpError;
use super::certificate::hex;

/// Debian's archive keys; see `keyrings/README.md`.
const DEBIAN_ARCHIVE: &[u8] = include_bytes!("../keyrings/debian-archive.gpg");

/// More keys than this are no keyring.
const MAX_KEYS: usize = 1024;

/// Public keys, any of which may vouch for a repository.
pub struct Keyring {
    name: String,
    keys: Vec<SignedPublicKey>,
}

impl Keyring {
    /// A keyring shipped with longshore: `debian-archive`.
    pub fn shipped(name: &str) -> Result<Self, OpenPgpError> {
        match name {
            "debian-archive" => Self::parse(name, DEBIAN_ARCHIVE),
            _ => Err(OpenPgpError::UnknownKeyring { name: name.to_owned() }),
        }
    }

    /// Reads a file of one or more public keys, binary or armoured (several armoured blocks one after another are
    /// fine). `name` is what messages call it.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, OpenPgpError> {
        let error = || OpenPgpError::BadKeyring { name: name.to_owned() };
        let mut keys = Vec::new();
        for block in blocks(bytes) {
            let (found, _) = SignedPublicKey::from_reader_many(block).map_err(|_| error())?;
            for key in found {
                keys.push(key.map_err(|_| error())?);
                if keys.len() > MAX_KEYS {
                    return Err(error());
                }
            }
        }
        if keys.is_empty() {
            return Err(error());
        }
        Ok(Self { name: name.to_owned(), keys })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Fingerprints of the primary keys, upper-case hex, in the file's order.
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|key| hex(&key.fingerprint())).collect()
    }

    /// The keys whose primary key or a subkey may have made `signature`.
    pub(super) fn candidates<'a>(
        &'a self,
        signature: &'a Signature,
    ) -> impl Iterator<Item = &'a SignedPublicKey> {
        self.keys.iter().filter(|key| {
            issued_by(signature, *key)
                || key.public_subkeys.iter().any(|subkey| issued_by(signature, &subkey.key))
        })
    }
}

/// Whether `signature` names `key` as its maker.
pub(super) fn issued_by(signature: &Signature, key: &impl pgp::types::KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        let id: KeyId = key.legacy_key_id();
        return signature.issuer_key_id().into_iter().any(|issuer| *issuer == id);
    }
    let own = key.fingerprint();
    fingerprints.into_iter().any(|issuer| *issuer == own)
}

/// The armoured blocks of a file, or the whole file when it is binary.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let starts: Vec<usize> =
        bytes.windows(BEGIN.len()).enumerate().filter(|(_, w)| *w == BEGIN).map(|(at, _)| at).collect();
    if starts.is_empty() {
        return vec![bytes];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| &bytes[*start..end]).collect()
}
