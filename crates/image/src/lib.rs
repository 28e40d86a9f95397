//! Root filesystems, layer plans, packing, and the image itself.
//!
//! In the order of the data: [`rootfs::compose`] makes a [`rootfs::RootFs`] of packages and files, [`lint::check`]
//! says what will not work in it, [`plan::plan`] deals all images' entries into layers, [`pack::layers`] finds out what
//! each comes to, [`assemble`] makes the [`Image`], and [`pack::compress`] its blobs when a sink asks for them.
//!
//! **Invariant:** no network, clock, environment or randomness.

mod assemble;
mod base;
pub mod health;
mod image;
pub mod lint;
pub mod pack;
pub mod plan;
pub mod rootfs;

pub use assemble::{assemble, environment};
pub use base::{Base, BaseLayer, BuiltOn};
pub use image::{Image, ImageIndex};
