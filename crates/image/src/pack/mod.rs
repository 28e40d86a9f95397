//! Packing: from entries to layers.
//!
//! - [`Recipe`]: a layer's tar as data, with a key that names everything in it.
//! - [`layers`]: recipes to [`Layer`]s, known by the digest of their uncompressed tar; no tar is written, and compressed bytes where
//!   they are [`Wanted`] only.
//! - [`compress`]: a layer to a blob in the store, once in its life, when a sink asks for it.
//! - [`tar`]: the canonical writer, also for archives.
//!
//! Inside, a `chunk` is a part of a tar that is read and compressed by itself, by a `codec`; a `pass` is all that is done for one
//! layer, and the `crew` are the threads that do it. What came of it a `record` knows; by the `keys` of its chunks, what was compressed
//! before is found for `reuse`, and the `state` in which a hash was before the first change.
//!
//! Whatever changes a byte of what this module writes needs another [`ASSEMBLER`].

mod buffer;
mod chunk;
mod codec;
mod crew;
mod error;
mod keys;
mod layer;
mod make;
mod pass;
mod recipe;
mod record;
mod reuse;
mod state;
pub mod tar;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use codec::Codec;
pub use error::Error;
pub use layer::{Body, Layer, Taken, decode};
pub use make::{Compressed, Wanted, compress, compress_all, layers};
pub use recipe::Recipe;
pub(crate) use recipe::with_parents;
pub use record::{blob_key, record, recorded};

/// The rules by which bytes of layers are made: tar, cuts, compression. It is kept in `stack.lock`; another number
/// may give other digests from the same inputs.
pub const ASSEMBLER: u32 = 3;
