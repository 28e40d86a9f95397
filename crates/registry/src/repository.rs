//! One repository of a registry, and its mirrors.

use std::sync::Arc;

use longshore_oci::Store;

use crate::Error;
use crate::exchange::Registry;
use crate::hosts::Tags;

/// One repository of a registry. Reading asks its mirrors first; writing asks the registry itself.
pub struct Repository {
    pub(crate) store: Store,
    name: String,
    /// In the order in which they are asked; the last is the repository itself.
    ways: Vec<Way>,
}

/// One way to a repository.
pub(crate) struct Way {
    pub(crate) registry: Arc<Registry>,
    /// What the repository is called there.
    pub(crate) name: String,
    pub(crate) tags: Tags,
}

/// By what something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By what it is: any mirror will do.
    Digest,
    /// By a name that moves.
    Name,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repository").field(&self.name).finish()
    }
}

impl Repository {
    pub(crate) fn new(store: Store, name: String, ways: Vec<Way>) -> Self {
        Self { store, name, ways }
    }

    /// `ghcr.io/org/web`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The registry's host.
    pub fn host(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Whether blobs of `other` can be mounted here: whether it is in the same registry.
    pub fn is_beside(&self, other: &Self) -> bool {
        match (self.ways.last(), other.ways.last()) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.registry, &b.registry),
            _ => false,
        }
    }

    /// Where it is written.
    pub(crate) fn origin(&self) -> Result<&Way, Error> {
        self.ways.last().ok_or_else(|| Error::Offline { host: self.host().to_owned() })
    }

    /// The first answer of those that may be asked; the repository's own error when nobody has one.
    pub(crate) fn read<T>(&self, by: By, ask: impl Fn(&Way) -> Result<T, Error>) -> Result<T, Error> {
        let (origin, mirrors) = match self.ways.split_last() {
            Some((origin, mirrors)) => (origin, mirrors),
            None => return Err(Error::Offline { host: self.host().to_owned() }),
        };
        for mirror in mirrors.iter().filter(|way| by == By::Digest || way.tags == Tags::Followed) {
            match ask(mirror) {
                // Our own disk's trouble is not the mirror's.
                Err(error @ Error::Store(_)) => return Err(error),
                Err(_) => {}
                found => return found,
            }
        }
        ask(origin)
    }
}
