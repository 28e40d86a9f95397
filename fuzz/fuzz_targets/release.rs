//! Release files, signed by a key of the fuzzer's own: only a signature's verification makes what is parsed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::openpgp::{Keyring, verify_detached};
use longshore_sources::deb::release::{Expected, Release};
use longshore_stack::model::Expired;
use pgp::composed::{DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize as _;
use pgp::types::{Password, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const NOW: u64 = 4_000_000_000;

static KEY: LazyLock<(SignedSecretKey, Keyring)> = LazyLock::new(|| {
    let mut key = SecretKeyParamsBuilder::default();
    key.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(true).primary_user_id("fuzz".into());
    key.created_at(Timestamp::from_secs(1_000_000_000));
    let key = key.build().expect("it is complete").generate(StdRng::seed_from_u64(1)).expect("it is plain");
    let public = SignedPublicKey::from(key.clone()).to_bytes().expect("it is complete");
    (key, Keyring::parse("fuzz", &public).expect("it is one key"))
});

fuzz_target!(|bytes: &[u8]| {
    let (key, keyring) = &*KEY;
    let signature = DetachedSignature::sign_binary_data(
        StdRng::seed_from_u64(1),
        &key.primary_key,
        &Password::empty(),
        HashAlgorithm::Sha256,
        bytes,
    );
    let signature = signature.and_then(|made| made.to_bytes()).expect("the key signs");
    let signed = verify_detached(bytes, &signature, keyring, &[], NOW).expect("it was signed just now");
    assert_eq!(signed.bytes(), bytes);
    for (suite, locked) in [("trixie", None), ("stable", Some(1_700_000_000))] {
        let expected = Expected { suite, expired: Expired::Accept, locked, now: NOW };
        if let Ok(release) = Release::parse(&signed, &expected) {
            release.file("main/binary-amd64/Packages.xz");
            assert!(!release.signed_by().is_empty());
        }
    }
});
