//! What tells how a registry is reached, by other people's programs: the first byte says whether the rest is a `registries.conf`,
//! an auth file, or a challenge as it comes from a registry.
#![no_main]
// Its part of the registry's client is private, and compiled in.
#![allow(dead_code, unreachable_pub)]

#[path = "../../crates/registry/src/auth/challenge.rs"]
mod challenge;

use std::path::Path;

use challenge::Challenge;
use libfuzzer_sys::fuzz_target;
use longshore_net::{HeaderMap, header};
use longshore_oci::Store;
use longshore_registry::{Client, Settings};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    if first % 3 == 2 {
        let Ok(value) = header::HeaderValue::from_bytes(bytes) else { return };
        if let Some(Challenge::Bearer { realm, .. }) = Challenge::of(&HeaderMap::from_iter([(header::WWW_AUTHENTICATE, value)])) {
            assert!(!realm.is_empty());
        }
        return;
    }
    let root = std::env::temp_dir().join(format!("longshore-fuzz-registry-{}", std::process::id()));
    std::fs::create_dir_all(&root).expect("the temporary folder can be written");
    let file = root.join("file");
    std::fs::write(&file, bytes).expect("the temporary folder can be written");
    let settings = match first % 3 {
        0 => Settings { registries_conf: vec![file], ..Settings::default() },
        _ => Settings { auth_files: vec![file], ..Settings::default() },
    };
    reach(settings, &root.join("store"));
});

fn reach(settings: Settings, store: &Path) {
    let client = Client::new(settings, Store::open(store).expect("the temporary folder can be written"));
    for name in ["registry.test/org/image", "docker.io/library/debian", "127.0.0.1:5000/image"] {
        if let Err(error) = client.repository(&name.parse().expect("it is a name")) {
            assert!(!error.to_string().is_empty());
        }
    }
}
