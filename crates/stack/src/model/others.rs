//! Images of other people: what an image builds on, and what it takes of them.

use std::collections::BTreeSet;

use longshore_oci::{Reference, TreePath};
use serde::{Deserialize, Serialize};

use super::{ContentSpec, Destination, ImageSpec, Stack};

/// Somebody's image that an image builds on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseSpec {
    /// Which.
    pub reference: Reference,
    /// What it is left to say; none once [`Stack::inherit`] has filled it in.
    pub inherits: Option<BTreeSet<Inherit>>,
}

/// What an image leaves to its base to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inherit {
    /// Who runs it.
    User,
    /// Its program and fixed arguments.
    Entrypoint,
    /// Its program, or default arguments.
    Command,
}

/// Part of somebody's image, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRequest {
    /// The image.
    pub reference: Reference,
    /// Files or folders of it; all of it when there are none.
    pub from: Vec<TreePath>,
    /// Where they go; where they were when not said.
    pub to: Option<Destination>,
    /// Permission bits of files; those they have when not said.
    pub mode: Option<u16>,
    /// `(uid, gid)`; those they have when not said.
    pub owner: Option<(u32, u32)>,
}

impl ImageSpec {
    /// The images of others that it builds on or takes files of.
    pub fn others(&self) -> BTreeSet<Reference> {
        let contents = self.contents.iter().filter_map(|content| match content {
            ContentSpec::Image(request) => Some(request.reference.clone()),
            _ => None,
        });
        contents.chain(self.base.iter().map(|base| base.reference.clone())).collect()
    }
}

impl Stack {
    /// The images of others that any image builds on or takes files of.
    pub fn others(&self) -> BTreeSet<Reference> {
        self.images.values().flat_map(ImageSpec::others).collect()
    }
}
