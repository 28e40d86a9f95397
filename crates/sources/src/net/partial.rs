//! An unfinished download: what has come of a blob, hashed as it comes, kept between runs so that it can go on.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use fs_err as fs;
use longshore_oci::{Content, Sha256, Store, StoreError, Verify};
use rustix::fs::FlockOperation;

/// What has come of a blob so far; locked while it lives.
pub(super) struct Partial {
    path: PathBuf,
    file: fs::File,
    content: Content,
    hash: Sha256,
    size: u64,
}

impl Partial {
    /// What is there of `content`. Where another process is at the same blob, a scratch file of our own.
    pub(super) fn claim(store: &Store, content: &Content) -> Result<Self, StoreError> {
        let path = store.partial(&content.digest);
        loop {
            let file =
                fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => return Self::fresh(store.scratch(), content),
                Err(error) => return Err(io::Error::from(error).into()),
            }
            // Between opening and locking, the file may have become a blob, which must never be written to again.
            let ours = file.metadata()?.ino();
            if fs::metadata(&path).is_ok_and(|meta| meta.ino() == ours) {
                let mut partial = Self { path, file, content: *content, hash: Sha256::new(), size: 0 };
                partial.rehash()?;
                return Ok(partial);
            }
        }
    }

    fn fresh(path: PathBuf, content: &Content) -> Result<Self, StoreError> {
        let file = fs::File::create(&path)?;
        Ok(Self { path, file, content: *content, hash: Sha256::new(), size: 0 })
    }

    fn rehash(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.content.size {
            return self.restart();
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            match self.file.read(&mut buffer)? {
                0 => return Ok(()),
                read => {
                    self.hash.update(&buffer[..read]);
                    self.size += read as u64;
                }
            }
        }
    }

    /// How many bytes are there.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether all bytes are there.
    pub(super) fn is_full(&self) -> bool {
        self.size == self.content.size
    }

    /// Forgets everything.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = Sha256::new();
        self.size = 0;
        Ok(())
    }

    /// Adds bytes; more than were promised are refused.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<Result<(), Verify>> {
        if self.size + bytes.len() as u64 > self.content.size {
            return Ok(Err(Verify::TooLong { expected: self.content }));
        }
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(Ok(()))
    }

    /// Whether what is there is what was promised.
    pub(super) fn verify(&self) -> Result<(), Verify> {
        let found = self.hash.clone().finish();
        if found == self.content { Ok(()) } else { Err(Verify::Mismatch { expected: self.content, found }) }
    }

    /// Moves the verified bytes into the store.
    pub(super) fn adopt(self, store: &Store) -> Result<(), StoreError> {
        store.adopt(&self.path, &self.content)
    }
}
