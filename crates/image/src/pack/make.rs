//! From recipes to layers, and to their blobs: what the store has a record of is not made again.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_oci::{Content, Descriptor, DiffId, Digest, Progress, Store, StoreError};

use super::crew;
use super::pass::{Means, Pass};
use super::record;
use super::{Body, Codec, Error, Layer, Recipe};

/// What is to be known of layers, so that their bytes are read once for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// What they are uncompressed. No compressed byte is written.
    DiffIds,
    /// Their blobs too, for a sink that will ask [`compress_all`] for them.
    Blobs(Codec),
}

impl Wanted {
    fn codec(self) -> Option<Codec> {
        match self {
            Self::DiffIds => None,
            Self::Blobs(codec) => Some(codec),
        }
    }
}

/// A compressed layer whose blob is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compressed {
    /// The blob.
    pub descriptor: Descriptor,
}

/// Finds out what each recipe comes to, in the same order, on `jobs` threads. What the store has a record of is not read
/// again. Equal recipes are read once.
///
/// # Errors
/// When a file is missing, or the store can't be read or written.
pub fn layers(
    recipes: Vec<Recipe>,
    wanted: Wanted,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Layer>, Error> {
    let mut known: BTreeMap<Digest, Content> = BTreeMap::new();
    let mut passes: BTreeMap<Digest, Pass<'_>> = BTreeMap::new();
    for recipe in &recipes {
        if known.contains_key(&recipe.key()) || passes.contains_key(&recipe.key()) {
            continue;
        }
        let failed = |source| Error::Store { layer: recipe.name().to_owned(), source };
        let tar = record::tar(recipe, store).map_err(failed)?;
        let lacks_blob = match (wanted.codec(), tar) {
            (Some(codec), Some(tar)) => {
                record::recorded(DiffId(tar.digest), codec, store).map_err(failed)?.is_none()
            }
            _ => false,
        };
        match tar.filter(|_| !lacks_blob) {
            Some(tar) => drop(known.insert(recipe.key(), tar)),
            None => drop(passes.insert(recipe.key(), Pass { recipe, expected: tar })),
        }
    }
    let (keys, passes): (Vec<_>, Vec<_>) = passes.into_iter().unzip();
    let made = crew::run(&passes, &Means { store, codec: wanted.codec(), progress }, jobs)?;
    drop(passes);
    known.extend(keys.into_iter().zip(made).map(|(key, made)| (key, made.tar)));
    Ok(recipes
        .into_iter()
        .map(|recipe| {
            let Content { digest, size } = known[&recipe.key()];
            Layer { diff_id: DiffId(digest), size, body: Body::Made(Arc::new(recipe)) }
        })
        .collect())
}

/// Compresses `layers` on `jobs` threads, in their order, or finds the results in the store.
///
/// # Errors
/// When a file is missing or not what it was, or the store can't be read or written.
pub fn compress_all(
    layers: &[Layer],
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Compressed>, Error> {
    let failed = |layer: &Layer, source| Error::Store { layer: layer.name().to_owned(), source };
    let mut blobs: BTreeMap<DiffId, Content> = BTreeMap::new();
    let mut passes: BTreeMap<DiffId, Pass<'_>> = BTreeMap::new();
    for layer in layers {
        let Body::Made(recipe) = &layer.body else { continue };
        match record::recorded(layer.diff_id, codec, store).map_err(|source| failed(layer, source))? {
            Some(content) => drop(blobs.insert(layer.diff_id, content)),
            None => drop(passes.insert(layer.diff_id, Pass { recipe, expected: Some(layer.tar()) })),
        }
    }
    let (ids, passes): (Vec<_>, Vec<_>) = passes.into_iter().unzip();
    let made = crew::run(&passes, &Means { store, codec: Some(codec), progress }, jobs)?;
    blobs.extend(ids.into_iter().zip(made).filter_map(|(id, made)| Some((id, made.blob?))));
    let compressed = |layer: &Layer| {
        let descriptor = match &layer.body {
            Body::Made(_) => Descriptor::new(codec.media_type(), blobs[&layer.diff_id]),
            // Its blob is what it is, whatever we would have made of it.
            Body::Taken(taken) => {
                let content = taken.descriptor.content();
                if !store.has(&content) {
                    return Err(failed(layer, StoreError::Missing(content)));
                }
                taken.descriptor.clone()
            }
        };
        Ok(Compressed { descriptor })
    };
    layers.iter().map(compressed).collect()
}

/// Compresses `layer` on `jobs` threads, or finds the result in the store.
///
/// # Errors
/// Those of [`compress_all`].
pub fn compress(
    layer: &Layer,
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Compressed, Error> {
    let mut all = compress_all(std::slice::from_ref(layer), codec, store, jobs, progress)?;
    Ok(all.remove(0))
}
