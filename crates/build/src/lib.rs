//! Hermetic builds: locked inputs in, a tree out, no network.
//!
//! Every kind of build comes down to one noun, a [`Recipe`]: a root of toolchain packages, trees mounted into it,
//! commands, and where the output is. `go`, `cargo`, `npm` and `command` only say how a [`BuildSpec`] becomes one and how
//! its dependencies are fetched; running, caching, comparing and explaining know nothing of them.
//!
//! [`BuildSpec`]: longshore_stack::model::BuildSpec

mod about;
pub mod cargo;
pub mod command;
mod error;
mod exec;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod go;
pub mod graph;
mod input;
mod licence;
pub mod npm;
pub mod rebuild;
mod recipe;
mod root;
mod source;
mod supply;
mod tools;

pub use about::{About, about};
pub use error::{Error, Failed};
pub use exec::{Executor, Fetch, HostToolchain, Leftovers, Limits, Settings, Shared, Toolchains, references};
pub use input::{Input, Loaded};
pub use recipe::{Artifact, Mounted, Output, Recipe, Root, SANDBOX_VERSION, Step};
pub use supply::{Kind, Supply, Wanted, Witness};
pub use tools::Tool;
