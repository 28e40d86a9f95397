//! Lock files.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = longshore_stack::lock::parse(text, Path::new("stack.lock"));
});
