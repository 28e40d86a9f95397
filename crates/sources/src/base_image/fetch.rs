//! Blobs of a locked image into the store, and what is made of them.

use std::collections::BTreeSet;

use longshore_net::each;
use longshore_oci::{Content, Progress, Reference, Store, Trust};
use longshore_registry::Client;
use longshore_stack::lock::LockedManifest;

use super::Error;
use super::layer::{self, Layer};

/// Registries as this machine reaches them, and how the store is used.
pub struct Access<'a> {
    /// Registries.
    pub registries: &'a Client,
    /// Where blobs go.
    pub store: &'a Store,
    /// How far the store is believed.
    pub trust: Trust,
    /// How many layers are unpacked at once.
    pub jobs: usize,
    /// Who is told.
    pub progress: &'a dyn Progress,
}

/// What of an image is wanted in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Its files.
    Files,
    /// Its files, and the layers as they are.
    Layers,
}

impl Access<'_> {
    /// Brings blobs of the repository of `reference`. No registry is spoken to when all are there.
    pub(super) fn bring(&self, reference: &Reference, blobs: &[Content]) -> Result<(), Error> {
        let missing: BTreeSet<Content> =
            blobs.iter().filter(|content| !self.store.has(content)).copied().collect();
        let missing: Vec<Content> = missing.into_iter().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let failed =
            |error| Error::Registry { reference: Box::new(reference.clone()), error: Box::new(error) };
        let repository = self.registries.repository(reference).map_err(failed)?;
        each(self.registries.jobs(), &missing, |content| {
            let what = format!("{} {}", reference.repository, content.digest.short());
            self.progress
                .during("Fetching", &what, Some(content.size), |step| repository.fetch_blob(content, step))
                .map_err(failed)
        })?;
        Ok(())
    }
}

/// The layers of an image, lowest first.
pub(super) fn layers(
    reference: &Reference,
    pin: &LockedManifest,
    want: Want,
    access: &Access<'_>,
) -> Result<Vec<Layer>, Error> {
    let mut layers = Vec::with_capacity(pin.layers.len());
    for locked in &pin.layers {
        layers.push(layer::recorded(locked, access)?);
    }
    let todo: Vec<usize> = (0..layers.len()).filter(|&n| layers[n].is_none()).collect();
    let blobs = pin.layers.iter().zip(&layers);
    let wanted = blobs.filter(|(_, unpacked)| want == Want::Layers || unpacked.is_none());
    let wanted: Vec<Content> = wanted.map(|(locked, _)| locked.content).collect();
    access.bring(reference, &wanted)?;
    let unpacked = each(access.jobs, &todo, |&n| layer::unpack(reference, n + 1, &pin.layers[n], access))?;
    for (n, layer) in todo.into_iter().zip(unpacked) {
        layers[n] = Some(layer);
    }
    Ok(layers.into_iter().flatten().collect())
}
