//! Layers by what they are: the digest and size of the uncompressed tar.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use longshore_oci::{Content, DiffId, Digest, Progress, Sha256, Store};

use super::each::each;
use super::{Error, Recipe, chunk};

/// The records that keep what a recipe came to.
const RECORD: &str = "layer-diff-1";

/// A layer, known by its uncompressed tar. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// Bytes of the uncompressed tar.
    pub size: u64,
    /// How the tar is made.
    pub recipe: Arc<Recipe>,
}

impl Layer {
    /// The uncompressed tar.
    pub fn tar(&self) -> Content {
        Content { digest: self.diff_id.0, size: self.size }
    }

    /// What history says of it: `debian/nginx 1.26.3-3`.
    pub fn name(&self) -> &str {
        self.recipe.name()
    }

    /// Streams the uncompressed tar from the store, and fails at its end if it is not the layer's.
    pub fn write_tar(&self, store: &Store, out: &mut dyn Write) -> Result<(), Error> {
        let mut hash = Sha256::new();
        let mut buffer = Vec::new();
        for chunk in chunk::plan(&self.recipe) {
            chunk::fill(store, &self.recipe, &chunk, &mut buffer)?;
            hash.update(&buffer);
            out.write_all(&buffer)
                .map_err(|source| Error::Write { layer: self.name().to_owned(), source })?;
        }
        self.check(hash)
    }

    /// Fails unless `hash` has seen this layer's tar.
    pub(super) fn check(&self, hash: Sha256) -> Result<(), Error> {
        let (expected, found) = (self.tar(), hash.finish());
        if found == expected {
            return Ok(());
        }
        Err(Error::Inconsistent { layer: self.name().to_owned(), expected, found })
    }
}

/// Finds out what each recipe comes to, in the same order; `jobs` at once. What the store has a record of is
/// not read again. Equal recipes are measured once.
pub fn layers(
    recipes: Vec<Recipe>,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Layer>, Error> {
    let mut known: BTreeMap<Digest, Content> = BTreeMap::new();
    let mut unknown: BTreeMap<Digest, &Recipe> = BTreeMap::new();
    for recipe in &recipes {
        let failed = |source| Error::Store { layer: recipe.name().to_owned(), source };
        let record = store.record(RECORD, &recipe.key()).map_err(failed)?;
        match record.and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
            Some(content) => {
                known.insert(recipe.key(), content);
            }
            None => {
                unknown.insert(recipe.key(), recipe);
            }
        }
    }
    let unknown: Vec<_> = unknown.into_values().collect();
    known.extend(each(&unknown, jobs, |recipe, buffer| {
        measure(store, recipe, buffer, progress).map(|content| (recipe.key(), content))
    })?);
    Ok(recipes
        .into_iter()
        .map(|recipe| {
            let Content { digest, size } = known[&recipe.key()];
            Layer { diff_id: DiffId(digest), size, recipe: Arc::new(recipe) }
        })
        .collect())
}

fn measure(
    store: &Store,
    recipe: &Recipe,
    buffer: &mut Vec<u8>,
    progress: &dyn Progress,
) -> Result<Content, Error> {
    progress.during("Packing", recipe.name(), None, |step| {
        let mut hash = Sha256::new();
        for chunk in chunk::plan(recipe) {
            chunk::fill(store, recipe, &chunk, buffer)?;
            hash.update(buffer);
            step.advance(buffer.len() as u64);
        }
        let content = hash.finish();
        // These types hold nothing that postcard can't, so an empty record is never written.
        let record = postcard::to_allocvec(&content).unwrap_or_default();
        let failed = |source| Error::Store { layer: recipe.name().to_owned(), source };
        store.put_record(RECORD, &recipe.key(), &record).map_err(failed)?;
        Ok(content)
    })
}
