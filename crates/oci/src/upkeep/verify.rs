//! Whether the store still holds what was put into it: every blob is hashed again, every record checked.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fs_err as fs;

use super::census::{Census, Why, there};
use crate::store::record::{self, Found, Look};
use crate::{Digest, Progress, Sha256, Store, StoreError};

/// What is wrong, and how much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Blobs that are not what they are called.
    pub blobs: Vec<Digest>,
    /// Records whose checks fail.
    pub records: Vec<PathBuf>,
    /// Records of which blobs are not there.
    pub incomplete: Vec<PathBuf>,
    /// Blobs that were read.
    pub blobs_read: usize,
    /// Their bytes.
    pub bytes_read: u64,
    /// Records that were read.
    pub records_read: usize,
}

impl Damage {
    /// Whether all is as it was put there. What is of no use, such as records of an older longshore, is no damage.
    pub fn is_none(&self) -> bool {
        self.blobs.is_empty() && self.records.is_empty() && self.incomplete.is_empty()
    }
}

/// Reads all of `store`, `jobs` files at once.
///
/// # Errors
/// When the disk says no.
pub fn verify(store: &Store, jobs: usize, progress: &dyn Progress) -> Result<Damage, StoreError> {
    let census = Census::take(store)?;
    let bytes: u64 = census.blobs.values().map(|blob| blob.len).sum();
    let step = progress.begin("Verifying", "the store", Some(bytes));
    let blobs: Vec<_> = census.blobs.keys().collect();
    let found = each(&blobs, jobs, |digest| {
        let damaged = is_damaged(store, digest)?;
        step.advance(census.blobs.get(digest).map_or(0, |blob| blob.len));
        Ok(damaged)
    })?;
    let records: Vec<_> =
        census.records.iter().map(|record| store.record_path(&record.kind, &record.key)).collect();
    let damaged = each(&records, jobs, |path| is_damaged_record(path))?.into_iter().cloned();
    let useless = |why| census.useless.iter().filter(move |it| it.why == why).map(|it| it.path.clone());
    Ok(Damage {
        blobs: found.into_iter().map(|&digest| *digest).collect(),
        records: damaged.chain(useless(Why::Damaged)).collect(),
        incomplete: useless(Why::Incomplete).collect(),
        blobs_read: census.blobs.len(),
        bytes_read: bytes,
        records_read: census.records.len() + census.useless.len(),
    })
}

/// Whether a blob is not what it is called; one that is not there is not damaged.
pub(super) fn is_damaged(store: &Store, digest: &Digest) -> Result<bool, StoreError> {
    let Some(mut file) = there(fs::File::open(store.blob_path(digest)))? else { return Ok(false) };
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash)?;
    Ok(hash.finish().digest != *digest)
}

pub(super) fn is_damaged_record(path: &Path) -> Result<bool, StoreError> {
    let Some(mut file) = there(fs::File::open(path))? else { return Ok(false) };
    Ok(!matches!(record::names(&mut file, Look::Whole)?, Found::Names(_)))
}

/// Those of `all` that `is` says yes of, in their order.
fn each<T: Sync>(
    all: &[T],
    jobs: usize,
    is: impl Fn(&T) -> Result<bool, StoreError> + Sync,
) -> Result<Vec<&T>, StoreError> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Ok(Vec::new()));
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(i) else { return };
            let answer = is(one);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match (answer, &mut *found) {
                (Ok(false), _) | (_, Err(_)) => {}
                (Ok(true), Ok(found)) => found.push(i),
                (Err(error), failed) => {
                    *failed = Err(error);
                    next.store(all.len(), Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        (1..jobs.clamp(1, 64)).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    found.sort_unstable();
    Ok(found.into_iter().filter_map(|i| all.get(i)).collect())
}
