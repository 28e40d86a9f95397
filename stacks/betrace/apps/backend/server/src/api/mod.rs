//! The interface as `docs/api.md` has it.

mod body;
pub mod grpc;
pub mod http;
mod key;
mod query;

pub use key::ApiKey;
