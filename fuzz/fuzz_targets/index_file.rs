//! The file of a compiled index with a right header: what stands in the body is anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_oci::Digest;
use longshore_sources::deb::index::Index;

mod walk;

fuzz_target!(|bytes: &[u8]| {
    let key = Digest::of(b"fuzz");
    let mut file = b"lsdebidx".to_vec();
    file.extend(1_u64.to_le_bytes());
    file.extend(key.as_bytes());
    file.extend((bytes.len() as u64).to_le_bytes());
    file.extend(checksum(bytes).to_le_bytes());
    file.extend(bytes);
    let path = std::env::temp_dir().join(format!("longshore-fuzz-index-file-{}", std::process::id()));
    std::fs::write(&path, file).expect("the temporary folder can be written");
    if let Some(index) = Index::open(&path, &key) {
        walk::walk(&index);
    }
});

/// As in `deb/index/cache.rs`; where the two differ no body is ever looked at, which the coverage shows.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let mut lanes = [1, 2, 3, bytes.len() as u64];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = step(*lane, u64::from_le_bytes(*word));
        }
    }
    for byte in rest {
        lanes[0] = step(lanes[0], u64::from(*byte));
    }
    lanes.into_iter().fold(0, step)
}
