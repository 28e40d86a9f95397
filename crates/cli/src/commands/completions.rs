//! `longshore completions`: completions for a shell.

use clap::CommandFactory;

use crate::args::{Cli, Completions};
use crate::report::{Failure, print};

pub fn run(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "longshore", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(())
}
