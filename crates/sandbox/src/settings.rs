//! What a sandbox is made of: mounts, network, ids, limits, and what runs in it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

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

/// An empty folder in memory, of the sandbox's user, that is gone at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Inside, absolute. Links are followed as the inside sees them.
    pub to: PathBuf,
    /// Permissions, as `chmod` takes them.
    pub mode: u16,
    /// The most bytes that it holds; none for half of the machine's memory.
    pub size: Option<u64>,
}

impl Tmpfs {
    /// `/tmp`, which everyone may write.
    pub fn tmp() -> Self {
        Self { to: PathBuf::from("/tmp"), mode: 0o1777, size: None }
    }
}

/// Whether there is a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Not even loopback.
    None,
    /// The machine's. How names are resolved and which authorities are trusted is for the caller to mount.
    Host,
}

/// Who the processes inside are for the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The caller, whoever that is: what they write is the caller's.
    Caller,
    /// Where the caller is root, user and group of [`Sandbox::ids`](crate::Sandbox::ids), on the machine as inside: folders
    /// that they write have to be theirs. For an ordinary user, who can be nobody else, as [`Identity::Caller`].
    Same,
}

/// Which system calls may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All that the kernel lets a process without privileges make.
    None,
    /// Those that services make: no mounts, namespaces, tracing, modules, keys, BPF, clocks. What a newer kernel adds isn't
    /// there. Programs of another word size than the machine's are killed.
    Services,
}

/// What a process and all its children may use up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Wall time; when it is over, all of it is killed. Held against [`Sandbox::run`](crate::Sandbox::run) only: a person and
    /// a service take as long as they like.
    pub time: Option<Duration>,
    /// Bytes of address space a process.
    pub memory: Option<u64>,
    /// Bytes of one file.
    pub file: Option<u64>,
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
