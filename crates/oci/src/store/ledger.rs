//! About how large the store is, known without a walk through it: one number in the file `size`, to which every process
//! adds what it brought when it ends or has brought much. What a killed process had not added yet, and what grows without
//! asking the store (the caches of compilers), is missing until somebody walks through the store and [sets](set) the number.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use fs_err as fs;
use rustix::fs::FlockOperation;

use super::Store;

/// A process adds what it brought no later than this.
const MUCH: u64 = 256 << 20;

/// What `len` bytes take: disks give whole blocks.
pub fn on_disk(len: u64) -> u64 {
    len.div_ceil(4096).saturating_mul(4096)
}

impl Store {
    /// Notes that a file of `len` bytes came in.
    pub(crate) fn grew(&self, len: u64) {
        let grown = &self.inner.grown;
        let len = on_disk(len);
        if grown.fetch_add(len, Ordering::Relaxed).saturating_add(len) >= MUCH {
            add(&self.inner.root, grown.swap(0, Ordering::Relaxed));
        }
    }
}

/// What the ledger of the store at `root` says; nothing where no one has walked through the store yet.
pub fn read(root: &Path) -> Option<u64> {
    let mut text = String::new();
    fs::File::open(root.join("size")).ok()?.take(64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Adds to it, if it is there. A number that can't be written is set by the next walk.
pub(crate) fn add(root: &Path, bytes: u64) {
    if bytes == 0 {
        return;
    }
    let Ok(mut file) = fs::File::options().read(true).write(true).open(root.join("size")) else { return };
    if rustix::fs::flock(&file, FlockOperation::LockExclusive).is_err() {
        return;
    }
    let mut text = String::new();
    if (&mut file).take(64).read_to_string(&mut text).is_ok()
        && let Ok(size) = text.trim().parse::<u64>()
        && file.seek(SeekFrom::Start(0)).is_ok()
    {
        // Always as long, so that a kill can't leave the end of another number.
        let _ = file.write_all(line(size.saturating_add(bytes)).as_bytes());
    }
}

/// Sets it to what a walk has found.
pub(crate) fn set(store: &Store, bytes: u64) {
    let scratch = store.scratch();
    let written = fs::write(&scratch, line(bytes));
    let _ = written.and_then(|()| fs::rename(&scratch, store.root().join("size")));
}

fn line(bytes: u64) -> String {
    format!("{bytes:020}\n")
}
