//! DEFLATE (RFC 1951), compressed fast.
//!
//! A compressor of this kind mostly waits for branches that its processor guessed wrong. Here matches are looked for at four positions
//! at a time without a branch between them, and literals are counted and written four at a time.
//!
//! Bytes depend on the input alone: neither on the processor nor on what was compressed before.

mod bits;
mod block;
mod huffman;
mod matches;

use bits::{Bits, ROOM};
use matches::{BLOCK, Matches};

/// Compresses, with memory (about 350 kB) that is used again.
pub struct Deflater {
    matches: Matches,
    room: Box<[u8; ROOM + 8]>,
}

impl Deflater {
    /// One that has compressed nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { matches: Matches::new(), room: zeros() }
    }

    /// The most bytes that `len` bytes become.
    #[must_use]
    pub fn bound(len: usize) -> usize {
        // Whatever a block is, it is no longer than stored: with its header, a byte that is filled up, and its length twice.
        len + 6 * (len / BLOCK + 1)
    }

    /// Compresses `plain` into a whole stream, and gives it away in pieces.
    pub fn compress(&mut self, plain: &[u8], mut each: impl FnMut(&[u8])) {
        self.matches.forget();
        let mut bits = Bits::new(&mut self.room);
        let mut at = 0;
        loop {
            let found = self.matches.find(plain, at);
            let last = match found.end == plain.len() {
                true => block::Last::Yes,
                false => block::Last::No,
            };
            bits = block::write(&plain[at..found.end], &found, last, bits);
            at = found.end;
            if at == plain.len() {
                bits.align();
            }
            each(bits.whole());
            if at == plain.len() {
                return;
            }
        }
    }
}

impl Default for Deflater {
    fn default() -> Self {
        Self::new()
    }
}

/// `N` of what is zero, which never were on the stack.
fn zeros<T: Clone + Default, const N: usize>() -> Box<[T; N]> {
    let Ok(zeros) = vec![T::default(); N].into_boxed_slice().try_into() else {
        unreachable!("it has that length")
    };
    zeros
}

#[cfg(test)]
mod tests;
