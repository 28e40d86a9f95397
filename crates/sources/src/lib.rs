//! Where inputs come from: Debian archives, pinned addresses, others' images and local paths, locked, fetched and verified.

pub mod base_image;
pub mod deb;
pub mod elf;
mod intake;
pub mod path;
pub mod url;
