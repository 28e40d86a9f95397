//! Streams are read by others' decoders.

use proptest::prelude::*;

use super::*;

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    Deflater::new().compress(plain, |piece| packed.extend(piece));
    packed
}

#[track_caller]
fn there_and_back(plain: &[u8]) -> usize {
    let packed = compressed(plain);
    let mut back = vec![0; plain.len()];
    let mut decoder = flate2::Decompress::new(false);
    let ended = decoder.decompress(&packed, &mut back, flate2::FlushDecompress::Finish).unwrap();
    assert_eq!(ended, flate2::Status::StreamEnd);
    assert_eq!(
        (decoder.total_in(), decoder.total_out()),
        (packed.len() as u64, plain.len() as u64),
        "it ends where it says"
    );
    assert!(
        back == plain,
        "of {} bytes, {:?} differs",
        plain.len(),
        back.iter().zip(plain).position(|(a, b)| a != b)
    );
    assert!(packed.len() <= Deflater::bound(plain.len()));
    back.fill(0);
    assert_eq!(libdeflater::Decompressor::new().deflate_decompress(&packed, &mut back).unwrap(), plain.len());
    assert!(back == plain);
    packed.len()
}

/// Bytes without a pattern.
fn noise(len: usize, mut state: u64) -> Vec<u8> {
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(byte).collect()
}

/// Pieces of noise, of what was before, and of one byte.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (1..9000usize, any::<u64>(), 1..=8u32).prop_map(|(len, seed, bits)| (len, seed, bits, 0)),
        (1..1000usize, 1..=33_000usize).prop_map(|(len, distance)| (len, 0, 0, distance)),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| {
        let mut plain: Vec<u8> = Vec::new();
        for (len, seed, bits, distance) in pieces {
            if distance == 0 {
                plain.extend(noise(len, seed).iter().map(|byte| byte >> (8 - bits)));
            } else if let Some(from) = plain.len().checked_sub(distance) {
                (from..from + len).for_each(|at| plain.push(plain[at]));
            }
        }
        plain
    })
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(plain in pieces()) {
        there_and_back(&plain);
    }

    #[test]
    fn bytes_are_the_inputs_alone(before in pieces(), plain in pieces()) {
        let mut used = Deflater::new();
        used.compress(&before, |_| ());
        let mut packed = Vec::<u8>::new();
        used.compress(&plain, |piece| packed.extend(piece));
        prop_assert_eq!(packed, compressed(&plain));
    }
}

#[test]
fn little() {
    for len in 0..200 {
        there_and_back(&noise(len, 7));
        there_and_back(&vec![b'a'; len]);
        there_and_back(&b"one and two and three and four and ".repeat(6)[..len]);
    }
    assert_eq!(compressed(b""), [0x03, 0x00], "a fixed block with its end alone");
    // Bits 1 and 2 tell the form.
    assert_eq!(compressed(b"hello, hello, hello, hello")[0] >> 1 & 3, 1, "fixed: no code need be told");
    assert_eq!(compressed(&noise(1000, 7))[0] >> 1 & 3, 0, "stored");
    assert_eq!(compressed(include_bytes!("lib.rs"))[0] >> 1 & 3, 2, "dynamic");
}

#[test]
fn much_of_one_byte() {
    for len in [258, 259, 65_000, 65_024, 65_536, 1 << 20] {
        let packed = there_and_back(&vec![0; len]);
        assert!(packed < 30 + len / 800, "{len}: {packed}");
    }
}

#[test]
fn noise_is_stored() {
    for len in [1, 64_999, 65_000, 65_001, 1 << 20] {
        let packed = there_and_back(&noise(len, 3));
        assert!(packed > len, "{len}: {packed}");
    }
}

#[test]
fn matches_of_every_length_and_every_distance() {
    // Behind a place where nothing is tried, and where blocks meet.
    let before = noise(70_000, 11);
    for distance in [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 1024, 32_767, 32_768] {
        for length in (4..40).chain([257, 258, 259, 260, 600]) {
            let mut plain = before.clone();
            (0..length).for_each(|_| plain.push(plain[plain.len() - distance]));
            plain.extend(noise(50, 13));
            there_and_back(&plain);
        }
    }
}

#[test]
fn what_is_a_window_away_is_found_and_what_is_farther_is_not() {
    let packed = |distance| {
        let noise = noise(distance, 17);
        there_and_back(&[&noise[..], &noise[..5000]].concat())
    };
    assert!(packed(32_768) < 32_768 + 500);
    assert!(packed(32_769) > 32_769 + 5000);
}

#[test]
fn as_small_as_the_quickest_of_others_but_for_a_little() {
    let program = fs_err::read("/proc/self/exe").unwrap();
    for (what, plain, more) in
        [("a program", &program[..], 1.05), ("text", include_bytes!("../../../Cargo.lock"), 1.08)]
    {
        let level = libdeflater::CompressionLvl::new(1).unwrap();
        let mut room = vec![0; plain.len()];
        let theirs = libdeflater::Compressor::new(level).deflate_compress(plain, &mut room).unwrap();
        let ours = there_and_back(plain);
        assert!((ours as f64) < theirs as f64 * more, "{what}: {ours}, theirs {theirs}");
    }
}

#[test]
fn what_hashes_alike_where_blocks_meet() {
    // What is tried last in one block is never behind what is tried first in the next.
    let alike = (0..)
        .map(|seed| noise(9, seed))
        .find(|bytes| matches::hash(bytes) == matches::hash(&bytes[1..]))
        .unwrap();
    for begin in 64_995..65_005 {
        // A match of any length before, so that positions are tried at any distance from the end.
        for length in 10..60 {
            let before = noise(begin - 100 - length, 3);
            there_and_back(&[&before[..100], &before[..length], &before, &alike, &noise(100, 5)].concat());
        }
    }
}
