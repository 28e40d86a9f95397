//! Files that are made up, for trees of any size: words of random bytes, the first of them far more often than the last, which
//! compress to less than half, as programs do. Equal numbers give equal files.

use std::fs;
use std::path::Path;

use super::{empty, said};
use crate::run::Result;

const WORDS: usize = 4096;

/// Makes a folder of `count` files of `size` bytes each, in folders of a hundred. `seed` tells it from others.
pub fn folder(path: &Path, seed: u64, count: u64, size: u64) -> Result {
    empty(path)?;
    let words = Words::new(seed);
    for number in 0..count {
        let folder = path.join(format!("{:04}", number / 100));
        fs::create_dir_all(&folder).map_err(|error| said(&folder, &error))?;
        let file = folder.join(format!("{number:06}"));
        fs::write(&file, words.file(number, size)).map_err(|error| said(&file, &error))?;
    }
    Ok(())
}

/// Replaces a file of such a folder with another one of the same size, which was not there before: the `turn`th.
pub fn change(path: &Path, seed: u64, number: u64, turn: u64) -> Result {
    let file = path.join(format!("{:04}/{number:06}", number / 100));
    let size = fs::metadata(&file).map_err(|error| said(&file, &error))?.len();
    let bytes = Words::new(seed).file(number + (turn << 32), size);
    fs::write(&file, bytes).map_err(|error| said(&file, &error))
}

struct Words {
    seed: u64,
    words: Vec<Vec<u8>>,
}

impl Words {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let words = (0..WORDS).map(|_| {
            let length = 2 + random.below(11);
            (0..length).map(|_| random.below(256) as u8).collect()
        });
        Self { seed, words: words.collect() }
    }

    fn file(&self, number: u64, size: u64) -> Vec<u8> {
        let mut random = Random(self.seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut bytes = Vec::with_capacity(size as usize + 16);
        while (bytes.len() as u64) < size {
            // The product of three: small ones are frequent.
            let at = random.below(WORDS) * random.below(WORDS) / WORDS * random.below(WORDS) / WORDS;
            bytes.extend_from_slice(&self.words[at]);
        }
        bytes.truncate(size as usize);
        bytes
    }
}

/// A linear congruential generator, Knuth's of MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_reproducible_and_differ() {
        let words = Words::new(7);
        assert_eq!(words.file(1, 5000), Words::new(7).file(1, 5000));
        assert_ne!(words.file(1, 5000), words.file(2, 5000));
        assert_eq!(words.file(3, 12_345).len(), 12_345);
    }
}
