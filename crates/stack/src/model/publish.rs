//! How images are called in a registry.

use serde::{Deserialize, Serialize};

/// `[publish]`, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishSpec {
    /// Templates of tags, at least one: see [`crate::tags`].
    pub tags: Vec<String>,
    /// Tags that may not move, with `*` for any characters.
    pub immutable: Vec<String>,
    /// What is kept; none when nothing is to be removed.
    pub retention: Option<Retention>,
}

/// `[cache]`, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSpec {
    /// `ghcr.io/org/cache`.
    pub repository: String,
    /// PEM files beside the stack file.
    pub keys: Vec<String>,
}

/// What is kept in a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Tags that are kept, with `*` for any characters.
    pub keep: Vec<String>,
    /// So many of the newest images.
    pub newest: usize,
    /// Images younger than so many seconds.
    pub younger_than: Option<u64>,
    /// Files beside the stack file whose images are kept.
    pub deployed: Vec<String>,
}
