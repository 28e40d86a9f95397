//! What chunks are, told from the recipe alone: equal keys, equal bytes, and no byte is read for them.

use longshore_oci::{Digest, Node, Sha256};

use super::chunk::{Chunk, Part};
use super::recipe::describe;
use super::{ASSEMBLER, Recipe};

/// A layer of fewer chunks is made again faster than anything is kept of them.
const LEAST: usize = 8;
/// After so many chunks each a layer can be gone on with.
const EVERY: usize = 32;

/// The keys of a layer's chunks.
pub(super) struct Keys {
    /// Of every chunk.
    pub chunks: Vec<Digest>,
    /// Of the first [`EVERY`] chunks, of twice as many, and so on, but not of all.
    prefixes: Vec<Digest>,
}

impl Keys {
    /// The keys of the chunks that `recipe` was cut into; none where they are too few to be worth it.
    pub(super) fn of(recipe: &Recipe, chunks: &[Chunk]) -> Option<Self> {
        if chunks.len() < LEAST {
            return None;
        }
        let mut line = Vec::new();
        let chunks: Vec<_> = chunks.iter().map(|chunk| key(recipe, chunk, &mut line)).collect();
        let (mut prefixes, mut hash) = (Vec::new(), Sha256::new());
        for (index, key) in chunks.iter().enumerate() {
            if index > 0 && index.is_multiple_of(EVERY) {
                prefixes.push(hash.clone().finish().digest);
            }
            hash.update(key.as_bytes());
        }
        Some(Self { chunks, prefixes })
    }

    /// The key of all chunks before the one at `index`, if a layer can be gone on with there.
    pub(super) fn before(&self, index: usize) -> Option<&Digest> {
        index.is_multiple_of(EVERY).then(|| self.prefixes.get((index / EVERY).checked_sub(1)?)).flatten()
    }

    /// Where a layer can be gone on with, the last first.
    pub(super) fn points(&self) -> impl Iterator<Item = usize> {
        (1..=self.prefixes.len()).rev().map(|point| point * EVERY)
    }
}

/// Hashes all that decides a chunk's bytes. Of a part of a large file that is the file's digest and which part it is, whatever the
/// file's name and owner are.
fn key(recipe: &Recipe, chunk: &[Part], line: &mut Vec<u8>) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"longshore layer chunk\0");
    hash.update(&ASSEMBLER.to_le_bytes());
    for part in chunk {
        line.clear();
        match *part {
            Part::Entry(index) | Part::Header(index) => {
                line.push(if *part == Part::Header(index) { b'H' } else { b'E' });
                line.extend_from_slice(&recipe.epoch().0.to_le_bytes());
                let (path, entry) = &recipe.entries()[index];
                describe(line, path, entry);
            }
            Part::Slice { entry, offset, length } => {
                line.push(b'S');
                if let Node::File(content) = &recipe.entries()[entry].1.node {
                    line.extend_from_slice(content.digest.as_bytes());
                    line.extend_from_slice(&content.size.to_le_bytes());
                }
                line.extend_from_slice(&offset.to_le_bytes());
                line.extend_from_slice(&length.to_le_bytes());
            }
            Part::End => line.push(b'Z'),
        }
        hash.update(line);
    }
    hash.finish().digest
}
