//! Keys: ECDSA on P-256 to sign, in cosign's own files; that and RSA to verify.
//!
//! ```text
//! source    where a signing key is: a file, the environment, an open file, a program that keeps it
//! envelope  cosign's encrypted file
//! program   a key that never leaves a device or a service
//! ```

mod envelope;
mod program;
mod source;

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::{Digest, read_bounded};
use sigstore_crypto::{KeyAlgorithm, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};
use zeroize::Zeroizing;

pub use envelope::{open, seal};
pub use program::Program;
pub use source::KeySource;

/// More bytes than this are no key.
const LIMIT: u64 = 64 << 10;

/// Text that nobody should see: cleared from memory when dropped, and never printed.
pub type Password = Zeroizing<String>;

/// A key that can't be used. Nothing of it is shown.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none, or it can't be read.
    #[error("key {key}: {reason}")]
    Unreadable {
        /// Where it should be.
        key: String,
        /// Why not.
        reason: String,
    },
    /// It is something else.
    #[error("key {key} is not {expected}")]
    Unknown {
        /// Where it is.
        key: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The password is another one.
    #[error("key {key}: this is not its password")]
    Password {
        /// Where it is.
        key: String,
    },
    /// It needs a password and nobody gave one.
    #[error("key {key} needs a password")]
    Locked {
        /// Where it is.
        key: String,
    },
    /// The program that keeps it failed.
    #[error("the program `{program}` that keeps the key {reason}")]
    Program {
        /// Which.
        program: String,
        /// What happened, with what it said.
        reason: String,
    },
}

impl KeyError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("make a pair of keys: `longshore keygen`".to_owned()),
            Self::Unknown { .. } => Some(
                "cosign's keys will do, and ECDSA keys on P-256 as openssl writes them: `longshore keygen` makes such a pair"
                    .to_owned(),
            ),
            Self::Password { .. } | Self::Locked { .. } => {
                Some("set COSIGN_PASSWORD, or give `--password-file FILE`".to_owned())
            }
            Self::Program { .. } => None,
        }
    }
}

/// Something that signs: a key here, or one that a program keeps.
pub trait Sign: Send + Sync {
    /// Its public half.
    fn public(&self) -> &PublicKey;

    /// An ECDSA signature (ASN.1 DER) of the SHA-256 of `message`.
    ///
    /// # Errors
    /// When what keeps the key does not sign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// A private key on P-256, in memory until dropped, which clears it.
pub struct PrivateKey {
    pair: sigstore_crypto::KeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public.fingerprint()).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// A new one, as PKCS #8 (RFC 5958) in DER.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        let document = document.map_err(|_| KeyError::Unreadable {
            key: "that is to be made".to_owned(),
            reason: "the machine gives no randomness".to_owned(),
        })?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The key in these bytes of PKCS #8; `key` is what it is called in errors.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] when it is not on P-256.
    pub fn from_pkcs8(der: &[u8], key: &str) -> Result<Self, KeyError> {
        let unknown = || KeyError::Unknown { key: key.to_owned(), expected: "an ECDSA key on P-256" };
        let pair = sigstore_crypto::KeyPair::from_pkcs8_der(der).map_err(|_| unknown())?;
        if pair.algorithm() != KeyAlgorithm::EcdsaP256 {
            return Err(unknown());
        }
        let public = PublicKey(pair.public_key_der().map_err(|_| unknown())?);
        Ok(Self { pair, public })
    }

    /// One for a single use: its certificate says whose it was.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(crate) fn ephemeral() -> Result<Self, KeyError> {
        Self::from_pkcs8(&Self::generate()?, "of this run")
    }
}

impl Sign for PrivateKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signed = self.pair.sign(message).map(SignatureBytes::into_bytes);
        signed
            .map_err(|error| KeyError::Unreadable { key: "in memory".to_owned(), reason: error.to_string() })
    }
}

/// A public key (SubjectPublicKeyInfo, RFC 5280): ECDSA on P-256, or RSA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(DerPublicKey);

impl PublicKey {
    /// The key in the PEM file at `path`: `cosign.pub`, or what `openssl pkey -pubout` writes.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let key = format!("`{}`", path.display());
        let bytes = fs_err::File::open(path).and_then(|file| read_bounded(file, LIMIT));
        let bytes =
            bytes.map_err(|error| KeyError::Unreadable { key: key.clone(), reason: error.to_string() })?;
        Self::from_pem(&String::from_utf8_lossy(&bytes), &key)
    }

    /// The key in this PEM; `key` is what it is called in errors.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &str, key: &str) -> Result<Self, KeyError> {
        let unknown = || KeyError::Unknown {
            key: key.to_owned(),
            expected: "a public key in PEM form (`-----BEGIN PUBLIC KEY-----`), ECDSA on P-256 or RSA",
        };
        let der = DerPublicKey::new(pem_body(pem, &["PUBLIC KEY"]).ok_or_else(unknown)?.to_vec());
        let usable = VerificationKey::from_spki(&der).map_err(|_| unknown())?;
        match usable.scheme().key_algorithm() {
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::Rsa => Ok(Self(der)),
            _ => Err(unknown()),
        }
    }

    /// As PEM, with a line end.
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", self.0.as_bytes())
    }

    /// What bundles call it: base64 of the SHA-256 of its DER.
    pub fn hint(&self) -> String {
        BASE64_STANDARD.encode(self.digest().as_bytes())
    }

    /// For people: the SHA-256 of its DER, in hex.
    pub fn fingerprint(&self) -> String {
        self.digest().to_string()
    }

    /// Whether it signed `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = VerificationKey::from_spki(&self.0);
        key.is_ok_and(|key| key.verify(message, &SignatureBytes::new(signature.to_vec())).is_ok())
    }

    pub(crate) fn der(&self) -> &DerPublicKey {
        &self.0
    }

    fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

/// PEM (RFC 7468) with lines of 64.
fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, left) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = left;
    }
    text + &format!("-----END {label}-----\n")
}

/// The bytes of the first block whose label is one of `labels`.
fn pem_body(text: &str, labels: &[&str]) -> Option<Zeroizing<Vec<u8>>> {
    let found = labels.iter().find_map(|label| {
        let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
        rest.split_once(&format!("-----END {label}-----")).map(|(body, _)| body)
    })?;
    // Room for all of it from the start: what grows is moved, and leaves copies behind.
    let mut body = Zeroizing::new(String::with_capacity(found.len()));
    body.extend(found.split_ascii_whitespace());
    BASE64_STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_verified_and_nothing_else() {
        let key = PrivateKey::from_pkcs8(&PrivateKey::generate().unwrap(), "x").unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"massage", &signature));
        assert!(!PrivateKey::ephemeral().unwrap().public().verifies(b"message", &signature));
        let read = PublicKey::from_pem(&key.public().to_pem(), "x").unwrap();
        assert_eq!(&read, key.public());
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let openssl = |arguments: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("key");
            longshore_testkit::Tool::new("openssl").args(arguments).arg("-out").arg(&file).run();
            longshore_testkit::Tool::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&file).run()
        };
        for (arguments, taken) in [
            (&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..], true),
            (&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], true),
            (&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], false),
            (&["genpkey", "-algorithm", "ED25519"], false),
        ] {
            assert_eq!(PublicKey::from_pem(&openssl(arguments), "x").is_ok(), taken, "{arguments:?}");
        }
        assert!(
            PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "x").is_err()
        );
    }
}
