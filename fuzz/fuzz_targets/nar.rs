//! Nix archives: what is read is written again as it was.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_oci::{Content, Store, StorePath};
use longshore_sources::nix::nar;

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("longshore-fuzz-nar-{}", std::process::id()));
    Store::open(folder).expect("the temporary folder can be written")
});

fuzz_target!(|bytes: &[u8]| {
    let path: StorePath = "0jrqim1cazlpna8xlygq78x1gmkmy9fg-fuzz".parse().expect("it is a store path");
    let Ok(unpacked) = nar::unpack(bytes, &path, bytes.len() as u64, &STORE) else { return };
    assert_eq!(unpacked.nar, Content::of(bytes));
    unpacked.tree.check().expect("nothing lies in what is no folder");
    let mut again = Vec::new();
    nar::write(&unpacked.tree, &path, &STORE, &mut again).expect("what was read can be written");
    assert!(again == bytes);
});
