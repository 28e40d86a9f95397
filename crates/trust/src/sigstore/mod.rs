//! Sigstore's formats and services. What the `sigstore-*` crates know is used in this module and in [`crate::key`] alone.
//!
//! ```text
//! bundle       an envelope with what is needed to verify it (protobuf-specs, bundle v0.3)
//! roots        whom to believe: certificate authorities, logs, timestamp authorities; and where to sign
//! services     Fulcio, Rekor, timestamp authorities, over our own HTTP
//! check        whether a bundle holds
//! unambiguous  that JSON says nothing twice
//! ```

mod bundle;
mod check;
mod roots;
mod services;
pub(crate) mod unambiguous;

pub use bundle::{BUNDLE_TYPE, Bundle, MAX_BUNDLE};
pub use check::{Certificate, Checked, Expected, Verifier};
pub use roots::{Endpoint, Services, TrustRoot};
pub use services::{Client, Identity, ServiceError};

pub(crate) use bundle::{Material, encoded};
pub(crate) use check::Legacy;
pub(crate) use services::Certified;
