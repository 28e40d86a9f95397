//! Linux namespaces, mounts, ids: the one place of Linux-only code.
//!
//! [`Sandbox::run`] runs one command apart from the machine and gives what it printed and how it ended;
//! [`Sandbox::interactive`] gives its terminal to a person; [`Sandbox::start`] starts a service, which is then [`Running`];
//! [`Process`] is a service that runs, to run something else beside it; [`probe`] says whether this machine can.
//!
//! What the command finds: its own user (see [`Identity`]), mount, pid, net, ipc, uts and cgroup namespaces;
//! [`Sandbox::root`] as `/`, read-only; the [`Mount`]s and [`Tmpfs`]; its own `/proc` with nothing of the machine to write
//! or spy on, and no `/sys`; the usual few device nodes; no capability, and no way to gain one; no file descriptor but 0 to
//! 2; umask 022; an environment that is what [`Command::env`] says, nothing else. Every process that it started ends with
//! it, and with the caller's own process however that ends.
//!
//! On other systems everything compiles and answers [`Error::Unsupported`].
//!
//! **Invariant:** depends on no other crate of ours; knows nothing of images or builds.

mod error;
mod exit;
mod group;
mod hint;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod linux;
mod service;
mod settings;
mod signal;

use std::io::Write;
use std::path::PathBuf;

pub use error::{Error, Stage};
pub use exit::{Exit, Status};
pub use group::{Bounds, Group, Groups, NoGroups};
pub use service::{Output, Process, Running, Usage};
pub use settings::{Access, Command, Filter, Identity, Limits, Mount, Network, Tmpfs};
pub use signal::Signal;

/// A process to be run apart from the machine.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The folder that becomes `/`, read-only with all below it. `/dev`, `/proc` and every mount point must exist in it: to
    /// make them is for the caller, since nothing inside may write there. What others may not enter on the machine can be
    /// above it; the folder itself must be open to [`Sandbox::ids`].
    pub root: PathBuf,
    /// What is seen where, besides. A mount below another one may come in any order; mount points below a [`Tmpfs`] are made.
    pub mounts: Vec<Mount>,
    /// Folders in memory. There is no `/tmp` but by this. The one of `/dev/shm`, which is there anyhow, is of this size then.
    pub tmpfs: Vec<Tmpfs>,
    /// Whether there is a network.
    pub network: Network,
    /// Its host name.
    pub hostname: String,
    /// User and group id inside.
    pub ids: (u32, u32),
    /// And who that is for the machine.
    pub identity: Identity,
    /// Which system calls may be made.
    pub filter: Filter,
    /// What it may use up.
    pub limits: Limits,
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

    /// Starts `command` as a service, and returns once its program has been executed. Its stdin is empty; it may have as many
    /// files open as the caller may ever have, a million at most; `/dev/shm` holds 64 MiB; `/dev/mqueue` is there.
    ///
    /// All of it ends when `command` does, when what is returned is dropped, and when the caller's process ends; the thread
    /// that calls this may end before. `group`, which the caller made for this service, bounds it and says what it uses.
    ///
    /// # Errors
    /// When the sandbox can't be set up or the program can't be started in it; then nothing of it is left.
    pub fn start(&self, command: &Command, output: Output, group: Option<Group>) -> Result<Running, Error> {
        linux::start(self, command, output, group.as_ref()).map(|it| Running::new(it, group))
    }
}

/// Whether this process may become the user and group of `ids`, and so give files to them: root, in a user namespace that
/// knows them. For others [`Identity::Same`] is [`Identity::Caller`].
pub fn can_become(ids: (u32, u32)) -> bool {
    linux::can_become(ids)
}

/// Tries whether sandboxes can be set up here, by setting one up that runs nothing.
///
/// # Errors
/// What stands in the way; [`Error::hint`] names the setting.
pub fn probe() -> Result<(), Error> {
    linux::probe()
}
