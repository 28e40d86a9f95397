//! From a revision to everything that it names: the commit, its trees and blobs, and those of its submodules.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Content, Store};
use serde::{Deserialize, Serialize};

use super::modules::{self, Module, Update};
use super::object::{Behind, Kind, Object, ObjectId};
use super::objects::{Lost, Objects};
use super::repository::URL;
use super::{GitError, GitSource, keep};
use crate::cargo;

/// Entries of trees that one revision may have.
const MAX_ENTRIES: usize = 2_000_000;
/// Bytes of all objects of one revision.
const MAX_BYTES: u64 = 8 << 30;
/// Submodules of submodules that are followed.
const MAX_DEPTH: usize = 16;

/// What of a tree leads to other repositories.
#[derive(Default)]
struct Links {
    /// Submodules by path.
    commits: BTreeMap<Vec<u8>, ObjectId>,
    /// The blob that says where they come from.
    list: Option<ObjectId>,
}

/// What a revision names, every part held to its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// Its objects as files of a git repository.
    pub objects: BTreeMap<ObjectId, Content>,
    /// The commits among them: the revision, and those of its submodules.
    pub commits: BTreeSet<ObjectId>,
    /// Addresses that Cargo asks for its submodules.
    pub addresses: BTreeSet<String>,
}

/// Takes the revision of `source` from what a client fetched, if all of it is there and is what its names say; keeps it.
pub(crate) fn accept(fetched: &Objects, source: &GitSource, store: &Store) -> Result<Taken, crate::Error> {
    let mut walk = Walk { fetched, source, store, taken: Taken::default(), entries: 0, bytes: 0 };
    walk.commit(source.revision, URL, None, MAX_DEPTH)?;
    keep(source, &walk.taken, store)?;
    Ok(walk.taken)
}

struct Walk<'a> {
    fetched: &'a Objects,
    source: &'a GitSource,
    store: &'a Store,
    taken: Taken,
    entries: usize,
    bytes: u64,
}

impl Walk<'_> {
    /// Takes a commit of the repository that Cargo will know under `address`, the submodule at `path` of another one.
    fn commit(
        &mut self,
        id: ObjectId,
        address: &str,
        path: Option<&str>,
        depth: usize,
    ) -> Result<(), crate::Error> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.refused(format!("has submodules in each other, more than {MAX_DEPTH} deep")));
        };
        let commit = match (self.object(id, Kind::Commit), path) {
            (Err(crate::Error::Cargo(cargo::Error::Git(GitError::Missing { .. }))), Some(path)) => {
                return Err(self.git(|url, revision| GitError::Submodule {
                    url,
                    revision,
                    path: path.to_owned(),
                    commit: id.to_string(),
                }));
            }
            (result, _) => result?,
        };
        self.taken.commits.insert(id);
        let tree =
            commit.tree().ok_or_else(|| self.refused(format!("has the commit {id}, which names no tree")))?;
        let links = self.tree(tree)?;
        let list = match links.list {
            Some(blob) => modules::parse(&self.object(blob, Kind::Blob)?.bytes),
            None => Vec::new(),
        };
        for (at, commit) in links.commits {
            // As Cargo does: what the list lacks, or says not to update, is left out.
            let listed = list.iter().find(|module| module.path.as_bytes() == at.as_slice());
            let Some(Module { url, update: Update::Wanted, path }) = listed else { continue };
            let address = modules::address(address, url);
            self.taken.addresses.insert(address.clone());
            self.commit(commit, &address, Some(path), depth)?;
        }
        Ok(())
    }

    /// Takes all that is in the tree `root`. Gives its submodules by path, and the blob that lists them.
    fn tree(&mut self, root: ObjectId) -> Result<Links, crate::Error> {
        let mut links = Links::default();
        let mut open = vec![(Vec::new(), root)];
        while let Some((folder, id)) = open.pop() {
            let tree = self.object(id, Kind::Tree)?;
            let items = tree.items();
            let items =
                items.ok_or_else(|| self.refused(format!("has the tree {id}, which git doesn't write")))?;
            // A few trees in each other can name any number of files.
            self.entries += items.len();
            if self.entries > MAX_ENTRIES {
                return Err(self.refused(format!("has more than {MAX_ENTRIES} files")));
            }
            for item in items {
                let mut path = folder.clone();
                path.extend_from_slice(&item.name);
                if path == b".gitmodules" && item.behind == Behind::File {
                    links.list = Some(item.id);
                }
                match item.behind {
                    Behind::Tree => {
                        path.push(b'/');
                        open.push((path, item.id));
                    }
                    Behind::Submodule => drop(links.commits.insert(path, item.id)),
                    Behind::File | Behind::Link if self.taken.objects.contains_key(&item.id) => {}
                    Behind::File | Behind::Link => drop(self.object(item.id, Kind::Blob)?),
                }
            }
        }
        Ok(links)
    }

    /// The object called `id`, which is in the store from now on.
    fn object(&mut self, id: ObjectId, kind: Kind) -> Result<Object, crate::Error> {
        let object = self.fetched.take(&id, kind).map_err(|lost| {
            let object = format!("{kind} {id}");
            self.git(|url, revision| match lost {
                Lost::Missing => GitError::Missing { url, revision, object },
                Lost::Other(found) => GitError::Content { url, revision, object, found },
                Lost::Collision => GitError::Collision { url, revision, object },
            })
        })?;
        if !self.taken.objects.contains_key(&id) {
            self.bytes += object.bytes.len() as u64;
            if self.bytes > MAX_BYTES {
                return Err(self.refused(format!("has more than {MAX_BYTES} bytes")));
            }
            self.taken.objects.insert(id, self.store.put(&object.loose()?)?);
        }
        Ok(object)
    }

    fn refused(&self, problem: String) -> crate::Error {
        self.git(|url, revision| GitError::Refused { url, revision, problem })
    }

    fn git(&self, error: impl FnOnce(String, String) -> GitError) -> crate::Error {
        cargo::Error::from(error(self.source.url.clone(), self.source.revision.to_string())).into()
    }
}
