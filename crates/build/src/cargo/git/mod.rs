//! Git sources: what a revision names is held to it object by object, and handed to Cargo as a repository.
//!
//! ```text
//! git+URL?branch=…#REVISION ─→ cargo fetch ─→ databases of objects, foreign ─→ commit → trees → blobs, each by its name
//!                                                                              └→ /deps/git ─→ cargo fetch, without network
//! ```
//!
//! Cargo makes the checkouts itself, so that whatever holds for a git dependency (workspaces, inherited keys, files beside
//! the package, submodules) holds here. Why so: `docs/design/cargo-git.md`.

mod bundle;
mod error;
mod modules;
mod object;
mod objects;
mod pack;
mod repository;
mod source;
mod take;
#[cfg(test)]
mod tests;

pub(super) use bundle::{pack, unpack, wanted};
pub use error::GitError;
pub(super) use error::explain;
pub use object::ObjectId;
pub(super) use objects::Objects;
pub(super) use repository::{SETTINGS, place};
pub(super) use source::GitSource;
pub(super) use take::{Taken, accept};

use longshore_oci::{Digest, Store};

/// Kind of the store's records of revisions, by [`record`]. The number is that of [`Taken`]'s form and rules.
const REVISION: &str = "cargo-git-1";

/// What of `source` is in the store, if all of it is.
pub(super) fn kept(source: &GitSource, store: &Store) -> Result<Option<Taken>, crate::Error> {
    let bytes = store.record(REVISION, &record(&source.revision))?;
    let taken = bytes.and_then(|bytes| postcard::from_bytes::<Taken>(&bytes).ok());
    Ok(taken.filter(|taken| taken.objects.values().all(|content| store.has(content))))
}

/// Keeps what was taken of `source`.
pub(super) fn keep(source: &GitSource, taken: &Taken, store: &Store) -> Result<(), crate::Error> {
    // Maps of names and numbers, which postcard can always write.
    let bytes = postcard::to_stdvec(taken).unwrap_or_default();
    Ok(store.put_record(REVISION, &record(&source.revision), &bytes, taken.objects.values().copied())?)
}

fn record(revision: &ObjectId) -> Digest {
    Digest::of(revision.to_string().as_bytes())
}
