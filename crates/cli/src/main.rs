//! The binary `longshore`: reads the command line, runs one command, translates its failure.

#![allow(clippy::print_stderr, reason = "the binary is what speaks to the user")]

mod args;
mod bills;
mod builds;
mod commands;
mod generated;
mod inputs;
mod interrupt;
mod layers;
mod limit;
mod machine;
mod nix;
mod others;
mod pipeline;
mod project;
mod prompt;
mod report;
mod settings;
mod sharing;
mod unchanged;
mod vendored;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    interrupt::watch(&cli.global);
    match commands::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => report::report(&failed, &cli.global),
    }
}
