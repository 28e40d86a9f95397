//! An unfinished download: what has come of a blob, hashed as it comes, kept between runs so that it can go on.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use fs_err as fs;
use longshore_oci::{Content, Sha256, Step, Store, StoreError, Verify};
use rustix::fs::FlockOperation;

use crate::Failure;
use crate::http::broken;

/// Why a transfer ended early: the address's failure, or that of our own disk.
#[derive(Debug)]
pub enum Stop {
    /// The other side's.
    Address(Failure),
    /// Ours.
    Disk(StoreError),
}

/// What has come of a blob so far; locked while it lives.
pub struct Partial {
    path: PathBuf,
    file: fs::File,
    content: Content,
    hash: Sha256,
    size: u64,
}

impl Partial {
    /// What is there of `content`. Where another process is at the same blob, a scratch file of our own.
    pub fn claim(store: &Store, content: &Content) -> Result<Self, StoreError> {
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
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether all bytes are there.
    pub fn is_full(&self) -> bool {
        self.size == self.content.size
    }

    /// Forgets everything.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = Sha256::new();
        self.size = 0;
        Ok(())
    }

    /// Adds what `body` holds until all bytes are there, telling `step` of them.
    ///
    /// # Errors
    /// When it ends before, or has more or other bytes than were promised; what has come stays.
    pub fn fill(&mut self, body: &mut dyn io::Read, step: &dyn Step) -> Result<(), Stop> {
        let mut buffer = vec![0; 1 << 16];
        while !self.is_full() {
            let read = body.read(&mut buffer).map_err(|error| Stop::Address(broken(&error)))?;
            if read == 0 {
                let reason =
                    format!("the connection ended after {} of {} bytes", self.size, self.content.size);
                return Err(Stop::Address(Failure::Connection { reason }));
            }
            self.push(&buffer[..read])
                .map_err(|error| Stop::Disk(error.into()))?
                .map_err(|error| Stop::Address(Failure::Different(error)))?;
            step.advance(read as u64);
        }
        Ok(())
    }

    /// Adds bytes; more than were promised are refused.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<Result<(), Verify>> {
        if self.size + bytes.len() as u64 > self.content.size {
            return Ok(Err(Verify::TooLong { expected: self.content }));
        }
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(Ok(()))
    }

    /// Whether what is there is what was promised.
    pub fn verify(&self) -> Result<(), Verify> {
        let found = self.hash.clone().finish();
        if found == self.content { Ok(()) } else { Err(Verify::Mismatch { expected: self.content, found }) }
    }

    /// Moves the verified bytes into the store.
    pub fn adopt(self, store: &Store) -> Result<(), StoreError> {
        store.adopt(&self.path, &self.content)
    }
}
