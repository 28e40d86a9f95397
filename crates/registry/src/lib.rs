//! Registries: the OCI distribution specification 1.1, as a client.
//!
//! [`Client`] knows how this machine reaches registries and who it is there; [`Repository`] is one repository of one of them:
//! its manifests, blobs, tags and referrers.
//!
//! ```text
//! hosts/       where a registry is: mirrors, plain HTTP, certificates (registries.conf, certs.d)
//! auth/        who we are there: auth files, credential helpers, challenges, tokens
//! exchange     one request to its end: authorization, redirects, repetition
//! manifests, blobs, upload, tags, referrers     what the specification has end points for
//! ```
//!
//! Blocking. Every answer is bounded, and what is asked for by digest is verified before anyone sees it. No credential leaves
//! for another host than the one it is for, and none is ever shown.

mod auth;
mod blobs;
mod client;
mod error;
mod exchange;
mod hosts;
mod manifests;
mod referrers;
mod repository;
mod tags;
mod upload;

pub use auth::{AuthFile, Credentials, CredentialsError, Secret};
pub use client::{Client, Settings, canonical_host, has_helper};
pub use error::{Error, Said};
pub use hosts::HostsError;
pub use manifests::{At, Found};
pub use referrers::Kept;
pub use repository::Repository;
pub use upload::{Mounted, Source, Upload};
