//! The folder that holds a stack's state.
//!
//! ```text
//! lock               held by the supervisor while it lives
//! control.sock       where it listens
//! plan.json          what it runs
//! supervisor.log     what it said before it failed, if it did
//! logs/SERVICE.log   what services wrote
//! volumes/S-V/       data: gone by `down --volumes` alone
//! secrets/NAME       generated secrets, mode 0600
//! run/SERVICE/       rendered files, secrets as the service reads them; made anew by every `up`
//! ```

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use longshore_oci::Digest;
use rustix::fs::FlockOperation;

use super::Error;
use super::address::Network;

/// Those who look at a lock let go of it within a few of these.
const LOOK: Duration = Duration::from_millis(10);
/// As many are waited for.
const LOOKS: u32 = 100;

/// A stack's state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(PathBuf);

/// Held by the supervisor of a place while it lives.
#[derive(Debug)]
pub struct Lock {
    _file: fs::File,
}

impl Place {
    /// At this folder, which need not be there.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// That of the stack whose file is really at `file`, among those of all stacks in `all`; where there is none yet, it will
    /// be called after `stack`. A stack that gets another name keeps its place.
    pub fn of(all: &Path, stack: &str, file: &Path) -> Self {
        let hash = format!("-{:.12}", Digest::of(file.as_os_str().as_bytes()).hex());
        Self::ending(all, &hash).unwrap_or_else(|| Self(all.join(format!("{stack}{hash}"))))
    }

    /// The same, if there is one: without a look into the file.
    pub fn find(all: &Path, file: &Path) -> Option<Self> {
        Self::ending(all, &format!("-{:.12}", Digest::of(file.as_os_str().as_bytes()).hex()))
    }

    fn ending(all: &Path, hash: &str) -> Option<Self> {
        let mut names = fs::read_dir(all).ok()?.flatten().map(|entry| entry.file_name());
        names.find(|name| name.as_bytes().ends_with(hash.as_bytes())).map(|name| Self(all.join(name)))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Its addresses.
    pub fn network(&self) -> Network {
        Network::of(self.0.as_os_str().as_bytes())
    }

    /// The name of what belongs to it elsewhere on the machine, as its control groups do.
    pub fn mark(&self) -> String {
        let hash = Digest::of(self.0.as_os_str().as_bytes()).hex();
        format!("longshore-{:.16}", hash)
    }

    /// Where the supervisor listens.
    pub fn socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// What it runs.
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// What it said.
    pub fn said(&self) -> PathBuf {
        self.0.join("supervisor.log")
    }

    /// The log of a service.
    pub fn log(&self, service: &str) -> PathBuf {
        self.0.join("logs").join(format!("{service}.log"))
    }

    /// All data.
    pub fn volumes(&self) -> PathBuf {
        self.0.join("volumes")
    }

    /// The data of one volume. Names of services have no dots, so no two volumes share a folder.
    pub fn volume(&self, service: &str, volume: &str) -> PathBuf {
        self.volumes().join(format!("{service}.{volume}"))
    }

    /// Generated secrets.
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// What is made for all services at every start.
    pub fn runs(&self) -> PathBuf {
        self.0.join("run")
    }

    /// What is made for one service.
    pub fn run(&self, service: &str) -> PathBuf {
        self.runs().join(service)
    }

    /// Makes the folder, for its owner alone.
    pub fn make(&self) -> io::Result<()> {
        private(&self.0)?;
        private(&self.0.join("logs"))
    }

    /// Takes the lock for a supervisor; none while another one has it. Who only looks is waited for.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Error> {
        let file = self.open_lock()?;
        for _ in 0..LOOKS {
            if flock(&file, FlockOperation::NonBlockingLockExclusive)? {
                return Ok(Some(Lock { _file: file }));
            }
            std::thread::sleep(LOOK);
        }
        Ok(None)
    }

    fn open_lock(&self) -> Result<fs::File, Error> {
        Ok(fs::File::options().create(true).append(true).open(self.0.join("lock"))?)
    }

    /// Whether a supervisor lives. What one left that was killed is taken away, and [`Life::Killed`] says so, once.
    pub fn look(&self) -> Result<Life, Error> {
        if !self.0.join("lock").exists() {
            return Ok(Life::None);
        }
        // Shared, so that of two who look none is taken for a supervisor.
        let file = self.open_lock()?;
        if !flock(&file, FlockOperation::NonBlockingLockShared)? {
            return Ok(Life::Lives);
        }
        if !self.socket().exists() {
            return Ok(Life::None);
        }
        // Alone, so that what the next supervisor is about to use is not taken away.
        let mut looks = 0;
        while !flock(&file, FlockOperation::NonBlockingLockExclusive)? {
            looks += 1;
            if looks > LOOKS {
                return Ok(Life::Lives);
            }
            std::thread::sleep(LOOK);
        }
        if !self.socket().exists() {
            return Ok(Life::None);
        }
        self.sweep();
        fs::remove_file(self.socket())?;
        Ok(Life::Killed)
    }

    /// Takes away what only a running stack needs: rendered files, secrets as services read them, empty control groups.
    pub fn sweep(&self) {
        // What can't be removed now is by the next that looks.
        let _ = fs::remove_dir_all(self.runs());
        if let Ok(groups) = longshore_sandbox::Groups::find(&self.mark()) {
            let _ = groups.sweep();
        }
    }
}

/// Whether the lock is had.
fn flock(file: &fs::File, how: FlockOperation) -> io::Result<bool> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether a stack's supervisor lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Lives,
    /// There is none.
    None,
    /// There was one that could not end as it should have; what it left is gone.
    Killed,
}

/// Makes a folder and those above it, for its owner alone.
pub(super) fn private(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("can't make `{}`: {error}", folder.display())))
        }
        Ok(()) => Ok(()),
    }
}
