//! Who is in the store: locks that live no longer than the process that holds them.
//!
//! Everybody who uses the store shares the lock of the whole (`lock`), so that who removes things, and holds it alone,
//! finds nobody who counts on them. Each process has a folder of its own for what is unfinished.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::FlockOperation;

/// A folder of unfinished work that no other process touches.
pub struct Claim {
    /// Where it is.
    pub path: PathBuf,
    lock: fs::File,
}

impl Claim {
    /// Takes the folder `path`, if nobody else has it. Who had it may have removed it on the way here: then nobody has.
    pub(super) fn of(path: PathBuf) -> io::Result<Option<Self>> {
        let lock = match lock(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => other?.filter(|_| path.exists()),
        };
        Ok(lock.map(|lock| Self { path, lock }))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        release(&self.lock);
    }
}

/// Gives up a lock. Closing would not do: a process that was started meanwhile may have the same open file until it runs its
/// own program.
pub(super) fn release(lock: &fs::File) {
    let _ = rustix::fs::flock(lock, FlockOperation::Unlock);
}

/// Takes the lock of the store at `root`; none where others keep it and `how` does not wait.
pub(super) fn enter(root: &Path, how: FlockOperation) -> io::Result<Option<fs::File>> {
    let file = fs::File::options().read(true).write(true).create(true).open(root.join("lock"))?;
    take(file, how)
}

/// The lock of a file or folder, for this process alone; none while another one has it.
pub(crate) fn lock(path: &Path) -> io::Result<Option<fs::File>> {
    take(fs::File::open(path)?, FlockOperation::NonBlockingLockExclusive)
}

fn take(file: fs::File, how: FlockOperation) -> io::Result<Option<fs::File>> {
    loop {
        match rustix::fs::flock(&file, how) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Removes the folders of processes that no longer hold their lock.
pub(super) fn sweep(tmp: &Path) -> io::Result<()> {
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
pub(super) fn claim_tmp(tmp: &Path) -> io::Result<(PathBuf, fs::File)> {
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
