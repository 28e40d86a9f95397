//! Trusted roots and signing configurations.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_trust::{Services, TrustRoot, Verifier};

fuzz_target!(|text: &str| {
    if let Ok(root) = TrustRoot::from_json(text) {
        let _ = Verifier::new(Some(&root));
    }
    let _ = Services::from_json(text);
});
