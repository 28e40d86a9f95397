//! Where images go.
//!
//! - [`layout::write`]: an OCI image layout in a folder.
//! - [`archive::oci_dual`]: one tar file that every engine loads; [`archive::docker`]: Docker's own archive, uncompressed.
//! - [`registry`]: all images of a stack into registries, or none; [`record`] keeps what was pushed.
//! - [`engine::docker`], [`engine::podman`]: straight into an engine, without a file and without compression; [`engine::containerd`]
//!   with it.
//! - [`serve`]: as a registry on this machine.
//! - [`cache`]: a repository that machines share.
//! - [`prune`]: what is kept in a registry.
//! - [`copy`]: from any of these places to any other.
//!
//! Sinks that need manifests compress each layer once in its life; the others never do. Every file appears whole.

pub mod archive;
pub mod cache;
pub mod copy;
mod documents;
pub mod engine;
mod error;
pub mod layout;
pub mod prune;
mod published;
pub mod record;
pub mod registry;
pub mod serve;
#[cfg(test)]
mod tests;
mod validate;

pub use error::Error;
pub use longshore_image::pack::{Codec, decode};
pub use published::{Identity, Published, PublishedImage};
pub use validate::validate;

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
