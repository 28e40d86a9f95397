//! A block of a stream, in the shortest of three forms (RFC 1951, section 3.2.3).

use std::array;

use crate::bits::Bits;
use crate::huffman::{Word, lengths, words};
use crate::matches::{Found, Literals, Sequence};

/// Symbols of literals, the end of a block, and lengths (section 3.2.5); the last two occur in no block.
const LITERALS: usize = 288;
const END: usize = 256;
const LENGTHS: usize = 29;
/// Symbols of distances.
const DISTANCES: usize = 30;
/// The longest word of a literal or length: four of them, and seven bits from before, are in one word of 64 bits; so are
/// a length and a distance with all that belongs to them.
const LONGEST_LITERAL: usize = 14;
const LONGEST_DISTANCE: usize = 15;
/// The shortest length of each symbol.
const LENGTH_BASE: [u16; LENGTHS] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227, 258,
];
/// The symbol of each length.
const LENGTH_SYMBOL: [u8; 259] = {
    let mut symbols = [0; 259];
    let (mut length, mut symbol) = (3, 0);
    while length < symbols.len() {
        if symbol + 1 < LENGTHS && LENGTH_BASE[symbol + 1] as usize == length {
            symbol += 1;
        }
        symbols[length] = symbol as u8;
        length += 1;
    }
    symbols
};

/// Bits behind the word of a length.
const fn length_extra(symbol: usize) -> u8 {
    match symbol {
        0..8 | 28 => 0,
        _ => symbol as u8 / 4 - 1,
    }
}

/// Bits behind the word of a distance.
const fn distance_extra(symbol: usize) -> u8 {
    (symbol as u8 / 2).saturating_sub(1)
}

/// The lowest distance of a symbol.
const fn distance_base(symbol: usize) -> u16 {
    match symbol {
        0..2 => symbol as u16 + 1,
        _ => ((2 + symbol as u16 % 2) << distance_extra(symbol)) + 1,
    }
}

/// Whether a block is the last of its stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Yes,
    No,
}

/// Writes the block that `found` is of `plain`.
pub(crate) fn write<'a>(plain: &[u8], found: &Found<'_>, last: Last, mut bits: Bits<'a>) -> Bits<'a> {
    let occur = Occur::count(found);
    let fixed = Code::fixed();
    let code = Code::of(&occur);
    let header = Header::of(&code);
    let (dynamic_cost, fixed_cost) = (header.cost() + code.cost(&occur), fixed.cost(&occur));
    let last = u64::from(last == Last::Yes);
    // A stored block costs what fills a byte, and its length twice, besides.
    if 8 * (plain.len() as u64 + 5) <= dynamic_cost.min(fixed_cost) {
        bits.put(last, 3);
        bits.align();
        let len = plain.len() as u16;
        bits.bytes(&len.to_le_bytes());
        bits.bytes(&(!len).to_le_bytes());
        bits.bytes(plain);
        return bits;
    }
    if fixed_cost <= dynamic_cost {
        bits.put(last | 1 << 1, 3);
        return contents(found, &fixed, bits);
    }
    bits.put(last | 2 << 1, 3);
    header.write(&mut bits);
    contents(found, &code, bits)
}

/// How often symbols occur in a block.
struct Occur {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Occur {
    fn count(found: &Found<'_>) -> Self {
        // One after another, those of a byte that repeats would wait for each other.
        let mut four = [[0u32; 256]; 4];
        let (fours, rest) = found.literals.all().as_chunks::<4>();
        for &bytes in fours {
            for (occur, byte) in four.iter_mut().zip(bytes) {
                occur[usize::from(byte)] += 1;
            }
        }
        for &byte in rest {
            four[0][usize::from(byte)] += 1;
        }
        // As powers of two, they need no look at where they end.
        let (mut of_length, mut of_distance) = ([0u32; 32], [0u32; 32]);
        for sequence in found.sequences {
            of_length[usize::from(LENGTH_SYMBOL[usize::from(sequence.length)]) & 31] += 1;
            of_distance[usize::from(sequence.symbol) & 31] += 1;
        }
        let mut literals = [0; LITERALS];
        for (byte, occur) in literals[..END].iter_mut().enumerate() {
            *occur = four.iter().map(|four| four[byte]).sum();
        }
        literals[END] = 1;
        literals[END + 1..][..LENGTHS].copy_from_slice(&of_length[..LENGTHS]);
        Self { literals, distances: array::from_fn(|symbol| of_distance[symbol]) }
    }
}

/// How long words are.
struct Code {
    literals: [u8; LITERALS],
    distances: [u8; DISTANCES],
}

impl Code {
    fn of(occur: &Occur) -> Self {
        Self {
            literals: lengths(&occur.literals, LONGEST_LITERAL),
            distances: lengths(&occur.distances, LONGEST_DISTANCE),
        }
    }

    /// Section 3.2.6.
    fn fixed() -> Self {
        let literals = array::from_fn(|symbol| match symbol {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        });
        Self { literals, distances: [5; DISTANCES] }
    }

    /// Bits of a block's contents.
    fn cost(&self, occur: &Occur) -> u64 {
        let of = |occur: &[u32], words: &[u8], extra: &dyn Fn(usize) -> u8| -> u64 {
            let each = occur.iter().zip(words).enumerate();
            each.map(|(symbol, (&occur, &word))| u64::from(occur) * u64::from(word + extra(symbol))).sum()
        };
        let length = |symbol: usize| symbol.checked_sub(END + 1).map_or(0, length_extra);
        of(&occur.literals, &self.literals, &length) + of(&occur.distances, &self.distances, &distance_extra)
    }
}

/// A dynamic block's code, as it stands before its contents (section 3.2.7).
struct Header {
    literals: usize,
    distances: usize,
    /// How many of the code of lengths.
    order: usize,
    words: [Word; 19],
    /// Symbols of that code, what is behind each and the number of its bits.
    symbols: Vec<(u8, u8, u8)>,
}

impl Header {
    /// The order of the lengths of the code of lengths.
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    fn of(code: &Code) -> Self {
        let used = |lengths: &[u8]| lengths.iter().rposition(|&length| length > 0).map_or(0, |at| at + 1);
        let (literals, distances) = (used(&code.literals), used(&code.distances));
        let symbols = Self::runs(&[&code.literals[..literals], &code.distances[..distances]].concat());
        let mut occur = [0; 19];
        for &(symbol, ..) in &symbols {
            occur[usize::from(symbol)] += 1;
        }
        let words = words(&lengths(&occur, 7));
        let order =
            Self::ORDER.iter().rposition(|&symbol| words[symbol].count > 0).map_or(4, |at| (at + 1).max(4));
        Self { literals, distances, order, words, symbols }
    }

    /// Lengths with what repeats told as a number.
    fn runs(lengths: &[u8]) -> Vec<(u8, u8, u8)> {
        let mut symbols = Vec::with_capacity(lengths.len());
        for same in lengths.chunk_by(|one, other| one == other) {
            let length = same[0];
            let mut left = same.len();
            if length > 0 {
                symbols.push((length, 0, 0));
                left -= 1;
            }
            while left > 0 {
                let (taken, symbol) = match (length, left) {
                    (0, 11..) => (left.min(138), (18, left.min(138) as u8 - 11, 7)),
                    (0, 3..) => (left, (17, left as u8 - 3, 3)),
                    (1.., 3..) => (left.min(6), (16, left.min(6) as u8 - 3, 2)),
                    _ => (1, (length, 0, 0)),
                };
                symbols.push(symbol);
                left -= taken;
            }
        }
        symbols
    }

    fn cost(&self) -> u64 {
        let symbols =
            self.symbols.iter().map(|&(symbol, _, extra)| self.words[usize::from(symbol)].count + extra);
        14 + 3 * self.order as u64 + symbols.map(u64::from).sum::<u64>()
    }

    fn write(&self, bits: &mut Bits<'_>) {
        bits.put(self.literals as u64 - 257, 5);
        bits.put(self.distances as u64 - 1, 5);
        bits.put(self.order as u64 - 4, 4);
        for &symbol in &Self::ORDER[..self.order] {
            bits.flush();
            bits.put(u64::from(self.words[symbol].count), 3);
        }
        for &(symbol, extra, count) in &self.symbols {
            bits.flush();
            let word = self.words[usize::from(symbol)];
            bits.put(u64::from(word.bits), u32::from(word.count));
            bits.put(u64::from(extra), u32::from(count));
        }
        bits.flush();
    }
}

/// The contents of a block and its end.
fn contents<'a>(found: &Found<'_>, code: &Code, mut bits: Bits<'a>) -> Bits<'a> {
    let literal_words = words(&code.literals);
    let distance_words = words(&code.distances);
    let literal: [Packed; 256] = array::from_fn(|byte| Packed::new(literal_words[byte], 0, 0));
    let mut length = [Packed::default(); 512];
    for (of, &symbol) in (0u16..).zip(&LENGTH_SYMBOL).skip(3) {
        let symbol = usize::from(symbol);
        length[usize::from(of)] =
            Packed::new(literal_words[END + 1 + symbol], of - LENGTH_BASE[symbol], length_extra(symbol));
    }
    let mut distance = [Distance::default(); 32];
    for (symbol, (distance, &word)) in distance.iter_mut().zip(&distance_words).enumerate() {
        *distance = Distance { word, extra: distance_extra(symbol), base: distance_base(symbol) };
    }
    let mut at = 0;
    for &Sequence { literals, length: of, distance: back, symbol } in found.sequences {
        at = run(&found.literals, at, usize::from(literals), &literal, &mut bits);
        bits.flush();
        let (length, distance) = (length[usize::from(of) & 511], distance[usize::from(symbol) & 31]);
        bits.put(length.bits(), length.count());
        let back = u64::from(back.wrapping_sub(distance.base)) << distance.word.count;
        bits.put(u64::from(distance.word.bits) | back, u32::from(distance.word.count + distance.extra));
        bits.flush();
    }
    run(&found.literals, at, found.literals.count - at, &literal, &mut bits);
    bits.flush();
    bits.put(u64::from(literal_words[END].bits), u32::from(literal_words[END].count));
    bits.flush();
    bits
}

/// Writes some literals; where the next are. After the last, a flush is due.
#[inline(always)]
fn run(
    literals: &Literals<'_>,
    mut at: usize,
    mut left: usize,
    words: &[Packed; 256],
    bits: &mut Bits<'_>,
) -> usize {
    loop {
        let four = literals.four(at).map(|byte| words[usize::from(byte)]);
        // Each pair is put together for itself, so that only one addition waits for the pair before.
        let pair =
            |one: Packed, two: Packed| (one.bits() | two.bits() << one.count(), one.count() + two.count());
        if left < 4 {
            // Which of them are there is hard to guess, and so it is no branch.
            let [a, b, c] = array::from_fn(|place| four[place].when(place < left));
            let (ab, count) = pair(a, b);
            bits.put(ab | c.bits() << count, count + c.count());
            return at + left;
        }
        let (ab, before) = pair(four[0], four[1]);
        let (cd, count) = pair(four[2], four[3]);
        bits.put(ab | cd << before, before + count);
        bits.flush();
        at += 4;
        left -= 4;
    }
}

/// A word with what is behind it, and their number in the lowest byte.
#[derive(Clone, Copy, Default)]
struct Packed(u32);

impl Packed {
    fn new(word: Word, behind: u16, extra: u8) -> Self {
        Self((u32::from(word.bits) | u32::from(behind) << word.count) << 8 | u32::from(word.count + extra))
    }

    fn bits(self) -> u64 {
        u64::from(self.0 >> 8)
    }

    fn count(self) -> u32 {
        self.0 & 0xff
    }

    /// No bits, where it is not there.
    fn when(self, is_there: bool) -> Self {
        Self(self.0 & 0u32.wrapping_sub(u32::from(is_there)))
    }
}

/// A distance's word.
#[derive(Clone, Copy, Default)]
struct Distance {
    word: Word,
    extra: u8,
    base: u16,
}
