//! BeTrace's backend: spans come in ([`ingest`]), wait until their trace is complete ([`buffer`]), are held to the rules
//! ([`judge`], [`rules`]); what breaks one is signed ([`signature`]), stored ([`store`]) and sent on ([`export`]).
//! [`pipeline`] is the way through; [`backend`] answers what is asked, [`api`] over HTTP and gRPC; [`run`] starts and stops it all.

pub mod api;
pub mod backend;
pub mod buffer;
pub mod clock;
pub mod config;
pub mod export;
pub mod failure;
pub mod ingest;
pub mod judge;
pub mod limits;
pub mod metrics;
pub mod pipeline;
pub mod proto;
pub mod rules;
pub mod run;
pub mod signature;
pub mod span;
pub mod status;
pub mod store;
pub mod telemetry;
