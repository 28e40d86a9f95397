//! What was there before: a block as literals and matches.

use crate::zeros;

/// How far back a match may be.
const WINDOW: usize = 1 << 15;
/// The shortest match that is looked for; what is hashed is a byte longer.
const SHORTEST: usize = 4;
const LONGEST: usize = 258;
/// What a block has of the input, but for what its last match has more of it: so little that a stored block holds it.
pub(crate) const BLOCK: usize = 65_000;
/// More than a block has.
const LITERALS: usize = 1 << 16;
/// More matches of the shortest than a block has.
const SEQUENCES: usize = 1 << 14;
/// Room behind the place of an array that is read or written as a whole.
const BEHIND: usize = 16;
/// This many bytes of the input are read beyond a position without a look at where it ends.
const AHEAD: usize = 24;
const TABLE_BITS: u32 = 14;
/// After 2^`HASTE` times without a match, one position more is left out each time, up to `MOST_HASTE`: where noise ends, matches are
/// found again.
const HASTE: u32 = 3;
const MOST_HASTE: usize = 16;

/// Literals, and a match after them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sequence {
    pub(crate) literals: u16,
    /// Of the match: 3 to 258.
    pub(crate) length: u16,
    /// How far back it is: 1 to 32,768.
    pub(crate) distance: u16,
    /// The symbol of the distance.
    pub(crate) symbol: u8,
}

/// A block. The literals behind the last sequence have none of their own.
pub(crate) struct Found<'a> {
    pub(crate) sequences: &'a [Sequence],
    pub(crate) literals: Literals<'a>,
    /// Where the block ends in the input.
    pub(crate) end: usize,
}

/// The literals of a block, one after another.
#[derive(Clone, Copy)]
pub(crate) struct Literals<'a> {
    bytes: &'a [u8; LITERALS + BEHIND],
    pub(crate) count: usize,
}

impl Literals<'_> {
    pub(crate) fn all(&self) -> &[u8] {
        &self.bytes[..self.count]
    }

    /// Four from a place on; what is behind the last is any.
    #[inline(always)]
    pub(crate) fn four(&self, at: usize) -> [u8; 4] {
        load(self.bytes, at & (LITERALS - 1))
    }
}

/// What repeats, in 32 kB (table) and what a block is made of.
pub(crate) struct Matches {
    /// Where five bytes with this hash were last, modulo 2^16. Of a position that is not there yet it says 0, which is a position.
    table: Box<[u16; 1 << TABLE_BITS]>,
    literals: Box<[u8; LITERALS + BEHIND]>,
    sequences: Box<[Sequence; SEQUENCES]>,
}

impl Matches {
    pub(crate) fn new() -> Self {
        Self { table: zeros(), literals: zeros(), sequences: zeros() }
    }

    /// Forgets the input.
    pub(crate) fn forget(&mut self) {
        self.table.fill(0);
    }

    /// The block that begins at `begin`. Of what is before, blocks were found since the input before was forgotten.
    pub(crate) fn find(&mut self, input: &[u8], begin: usize) -> Found<'_> {
        let end = input.len().min(begin + BLOCK);
        // Four positions are taken in at once, and the next block's are behind all of them.
        let limit = end.saturating_sub(3).min(input.len().saturating_sub(AHEAD));
        let (table, literals, sequences) = (&mut *self.table, &mut *self.literals, &mut *self.sequences);
        let (mut kept, mut found) = (0, 0);
        // What is before `anchor` is in a sequence.
        let (mut anchor, mut at) = (begin, begin);
        let mut idle = 0;
        while at < limit {
            let (distances, hits) = probe(table, input, at);
            if hits == 0 {
                at += 4 + (idle >> HASTE).min(MOST_HASTE);
                idle += 1;
                continue;
            }
            idle = 0;
            let best = best(input, anchor, at, distances, hits);
            let run = best.start - anchor;
            let into = kept & (LITERALS - 1);
            if run <= BEHIND {
                // A copy of one length needs no branch.
                literals[into..into + BEHIND].copy_from_slice(&load::<BEHIND>(input, anchor));
            } else {
                literals[into..into + run].copy_from_slice(&input[anchor..best.start]);
            }
            kept += run;
            sequences[found & (SEQUENCES - 1)] = Sequence {
                literals: run as u16,
                length: (best.end - best.start) as u16,
                distance: best.distance as u16,
                symbol: symbol(best.distance),
            };
            found += 1;
            at = best.end;
            anchor = at;
            if at < limit {
                table[hash(&input[at - 2..])] = (at - 2) as u16;
            }
        }
        let end = end.max(anchor);
        let run = end - anchor;
        literals[kept..kept + run].copy_from_slice(&input[anchor..end]);
        let literals = Literals { bytes: literals, count: kept + run };
        Found { sequences: &sequences[..found], literals, end }
    }
}

/// How far back each of four positions may have a match, and, a bit for each, whether it has. They are in the table now.
#[inline(always)]
fn probe(table: &mut [u16; 1 << TABLE_BITS], input: &[u8], at: usize) -> ([usize; 4], u32) {
    let eight = u64::from_le_bytes(load(input, at));
    let mut hits = 0;
    let distances = std::array::from_fn(|ahead| {
        let bytes = eight >> (8 * ahead);
        let slot = &mut table[hash(&bytes.to_le_bytes())];
        // Positions modulo 2^16: what it says may be older, and so may its hash be another's. The bytes are looked at.
        let distance = usize::from(((at + ahead) as u16).wrapping_sub(*slot));
        *slot = (at + ahead) as u16;
        let same = u32::from_le_bytes(load(input, at + ahead - distance)) == bytes as u32;
        let near = distance.wrapping_sub(1) < WINDOW;
        hits |= u32::from(same & near) << ahead;
        distance
    });
    (distances, hits)
}

struct Match {
    start: usize,
    end: usize,
    distance: usize,
}

/// The match to take: the first, or the one after it that ends later and costs one literal at most.
#[inline(always)]
fn best(input: &[u8], anchor: usize, at: usize, distances: [usize; 4], hits: u32) -> Match {
    let ahead = hits.trailing_zeros() as usize & 3;
    let first = extend(input, anchor, at + ahead, distances[ahead]);
    let hits = hits & (hits - 1);
    let ahead = hits.trailing_zeros() as usize & 3;
    if hits == 0 || distances[ahead] == first.distance {
        return first;
    }
    let second = extend(input, anchor, at + ahead, distances[ahead]);
    match second.end > first.end && second.start <= first.start + 1 {
        true => second,
        false => first,
    }
}

/// The whole of a match: it may begin up to eight bytes before, where nothing is taken yet.
#[inline(always)]
fn extend(input: &[u8], anchor: usize, at: usize, distance: usize) -> Match {
    let mut start = at;
    if at - distance >= 8 {
        let differ =
            u64::from_le_bytes(load(input, at - 8)) ^ u64::from_le_bytes(load(input, at - distance - 8));
        start -= (differ.leading_zeros() as usize / 8).min(at - anchor);
    }
    let stop = input.len().min(start + LONGEST);
    let mut end = at + SHORTEST;
    while end + 16 <= stop {
        let differ = u128::from_le_bytes(load(input, end)) ^ u128::from_le_bytes(load(input, end - distance));
        if differ != 0 {
            return Match { start, end: end + differ.trailing_zeros() as usize / 8, distance };
        }
        end += 16;
    }
    while end < stop && input[end] == input[end - distance] {
        end += 1;
    }
    Match { start, end, distance }
}

/// Of the first five bytes, by a multiplication (D. E. Knuth, The Art of Computer Programming, volume 3, section 6.4).
#[inline(always)]
pub(crate) fn hash(bytes: &[u8]) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    ((u64::from_le_bytes(load(bytes, 0)) << 24).wrapping_mul(GOLDEN) >> (64 - TABLE_BITS)) as usize
}

#[inline(always)]
fn load<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut loaded = [0; N];
    loaded.copy_from_slice(&bytes[at..at + N]);
    loaded
}

/// The symbol of a distance (RFC 1951, section 3.2.5): two for every power of two.
#[inline(always)]
fn symbol(distance: usize) -> u8 {
    let less = distance as u32 - 1;
    if less < 2 {
        return less as u8;
    }
    let power = less.ilog2();
    (2 * power + (less >> (power - 1) & 1)) as u8
}
