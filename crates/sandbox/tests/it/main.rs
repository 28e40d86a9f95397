//! Sandboxes as seen from inside, with a root that holds busybox and nothing else.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests fail by panicking, and pass settings to processes"
)]

mod cost;
mod ends;
mod filter;
mod group;
mod inside;
mod native;
mod runs;
mod service;
mod terminal;
mod users;
mod world;

/// Not a test: what the tests start as another user, or in a process of its own that they can kill.
#[test]
#[ignore = "started by other tests"]
fn helper() {
    world::helper();
}
