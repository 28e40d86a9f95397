//! Policies, which are read from the disk, beside a key that they may name.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_oci::Digest;
use longshore_trust::Verifier;
use longshore_trust::policy::{Demand, Policy};

const KEY: &str = include_str!("../../crates/trust/tests/material/cosign.pub");

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("longshore-fuzz-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    std::fs::write(folder.join("cosign.pub"), KEY).expect("the temporary folder can be written");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.join("policy.toml");
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    let Ok(policy) = Policy::read(&path) else { return };
    let _ = policy.needs_root();
    let verifier = Verifier::new(None).expect("there is nothing wrong with none");
    let subject = Digest::of(b"an image that nobody signed");
    for repository in ["ghcr.io/acme/web", "docker.io/library/debian", ""] {
        let asks_nothing = policy.rule(repository).is_some_and(|rule| rule.demand == Demand::Nothing);
        let evaluation = policy.evaluate(repository, &subject, &[], &verifier, 0);
        assert_eq!(evaluation.is_accepted(), asks_nothing, "{policy:?}");
    }
});
