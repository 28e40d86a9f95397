//! Keys, signatures, attestations, and policies that say who is believed.
//!
//! ```text
//! statement   what is said of an image: that it is signed, how it was built, what is in it
//! key         who says it: a key pair, or a key that a program keeps
//! sign        statement → bundle
//! attachment  bundle → manifest that refers to the image; cosign's older form
//! evidence    what is found beside an image → what holds of it
//! policy      who must have said what
//! foreign     the same in the words of clusters and engines
//! sigstore    the formats and services of Sigstore, and the crates for them
//! ```
//!
//! What is signed is a digest and never a name. Nothing that is read here is believed before it is verified, and a policy that
//! can't be met is a refusal, whatever the reason.

pub mod attachment;
mod error;
mod evidence;
pub mod foreign;
pub mod key;
pub mod policy;
mod refusal;
mod sign;
mod sigstore;
pub mod statement;

pub use error::TrustError;
pub use evidence::{Evidence, Held, MOST, MOST_BYTES, Signer};
pub use refusal::Refusal;
pub use sign::{Author, Signing};
pub use sigstore::{
    Anchor, BUNDLE_TYPE, Bundle, Certificate, Checked, Client, Endpoint, Expected, Identity, InBrowser,
    Issuer, LoginError, MAX_BUNDLE, Member, Members, OnDevice, Roots, Seen, ServiceError, Services,
    TrustRoot, TufError, Verifier,
};
pub use statement::Statement;
