//! A small apt repository, made from packages described in a test and signed by a key of its own.
//!
//! [`Package`] → `.deb` → `Packages` → `Release` → `InRelease`, served by [`crate::http::Server`].

mod ar;
mod key;
mod package;
mod repository;

pub use key::Key;
pub use package::Package;
pub use repository::{Repository, Suite};
