//! Where a layer's tar is cut into independent units of work and of compression.
//!
//! Cuts depend on content alone. Small files gather into chunks of 256 KiB to 1 MiB that end behind paths which hash
//! to zero in five bits, so that a file more or less moves the cuts near it only. A file of more than 1 MiB is cut
//! every 1 MiB from its start, its header left in the chunk before, so that its chunks stay the same under another
//! name or owner.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use longshore_oci::{Content, Digest, Node, Store, StoreError};

use super::buffer::Buffer;
use super::{Error, Recipe, tar};

/// A chunk of small files is not ended by a path's hash before it has this many bytes.
const MIN: u64 = 256 << 10;
/// A chunk has no more than this many bytes of files and plain headers.
pub(super) const MAX: u64 = 1 << 20;

/// So many files stay open for a thread.
const OPEN: usize = 2;

/// So many bytes are hashed at a time where none are compressed: what a thread hashes together mostly stays in a processor's own cache.
pub(super) const PIECE: u64 = 128 << 10;

/// Consecutive parts of a tar, at most [`MAX`] bytes but for extended headers.
pub(super) type Chunk = Vec<Part>;

/// A part of a tar; numbers are indexes of the recipe's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// An entry with its bytes.
    Entry(usize),
    /// A large file's header.
    Header(usize),
    /// This part of a large file's bytes, with the padding after the last.
    Slice { entry: usize, offset: u64, length: u64 },
    /// The two zero blocks.
    End,
}

/// Cuts the tar of `recipe`.
pub(super) fn plan(recipe: &Recipe) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut chunk, mut weight) = (Chunk::new(), 0);
    for (index, (path, entry)) in recipe.entries().iter().enumerate() {
        let size = entry.size();
        if size > MAX {
            chunk.push(Part::Header(index));
            chunks.push(std::mem::take(&mut chunk));
            weight = 0;
            let mut offset = 0;
            while offset < size {
                let length = MAX.min(size - offset);
                chunks.push(vec![Part::Slice { entry: index, offset, length }]);
                offset += length;
            }
            continue;
        }
        let own = 512 + size + tar::padding(size) as u64;
        if weight + own > MAX && !chunk.is_empty() {
            chunks.push(std::mem::take(&mut chunk));
            weight = 0;
        }
        chunk.push(Part::Entry(index));
        weight += own;
        if weight >= MIN && ends_chunk(path.as_bytes()) {
            chunks.push(std::mem::take(&mut chunk));
            weight = 0;
        }
    }
    chunk.push(Part::End);
    chunks.push(chunk);
    chunks
}

/// Cuts consecutive chunks anew, into pieces of [`PIECE`] bytes: all but the last are equally large, but for extended headers.
pub(super) fn pieces(recipe: &Recipe, chunks: &[Chunk]) -> Vec<Chunk> {
    let mut cut = Cut { pieces: Vec::new(), room: 0 };
    for part in chunks.iter().flatten() {
        match *part {
            Part::Entry(index) => match recipe.entries()[index].1.node {
                Node::File(content) if 512 + content.size > cut.room && content.size > 0 => {
                    cut.push(Part::Header(index), 512);
                    cut.slice(index, 0..content.size);
                }
                Node::File(content) => cut.push(*part, 512 + content.size.next_multiple_of(512)),
                _ => cut.push(*part, 512),
            },
            Part::Header(_) => cut.push(*part, 512),
            Part::Slice { entry, offset, length } => cut.slice(entry, offset..offset + length),
            Part::End => cut.push(*part, tar::END.len() as u64),
        }
    }
    cut.pieces
}

/// Pieces, and how many bytes the last has room for.
struct Cut {
    pieces: Vec<Chunk>,
    room: u64,
}

impl Cut {
    fn push(&mut self, part: Part, bytes: u64) {
        match self.pieces.last_mut() {
            Some(piece) if self.room > 0 => piece.push(part),
            _ => {
                self.pieces.push(vec![part]);
                self.room = PIECE;
            }
        }
        self.room = self.room.saturating_sub(bytes);
    }

    /// A range of a file's bytes; it begins at a block, and so does every piece.
    fn slice(&mut self, entry: usize, bytes: Range<u64>) {
        let mut offset = bytes.start;
        while offset < bytes.end {
            let room = if self.room == 0 { PIECE } else { self.room };
            let length = room.min(bytes.end - offset);
            // Slices that follow one another are one.
            match self.pieces.last_mut().and_then(|piece| piece.last_mut()) {
                Some(Part::Slice { entry: last, offset: at, length: more })
                    if self.room > 0 && *last == entry && *at + *more == offset =>
                {
                    *more += length;
                    self.room = self.room.saturating_sub(length.next_multiple_of(512));
                }
                _ => self.push(Part::Slice { entry, offset, length }, length.next_multiple_of(512)),
            }
            offset += length;
        }
    }
}

/// Whether five bits of the path's hash are zero: FNV-1a (draft-eastlake-fnv), whose high bits hardly see the last
/// characters, mixed once more.
fn ends_chunk(path: &[u8]) -> bool {
    let hash = path.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed >> 59 == 0
}

/// What chunks are filled from.
pub(super) struct Blobs<'a> {
    store: &'a Store,
    /// Those of the large files that were read last: such a file is in many chunks, and a thread is at few files at a time.
    open: VecDeque<(Digest, File)>,
}

/// Replaces `out` with the bytes of `chunk`.
pub(super) fn fill(
    blobs: &mut Blobs<'_>,
    recipe: &Recipe,
    chunk: &[Part],
    out: &mut Buffer,
) -> Result<(), Error> {
    out.clear();
    let mut header = Vec::with_capacity(1024);
    for part in chunk {
        let (index, range) = match *part {
            Part::Entry(index) | Part::Header(index) => {
                let (path, entry) = &recipe.entries()[index];
                header.clear();
                tar::append_header(&mut header, recipe.epoch(), path, entry);
                out.push(&header);
                let Node::File(content) = entry.node else { continue };
                (index, if *part == Part::Header(index) { 0..0 } else { 0..content.size })
            }
            Part::Slice { entry, offset, length } => (entry, offset..offset + length),
            Part::End => {
                out.push(&tar::END);
                continue;
            }
        };
        let (path, entry) = &recipe.entries()[index];
        let Node::File(content) = entry.node else { continue };
        if range.is_empty() {
            continue;
        }
        let end = range.end;
        blobs.read(&content, range, out).map_err(|source| Error::Content { path: path.clone(), source })?;
        if end == content.size {
            out.zeros(tar::padding(end));
        }
    }
    Ok(())
}

impl<'a> Blobs<'a> {
    /// Those of a store.
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, open: VecDeque::new() }
    }

    fn read(&mut self, content: &Content, range: Range<u64>, out: &mut Buffer) -> Result<(), StoreError> {
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        if length as u64 == content.size {
            return self.whole(content, length, out);
        }
        self.part(content)?.read_exact_at(out.room(length), range.start)?;
        out.grow(length);
        Ok(())
    }

    /// A small file. Most entries are such, and what they cost is system calls: asked for a byte more than it should have, the
    /// read itself tells whether the file has its size.
    fn whole(&self, content: &Content, length: usize, out: &mut Buffer) -> Result<(), StoreError> {
        let missing = || StoreError::Missing(*content);
        let mut file = self.store.open_unseen(content)?;
        let room = out.room(length + 1);
        let mut filled = 0;
        while filled < length {
            match file.read(&mut room[filled..]) {
                Ok(0) => return Err(missing()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if filled > length {
            return Err(missing());
        }
        out.grow(length);
        Ok(())
    }

    /// A large file.
    fn part(&mut self, content: &Content) -> Result<&File, StoreError> {
        let at = match self.open.iter().position(|(digest, _)| *digest == content.digest) {
            Some(at) => at,
            None => {
                self.open.truncate(OPEN - 1);
                self.open.push_front((content.digest, self.store.open_blob(content)?.into_file()));
                0
            }
        };
        Ok(&self.open[at].1)
    }
}
