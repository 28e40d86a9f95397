//! Where images go.
//!
//! - [`layout::write`]: an OCI image layout in a folder.
//! - [`archive::oci_dual`]: one tar file that every engine loads; [`archive::docker`]: Docker's own archive, uncompressed.
//! - [`engine::docker`], [`engine::podman`]: straight into an engine, without a file and without compression.
//!
//! Sinks that need manifests compress each layer once in its life; the others never do. Every file appears whole.

pub mod archive;
mod documents;
pub mod engine;
mod error;
pub mod layout;
mod published;
#[cfg(test)]
mod tests;
mod validate;

pub use error::Error;
pub use longshore_image::pack::Codec;
pub use published::{Identity, Published, PublishedImage};
pub use validate::{decode, validate};

use longshore_image::ImageIndex;
use longshore_oci::{Descriptor, Progress, Store};

/// What a registry or layout knows an image by: its manifest, or the index of several platforms' manifests. Compresses what is
/// not compressed yet.
pub fn descriptor(
    index: &ImageIndex,
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Descriptor, Error> {
    Ok(documents::Documents::of(index, codec, store, jobs, progress)?.top)
}
