//! Vocabulary and file formats.
//!
//! The nouns every other crate speaks, in the order the data meets them:
//!
//! - [`Digest`], [`DiffId`], [`Content`]: names of bytes; [`VerifiedReader`] is the one way foreign bytes become trusted.
//! - [`Tree`] and [`Component`]: what a source or a builder hands to composition; [`Facts`] say what programs in it need.
//! - [`Store`]: bytes by digest, and records of what was derived from them; [`folder`]: trees of it as folders on disk; [`upkeep`]: keeping it
//!   within bounds and whole.
//! - [`Descriptor`], [`Manifest`], [`Index`], [`ImageConfig`], [`Platform`], [`Reference`]: the OCI image specification 1.1.
//! - [`layout`]: the OCI image layout on disk; [`validate`]: the check that every produced image passes.
//!
//! **Invariant:** no network, clock, environment or randomness.

mod component;
mod descriptor;
mod digest;
mod epoch;
mod facts;
pub mod folder;
mod image;
pub mod layout;
mod platform;
mod progress;
mod reference;
mod store;
mod store_path;
mod tree;
pub mod upkeep;
pub mod validate;
mod verified;
mod xattrs;

pub use component::{Component, ImageFiles, ImageLayer, Origin, PackageId, PackageMeta};
pub use descriptor::{Annotations, Descriptor, media_type};
pub use digest::{Content, DiffId, Digest, DigestError, Sha256};
pub use epoch::Epoch;
pub use facts::{Elf, ElfClass, Facts, FileFacts};
pub use image::{Config, Empty, Healthcheck, History, ImageConfig, Index, Manifest, RootFsConfig};
pub use platform::{Platform, PlatformError};
pub use progress::{Progress, Silent, Step};
pub use reference::{Reference, ReferenceError, is_tag};
pub use store::{BlobWriter, Claim, Store, StoreError, Trust};
pub use store_path::{STORE_DIR, StorePath, StorePathError};
pub use tree::{Entry, Node, Tree, TreeError, TreePath};
pub use verified::{HashingReader, VerifiedReader, Verify, read_bounded};
pub use xattrs::Xattrs;
