//! Layers of images, as the validator reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_oci::validate::read_tar;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_tar(bytes);
});
