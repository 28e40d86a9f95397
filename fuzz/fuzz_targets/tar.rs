//! The tar of a package alone, so that no checksum of a decoder stands before it.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::archive::{Deb, Limits};

fuzz_target!(|bytes: &[u8]| {
    let mut deb = b"!<arch>\n".to_vec();
    for (name, member) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", &[0; 1024]), ("data.tar", bytes)]
    {
        deb.extend(format!("{name:<48}{:<10}`\n", member.len()).into_bytes());
        deb.extend(member);
        deb.resize(deb.len().next_multiple_of(2), b'\n');
    }
    let mut deb = Deb::open("fuzz.deb", Cursor::new(deb), Limits::default()).expect("the container is right");
    let mut data = deb.data(1).expect("it is not compressed");
    let mut buffer = [0; 4096];
    while let Ok(Some(member)) = data.next_entry() {
        assert!(!member.path.as_bytes().split(|&b| b == b'/').any(|part| part == b".."));
        while data.read(&mut buffer).is_ok_and(|read| read > 0) {}
    }
});
