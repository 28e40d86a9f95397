//! The store's records of layers: what recipes and compression came to.

use longshore_oci::{Content, DiffId, Digest, Store, StoreError};

use super::{Codec, Layer, Recipe};

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
    store.put_record(TAR, &recipe.key(), &bytes(content), [])
}

/// The blob that compresses a tar, where it was made before and is in the store.
pub(super) fn blob(tar: DiffId, codec: Codec, store: &Store) -> Result<Option<Content>, StoreError> {
    Ok(read(store, BLOB, &key(tar, codec))?.filter(|content| store.has(content)))
}

/// Keeps that `content`, which is in the store, compresses a tar.
pub(super) fn keep_blob(
    tar: DiffId,
    codec: Codec,
    content: Content,
    store: &Store,
) -> Result<(), StoreError> {
    store.put_record(BLOB, &key(tar, codec), &bytes(content), [content])
}

/// The key of what a layer that we make comes to with a codec: of everything that decides its bytes.
pub fn blob_key(layer: &Layer, codec: Codec) -> Digest {
    key(layer.diff_id, codec)
}

/// The blob that compresses a layer that we make, where it was made before and is in the store.
///
/// # Errors
/// When the disk says no.
pub fn recorded(layer: &Layer, codec: Codec, store: &Store) -> Result<Option<Content>, StoreError> {
    blob(layer.diff_id, codec, store)
}

/// Keeps that `content`, which is in the store, compresses a layer.
///
/// # Errors
/// When the disk says no.
pub fn record(layer: &Layer, codec: Codec, content: Content, store: &Store) -> Result<(), StoreError> {
    keep_blob(layer.diff_id, codec, content, store)
}

fn key(tar: DiffId, codec: Codec) -> Digest {
    Digest::of(format!("{} {tar}", codec.id()).as_bytes())
}

fn read(store: &Store, kind: &str, key: &Digest) -> Result<Option<Content>, StoreError> {
    Ok(store.record(kind, key)?.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

fn bytes(content: Content) -> Vec<u8> {
    // These types hold nothing that postcard can't, so an empty record is never written.
    postcard::to_allocvec(&content).unwrap_or_default()
}
