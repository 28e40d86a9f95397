//! What is asked, and what the bytes that come back mean: no system call, no allocation, no panic on any input.
//!
//! Compiled twice: into the program, and into the tests of the crate around it.
//!
//! In the order of a run: [`arguments`] reads what is asked ([`url`], [`address`], [`timeout`]), [`hosts`] or [`resolv`] and
//! [`dns`] find the addresses, [`http`] and [`grpc`] make a request and judge the answer, [`answer`] is what the probe says.
#![forbid(unsafe_code)]

pub mod address;
pub mod answer;
pub mod arguments;
pub mod bytes;
pub mod dns;
pub mod failure;
pub mod grpc;
pub mod hosts;
pub mod http;
pub mod resolv;
pub mod timeout;
pub mod url;
