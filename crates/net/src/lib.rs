//! HTTP as this machine reaches it: addresses that hide their credentials, proxies, certificates.
//!
//! [`Settings`] → [`Client`] → bytes: bounded reads, verified downloads into the store, mirrors in order. Below it [`Http`],
//! single requests of any method, for those who speak a protocol of their own; [`Partial`] keeps what came of a transfer.
//! Blocking; many transfers run at once on plain threads ([`Client::each`]). No redirect leads from `https` to `http`. Nothing
//! is read from the environment: `cli` passes proxies and certificates in.

mod client;
mod coding;
mod download;
mod each;
mod error;
mod forward;
mod http;
mod learn;
mod names;
mod partial;
mod proxy;
mod read;
mod settings;
mod tls;
mod url;

pub use client::Client;
pub use each::{both, each};
pub use error::{Attempt, Failure, NetError};
pub use http::{Http, Request, Response, Sent, basic};
pub use partial::{Partial, Stop};
pub use settings::{Access, Proxies, Settings};
pub use ureq::http::{HeaderMap, HeaderName, Method, StatusCode, header};
pub use url::{Url, UrlError};
