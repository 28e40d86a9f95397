//! How a blob comes into the store.

use std::io::{self, Seek as _, Write};
use std::path::PathBuf;

use fs_err as fs;

use super::{Store, StoreError};
use crate::{Content, Sha256, Verify};

/// Writes one blob; nothing is visible until it is committed, and dropping it leaves nothing.
pub struct BlobWriter {
    pub(super) store: Store,
    pub(super) path: Option<PathBuf>,
    pub(super) file: fs::File,
    pub(super) hash: Sha256,
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

    /// The hash of what is written.
    pub fn hash(&self) -> &Sha256 {
        &self.hash
    }

    /// Adds bytes whose hash is brought by [`hash_mut`](Self::hash_mut).
    pub fn write_unhashed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// The hash of what is written, for whoever hashes it beside something else.
    pub fn hash_mut(&mut self) -> &mut Sha256 {
        &mut self.hash
    }

    /// Takes everything out again.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hash = Sha256::new();
        Ok(())
    }

    /// Its size is compared, which a hash that was gone on with would not tell.
    fn place(mut self, content: Content) -> Result<Content, StoreError> {
        if let Some(path) = &self.path {
            self.store.adopt(path, &content)?;
            self.path = None;
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
