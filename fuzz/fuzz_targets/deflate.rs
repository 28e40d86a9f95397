//! What is compressed comes back, by another's decoder. Short inputs are repeated, so that blocks meet within them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_deflate::Deflater;

fuzz_target!(|bytes: &[u8]| {
    let [times, bytes @ ..] = bytes else { return };
    let plain = bytes.repeat(1 + usize::from(*times));
    let mut packed = Vec::new();
    Deflater::new().compress(&plain, |piece| packed.extend(piece));
    let mut back = vec![0; plain.len()];
    let mut decoder = flate2::Decompress::new(false);
    decoder.decompress(&packed, &mut back, flate2::FlushDecompress::Finish).expect("it is a stream");
    assert_eq!(decoder.total_in(), packed.len() as u64);
    assert!(back == plain);
});
