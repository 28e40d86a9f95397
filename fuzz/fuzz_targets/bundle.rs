//! Bundles, as they are found beside images.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_oci::Digest;
use longshore_trust::key::PublicKey;
use longshore_trust::{Bundle, Evidence, Expected, Signer, TrustRoot, Verifier};

const KEY: &str = include_str!("../../crates/trust/tests/material/cosign.pub");
const ROOT: &str = include_str!("../../crates/trust/tests/material/trusted_root.json");

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let root = TrustRoot::from_json(ROOT).expect("it is one");
    Verifier::new(Some(&root)).expect("it is whole")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = Bundle::read(bytes) else { return };
    // What is read and written again says the same.
    let again = Bundle::read(&bundle.to_bytes()).expect("it was written by us");
    assert_eq!(again.payload(), bundle.payload());
    assert_eq!((again.is_by_key(), again.to_bytes()), (bundle.is_by_key(), bundle.to_bytes()));
    let key = Signer::Key(Box::new(PublicKey::from_pem(KEY, "of the material").expect("it is one")));
    let anybody = Signer::Identity { identity: "*".to_owned(), issuer: "*".to_owned() };
    let evidence = Evidence::Bundle(Box::new(bundle));
    let nothing = Digest::of(b"an image that nobody signed");
    for signer in [key, anybody] {
        for expected in [Expected::Logged, Expected::Unlogged] {
            // Of the subject that it names, so that all of it is looked at; and of one that no seed is about.
            if let Some(subject) = named(&evidence) {
                let _ = evidence.held(&subject, &signer, expected, &VERIFIER);
            }
            assert!(evidence.held(&nothing, &signer, expected, &VERIFIER).is_err());
        }
    }
});

/// The subject that a statement names.
fn named(evidence: &Evidence) -> Option<Digest> {
    let Evidence::Bundle(bundle) = evidence else { return None };
    let read: serde_json::Value = serde_json::from_slice(bundle.payload()).ok()?;
    format!("sha256:{}", read["subject"][0]["digest"]["sha256"].as_str()?).parse().ok()
}
