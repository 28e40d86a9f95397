//! The content store: bytes by digest, and records of what was derived from them.
//!
//! ```text
//! blobs/sha256/ab/abcd…      immutable bytes, named by what they are
//! records/<kind>/ab/abcd…    derived facts, named by the digest of what they derive from; self-checking
//! partial/abcd…              an unfinished download of that digest
//! partial/<kind>/abcd…/      what an unfinished fetch brought, locked while one works on it
//! tmp/<pid>-<n>/             one folder a process, locked while it lives
//! ```
//!
//! Everything appears by rename, so a kill at any moment leaves whole files only. Bytes may be lost to a power cut
//! before they reach the disk; then sizes differ, and [`Store::open_blob`] reports the blob as missing.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fs_err as fs;
use rustix::fs::FlockOperation;

use crate::{Content, Digest, Node, Sha256, Tree, Verify};

/// Why the store can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Bytes are not there, or not whole.
    #[error("{} ({} bytes) is not in the store", .0.digest, .0.size)]
    Missing(Content),
    /// Bytes that were to be stored are not the ones expected.
    #[error(transparent)]
    Verify(#[from] Verify),
}

impl StoreError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => Self::hint_of(error),
            Self::Missing(_) => Some("run `longshore build` without `--offline` to fetch it".to_owned()),
            Self::Verify(_) => None,
        }
    }

    /// What can be done about a disk that says no.
    pub(crate) fn hint_of(error: &io::Error) -> Option<String> {
        match error.kind() {
            io::ErrorKind::StorageFull => Some(
                "the disk is full; free some space or set LONGSHORE_STORE to a folder on another disk"
                    .to_owned(),
            ),
            io::ErrorKind::PermissionDenied => {
                Some("set LONGSHORE_STORE to a folder that you may write".to_owned())
            }
            _ => None,
        }
    }
}

/// A content store in one folder, shared by every stack of a user; safe to use from many processes at once.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    tmp: PathBuf,
    /// Holds the lock on `tmp`; dropping it lets the next process sweep what was left.
    _lock: fs::File,
    next: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What can't be removed now is swept by the next process.
        let _ = fs::remove_dir_all(&self.tmp);
    }
}

impl Store {
    /// Opens the store at `root`, making it where needed, and sweeps what dead processes left unfinished.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        for folder in ["blobs/sha256", "records", "partial", "tmp"] {
            fs::create_dir_all(root.join(folder))?;
        }
        sweep(&root.join("tmp"))?;
        let (tmp, lock) = claim_tmp(&root.join("tmp"))?;
        Ok(Self { inner: Arc::new(Inner { root, tmp, _lock: lock, next: AtomicU64::new(0) }) })
    }

    /// Where the store is.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// A new path for scratch files, on the store's filesystem; gone when the process ends.
    pub fn scratch(&self) -> PathBuf {
        self.inner.tmp.join(self.inner.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Where an unfinished download of `digest` is kept between runs.
    pub fn partial(&self, digest: &Digest) -> PathBuf {
        self.inner.root.join("partial").join(digest.hex())
    }

    /// The folder where the unfinished work of `kind` called `key` is kept between runs, for this process alone; none
    /// while another one has it.
    pub fn claim(&self, kind: &str, key: &Digest) -> Result<Option<Claim>, StoreError> {
        let path = self.inner.root.join("partial").join(kind).join(key.hex());
        fs::create_dir_all(&path)?;
        let lock = lock(&path)?.filter(|_| path.exists());
        Ok(lock.map(|lock| Claim { path, lock }))
    }

    /// Where the blob is or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.inner.root.join("blobs/sha256").join(&hex[..2]).join(&hex)
    }

    /// Whether the blob is there and whole.
    pub fn has(&self, content: &Content) -> bool {
        fs::metadata(self.blob_path(&content.digest)).is_ok_and(|meta| meta.len() == content.size)
    }

    /// Whether every file of `tree` is there and whole.
    pub fn has_all(&self, tree: &Tree) -> bool {
        tree.iter().all(|(_, entry)| match &entry.node {
            Node::File(content) => self.has(content),
            Node::Directory | Node::Symlink(_) | Node::Hardlink(_) => true,
        })
    }

    /// Opens a blob.
    pub fn open_blob(&self, content: &Content) -> Result<fs::File, StoreError> {
        match fs::File::open(self.blob_path(&content.digest)) {
            Ok(file) if file.metadata()?.len() == content.size => Ok(file),
            Ok(_) => Err(StoreError::Missing(*content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Missing(*content)),
            Err(error) => Err(error.into()),
        }
    }

    /// All bytes of a blob; for small ones.
    pub fn read_blob(&self, content: &Content) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity(usize::try_from(content.size).unwrap_or(0));
        self.open_blob(content)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Stores `bytes`.
    pub fn put(&self, bytes: &[u8]) -> Result<Content, StoreError> {
        let content = Content::of(bytes);
        if !self.has(&content) {
            let mut writer = self.writer()?;
            writer.write_all(bytes)?;
            writer.commit_expecting(&content)?;
        }
        Ok(content)
    }

    /// Starts a blob whose digest is not known yet.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        let path = self.scratch();
        let file = fs::File::create(&path)?;
        Ok(BlobWriter { store: self.clone(), path: Some(path), file, hash: Sha256::new() })
    }

    /// Moves a finished file, whose bytes the caller has just verified to be `content`, into the store.
    pub fn adopt(&self, path: &Path, content: &Content) -> Result<(), StoreError> {
        if fs::metadata(path)?.len() != content.size {
            return Err(StoreError::Missing(*content));
        }
        self.place(path, &self.blob_path(&content.digest))
    }

    /// The record of `kind` derived from `key`; none when it was never made or did not survive.
    pub fn record(&self, kind: &str, key: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = match fs::read(self.record_path(kind, key)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(body) = bytes.len().checked_sub(32) else { return Ok(None) };
        if Digest::of(&bytes[..body]).as_bytes() != &bytes[body..] {
            return Ok(None);
        }
        bytes.truncate(body);
        Ok(Some(bytes))
    }

    /// Records `bytes` as what `kind` derives from `key`.
    pub fn put_record(&self, kind: &str, key: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.scratch();
        let mut file = fs::File::create(&path)?;
        file.write_all(bytes)?;
        file.write_all(Digest::of(bytes).as_bytes())?;
        drop(file);
        self.place(&path, &self.record_path(kind, key))
    }

    fn record_path(&self, kind: &str, key: &Digest) -> PathBuf {
        let hex = key.hex();
        self.inner.root.join("records").join(kind).join(&hex[..2]).join(&hex)
    }

    fn place(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(to.parent().unwrap_or(&self.inner.root))?;
                Ok(fs::rename(from, to)?)
            }
            other => Ok(other?),
        }
    }
}

/// A folder of unfinished work that no other process touches.
pub struct Claim {
    /// Where it is.
    pub path: PathBuf,
    lock: fs::File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closing would not do: a process that was started meanwhile may have the same open file until it runs its own program.
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

/// Writes one blob; nothing is visible until it is committed, and dropping it leaves nothing.
pub struct BlobWriter {
    store: Store,
    path: Option<PathBuf>,
    file: fs::File,
    hash: Sha256,
}

impl BlobWriter {
    /// Puts the blob into the store under its digest.
    pub fn commit(self) -> Result<Content, StoreError> {
        let content = self.hash.clone().finish();
        self.place(content)
    }

    /// Puts the blob into the store if it is `expected`.
    pub fn commit_expecting(self, expected: &Content) -> Result<(), StoreError> {
        let found = self.hash.clone().finish();
        if found != *expected {
            return Err(Verify::Mismatch { expected: *expected, found }.into());
        }
        self.place(found).map(drop)
    }

    fn place(mut self, content: Content) -> Result<Content, StoreError> {
        if let Some(path) = self.path.take() {
            self.store.place(&path, &self.store.blob_path(&content.digest))?;
        }
        Ok(content)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

fn lock(folder: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::File::open(folder)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes the folders of processes that no longer hold their lock.
fn sweep(tmp: &Path) -> io::Result<()> {
    for entry in fs::read_dir(tmp)? {
        let path = entry?.path();
        // Another process may sweep at the same time: what is gone already is fine.
        if let Ok(Some(_held)) = lock(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// Makes and locks this process's own folder. A sweeper may take it between the two, so look again and retry.
fn claim_tmp(tmp: &Path) -> io::Result<(PathBuf, fs::File)> {
    let pid = std::process::id();
    for n in 0_u64.. {
        let path = tmp.join(format!("{pid}-{n}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            other => other?,
        }
        if let Ok(Some(held)) = lock(&path)
            && path.exists()
        {
            return Ok((path, held));
        }
    }
    Err(io::Error::other("no free name for a temporary folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn blobs_come_back_and_a_short_one_counts_as_missing() {
        let (_folder, store) = store();
        let content = store.put(b"hello").unwrap();
        assert_eq!(store.read_blob(&content).unwrap(), b"hello");
        fs::write(store.blob_path(&content.digest), b"hell").unwrap();
        assert!(!store.has(&content));
        assert!(matches!(store.open_blob(&content), Err(StoreError::Missing(_))));
        store.put(b"hello").unwrap();
        assert!(store.has(&content));
    }

    #[test]
    fn a_wrong_blob_is_refused_and_leaves_nothing() {
        let (_folder, store) = store();
        let expected = Content::of(b"right");
        let mut writer = store.writer().unwrap();
        writer.write_all(b"wrong").unwrap();
        assert!(matches!(writer.commit_expecting(&expected), Err(StoreError::Verify(_))));
        assert!(!store.has(&expected) && !store.has(&Content::of(b"wrong")));
        assert_eq!(fs::read_dir(&store.inner.tmp).unwrap().count(), 0);
    }

    #[test]
    fn damaged_records_count_as_never_made() {
        let (_folder, store) = store();
        let key = Digest::of(b"key");
        assert_eq!(store.record("tree", &key).unwrap(), None);
        store.put_record("tree", &key, b"value").unwrap();
        assert_eq!(store.record("tree", &key).unwrap().unwrap(), b"value");
        fs::write(store.record_path("tree", &key), b"valuf").unwrap();
        assert_eq!(store.record("tree", &key).unwrap(), None);
    }

    #[test]
    fn unfinished_work_stays_and_is_one_process_s_at_a_time() {
        let (folder, first) = store();
        let key = Digest::of(b"fetch");
        let claim = first.claim("fetch", &key).unwrap().unwrap();
        fs::write(claim.path.join("half"), b"half").unwrap();
        let second = Store::open(folder.path()).unwrap();
        assert!(second.claim("fetch", &key).unwrap().is_none());
        drop(claim);
        let claim = second.claim("fetch", &key).unwrap().unwrap();
        assert_eq!(fs::read(claim.path.join("half")).unwrap(), b"half");
    }

    #[test]
    fn leftovers_of_dead_processes_are_swept_and_those_of_live_ones_are_not() {
        let (folder, first) = store();
        let dead = folder.path().join("tmp/99-0");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("0"), b"half").unwrap();
        let scratch = first.scratch();
        fs::write(&scratch, b"mine").unwrap();
        let _second = Store::open(folder.path()).unwrap();
        assert!(!dead.exists());
        assert!(scratch.exists());
    }
}
