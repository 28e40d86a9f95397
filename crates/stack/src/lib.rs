//! The stack file, its checks, its JSON Schema, and the lock file.
//!
//! **Invariant:** no network, clock, environment or randomness; the only files read are the stack file, the lock, and
//! the templates and Flox environments that the stack file names.

mod check;
mod diagnostic;
mod file;
mod findings;
pub mod flox;
pub mod lock;
pub mod model;
mod profile;
mod read;
mod reference;
mod rules;
mod schema;
mod shape;
pub mod tags;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, Source, nearest};
pub use profile::{Profile, ProfileError, Profiles, ReadError};
pub use read::{Locations, Read, ReadAll, read, read_all};
pub use reference::reference_markdown;
pub use schema::schema;
