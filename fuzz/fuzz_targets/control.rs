//! Control paragraphs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_sources::deb::control::Paragraphs;

fuzz_target!(|text: &str| {
    for paragraph in Paragraphs::new(text).flatten() {
        for (name, value) in paragraph.fields() {
            assert!(!name.is_empty() && value.trim() == value);
        }
    }
});
