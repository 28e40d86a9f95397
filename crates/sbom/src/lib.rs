//! Bills of materials: what images are made of, as SPDX 2.3 and CycloneDX 1.6; and from the same facts what of it is patched, as
//! OpenVEX, and how they were made, as SLSA provenance.
//!
//! ```text
//! stack, lock, root filesystems, layers ─ Gathering → Bill ─ about an image, an index, the stack → Bill ─→ spdx, cyclonedx, openvex
//! ```
//!
//! Nothing is scanned: a [`Bill`] says what the plan put into images and what the lock says of it. Equal stacks with equal
//! locks give equal bytes: the time in a document is the stack's, its name is made of what it says.
//!
//! **Invariant:** no network, clock, environment or randomness.

mod bill;
mod cpe;
mod cyclonedx;
mod debian;
mod document;
mod gather;
mod licence;
mod module;
mod nix;
mod openvex;
mod provenance;
mod purl;
mod spdx;

pub use bill::{Algorithm, Bill, Component, Edge, Hash, Id, Kind, Part, Party, Place, Relation, Subject};
pub use debian::documented_by;
pub use document::Format;
pub use gather::{Built, Detail, Gathering, Inputs, Made, tree_digest};
pub use licence::Licence;
pub use module::{About, Ecosystem, Module};
pub use provenance::{Making, provenance};

/// Why a bill can't be drawn up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that says under which licence a package is can't be read.
    #[error("what `{package}` says of its licence can't be read")]
    Copyright {
        /// The package's name.
        package: String,
        /// Why not.
        #[source]
        error: longshore_oci::StoreError,
    },
    /// There is nothing to write a document of.
    #[error(
        "nothing that they are made of is known to be patched, and OpenVEX has no document that says nothing"
    )]
    NothingPatched,
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Copyright { error, .. } => error.hint(),
            Self::NothingPatched => Some(
                "patches are known of paths of the Nix store whose derivations name them; if these were locked without Nix, run `longshore \
                 update` where it is"
                    .to_owned(),
            ),
        }
    }

    /// The blob that the store has lost, if that is why.
    pub fn missing(&self) -> Option<&longshore_oci::Content> {
        match self {
            Self::Copyright { error: longshore_oci::StoreError::Missing(content), .. } => Some(content),
            Self::Copyright { .. } | Self::NothingPatched => None,
        }
    }
}
