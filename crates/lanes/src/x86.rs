//! The same with the SHA extensions of x86 (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
//! `SHA256RNDS2`, `SHA256MSG1`, `SHA256MSG2`).

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};
use std::array::from_fn;

use super::{Block, State};

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

/// Takes as many blocks into each hash, or none where the processor lacks the instructions, and tells which.
pub(super) fn compress(states: &mut [State; 2], blocks: [&[Block]; 2]) -> bool {
    let able = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    if able {
        // SAFETY: the processor has the instructions that the function is compiled for, as was just asked; it needs nothing else.
        #[allow(unsafe_code, reason = "only a caller can know which instructions there are")]
        unsafe {
            both(states, blocks);
        }
    }
    able
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn both(states: &mut [State; 2], blocks: [&[Block]; 2]) {
    let mut one = Words::load(&states[0]);
    let mut two = Words::load(&states[1]);
    for (first, second) in blocks[0].iter().zip(blocks[1]) {
        let begun = [one, two];
        let (mut first, mut second) = (schedule(first), schedule(second));
        // Written out, so that words of the schedule stay in registers.
        macro_rules! rounds {
            ($($quarter:literal)*) => { $(
                let (left, right) = (next::<$quarter>(&mut first), next::<$quarter>(&mut second));
                one.rounds(left, &mut two, right);
            )* };
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        one.add(begun[0]);
        two.add(begun[1]);
    }
    one.store(&mut states[0]);
    two.store(&mut states[1]);
}

/// A state as the instructions want it.
#[derive(Clone, Copy)]
struct Words {
    abef: __m128i,
    cdgh: __m128i,
}

impl Words {
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn load(state: &State) -> Self {
        let [a, b, c, d, e, f, g, h] = state.map(u32::cast_signed);
        Self { abef: _mm_set_epi32(a, b, e, f), cdgh: _mm_set_epi32(c, d, g, h) }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn store(self, state: &mut State) {
        let Self { abef, cdgh } = self;
        *state = [
            _mm_extract_epi32::<3>(abef),
            _mm_extract_epi32::<2>(abef),
            _mm_extract_epi32::<3>(cdgh),
            _mm_extract_epi32::<2>(cdgh),
            _mm_extract_epi32::<1>(abef),
            _mm_extract_epi32::<0>(abef),
            _mm_extract_epi32::<1>(cdgh),
            _mm_extract_epi32::<0>(cdgh),
        ]
        .map(i32::cast_unsigned);
    }

    /// Four rounds of this hash and of another one in turns, with the words of their schedules that K was added to.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn rounds(&mut self, words: __m128i, other: &mut Self, others: __m128i) {
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, words);
        other.cdgh = _mm_sha256rnds2_epu32(other.cdgh, other.abef, others);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0x0e>(words));
        other.abef = _mm_sha256rnds2_epu32(other.abef, other.cdgh, _mm_shuffle_epi32::<0x0e>(others));
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn add(&mut self, begun: Self) {
        self.abef = _mm_add_epi32(self.abef, begun.abef);
        self.cdgh = _mm_add_epi32(self.cdgh, begun.cdgh);
    }
}

/// The 16 words of a block, four by four.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn schedule(block: &Block) -> [__m128i; 4] {
    let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let (halves, _) = block.as_chunks();
    let half = |at: usize| i64::from_le_bytes(halves[at]);
    from_fn(|at| _mm_shuffle_epi8(_mm_set_epi64x(half(2 * at + 1), half(2 * at)), big_endian))
}

/// Words 4 `QUARTER` to 4 `QUARTER` + 3 of the schedule, each with its K, from the 16 before, whose oldest four they replace.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn next<const QUARTER: usize>(words: &mut [__m128i; 4]) -> __m128i {
    let at = |ago: usize| (QUARTER + 4 - ago) % 4;
    if QUARTER >= 4 {
        let (oldest, last) = (words[at(4)], words[at(1)]);
        let sum = _mm_add_epi32(
            _mm_sha256msg1_epu32(oldest, words[at(3)]),
            _mm_alignr_epi8::<4>(last, words[at(2)]),
        );
        words[at(4)] = _mm_sha256msg2_epu32(sum, last);
    }
    let k = |index: usize| K[4 * QUARTER + index].cast_signed();
    _mm_add_epi32(words[at(4)], _mm_set_epi32(k(3), k(2), k(1), k(0)))
}
