//! The programs as images have them, against real servers: that of this machine's own platform, and the other one under QEMU.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly and say what they saw")]

mod common;
mod dns;
mod grpc;
mod http;
mod names;
mod program;
mod timeouts;
mod wait;
