//! Keys that sign entries: ECDSA on P-256 with SHA-256, in the forms of openssl and cosign.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fs_err as fs;
use longshore_oci::read_bounded;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, UnparsedPublicKey};

/// More than this is no key.
const LIMIT: u64 = 64 << 10;
/// What stands before the point of a P-256 public key (RFC 5480, 2).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key that can't be used. Nothing of it is shown.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not {expected}", path.display())]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// What was expected.
    pub expected: &'static str,
}

/// Who is believed.
#[derive(Debug, Clone)]
pub struct VerifyingKey(Vec<u8>);

/// Who signs.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl VerifyingKey {
    /// The public key in the PEM file at `path`: `cosign.pub`, or what `openssl pkey -pubout` writes.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let error = || KeyError {
            path: path.to_owned(),
            expected: "a public key on P-256 in PEM form (`-----BEGIN PUBLIC KEY-----`)",
        };
        let der = pem(path, "PUBLIC KEY").ok_or_else(error)?;
        let point = der.strip_prefix(&P256).filter(|point| point.len() == 65 && point[0] == 4);
        point.map(|point| Self(point.to_vec())).ok_or_else(error)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, &self.0).verify(message, signature).is_ok()
    }
}

impl SigningKey {
    /// The private key in the PEM file at `path`: what `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` writes.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let error = || KeyError {
            path: path.to_owned(),
            expected: "a private key on P-256 in PKCS#8 and PEM form (`-----BEGIN PRIVATE KEY-----`)",
        };
        let der = pem(path, "PRIVATE KEY").ok_or_else(error)?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &der, &random);
        Ok(Self { pair: pair.map_err(|_| error())?, random })
    }

    pub(super) fn sign(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        let signed = self.pair.sign(&self.random, message);
        signed
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| std::io::Error::other("the key can't sign"))
    }
}

/// The content of the PEM block called `label`.
fn pem(path: &Path, label: &str) -> Option<Vec<u8>> {
    let bytes = fs::File::open(path).and_then(|file| read_bounded(file, LIMIT)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
