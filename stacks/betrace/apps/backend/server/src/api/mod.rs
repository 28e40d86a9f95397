//! The interface as `docs/api.md` has it.

pub mod grpc;
pub mod http;
mod key;
mod query;

pub use key::ApiKey;
