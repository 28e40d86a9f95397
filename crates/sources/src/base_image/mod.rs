//! Images of other people as inputs: `base`, and `{ image = … }` in `contents`.
//!
//! ```text
//! lock        a name → an index or a manifest → a manifest for every platform, down to its layers
//! documents   what registries have, as others wrote it
//! config      the configuration, as others wrote it
//! layer       a blob → the files of one layer, and what it takes away of those below
//! squash      layers → the files of the image
//! ```
//!
//! [`lock`] asks registries; [`files`] and [`config`] need the lock and blobs alone. A layer is foreign: it is read with the
//! bounds of [`crate::deb::archive::Limits`], and what leads out of it or is no file, folder or link is refused by name. It is
//! unpacked once in its life, keyed by its `diff_id`.

mod config;
mod documents;
mod error;
mod fetch;
mod layer;
mod lock;
mod squash;

pub use error::Error;
pub use fetch::{Access, Want};
pub use lock::{lock, pin};

use longshore_oci::{ImageConfig, ImageFiles, Reference};
use longshore_stack::lock::LockedManifest;

/// How an image runs, as its configuration says: fetched unless the store has it.
pub fn config(
    reference: &Reference,
    pin: &LockedManifest,
    access: &Access<'_>,
) -> Result<ImageConfig, Error> {
    config::check_size(reference, &pin.config)?;
    access.bring(reference, &[pin.config])?;
    let config = config::read(reference, &pin.config, access.store)?;
    // A lock may come from anywhere.
    if !pin.layers.iter().map(|layer| &layer.diff_id).eq(&config.rootfs.diff_ids) {
        return Err(Error::NotLocked { reference: Box::new(reference.clone()), config: pin.config.digest });
    }
    Ok(config)
}

/// Brings all blobs of an image into the store.
pub fn bring(reference: &Reference, pin: &LockedManifest, access: &Access<'_>) -> Result<(), Error> {
    config::check_size(reference, &pin.config)?;
    let blobs: Vec<_> = pin.blobs().copied().collect();
    access.bring(reference, &blobs)
}

/// The files of an image, and the sizes of its layers' uncompressed tars, lowest first. Blobs are fetched unless the store has
/// them or what was made of them.
pub fn files(
    reference: &Reference,
    pin: &LockedManifest,
    want: Want,
    access: &Access<'_>,
) -> Result<(ImageFiles, Vec<u64>), Error> {
    config(reference, pin, access)?;
    let layers = fetch::layers(reference, pin, want, access)?;
    let sizes = layers.iter().map(|layer| layer.size).collect();
    Ok((squash::squash(reference, pin, &layers)?, sizes))
}
