//! Where inputs come from: Debian archives, pinned addresses, others' images, paths of the Nix store and local paths, locked,
//! fetched and verified.

pub mod base_image;
pub mod deb;
pub mod elf;
mod intake;
pub mod nix;
pub mod path;
pub mod url;
