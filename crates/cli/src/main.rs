//! The binary `longshore`: reads the command line, runs one command, translates its failure.

#![allow(clippy::print_stderr, reason = "the binary is what speaks to the user")]

mod args;
mod builds;
mod commands;
mod generated;
mod inputs;
mod machine;
mod pipeline;
mod project;
mod report;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;

#[allow(clippy::exit, reason = "an interrupted run ends at once; what it had under way is swept by the next")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    // Everything appears by rename, so there is nothing to undo.
    let global = cli.global.clone();
    let interrupted = move || {
        report::interrupted(&global);
        std::process::exit(130);
    };
    if ctrlc::set_handler(interrupted).is_err() {
        // Without a handler the signal ends the process, which is as safe.
    }
    match commands::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => report::report(&failed, &cli.global),
    }
}
