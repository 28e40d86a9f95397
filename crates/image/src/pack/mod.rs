//! Packing: from entries to layers.
//!
//! - [`Recipe`]: a layer's tar as data, with a key that names everything in it.
//! - [`layers`]: recipes to [`Layer`]s, known by the digest of their uncompressed tar; writes no tar and no compressed byte.
//! - [`compress`]: a layer to a blob in the store, once in its life, when a sink asks for it.
//! - [`tar`]: the canonical writer, also for archives.
//!
//! Whatever changes a byte of what this module writes needs another [`ASSEMBLER`].

mod chunk;
mod each;
mod error;
mod gzip;
mod layer;
mod recipe;
pub mod tar;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use gzip::{Codec, Compressed, blob_key, compress, compress_all, record, recorded};
pub use layer::{Body, Layer, Taken, decode, layers};
pub use recipe::Recipe;
pub(crate) use recipe::with_parents;

/// The rules by which bytes of layers are made: tar, cuts, compression. It is kept in `stack.lock`; another number
/// may give other digests from the same inputs.
pub const ASSEMBLER: u32 = 2;
