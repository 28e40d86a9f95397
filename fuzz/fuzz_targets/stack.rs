//! Stack files, which are read from the disk.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("longshore-fuzz-{}.toml", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    let _ = longshore_stack::read(&path, None);
    // Every profile, so that what is laid over the file is checked too.
    let _ = longshore_stack::read_all(&path);
});
