//! Key files: sealed as cosign's, plain as openssl's, and public ones. No password is given, as to who has none: scrypt alone would
//! take the time of a thousand inputs, and what it costs is looked at before a password is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_trust::key::{PrivateKey, PublicKey, Sign as _, open};

fuzz_target!(|text: &str| {
    if let Ok(pkcs8) = open(text, None, "of the input") {
        assert!(text.contains("-----BEGIN PRIVATE KEY-----"));
        if let Ok(key) = PrivateKey::from_pkcs8(&pkcs8, "of the input") {
            let signature = key.sign(b"message").expect("it can sign");
            assert!(key.public().verifies(b"message", &signature));
        }
    }
    if let Ok(key) = PublicKey::from_pem(text, "of the input") {
        assert_eq!(PublicKey::from_pem(&key.to_pem(), "written by us").expect("it is one"), key);
        assert!(!key.verifies(b"message", b"signature"));
    }
});
