//! Two hashes with `SHA256RNDS2`, `SHA256MSG1` and `SHA256MSG2`.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};
use std::array::from_fn;

use super::K;
use crate::{Block, State};

/// Takes the same number of blocks into each.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(super) fn both(states: &mut [State; 2], blocks: [&[Block]; 2]) {
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
