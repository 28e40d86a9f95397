//! A whole package file: container, decoders, tar.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::archive::{Deb, Limits};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { unpacked: 16 << 20, ..Limits::default() };
    let Ok(mut deb) = Deb::open("fuzz.deb", Cursor::new(bytes), limits) else { return };
    let _ = deb.control();
    let Ok(mut data) = deb.data(2) else { return };
    let mut buffer = [0; 4096];
    while let Ok(Some(_)) = data.next_entry() {
        while data.read(&mut buffer).is_ok_and(|read| read > 0) {}
    }
});
