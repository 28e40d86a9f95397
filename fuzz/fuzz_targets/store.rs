//! An archive of a store, and the file of a record.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use longshore_oci::upkeep::archive::import;
use longshore_oci::upkeep::{Census, verify};
use longshore_oci::{Digest, Silent, Store};

fuzz_target!(|bytes: &[u8]| {
    let root = std::env::temp_dir().join(format!("longshore-fuzz-store-{}", std::process::id()));
    let store = Store::open(&root).expect("the temporary folder can be written");
    if import(&store, bytes, SystemTime::UNIX_EPOCH, &Silent).is_err() {
        let census = Census::take(&store).expect("the store can be read");
        assert!(census.blobs.is_empty() && census.records.is_empty(), "of a bad archive something was taken");
    }
    let key = Digest::of(b"key");
    let folder = root.join("records/fuzz").join(&key.hex()[..2]);
    std::fs::create_dir_all(&folder).expect("the store can be written");
    std::fs::write(folder.join(key.hex()), bytes).expect("the store can be written");
    let whole = store.record("fuzz", &key).expect("the store can be read").is_some();
    let damage = verify(&store, 1, &Silent).expect("the store can be read");
    let census = Census::take(&store).expect("the store can be read");
    // What can be read and named is whole to who verifies it.
    assert!(!(whole && !census.records.is_empty()) || damage.records.is_empty());
    drop(store);
    std::fs::remove_dir_all(root).expect("it was written");
});
