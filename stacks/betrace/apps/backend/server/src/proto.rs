//! The messages and services of `proto/betrace/v1`, with their JSON.

#[allow(clippy::all, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/betrace.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/betrace.v1.serde.rs"));
}

pub use generated::*;

/// What server reflection answers from.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/betrace.v1.bin"));
