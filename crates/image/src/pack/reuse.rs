//! Chunks that were compressed before: where their bytes are in older layers' blobs, so that no chunk is compressed twice and
//! nothing is kept twice.
//!
//! A blob has one listing of its chunks, in their order. It is found through some of them: those whose keys are smallest, and one
//! of 64 others. Two layers that have most chunks in common, or of which one has many chunks of the other, share some of these;
//! of two that differ in three chunks the smallest four keys can't all differ. A name of the newest blob stands under each, so that
//! what was built last is found first. A record for each chunk would find more, and cost a file for each.
//!
//! All of it is a guess about the disk: bytes are compared with their checksum before they are used, and whatever is not there or
//! not right is compressed again.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use libdeflater::crc32;
use longshore_oci::{Content, Digest, Sha256, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::Codec;
use super::buffer::Buffer;
use super::keys::Keys;
use super::record::{encoded, read};

/// The chunks of a blob, by the blob's digest.
const LISTING: &str = "layer-chunks-1";
/// A blob that has a chunk, by codec and chunk.
const ANCHOR: &str = "layer-chunk-1";
/// So many of a layer's chunks lead to it in any case.
const SMALLEST: usize = 4;
/// So many blobs are looked into for one layer.
const BLOBS: usize = 32;

/// What is known of a chunk's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    /// Bytes of the compressed form.
    length: u32,
    /// Its checksum.
    packed: u32,
    /// The checksum of the tar's bytes: what a file has become since must not be told as what it was.
    plain: u32,
}

/// Where a compressed chunk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    blob: Content,
    offset: u64,
    pub sum: Sum,
}

impl Sum {
    pub(super) fn of(plain: &[u8], packed: &[u8]) -> Self {
        // Both are chunks, of little more than a MiB.
        let length = u32::try_from(packed.len()).unwrap_or(u32::MAX);
        Self { length, packed: crc32(packed), plain: crc32(plain) }
    }

    /// Adds it to the hash of a listing.
    pub(super) fn add_to(&self, hash: &mut Sha256) {
        for number in [self.length, self.packed, self.plain] {
            hash.update(&number.to_le_bytes());
        }
    }

    pub(super) fn length(&self) -> u64 {
        u64::from(self.length)
    }
}

impl Range {
    /// Replaces `out` with the compressed bytes, and says whether they are there and right.
    pub(super) fn read(&self, store: &Store, out: &mut Buffer) -> bool {
        out.clear();
        let length = self.sum.length as usize;
        let mut read = || -> Result<(), StoreError> {
            let mut file = store.open_blob(&self.blob)?;
            file.seek(SeekFrom::Start(self.offset))?;
            file.read_exact(out.room(length))?;
            out.grow(length);
            Ok(())
        };
        read().is_ok() && crc32(out) == self.sum.packed
    }

    /// Whether it is the compressed form of these bytes.
    pub(super) fn compresses(&self, plain: &[u8]) -> bool {
        crc32(plain) == self.sum.plain
    }
}

/// Looks for every chunk.
pub(super) fn find(store: &Store, codec: Codec, keys: &Keys) -> Result<Vec<Option<Range>>, StoreError> {
    let mut blobs: BTreeMap<Content, usize> = BTreeMap::new();
    for key in anchors(keys) {
        if let Some(blob) = read::<Content>(store, ANCHOR, &anchor(codec, key))? {
            *blobs.entry(blob).or_default() += 1;
        }
    }
    let mut blobs: Vec<_> = blobs.into_iter().filter(|(blob, _)| store.has(blob)).collect();
    blobs.sort_by_key(|(_, votes)| Reverse(*votes));
    let mut known: BTreeMap<Digest, Range> = BTreeMap::new();
    for (blob, _) in blobs.into_iter().take(BLOBS) {
        let mut offset = 0;
        let listing = read::<Vec<(Digest, Sum)>>(store, LISTING, &blob.digest)?.unwrap_or_default();
        for (key, sum) in listing {
            known.entry(key).or_insert(Range { blob, offset, sum });
            offset += sum.length();
        }
        if keys.chunks.iter().all(|key| known.contains_key(key)) {
            break;
        }
    }
    Ok(keys.chunks.iter().map(|key| known.get(key).copied()).collect())
}

/// Keeps where the chunks of a blob are that was just made.
pub(super) fn keep(
    store: &Store,
    codec: Codec,
    keys: &Keys,
    sums: &[Sum],
    blob: Content,
) -> Result<(), StoreError> {
    let listing: Vec<_> = keys.chunks.iter().zip(sums).collect();
    store.put_record(LISTING, &blob.digest, &encoded(&listing), [blob])?;
    let found = encoded(&blob);
    anchors(keys)
        .into_iter()
        .try_for_each(|key| store.put_record(ANCHOR, &anchor(codec, key), &found, [blob]))
}

/// The chunks by which a layer is found.
fn anchors(keys: &Keys) -> Vec<&Digest> {
    let mut sorted: Vec<_> = keys.chunks.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    // What is chosen says nothing of the order, so other bytes than those that sort choose.
    let chosen = |(index, key): &(usize, &Digest)| *index < SMALLEST || key.as_bytes()[31] < 4;
    sorted.into_iter().enumerate().filter(chosen).map(|(_, key)| key).collect()
}

fn anchor(codec: Codec, key: &Digest) -> Digest {
    Digest::of(format!("{} chunk {key}", codec.id()).as_bytes())
}
