//! How far hashes were at some chunks of a layer, so that a layer that begins as an older one did is gone on with where it differs.
//!
//! What can go wrong, and what comes of it:
//!
//! - A record is torn or rotten: it checks itself, and counts as never made. A state that is none, or of another number of bytes
//!   than it is of, is refused.
//! - The rules of cutting or writing change: the assembler's number and the cuts are in the key.
//! - The compressed bytes in front are gone or damaged: each chunk is compared with its checksum as it is copied, and the layer is
//!   gone on with before the first that is not right. That they are those that were hashed, and not another form of the same
//!   chunks, the digest of all their checksums tells, which stands in the record.
//! - A file of the store was damaged when the state was taken. Then what came of it was wrong at the time: it was told as the
//!   layer's digest. A layer that is gone on with has the same wrong beginning, until it is read as a whole, by whatever
//!   compresses or streams it: the digests differ then, and that is an error that says to use another store. States are written
//!   when a layer is done, so one that is found out leaves none.
//! - A file is damaged afterwards: what was hashed before was right, and so is the digest.

use longshore_oci::{Digest, Sha256, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::Codec;
use super::keys::Keys;
use super::record::{encoded, read};
use super::reuse::Range;

/// How far the tar's hash was, by the key of the chunks before.
const TAR: &str = "layer-state-1";
/// How far both hashes were, by codec and the same.
const BLOB: &str = "layer-blob-state-1";

/// How far hashes were in front of a chunk.
pub(super) struct State {
    /// Which chunk.
    pub at: usize,
    pub tar: Sha256,
    pub blob: Option<Packed>,
}

/// How far the compressed side was.
#[derive(Clone)]
pub(super) struct Packed {
    pub hash: Sha256,
    /// What the chunks' checksums come to.
    pub sums: Sha256,
}

/// A state with the compressed side, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    tar: Vec<u8>,
    blob: Vec<u8>,
    sums: Digest,
}

/// The last state of a tar that begins as this one does.
pub(super) fn of_tar(store: &Store, keys: &Keys) -> Result<Option<State>, StoreError> {
    for at in keys.points() {
        let Some(key) = keys.before(at) else { continue };
        let record = store.record(TAR, key)?;
        if let Some(tar) = record.and_then(|state| Sha256::from_state(&state)) {
            return Ok(Some(State { at, tar, blob: None }));
        }
    }
    Ok(None)
}

/// The last state of a layer with this codec that begins as this one does and for which `ranges` has all chunks.
pub(super) fn of_blob(
    store: &Store,
    codec: Codec,
    keys: &Keys,
    ranges: &[Range],
) -> Result<Option<State>, StoreError> {
    for at in keys.points().filter(|at| *at <= ranges.len()) {
        let Some(key) = keys.before(at) else { continue };
        let Some(kept) = read::<Kept>(store, BLOB, &packed(codec, key))? else { continue };
        let (Some(tar), Some(hash)) = (Sha256::from_state(&kept.tar), Sha256::from_state(&kept.blob)) else {
            continue;
        };
        let mut sums = Sha256::new();
        ranges[..at].iter().for_each(|range| range.sum.add_to(&mut sums));
        let length: u64 = ranges[..at].iter().map(|range| range.sum.length()).sum();
        if length == hash.size() && sums.clone().finish().digest == kept.sums {
            return Ok(Some(State { at, tar, blob: Some(Packed { hash, sums }) }));
        }
    }
    Ok(None)
}

/// Keeps states of a layer that is done.
pub(super) fn keep(
    store: &Store,
    codec: Option<Codec>,
    keys: &Keys,
    states: &[State],
) -> Result<(), StoreError> {
    for state in states {
        let Some(key) = keys.before(state.at) else { continue };
        let tar = state.tar.state();
        store.put_record(TAR, key, &tar, [])?;
        if let (Some(codec), Some(blob)) = (codec, &state.blob) {
            let sums = blob.sums.clone().finish().digest;
            let kept = Kept { tar, blob: blob.hash.state(), sums };
            store.put_record(BLOB, &packed(codec, key), &encoded(&kept), [])?;
        }
    }
    Ok(())
}

fn packed(codec: Codec, key: &Digest) -> Digest {
    Digest::of(format!("{} state {key}", codec.id()).as_bytes())
}
