//! What the user sees: progress, diagnostics, errors, sizes. The only part of longshore that prints.

mod error;
mod failed;
mod progress;
mod render;
pub mod services;
mod text;
pub mod why;

pub use error::Failure;
pub use failed::{Failed, in_profile};
pub use progress::{Event, Verbosity, line_progress, progress};
pub use render::{interrupted, note, report, warn};
pub use text::{bytes, duration, plural, print, print_json, published_json};
