//! The health probe: asks a service over HTTP, TCP or gRPC whether it does its work.
//!
//! [`probe`] is what is asked and what answers mean, pure and tested in the crate around this program; [`system`] is the
//! kernel; this file and [`run`] bring the two together.
//!
//! There is no standard library and no C library: the program is a few kilobytes, and needs nothing of the image that it is in.
#![no_std]
#![no_main]

mod names;
mod probe;
mod run;
mod system;

use probe::answer::Health;
use probe::arguments::{self, HELP, Refusal};
use probe::bytes::Bytes;
use system::process::{Arguments, exit, write};

/// Standard output and standard error.
const OUT: i32 = 1;
const ERR: i32 = 2;

/// From the first instruction to the last; [`system`] calls it.
fn main(arguments: Arguments) -> ! {
    let mut line = Bytes::<512>::new();
    let (to, code) = match arguments::parse(arguments.skip(1)) {
        Ok(request) => {
            let answer = run::run(&request);
            line.put_some(answer.line.get());
            let code = match answer.health {
                Health::Healthy => 0,
                Health::Unhealthy => 1,
            };
            (OUT, code)
        }
        Err(Refusal::Help) => {
            write(OUT, HELP.as_bytes());
            exit(0)
        }
        Err(refusal) => {
            line.put_some(b"longshore-probe: ");
            line.put_some(refusal.line().get());
            (ERR, 2)
        }
    };
    line.put_some(b"\n");
    write(to, line.get());
    exit(code)
}
