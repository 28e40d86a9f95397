//! Removing things from the store, while nobody else uses it.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::FlockOperation;

use super::census::{Census, entries, there};
use super::folders::Folder;
use super::plan::{Plan, SUMMARY};
use super::verify::Damage;
use crate::store::ledger;
use crate::{Digest, Progress, Store, StoreError};

/// The store, which nobody else has open.
pub struct Alone {
    store: Store,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Records.
    pub records: usize,
    /// Blobs.
    pub blobs: usize,
    /// Folders for sandboxes, caches, indexes and logs.
    pub folders: usize,
    /// What was not finished.
    pub unfinished: usize,
    /// Files that folders shared.
    pub shared: usize,
    /// Files of no use.
    pub useless: usize,
    /// Bytes.
    pub bytes: u64,
}

impl Freed {
    /// What carrying out `plan` comes to.
    pub fn of(plan: &Plan) -> Self {
        Self {
            records: plan.records.len(),
            blobs: plan.blobs.len(),
            folders: plan.folders.len(),
            unfinished: plan.unfinished.len(),
            shared: plan.shared.len(),
            useless: plan.useless.len(),
            bytes: plan.size(),
        }
    }
}

impl Alone {
    /// The store at `root`, as soon as nobody else uses it. Others wait for its end.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn wait(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Store::enter(root.into(), FlockOperation::LockExclusive)?;
        let store = store.ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))?;
        Ok(Self { store })
    }

    /// The same, or none while somebody else uses it.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn try_now(root: impl Into<PathBuf>) -> Result<Option<Self>, StoreError> {
        let store = Store::enter(root.into(), FlockOperation::NonBlockingLockExclusive)?;
        Ok(store.map(|store| Self { store }))
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Removes what `plan` says of `census`, which was taken alone too.
    ///
    /// # Errors
    /// When the disk says no. What is left is a whole store.
    pub fn carry_out(
        &self,
        census: &Census,
        plan: &Plan,
        progress: &dyn Progress,
    ) -> Result<Freed, StoreError> {
        if plan.is_empty() {
            return Ok(Freed::default());
        }
        let step = progress.begin("Removing", "what was used longest ago", Some(plan.size()));
        for useless in &plan.useless {
            remove(&useless.path)?;
            step.advance(useless.size);
        }
        for (kind, key, size) in &plan.records {
            remove(&self.store.record_path(kind, key))?;
            step.advance(*size);
        }
        for (digest, size) in &plan.blobs {
            remove(&self.store.blob_path(digest))?;
            step.advance(*size);
        }
        for folder in plan.folders.iter().chain(&plan.unfinished) {
            self.remove_folder(folder)?;
            step.advance(folder.size);
        }
        for (path, size) in &plan.shared {
            remove(path)?;
            step.advance(*size);
        }
        let freed = Freed::of(plan);
        ledger::set(&self.store, census.size().saturating_sub(freed.bytes));
        Ok(freed)
    }

    /// Removes what is damaged, if it still is: records first that name such a blob.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn mend(&self, damage: &Damage) -> Result<(), StoreError> {
        let still = |digest: &&Digest| super::verify::is_damaged(&self.store, digest).unwrap_or(true);
        let blobs: BTreeSet<_> = damage.blobs.iter().filter(still).copied().collect();
        let census = Census::take(&self.store)?;
        let mut gone: u64 = census.useless.iter().map(|it| it.size).sum();
        for useless in &census.useless {
            remove(&useless.path)?;
        }
        for path in &damage.records {
            if super::verify::is_damaged_record(path)? {
                remove(path)?;
            }
        }
        for record in &census.records {
            if record.kind == SUMMARY || record.names.iter().any(|it| blobs.contains(&it.digest)) {
                remove(&self.store.record_path(&record.kind, &record.key))?;
                gone += ledger::on_disk(record.len);
            }
        }
        for digest in &blobs {
            remove(&self.store.blob_path(digest))?;
            gone += census.blobs.get(digest).map_or(0, |blob| ledger::on_disk(blob.len));
        }
        ledger::set(&self.store, census.size().saturating_sub(gone));
        Ok(())
    }

    /// What is only half there would be taken for a whole: it goes at once, and its files after that.
    fn remove_folder(&self, folder: &Folder) -> Result<(), StoreError> {
        let away = self.store.scratch();
        if there(fs::rename(&folder.path, &away))?.is_some() {
            remove_all(&away)?;
        }
        // Whoever would use these has the store open, or had when they began.
        remove(&folder.path.with_extension("held"))?;
        Ok(remove(&folder.path.with_extension("lock"))?)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    there(fs::remove_file(path)).map(drop)
}

/// Removes a file, or a folder with all in it, also where a build took away the right to.
fn remove_all(path: &Path) -> io::Result<()> {
    let Some(meta) = there(fs::symlink_metadata(path))? else { return Ok(()) };
    if !meta.is_dir() {
        return remove(path);
    }
    if meta.permissions().mode() & 0o700 != 0o700 {
        fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    for path in entries(path)? {
        remove_all(&path)?;
    }
    there(fs::remove_dir(path)).map(drop)
}
