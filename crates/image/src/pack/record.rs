//! The store's records of layers: what recipes and compression came to.

use longshore_oci::{Content, DiffId, Digest, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, Recipe};

/// What a recipe came to.
const TAR: &str = "layer-diff-1";
/// What a layer came to with a codec.
const BLOB: &str = "layer-blob-1";

/// The tar of a recipe, where it was made before.
pub(super) fn tar(recipe: &Recipe, store: &Store) -> Result<Option<Content>, StoreError> {
    read(store, TAR, &recipe.key())
}

/// Keeps what a recipe came to.
pub(super) fn keep_tar(recipe: &Recipe, content: Content, store: &Store) -> Result<(), StoreError> {
    // The tar itself is nowhere.
    store.put_record(TAR, &recipe.key(), &encoded(&content), [])
}

/// The key of what a layer that we make comes to with a codec: of everything that decides its bytes.
pub fn blob_key(tar: DiffId, codec: Codec) -> Digest {
    Digest::of(format!("{} {tar}", codec.id()).as_bytes())
}

/// The blob that compresses a layer that we make, where it was made before and is in the store.
///
/// # Errors
/// When the disk says no.
pub fn recorded(tar: DiffId, codec: Codec, store: &Store) -> Result<Option<Content>, StoreError> {
    Ok(read(store, BLOB, &blob_key(tar, codec))?.filter(|content| store.has(content)))
}

/// Keeps that `content`, which is in the store, compresses a layer.
///
/// # Errors
/// When the disk says no.
pub fn record(tar: DiffId, codec: Codec, content: Content, store: &Store) -> Result<(), StoreError> {
    store.put_record(BLOB, &blob_key(tar, codec), &encoded(&content), [content])
}

/// What a record says that was [`encoded`]; none of one that was never made, or says something else.
pub(super) fn read<T: DeserializeOwned>(
    store: &Store,
    kind: &str,
    key: &Digest,
) -> Result<Option<T>, StoreError> {
    Ok(store.record(kind, key)?.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

/// A record's bytes.
pub(super) fn encoded(said: &impl Serialize) -> Vec<u8> {
    // What is kept of layers holds nothing that postcard can't, so an empty record is never written.
    postcard::to_allocvec(said).unwrap_or_default()
}
