//! Huffman codes: of how often symbols occur, how long their words are, and of that, the words.

/// What stands for a symbol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// The first bit is the lowest.
    pub(crate) bits: u16,
    /// How many bits; of a symbol that has no word, none.
    pub(crate) count: u8,
}

/// How long the words of a code are that is as short as it can be with words of `longest` bits at most, or nearly.
///
/// A code is always complete: where fewer than two symbols occur, two have words of one bit.
/// `N` is 512 at most, and all frequencies together less than 2^23.
pub(crate) fn lengths<const N: usize>(frequencies: &[u32; N], longest: usize) -> [u8; N] {
    // Symbols that occur, the rarest first: the frequency above, the symbol in the lowest nine bits.
    let mut sorted = [0; N];
    let mut count = 0;
    for (symbol, &frequency) in (0..).zip(frequencies) {
        if frequency > 0 {
            sorted[count] = frequency << 9 | symbol;
            count += 1;
        }
    }
    let sorted = &mut sorted[..count];
    sorted.sort_unstable();
    let mut lengths = [0; N];
    if count < 2 {
        let only = sorted.first().map_or(0, |&it| (it & 511) as usize);
        lengths[only] = 1;
        lengths[usize::from(only == 0)] = 1;
        return lengths;
    }
    let mut depths = [0; N];
    let depths = &mut depths[..count];
    for (depth, &it) in depths.iter_mut().zip(&*sorted) {
        *depth = it >> 9;
    }
    minimum_redundancy(depths);
    let mut of_length = [0usize; 16];
    for &depth in &*depths {
        of_length[(depth as usize).min(longest)] += 1;
    }
    shorten(&mut of_length, longest);
    let mut rarest_first = sorted.iter();
    for length in (1..=longest).rev() {
        for &it in rarest_first.by_ref().take(of_length[length]) {
            lengths[(it & 511) as usize] = length as u8;
        }
    }
    lengths
}

/// Puts depths in a Huffman tree in the place of frequencies, two of them or more, the lowest first.
///
/// A. Moffat and J. Katajainen: In-place calculation of minimum-redundancy codes, WADS 1995.
fn minimum_redundancy(a: &mut [u32]) {
    let count = a.len();
    // Each inner node is two of what is lightest; `a` has weights of leaves, then weights of inner nodes, and of those that
    // have a parent its place.
    let (mut root, mut leaf) = (0, 0);
    for next in 0..count - 1 {
        let mut weight = 0;
        for _ in 0..2 {
            if leaf >= count || (root < next && a[root] < a[leaf]) {
                weight += a[root];
                a[root] = next as u32;
                root += 1;
            } else {
                weight += a[leaf];
                leaf += 1;
            }
        }
        a[next] = weight;
    }
    // Depths of inner nodes, the root's first.
    a[count - 2] = 0;
    for node in (0..count - 2).rev() {
        a[node] = a[a[node] as usize] + 1;
    }
    // Depths of leaves: what is free at a depth and no inner node.
    let (mut inner, mut next) = (count - 1, count);
    let (mut free, mut depth) = (1, 0);
    while next > 0 {
        let from = inner;
        while inner > 0 && a[inner - 1] == depth {
            inner -= 1;
        }
        let used = from - inner;
        for _ in used..free {
            next -= 1;
            a[next] = depth;
        }
        free = 2 * used;
        depth += 1;
    }
}

/// Makes numbers of words of each length, of which those that would be too long are among the longest, a code again (Kraft's
/// inequality): a word of the longest takes its place beside one that gets a bit longer, until all have one.
fn shorten(of_length: &mut [usize; 16], longest: usize) {
    let taken = |of_length: &[usize; 16]| {
        (1..=longest).map(|length| of_length[length] << (longest - length)).sum::<usize>()
    };
    for _ in 1 << longest..taken(of_length) {
        let Some(length) = (1..longest).rev().find(|&length| of_length[length] > 0) else { return };
        of_length[length] -= 1;
        of_length[length + 1] += 2;
        of_length[longest] -= 1;
    }
}

/// The words of a code (RFC 1951, section 3.2.2).
pub(crate) fn words<const N: usize>(lengths: &[u8; N]) -> [Word; N] {
    let mut of_length = [0u16; 16];
    for &length in lengths.iter().filter(|&&length| length > 0) {
        of_length[usize::from(length)] += 1;
    }
    let mut next = [0u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + of_length[length - 1]) << 1;
    }
    lengths.map(|count| {
        if count == 0 {
            return Word::default();
        }
        let word = &mut next[usize::from(count)];
        let bits = word.reverse_bits() >> (16 - count);
        *word = word.wrapping_add(1);
        Word { bits, count }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bits of the shortest code there is, by the textbook: the two lightest become one, again and again.
    fn shortest(frequencies: &[u32]) -> u64 {
        let mut heap: std::collections::BinaryHeap<_> =
            frequencies.iter().filter(|&&f| f > 0).map(|&f| std::cmp::Reverse(u64::from(f))).collect();
        let mut bits = 0;
        while let (Some(one), Some(two)) = (heap.pop(), heap.pop()) {
            bits += one.0 + two.0;
            heap.push(std::cmp::Reverse(one.0 + two.0));
        }
        bits
    }

    fn bits<const N: usize>(frequencies: &[u32; N], lengths: &[u8; N]) -> u64 {
        frequencies.iter().zip(lengths).map(|(&f, &l)| u64::from(f) * u64::from(l)).sum()
    }

    /// The part of all words that a code takes, in 2^-15.
    fn taken(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|&&length| length > 0).map(|&length| 1 << (15 - length)).sum()
    }

    proptest! {
        #[test]
        fn a_code_is_complete_and_as_short_as_it_can_be(
            frequencies in prop::array::uniform32(prop_oneof![Just(0), 1..4u32, 1..5000u32]),
            longest in 5..15usize,
        ) {
            let lengths = lengths(&frequencies, longest);
            prop_assert_eq!(taken(&lengths), 1 << 15, "complete");
            prop_assert!(lengths.iter().all(|&length| usize::from(length) <= longest));
            let several = frequencies.iter().filter(|&&f| f > 0).count() > 1;
            if several {
                prop_assert!(frequencies.iter().zip(lengths).all(|(&f, length)| (f > 0) == (length > 0)));
                let (came, least) = (bits(&frequencies, &lengths), shortest(&frequencies));
                prop_assert!(came >= least);
                if usize::from(*lengths.iter().max().expect("32 of them")) < longest {
                    prop_assert_eq!(came, least, "nothing was too long");
                }
            }
        }
    }

    #[test]
    fn what_is_too_deep_is_made_shorter() {
        // Fibonacci's numbers make the deepest tree there is.
        let (mut one, mut two) = (1, 1);
        let frequencies: [u32; 24] = std::array::from_fn(|_| {
            (one, two) = (two, one + two);
            one
        });
        let free = lengths(&frequencies, 15);
        assert_eq!((taken(&free), *free.iter().max().unwrap_or(&0)), (1 << 15, 15));
        let short = lengths(&frequencies, 7);
        assert_eq!((taken(&short), *short.iter().max().unwrap_or(&0)), (1 << 15, 7));
    }

    #[test]
    fn the_words_of_the_specification() {
        // Section 3.2.2: lengths of A to H, and their words, there with the first bit the highest.
        let words = words(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let told = words.map(|word| {
            format!(
                "{:0width$b}",
                word.bits.reverse_bits() >> (16 - word.count),
                width = usize::from(word.count)
            )
        });
        assert_eq!(told, ["010", "011", "100", "101", "110", "00", "1110", "1111"]);
    }

    #[test]
    fn one_symbol_has_a_complete_code() {
        assert_eq!(lengths(&[0, 0, 7, 0], 15), [1, 0, 1, 0]);
        assert_eq!(lengths(&[7, 0, 0, 0], 15), [1, 1, 0, 0]);
        assert_eq!(lengths(&[0; 4], 15), [1, 1, 0, 0]);
    }
}
