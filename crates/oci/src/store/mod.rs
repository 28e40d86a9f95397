//! The content store: bytes by digest, and records of what was derived from them.
//!
//! ```text
//! blobs/sha256/ab/abcd…      immutable bytes, named by what they are
//! records/<kind>/ab/abcd…    derived facts, named by the digest of what they derive from; see `record`
//! partial/abcd…              an unfinished download of that digest
//! partial/<kind>/abcd…/      what an unfinished fetch or build has, locked while one works on it
//! tmp/<pid>-<n>/             one folder a process, locked while it lives
//! lock                       shared by all who use the store; held alone by who removes things
//! size                       about how large the store is; see `ledger`
//! ```
//!
//! Everything appears by rename, so a kill at any moment leaves whole files only. Bytes may be lost to a power cut
//! before they reach the disk; then sizes differ, and [`Store::open_blob`] reports the blob as missing.
//!
//! When something was used last is its time of modification, set at most once a day. What is used least is what
//! [`upkeep`](crate::upkeep) removes.

mod error;
pub(crate) mod ledger;
mod lock;
pub(crate) mod record;
#[cfg(test)]
mod tests;
pub(crate) mod used;
mod writer;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

pub use self::error::StoreError;
pub use self::lock::Claim;
pub(crate) use self::lock::lock as lock_now;
pub use self::writer::BlobWriter;
use crate::{Content, Digest, Node, Sha256, Tree};

/// Where blobs are.
const BLOBS: &str = "blobs/sha256";
/// How often it is seen whether somebody else is done.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How far a store's records are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// That something was unpacked means that its files are there: who reads them finds out.
    Records,
    /// Every file is looked for, and what lacks one is unpacked again.
    Blobs,
}

/// A content store in one folder, shared by every stack of a user; safe to use from many processes at once.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// When things are used that are used now.
    now: Option<SystemTime>,
}

struct Inner {
    root: PathBuf,
    /// The folder of blobs: what is opened from it needs no look at the folders above.
    blobs: fs::File,
    tmp: PathBuf,
    /// Holds the lock on `tmp`; dropping it lets the next process sweep what was left.
    _tmp_lock: fs::File,
    /// The lock of the whole.
    lock: fs::File,
    next: AtomicU64,
    /// Bytes that came in and that the ledger does not know yet.
    grown: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What can't be removed now is swept by the next process.
        let _ = fs::remove_dir_all(&self.tmp);
        ledger::add(&self.root, self.grown.swap(0, Ordering::Relaxed));
        lock::release(&self.lock);
    }
}

impl Store {
    /// Opens the store at `root`, making it where needed, and sweeps what dead processes left unfinished. While it is open,
    /// nothing is removed from it. Waits as long as somebody removes things.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self::enter(root.into(), FlockOperation::LockShared)?;
        store.ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock).into())
    }

    /// The same, or none where it would have to wait.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn try_open(root: impl Into<PathBuf>) -> Result<Option<Self>, StoreError> {
        Self::enter(root.into(), FlockOperation::NonBlockingLockShared)
    }

    pub(crate) fn enter(root: PathBuf, how: FlockOperation) -> Result<Option<Self>, StoreError> {
        for folder in [BLOBS, "records", "partial", "tmp"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let Some(lock) = lock::enter(&root, how)? else { return Ok(None) };
        lock::sweep(&root.join("tmp"))?;
        let (tmp, tmp_lock) = lock::claim_tmp(&root.join("tmp"))?;
        let (next, grown) = (AtomicU64::new(0), AtomicU64::new(0));
        let blobs = fs::File::open(root.join(BLOBS))?;
        let inner = Inner { root, blobs, tmp, _tmp_lock: tmp_lock, lock, next, grown };
        Ok(Some(Self { inner: Arc::new(inner), now: None }))
    }

    /// The same store, where what is used is used at `now`. Without it, nothing is known to be used.
    #[must_use]
    pub fn at(self, now: SystemTime) -> Self {
        Self { now: Some(now), ..self }
    }

    /// Gives up the lock of the whole, for a process that lives on and counts on nothing more in the store than what it has
    /// open or [kept](Self::keep): from here on anything else may be removed.
    pub fn let_go(&self) {
        ledger::add(&self.inner.root, self.inner.grown.swap(0, Ordering::Relaxed));
        lock::release(&self.inner.lock);
    }

    /// Where the store is.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// A new path for scratch files, on the store's filesystem; gone when the process ends.
    pub fn scratch(&self) -> PathBuf {
        self.inner.tmp.join(self.inner.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// This process's own folder of unfinished things.
    pub(crate) fn tmp(&self) -> &Path {
        &self.inner.tmp
    }

    /// Another name of a blob, which stays as long as this process does, whatever is removed.
    ///
    /// # Errors
    /// When the blob is missing, or the disk says no.
    pub fn keep(&self, content: &Content) -> Result<PathBuf, StoreError> {
        drop(self.open_blob(content)?);
        let kept = self.scratch();
        fs::hard_link(self.blob_path(&content.digest), &kept)?;
        Ok(kept)
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
        Ok(Claim::of(path)?)
    }

    /// The same as soon as nobody else has it; what `waits` gives is held until then. What they did meanwhile may be all there
    /// was to do.
    pub fn turn<W>(&self, kind: &str, key: &Digest, waits: impl FnOnce() -> W) -> Result<Claim, StoreError> {
        if let Some(claim) = self.claim(kind, key)? {
            return Ok(claim);
        }
        let _waits = waits();
        loop {
            std::thread::sleep(BETWEEN_LOOKS);
            if let Some(claim) = self.claim(kind, key)? {
                return Ok(claim);
            }
        }
    }

    /// Where the blob is or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.inner.root.join(BLOBS).join(&hex[..2]).join(&hex)
    }

    /// Whether the blob is there and whole; who asks is about to use it.
    pub fn has(&self, content: &Content) -> bool {
        let path = self.blob_path(&content.digest);
        let Ok(meta) = fs::metadata(&path) else { return false };
        self.use_path(&path, &meta);
        meta.len() == content.size
    }

    /// Whether every file of `tree` is there and whole. Which tree it is, a record says, and that is what is used.
    pub fn has_all(&self, tree: &Tree) -> bool {
        let whole = |content: &Content| {
            fs::metadata(self.blob_path(&content.digest)).is_ok_and(|meta| meta.len() == content.size)
        };
        tree.iter().all(|(_, entry)| match &entry.node {
            Node::File(content) => whole(content),
            Node::Directory | Node::Symlink(_) | Node::Hardlink(_) => true,
        })
    }

    /// Opens a blob.
    pub fn open_blob(&self, content: &Content) -> Result<fs::File, StoreError> {
        let file = fs::File::from_parts(self.open_unseen(content)?, self.blob_path(&content.digest));
        let meta = file.metadata()?;
        if meta.len() != content.size {
            return Err(StoreError::Missing(*content));
        }
        self.use_file(&file, &meta);
        Ok(file)
    }

    /// Opens a blob whose size nobody has looked at: who reads it does.
    pub fn open_unseen(&self, content: &Content) -> Result<File, StoreError> {
        let digits = content.digest.digits();
        let mut name = [b'/'; 67];
        name[..2].copy_from_slice(&digits[..2]);
        name[3..].copy_from_slice(&digits);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.inner.blobs, &name[..], flags, Mode::empty()) {
            Ok(file) => Ok(file.into()),
            Err(Errno::NOENT) => Err(StoreError::Missing(*content)),
            Err(error) => {
                let path = self.blob_path(&content.digest);
                let error = io::Error::from(error);
                Err(io::Error::new(
                    error.kind(),
                    format!("failed to open file `{}`: {error}", path.display()),
                )
                .into())
            }
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
        self.place(path, &self.blob_path(&content.digest), content.size)
    }

    /// Moves a finished file of `size` bytes to where it belongs.
    pub(crate) fn place(&self, from: &Path, to: &Path, size: u64) -> Result<(), StoreError> {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(to.parent().unwrap_or(&self.inner.root))?;
                fs::rename(from, to)?;
            }
            other => other?,
        }
        self.grew(size);
        Ok(())
    }
}
