//! Locked inputs as one OCI artifact, in a folder or in a registry: what a stack is built of, kept by those who build it.
//!
//! ```text
//! Input      what it is, and its bytes' digest
//!   ↓ plan   large files are layers, small ones are packed together
//! Plan       layers, the inventory of them, the manifest
//!   ↓ write, push
//! an OCI image layout in a folder, an artifact in a registry
//!   ↓ Vendored::open
//! Vendored   brings single inputs into the store
//! ```
//!
//! The artifact is trusted for nothing: its digests keep its own parts together, and whoever asks for an input holds it to the
//! lock. Why its form is this one: `docs/design/vendoring.md`.
//!
//! **Invariant:** equal inputs give equal bytes; every read is bounded and verified.

mod error;
mod inventory;
mod kind;
mod pack;
mod place;
mod plan;
mod push;
mod vendored;
mod write;

pub use error::Error;
pub use inventory::{Input, Inventory, Listed};
pub use kind::Kind;
pub use place::{Place, PlaceError};
pub use plan::{Layer, Plan, plan};
pub use push::push;
pub use vendored::Vendored;
pub use write::write;

/// What the artifact is.
pub const ARTIFACT: &str = "application/vnd.longshore.inputs.v1";
/// The inventory.
pub const CONFIG: &str = "application/vnd.longshore.inputs.config.v1+json";
/// A layer that is one input.
pub const FILE: &str = "application/vnd.longshore.input.v1";
/// A layer of several inputs.
pub const PACK: &str = "application/vnd.longshore.inputs.v1.tar";
/// What the artifact is called in a layout.
pub const NAME: &str = "inputs";

/// What came of writing or pushing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The artifact's manifest.
    pub manifest: longshore_oci::Digest,
    /// Bytes that were not there before.
    pub bytes: u64,
}
