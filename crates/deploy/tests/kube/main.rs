//! What Kubernetes is told, and what its own programs say of it.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod changes;
mod chart;
mod network;
mod refused;
mod schemas;
mod server;
mod shop;
mod texts;
