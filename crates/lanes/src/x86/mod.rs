//! The same with the instructions of x86 (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2).

mod pair;
mod vector;

use std::array::from_fn;

use super::{Lane, State, alone};

/// The constants of the 64 rounds (FIPS 180-4, section 4.2.2).
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// How many hashes long vectors take.
pub(super) const LANES: usize = 16;
/// Vectors take as long for one hash as for all: for fewer than so many, pairs are faster.
const FEW: usize = 9;

/// Whether there are vectors of sixteen words.
pub(super) fn has_long_vectors() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

fn has_sha() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
}

/// Has each of at most [`LANES`] hashes take its next `count` blocks, or none where the processor lacks the instructions, and tells
/// which.
pub(super) fn take(lanes: &mut [&mut Lane<'_>], count: usize) -> bool {
    if lanes.len() > FEW && has_long_vectors() {
        let mut states = [State::default(); LANES];
        // Those that nobody needs are there twice.
        let blocks = from_fn(|at| &lanes[at.min(lanes.len() - 1)].blocks[..count]);
        states.iter_mut().zip(&*lanes).for_each(|(state, lane)| *state = lane.state);
        // SAFETY: the processor has the instructions that the function is compiled for, as was just asked; it needs nothing else.
        #[allow(unsafe_code, reason = "only a caller can know which instructions there are")]
        unsafe {
            vector::all(&mut states, blocks);
        }
        for (lane, state) in lanes.iter_mut().zip(states) {
            lane.take(count);
            lane.state = state;
        }
        return true;
    }
    if !has_sha() {
        return false;
    }
    for some in lanes.chunks_mut(2) {
        match some {
            [one, two] => {
                let mut states = [one.state, two.state];
                // SAFETY: as above.
                #[allow(unsafe_code, reason = "only a caller can know which instructions there are")]
                unsafe {
                    pair::both(&mut states, [one.take(count), two.take(count)]);
                }
                [one.state, two.state] = states;
            }
            rest => rest.iter_mut().for_each(|lane| alone(lane, count)),
        }
    }
    true
}
