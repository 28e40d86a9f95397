//! A blob that is being written, hashed as it grows.

use std::io::{self, Seek, Write};
use std::path::PathBuf;

use fs_err as fs;
use longshore_oci::{Content, Sha256, Store, StoreError};

/// A blob that is being written; dropping it before it is committed leaves nothing.
pub(super) struct Draft {
    path: PathBuf,
    file: fs::File,
    hash: Sha256,
}

impl Draft {
    pub(super) fn new(store: &Store) -> Result<Self, StoreError> {
        let path = store.scratch();
        let file = fs::File::create(&path)?;
        Ok(Self { path, file, hash: Sha256::new() })
    }

    /// The hash of what is written.
    pub(super) fn hash(&self) -> &Sha256 {
        &self.hash
    }

    /// Adds bytes that a hash covers which is given later.
    pub(super) fn write_unhashed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Goes on with the hash of all that was added.
    pub(super) fn go_on(&mut self, hash: Sha256) {
        self.hash = hash;
    }

    /// Takes everything out again.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hash = Sha256::new();
        Ok(())
    }

    /// Puts it into the store. Its size is compared, which a hash that was gone on with would not tell.
    pub(super) fn commit(self, store: &Store) -> Result<Content, StoreError> {
        let content = self.hash.clone().finish();
        store.adopt(&self.path, &content)?;
        Ok(content)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a commit nothing is there any more.
        let _ = fs::remove_file(&self.path);
    }
}
