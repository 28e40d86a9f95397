//! Keeping the store within bounds, whole, and elsewhere too.
//!
//! In the order of the data: a [`Census`] is what a walk through the store found; [`Plan`] is what of it goes within
//! [`Bounds`], pure data; [`Alone`] carries it out while nobody else uses the store. [`verify`](verify()) finds what is
//! damaged, and [`export`](archive::export) and [`import`](archive::import) carry the store to other machines.
//!
//! What goes first is what was used longest ago. A record keeps the blobs that it names; a blob that no record names stays by
//! its own last use. Besides blobs and records the store has folders for sandboxes and the caches of compilers: each of these
//! is one thing that stays or goes, whatever it is.
//!
//! Records go before blobs, so that a kill in between leaves nothing that says more than there is.

mod alone;
pub mod archive;
mod census;
mod folders;
mod plan;
#[cfg(test)]
mod tests;
mod verify;

pub use self::alone::{Alone, Freed};
pub use self::census::{Blob, Census, Record, Useless, Why};
pub use self::folders::{Folder, Hold};
pub use self::plan::{Bounds, Plan, SUMMARY};
pub use self::verify::{Damage, verify};
pub use crate::store::ledger::{on_disk, read as known_size};
