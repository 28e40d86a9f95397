//! Files that appear whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use fs_err as fs;

/// Distinguishes files that this process writes at the same time.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file that takes its place by rename when it is committed; dropping it before leaves nothing.
pub struct AtomicFile {
    file: fs::File,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts the file that will be at `target`, beside it, in a folder that must exist.
    pub fn create(target: &Path) -> io::Result<Self> {
        let temporary = temporary_beside(target);
        let file = fs::File::create(&temporary)?;
        Ok(Self { file, temporary, target: target.to_owned() })
    }

    /// Puts it in its place, over what is there.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.temporary, &self.target)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit nothing is there any more.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Puts the bytes of `from` at `target`: as another name of the same file where the filesystem can, else as a copy.
pub(super) fn place(from: &Path, target: &Path) -> io::Result<()> {
    let temporary = temporary_beside(target);
    let placed = fs::hard_link(from, &temporary)
        .or_else(|_| fs::copy(from, &temporary).map(drop))
        .and_then(|()| fs::rename(&temporary, target));
    // Left over when something failed, and also by a rename onto another name of the same file, which does nothing.
    let _ = fs::remove_file(&temporary);
    placed
}

fn temporary_beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    target.with_file_name(format!(".{name}.{process}-{number}"))
}
