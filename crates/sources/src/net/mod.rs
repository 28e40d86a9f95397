//! HTTP for archives and files: bounded reads, verified downloads into the store, mirrors in order.
//!
//! [`Settings`] → [`Client`] → bytes. Blocking; many transfers run at once on plain threads ([`Client::each`]). Redirects
//! are followed here, so that none leads from `https` to `http`. Nothing is read from the environment: `cli` passes
//! proxies and certificates in.

mod client;
mod download;
mod error;
mod forward;
mod http;
mod learn;
mod names;
mod partial;
mod proxy;
mod settings;
mod tls;
mod url;

pub use client::Client;
pub use error::{Attempt, Failure, NetError};
pub use settings::{Access, Proxies, Settings};
pub use url::{Url, UrlError};
