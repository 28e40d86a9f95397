//! `longshore man`: manual pages, one a command.

use clap::CommandFactory;
use fs_err as fs;

use crate::args::{Cli, Man};
use crate::report::{Failure, print};

pub fn run(args: &Man) -> Result<(), Failure> {
    let Some(folder) = &args.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(Failure::Io)?;
        print(&String::from_utf8_lossy(&page));
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(Failure::Io)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(Failure::Io)
}
