//! Package lists, compiled, kept in a file and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_oci::Digest;
use longshore_sources::deb::index::{Index, Packages};

mod walk;

fuzz_target!(|bytes: &[u8]| {
    // The same list twice: equal versions are in both.
    let lists = ["one", "two"].map(|suite| Packages { source: "fuzz", suite, text: bytes });
    let Ok(index) = Index::build(&lists, "amd64") else { return };
    walk::walk(&index);
    let path = std::env::temp_dir().join(format!("longshore-fuzz-index-{}", std::process::id()));
    let key = Digest::of(b"fuzz");
    index.write(&path, &key).expect("the temporary folder can be written");
    assert_eq!(Index::open(&path, &key), Some(index));
});
