//! What a kind of build is given to make a recipe of.

use std::collections::BTreeMap;

use longshore_oci::{Digest, Platform, Tree};

use crate::{Executor, Root, Tool};

/// What is there for one build, loaded and locked.
pub struct Input<'a> {
    /// Runs the fetch, and keeps trees.
    pub executor: &'a Executor<'a>,
    /// The locked packages of the toolchain, or the machine's own.
    pub root: Root,
    /// Trees of programs that come before it, in the order of the search path; no two have one name.
    pub tools: Vec<Tool>,
    /// What the toolchain runs on: the machine's own platform.
    pub host: Platform,
    /// The tree of the build's `path`, by [`Executor::put_tree`]: files that git tracks; none where it has no `path`.
    pub source: Option<Digest>,
    /// Environment that the stack file gives the build.
    pub env: BTreeMap<String, String>,
    /// `command`: files and folders beside the stack file, by path as written there.
    pub paths: BTreeMap<String, Loaded>,
    /// `command`: what other builds made, by name.
    pub builds: BTreeMap<String, Tree>,
    /// `command`: pinned archives (unpacked) and files, by name.
    pub urls: BTreeMap<String, Loaded>,
}

/// An input of a `command` build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// One file: the tree's only entry, under its own name.
    File(Tree),
    /// A folder: what is in it.
    Folder(Tree),
}
