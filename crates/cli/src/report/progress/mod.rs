//! Progress, on standard error: bars on a terminal, lines elsewhere, events with `--json`, nothing when quiet.

mod bars;
mod board;
mod events;
mod lines;

use std::io::{IsTerminal, stderr};
use std::sync::Arc;

use longshore_oci::{Progress, Silent};

use crate::args::Global;
use bars::Bars;
use board::Board;
pub use events::Event;
use events::Events;
use lines::Lines;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Results and errors alone.
    Quiet,
    /// What takes long.
    Normal,
    /// Notes besides.
    Verbose,
}

impl Verbosity {
    /// What the command line asks for.
    pub fn of(global: &Global) -> Self {
        match (global.quiet, global.verbose) {
            (true, _) => Self::Quiet,
            (_, true) => Self::Verbose,
            _ => Self::Normal,
        }
    }
}

/// The progress that the command line and the terminal ask for.
pub fn progress(global: &Global) -> Arc<dyn Progress> {
    match Verbosity::of(global) {
        Verbosity::Normal | Verbosity::Verbose if !global.json && stderr().is_terminal() => {
            Arc::new(Board::new(Bars::default()))
        }
        _ => line_progress(global),
    }
}

/// The same, but never bars: beside lines that others print.
pub fn line_progress(global: &Global) -> Arc<dyn Progress> {
    match Verbosity::of(global) {
        Verbosity::Quiet => Arc::new(Silent),
        _ if global.json => Arc::new(Board::new(Events::default())),
        _ => Arc::new(Board::new(Lines::default())),
    }
}

/// The past of the verbs that steps begin with.
fn past(verb: &str) -> &str {
    match verb {
        "Building" => "Built",
        "Compressing" => "Compressed",
        "Fetching" => "Fetched",
        "Packing" => "Packed",
        "Preparing" => "Prepared",
        "Rebuilding" => "Rebuilt",
        "Unpacking" => "Unpacked",
        "Updating" => "Updated",
        "Writing" => "Wrote",
        _ => "Done",
    }
}
