//! Sixteen hashes in vectors of sixteen words, one of each hash (AVX-512).

use std::arch::x86_64::{
    __m512i, _mm_set_epi64x, _mm512_add_epi32, _mm512_broadcast_i32x4, _mm512_ror_epi32, _mm512_set1_epi32,
    _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_ternarylogic_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};
use std::array::from_fn;
use std::mem::transmute;

use super::{K, LANES};
use crate::{Block, State};

/// A word of each hash.
type Words = __m512i;

/// Takes the same number of blocks into each.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn all(states: &mut [State; LANES], blocks: [&[Block]; LANES]) {
    let (k, _) = K.as_chunks::<16>();
    let mut hashes: [Words; 8] = from_fn(|word| load(from_fn(|lane| states[lane][word])));
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or_default();
    #[allow(clippy::needless_range_loop, reason = "it is an index of each lane's")]
    for at in 0..count {
        let mut w = schedule(from_fn(|lane| &blocks[lane][at]));
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = hashes;
        // FIPS 180-4, section 6.2.2. Written out, so that all words stay in registers.
        macro_rules! given {
            ($t:literal) => {
                w[$t]
            };
        }
        macro_rules! next {
            ($t:literal) => {{
                w[$t] = next(&w, $t);
                w[$t]
            }};
        }
        macro_rules! rounds {
            ($k:expr, $word:ident; $($t:literal)*) => { $(
                let word = add(h, add($word!($t), _mm512_set1_epi32($k[$t].cast_signed())));
                let one = add(word, add(rotated::<6, 11, 25>(e), choice(e, f, g)));
                let two = add(rotated::<2, 13, 22>(a), majority(a, b, c));
                (h, g, f, e, d, c, b, a) = (g, f, e, add(d, one), c, b, a, add(one, two));
            )* };
        }
        rounds!(k[0], given; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        for k in &k[1..] {
            rounds!(k, next; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        }
        for (hash, word) in hashes.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *hash = add(*hash, word);
        }
    }
    for (word, hash) in hashes.into_iter().enumerate() {
        states.iter_mut().zip(store(hash)).for_each(|(state, of_lane)| state[word] = of_lane);
    }
}

/// The first 16 words of the schedule.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn schedule(blocks: [&Block; LANES]) -> [Words; 16] {
    let big_endian = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    let mut w = transposed(from_fn(|lane| block(blocks[lane])));
    for words in &mut w {
        *words = _mm512_shuffle_epi8(*words, big_endian);
    }
    w
}

/// The word of the schedule that comes in the place of word `t`, which was 16 before it.
#[inline]
#[target_feature(enable = "avx512f")]
fn next(w: &[Words; 16], t: usize) -> Words {
    let ago = |words: usize| w[(t + 16 - words) % 16];
    let (s0, s1) = (ago(15), ago(2));
    let s0 = xor(_mm512_ror_epi32::<7>(s0), _mm512_ror_epi32::<18>(s0), _mm512_srli_epi32::<3>(s0));
    let s1 = xor(_mm512_ror_epi32::<17>(s1), _mm512_ror_epi32::<19>(s1), _mm512_srli_epi32::<10>(s1));
    add(add(w[t], ago(7)), add(s0, s1))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(one: Words, two: Words) -> Words {
    _mm512_add_epi32(one, two)
}

/// One of the functions called Σ.
#[inline]
#[target_feature(enable = "avx512f")]
fn rotated<const A: i32, const B: i32, const C: i32>(words: Words) -> Words {
    xor(_mm512_ror_epi32::<A>(words), _mm512_ror_epi32::<B>(words), _mm512_ror_epi32::<C>(words))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(one: Words, two: Words, three: Words) -> Words {
    _mm512_ternarylogic_epi32::<0b1001_0110>(one, two, three)
}

/// Bits of `yes` where `which` has one, else those of `no`.
#[inline]
#[target_feature(enable = "avx512f")]
fn choice(which: Words, yes: Words, no: Words) -> Words {
    _mm512_ternarylogic_epi32::<0b1100_1010>(which, yes, no)
}

/// Bits that two or three of them have.
#[inline]
#[target_feature(enable = "avx512f")]
fn majority(one: Words, two: Words, three: Words) -> Words {
    _mm512_ternarylogic_epi32::<0b1110_1000>(one, two, three)
}

/// Row by row becomes column by column: in pairs of rows, then in fours, eights and all sixteen.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: [Words; 16]) -> [Words; 16] {
    let two: [Words; 16] = from_fn(|at| {
        let (low, high) = (rows[at & !1], rows[at | 1]);
        if at & 1 == 0 { _mm512_unpacklo_epi32(low, high) } else { _mm512_unpackhi_epi32(low, high) }
    });
    let four: [Words; 16] = from_fn(|at| {
        let from = at & !3 | at >> 1 & 1;
        let (low, high) = (two[from], two[from + 2]);
        if at & 1 == 0 { _mm512_unpacklo_epi64(low, high) } else { _mm512_unpackhi_epi64(low, high) }
    });
    let quarters = |from: &[Words; 16], low: usize, high: usize, odd: bool| match odd {
        false => _mm512_shuffle_i32x4::<0x88>(from[low], from[high]),
        true => _mm512_shuffle_i32x4::<0xdd>(from[low], from[high]),
    };
    let eight: [Words; 16] = from_fn(|at| {
        let from = at & !7 | at & 3;
        quarters(&four, from, from + 4, at & 4 != 0)
    });
    from_fn(|at| quarters(&eight, at & 7, at & 7 | 8, at & 8 != 0))
}

#[inline]
fn load(words: [u32; LANES]) -> Words {
    // SAFETY: both are 64 bytes, and any 64 bytes are one.
    #[allow(unsafe_code, reason = "there is no other way that is one instruction")]
    unsafe {
        transmute(words)
    }
}

#[inline]
fn block(bytes: &Block) -> Words {
    // SAFETY: as above.
    #[allow(unsafe_code, reason = "there is no other way that is one instruction")]
    unsafe {
        transmute(*bytes)
    }
}

#[inline]
fn store(words: Words) -> [u32; LANES] {
    // SAFETY: as above.
    #[allow(unsafe_code, reason = "there is no other way that is one instruction")]
    unsafe {
        transmute(words)
    }
}
