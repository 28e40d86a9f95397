//! Older attestations: envelopes without anything beside them.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use longshore_oci::Digest;
use longshore_trust::key::PublicKey;
use longshore_trust::{Bundle, Evidence, Expected, Signer, Verifier};

const KEY: &str = include_str!("../../crates/trust/tests/material/cosign.pub");

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = Bundle::of_envelope(bytes, &BTreeMap::new()) else { return };
    let written = bundle.envelope_bytes();
    let again = Bundle::of_envelope(&written, &BTreeMap::new()).expect("it was written by us");
    assert_eq!((again.payload(), again.envelope_bytes()), (bundle.payload(), written));
    assert!(bundle.is_by_key());
    let key = Signer::Key(Box::new(PublicKey::from_pem(KEY, "of the material").expect("it is one")));
    let evidence = Evidence::Bundle(Box::new(bundle));
    let _ = evidence.claims();
    let nothing = Digest::of(b"an image that nobody signed");
    let verifier = Verifier::new(None).expect("there is nothing wrong with none");
    assert!(evidence.held(&nothing, &key, Expected::Unlogged, &verifier).is_err());
});
