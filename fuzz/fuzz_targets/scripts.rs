//! Maintainer scripts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::scripts::skipped;

fuzz_target!(|bytes: &[u8]| {
    let script = [b"#!/bin/sh\n", bytes].concat();
    skipped(&[("postinst".to_owned(), script), ("triggers".to_owned(), bytes.to_vec())].into());
});
