//! Linux namespaces, mounts, ids: the one place of Linux-only code.
//!
//! [`Sandbox::run`] runs one command apart from the machine and gives what it printed and how it ended;
//! [`Sandbox::interactive`] gives its terminal to a person; [`probe`] says whether this machine can.
//!
//! What the command finds: its own user, mount, pid, net, ipc, uts and cgroup namespaces; [`Sandbox::root`] as `/`,
//! read-only; the [`Mount`]s; an empty `/tmp`; its own `/proc` with nothing of the machine to write or spy on; the usual
//! few device nodes; no capability, and no way to gain one; no file descriptor but 0 to 2; umask 022; an environment that
//! is what [`Command::env`] says, nothing else. Every process that it started ends with it, and with the caller's own
//! process however that ends.
//!
//! On other systems everything compiles and answers [`Error::Unsupported`].
//!
//! **Invariant:** depends on no other crate of ours; knows nothing of images or builds.

mod error;
mod hint;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod linux;

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use error::{Error, Stage};

/// A process to be run apart from the machine.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The folder that becomes `/`, read-only with all below it. `/tmp`, `/dev`, `/proc` and every mount point must exist
    /// in it.
    pub root: PathBuf,
    /// What is seen where, besides. A mount below another one may come in any order.
    pub mounts: Vec<Mount>,
    /// Whether there is a network.
    pub network: Network,
    /// Its host name.
    pub hostname: String,
    /// User and group id inside; outside, they are the caller's own.
    pub ids: (u32, u32),
    /// What it may use up.
    pub limits: Limits,
}

/// A folder or file of the machine, seen inside.
#[derive(Debug, Clone)]
pub struct Mount {
    /// On the machine. Links are followed.
    pub from: PathBuf,
    /// Inside, absolute. Links are followed as the inside sees them.
    pub to: PathBuf,
    /// Whether it can be written.
    pub access: Access,
}

/// Whether something can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Read and written.
    Write,
}

/// Whether there is a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Not even loopback.
    None,
    /// The machine's. How names are resolved and which authorities are trusted is for the caller to mount.
    Host,
}

/// What a process and all its children may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wall time; when it is over, all of it is killed. Not held against a person, see [`Sandbox::interactive`].
    pub time: Duration,
    /// Bytes of address space a process.
    pub memory: Option<u64>,
    /// Bytes of one file.
    pub file: u64,
    /// How many CPUs it can see and use; more than the machine has means all.
    pub cpus: Option<NonZeroUsize>,
}

/// What is run.
#[derive(Debug, Clone)]
pub struct Command {
    /// Program and arguments; the program absolute, inside.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Where it starts, inside.
    pub cwd: PathBuf,
}

/// How a command ended, and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub status: Status,
    /// Wall time, the set-up of the sandbox included.
    pub time: Duration,
    /// Processor time of all its processes, user and system; zero when it was killed.
    pub cpu: Duration,
    /// Peak resident bytes of its largest process; never below what the caller itself had when it started the sandbox.
    /// Zero when it was killed.
    pub memory: u64,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this exit code.
    Code(u8),
    /// By a signal, of this number: 9 also when the machine was out of memory, 25 when a file grew over [`Limits::file`].
    Signal(i32),
    /// It was still running when [`Limits::time`] was over, and was killed with all its processes.
    TimedOut,
}

impl Sandbox {
    /// Runs `command` to its end. What it and its children write to stdout and stderr goes to `log`, in the order in which
    /// they wrote it; its stdin is empty.
    ///
    /// May be called by many threads at once. The calling thread does the work and waits.
    ///
    /// # Errors
    /// When the sandbox can't be set up, the program can't be started in it, or `log` takes no more (which ends the
    /// command). A command that fails is no error but an [`Exit`].
    pub fn run(&self, command: &Command, log: &mut dyn Write) -> Result<Exit, Error> {
        linux::run(self, command, log)
    }

    /// Runs `command` on the caller's own stdin, stdout, stderr and terminal until it ends, however long that takes. Until
    /// then, Ctrl-C and Ctrl-\ are for the command: the caller's process ignores them.
    ///
    /// # Errors
    /// When the sandbox can't be set up or the program can't be started in it.
    pub fn interactive(&self, command: &Command) -> Result<Exit, Error> {
        linux::interactive(self, command)
    }
}

/// Tries whether sandboxes can be set up here, by setting one up that runs nothing.
///
/// # Errors
/// What stands in the way; [`Error::hint`] names the setting.
pub fn probe() -> Result<(), Error> {
    linux::probe()
}

impl Status {
    /// Whether it ended by itself with exit code 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("killed when its time was over"),
        }
    }
}
