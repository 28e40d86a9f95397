//! `longshore supervise`: the process that keeps services running, started by `up`. It says `ready` on standard output when it
//! can be asked, or why it failed.

use longshore_deploy::run::{Place, supervise};

use crate::args::Supervise;
use crate::interrupt;
use crate::report::{Failure, print};

pub fn run(args: &Supervise) -> Result<(), Failure> {
    // So that what a terminal sends to the program that started it doesn't reach it.
    let _ = rustix::process::setsid();
    let ready = || {
        print("ready");
        // Whoever reads that needs no more; the next write would end in nobody's pipe.
        if let Ok(nothing) = fs_err::File::options().write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdout(nothing);
        }
    };
    Ok(supervise(&Place::at(&args.place), interrupt::listen(), ready)?)
}
