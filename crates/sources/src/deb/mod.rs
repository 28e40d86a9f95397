//! apt repositories and Debian packages.

pub mod archive;
pub mod changelog;
pub mod control;
mod error;
pub mod fetch;
pub mod index;
pub mod lock;
mod merged_usr;
pub mod mirror;
pub mod openpgp;
pub mod relation;
pub mod release;
pub mod repository;
pub mod resolve;
pub mod scripts;
pub mod unpack;
pub mod version;

pub use error::{Error, MirrorProblem, SuiteProblem};
