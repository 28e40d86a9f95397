//! How a blob comes into the store.

use std::io::{self, Write};
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

    fn place(mut self, content: Content) -> Result<Content, StoreError> {
        if let Some(path) = self.path.take() {
            self.store.place(&path, &self.store.blob_path(&content.digest), content.size)?;
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
