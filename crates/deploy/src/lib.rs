//! Where stacks run: Compose, Kubernetes, Quadlet, and a runner that needs nothing installed.
//!
//! One checked [`Stack`] becomes all of them. Texts of services still have names where addresses will be; every rendering
//! puts in its own.
//!
//! **Invariant:** what renders files touches no network, clock, environment or randomness, and never sees a secret's value.

pub mod compose;
mod config;
pub mod header;
mod health;
pub mod kube;
pub mod quadlet;
mod quantity;
mod rendered;
pub mod run;
pub mod yaml;

use std::collections::BTreeMap;

use longshore_oci::{Digest, Reference};
use longshore_stack::model::Stack;

pub use rendered::{Note, Rendered, Single};

/// What is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The stack, of one profile or of none.
    pub stack: &'a Stack,
    /// By what each image is pulled or found, by the image's name: by digest, or by a tag that is made from its content.
    pub images: &'a BTreeMap<String, Reference>,
    /// Of the lock that the images are made from.
    pub lock: Digest,
}

/// An image of the stack by no name that an engine would find it by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service `{service}` runs image `{image}`, and nothing says where that is found")]
pub struct NoImage {
    /// Who runs it.
    pub service: String,
    /// The image.
    pub image: String,
}

impl Deployment<'_> {
    /// By what the image of a service is found.
    pub fn image_of(&self, service: &str, image: &str) -> Result<&Reference, NoImage> {
        let missing = || NoImage { service: service.to_owned(), image: image.to_owned() };
        self.images.get(image).ok_or_else(missing)
    }
}

/// Files that a rendering consists of: relative paths and texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, String>);
