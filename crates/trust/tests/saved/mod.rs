//! What is saved in `tests/material`, and who signed it.

use std::path::{Path, PathBuf};

use longshore_oci::Digest;
use longshore_trust::Signer;
use longshore_trust::key::PublicKey;
use serde_json::Value;

/// The file of that name.
pub fn at(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/material").join(name)
}

/// What is known of all of it.
pub fn fact(name: &str) -> String {
    let facts: Value = serde_json::from_slice(&fs_err::read(at("facts.json")).unwrap()).unwrap();
    facts[name].as_str().unwrap().to_owned()
}

/// The image.
pub fn subject() -> Digest {
    fact("digest").parse().unwrap()
}

/// Who signed with a key.
pub fn key() -> Signer {
    Signer::Key(Box::new(PublicKey::read(&at("cosign.pub")).unwrap()))
}

/// Who signed with a certificate.
pub fn person() -> Signer {
    Signer::Identity { identity: fact("identity"), issuer: fact("issuer") }
}
