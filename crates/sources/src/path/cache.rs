//! Digests of files by their metadata, so that a build where nothing changed reads no file.
//!
//! One record of the store per folder. A file's digest is trusted when device, inode, size and both times are as they
//! were; and it is only remembered when the file had rested for two seconds when it was read, because two writes
//! within one tick of a filesystem's clock leave the same times (git calls such files racily clean). Two seconds is
//! the coarsest tick in use. Now is what the store's own filesystem says, by the time of a file just made there.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Content, Digest, FileFacts, Store, StoreError, TreePath};
use serde::{Deserialize, Serialize};

use super::read::{self, Stamp};
use super::{PathError, walk};

/// Kind of the store's records; a new number whenever their form or meaning changes.
const RECORD: &str = "path-index-1";

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// 0755 or 0644.
    pub mode: u16,
    /// Its bytes, which are in the store.
    pub content: Content,
    /// What it needs.
    pub facts: Option<FileFacts>,
}

type Index = BTreeMap<TreePath, (Stamp, Known)>;

/// The digests of one folder's files.
pub(super) struct Cache {
    key: Digest,
    old: Index,
    new: Index,
    now: Option<i128>,
}

impl Cache {
    /// What was remembered of `place`, a canonical path.
    pub fn open(place: &Path, store: &Store) -> Result<Self, PathError> {
        let key = Digest::of(place.as_os_str().as_bytes());
        let bytes = store.record(RECORD, &key)?.unwrap_or_default();
        Ok(Self { key, old: postcard::from_bytes(&bytes).unwrap_or_default(), new: Index::new(), now: None })
    }

    /// The file at `path` in `folder`, which has this stamp, read where it may have changed.
    pub fn file(
        &mut self,
        folder: &Path,
        path: &TreePath,
        stamp: Stamp,
        store: &Store,
    ) -> Result<Known, PathError> {
        if let Some((then, known)) = self.old.get(path)
            && *then == stamp
            && store.has(&known.content)
        {
            let known = known.clone();
            self.new.insert(path.clone(), (stamp, known.clone()));
            return Ok(known);
        }
        let now = self.now(store)?;
        let (stamp, content, facts) = read::file(&walk::on_disk(folder, path), store)?;
        let known = Known { mode: stamp.mode(), content, facts };
        if stamp.rests(now) {
            self.new.insert(path.clone(), (stamp, known.clone()));
        }
        Ok(known)
    }

    /// Remembers what was found for the next time.
    pub fn save(self, store: &Store) -> Result<(), PathError> {
        if self.new != self.old
            && let Ok(bytes) = postcard::to_stdvec(&self.new)
        {
            let files = self.new.values().map(|(_, known)| known.content);
            store.put_record(RECORD, &self.key, &bytes, files)?;
        }
        Ok(())
    }

    fn now(&mut self, store: &Store) -> Result<i128, PathError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        Ok(*self.now.insert(now(store)?))
    }
}

/// What time it is by the store's filesystem, in nanoseconds since 1970.
pub(super) fn now(store: &Store) -> Result<i128, PathError> {
    let path = store.scratch();
    fs::write(&path, b"").map_err(StoreError::from)?;
    let now = Stamp::of(&path)?.touched();
    // What stays behind is swept with the folder it is in.
    let _ = fs::remove_file(&path);
    Ok(now)
}
