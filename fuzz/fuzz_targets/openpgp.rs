//! Clear-signed files, detached signatures and keyrings: none of them signed by anyone, so none may count.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::openpgp::{Keyring, verify_clearsigned, verify_detached};

static DEBIAN: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::shipped("debian-archive").expect("it is shipped"));
/// June 2026: the shipped keys are in their time.
const NOW: u64 = 1_780_000_000;

fuzz_target!(|bytes: &[u8]| {
    let _ = verify_clearsigned(bytes, &DEBIAN, &[], NOW);
    assert!(verify_detached(b"Suite: of nobody\n", bytes, &DEBIAN, &[], NOW).is_err());
    // A keyring in front, a signature behind it.
    let at = bytes.windows(4).position(|window| window == b"\n==\n").unwrap_or(bytes.len());
    let (keyring, signature) = bytes.split_at(at);
    if let Ok(keyring) = Keyring::parse("fuzz", keyring) {
        keyring.fingerprints();
        let signature = signature.get(4..).unwrap_or_default();
        let _ = verify_clearsigned(signature, &keyring, &[], NOW);
        let _ = verify_detached(b"Suite: s\n", signature, &keyring, &[], NOW);
    }
});
