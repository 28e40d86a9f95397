//! Sigstore's formats and services. What the `sigstore-*` crates know is used in this module and in [`crate::key`] alone.
//!
//! ```text
//! bundle       an envelope with what is needed to verify it (protobuf-specs, bundle v0.3)
//! roots        whom to believe: certificate authorities, logs, timestamp authorities; and where to sign
//! tuf          how both are brought up to date
//! services     Fulcio, Rekor, timestamp authorities, over our own HTTP
//! login        who a person is, by an issuer of identities; callback: where their browser comes back to
//! check        whether a bundle holds
//! older        what cosign kept beside signatures before there were bundles
//! unambiguous  that JSON says nothing twice
//! ```

mod bundle;
mod callback;
mod check;
mod login;
mod older;
mod roots;
mod services;
mod tuf;
pub(crate) mod unambiguous;

pub use bundle::{BUNDLE_TYPE, Bundle, MAX_BUNDLE};
pub use check::{Certificate, Checked, Expected, Verifier};
pub use login::{InBrowser, Issuer, LoginError, OnDevice};
pub use roots::{Endpoint, Member, Members, Services, TrustRoot};
pub use services::{Client, Identity, ServiceError};
pub use tuf::{Anchor, Roots, Seen, TufError};

pub(crate) use bundle::{Material, encoded};
pub(crate) use check::Legacy;
pub(crate) use older::{Vouchers, annotations as older_annotations};
pub(crate) use services::Certified;
