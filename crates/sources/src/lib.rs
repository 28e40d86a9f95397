//! Where inputs come from: Debian archives and local paths, locked, fetched and verified.

pub mod deb;
pub mod elf;
mod intake;
pub mod path;
pub mod url;
