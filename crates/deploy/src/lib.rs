//! Where stacks run: Compose, Kubernetes, Quadlet, and a runner that needs nothing installed.
//!
//! One checked [`Stack`] becomes all of them. Texts of services still have names where addresses will be; every rendering
//! puts in its own.
//!
//! **Invariant:** what renders files touches no network, clock, environment or randomness, and never sees a secret's value.

pub mod run;

use std::collections::BTreeMap;

use longshore_oci::{Digest, Reference};
use longshore_stack::model::Stack;

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

/// Files that a rendering consists of: relative paths and texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, String>);
