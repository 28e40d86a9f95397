//! ELF objects and scripts, from memory and from a file.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use longshore_sources::elf;

fuzz_target!(|bytes: &[u8]| {
    let whole = elf::facts(bytes);
    if !bytes.starts_with(b"#!") {
        assert_eq!(whole, elf::facts_of_file(Cursor::new(bytes)));
    }
});
