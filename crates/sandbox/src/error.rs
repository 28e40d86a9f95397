//! What can go wrong with a sandbox, and the setting that is behind it.

use std::io;
use std::path::PathBuf;

/// Why a command was not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This isn't Linux.
    #[error("sandboxes need Linux namespaces, which this system doesn't have")]
    Unsupported,
    /// No sandbox or command can be made from this text.
    #[error("{what} `{text}` {wrong}")]
    Invalid {
        /// What the text is: `program`, `mount point`.
        what: &'static str,
        /// As given.
        text: String,
        /// What is wrong: `is not an absolute path`.
        wrong: &'static str,
    },
    /// The sandbox could not be set up.
    #[error("could not set up the sandbox: {}", said(*stage, path.as_deref()))]
    Setup {
        /// Which step failed.
        stage: Stage,
        /// The file or folder it was about: on the machine or inside, as the stage says.
        path: Option<PathBuf>,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The program could not be started in the sandbox.
    #[error("could not start `{program}` in the sandbox")]
    Start {
        /// The program, a path inside.
        program: String,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The sandbox was killed while it was set up.
    #[error("`{program}` was killed before it was started")]
    Killed {
        /// The program, a path inside.
        program: String,
    },
    /// The process to do something with is not there any more.
    #[error("process {pid} has ended")]
    Gone {
        /// Its number, which may be another process's now.
        pid: u32,
    },
    /// Something of the kernel's own file systems could not be read or written.
    #[error("could not {what} `{}`", path.display())]
    Kernel {
        /// What was to be done: `read`, `make the control group`.
        what: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The filter of system calls can't be made.
    #[error("could not make the filter of system calls")]
    Filter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The log took no more, so the command was ended.
    #[error("could not write the log of `{program}`, which was ended")]
    Log {
        /// The program, a path inside.
        program: String,
        /// What the log answered.
        source: io::Error,
    },
}

/// A step of setting up a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is said by `Stage::call`")]
pub enum Stage {
    Pipes,
    Namespaces,
    DieWithCaller,
    Session,
    Ids,
    Private,
    Open,
    Restrict,
    Pivot,
    Mount,
    Devices,
    Proc,
    Tmp,
    Detach,
    Names,
    Limits,
    Cpus,
    Privileges,
    User,
    Descriptors,
    Group,
    Join,
    Fork,
    Tell,
    Filter,
    Folder,
    Wait,
}

impl Stage {
    /// Every stage, in the order of their numbers.
    #[cfg(target_os = "linux")]
    pub(crate) const ALL: [Self; 27] = [
        Self::Pipes,
        Self::Namespaces,
        Self::DieWithCaller,
        Self::Session,
        Self::Ids,
        Self::Private,
        Self::Open,
        Self::Restrict,
        Self::Pivot,
        Self::Mount,
        Self::Devices,
        Self::Proc,
        Self::Tmp,
        Self::Detach,
        Self::Names,
        Self::Limits,
        Self::Cpus,
        Self::Privileges,
        Self::User,
        Self::Descriptors,
        Self::Group,
        Self::Join,
        Self::Fork,
        Self::Tell,
        Self::Filter,
        Self::Folder,
        Self::Wait,
    ];

    /// What is done in it, with the system call behind it.
    pub fn call(self) -> &'static str {
        match self {
            Self::Pipes => "opening pipes (pipe2, socketpair, pidfd_open)",
            Self::Namespaces => "making namespaces (clone3 with CLONE_NEWUSER)",
            Self::DieWithCaller => "tying it to its caller (signalfd)",
            Self::Session => "starting a session (setsid)",
            Self::Ids => "mapping user and group (write to /proc/self/uid_map)",
            Self::Private => "taking its mounts apart from the machine's (mount MS_PRIVATE)",
            Self::Open => "opening what is mounted (open_tree)",
            Self::Restrict => "making a mount read-only (mount_setattr)",
            Self::Pivot => "changing the root folder (pivot_root)",
            Self::Mount => "mounting (move_mount)",
            Self::Devices => "making `/dev`",
            Self::Proc => "making `/proc` (mount proc)",
            Self::Tmp => "making a folder in memory (mount tmpfs)",
            Self::Detach => "letting go of the machine's folders (umount2)",
            Self::Names => "setting the host name (sethostname)",
            Self::Limits => "setting limits (setrlimit)",
            Self::Cpus => "choosing CPUs (sched_setaffinity)",
            Self::Privileges => "dropping privileges (prctl, capset)",
            Self::User => "becoming its user (setresuid)",
            Self::Group => "joining its control group (write to cgroup.procs)",
            Self::Join => "entering the namespaces of a service (setns)",
            Self::Tell => "telling its caller which process it is (sendmsg)",
            Self::Filter => "installing the filter of system calls (seccomp)",
            Self::Descriptors => "closing files (close_range)",
            Self::Fork => "starting the command's process (clone3)",
            Self::Folder => "changing to the command's folder (chdir)",
            Self::Wait => "waiting for its end (waitid)",
        }
    }
}

fn said(stage: Stage, path: Option<&std::path::Path>) -> String {
    match path {
        Some(path) => format!("{}: `{}`", stage.call(), path.display()),
        None => String::from(stage.call()),
    }
}
