//! Control groups: what a service may use of the machine with all its processes together, and what it uses.

use std::io;
use std::path::PathBuf;

use crate::{Error, Usage, linux};

/// What a group may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of memory. What is over is taken from the page cache first; then the kernel kills.
    pub memory: Option<u64>,
    /// Thousandths of a processor: 1500 are one and a half.
    pub cpu: Option<u32>,
    /// Processes and threads.
    pub processes: Option<u64>,
}

/// Where groups can be made.
#[derive(Debug, Clone)]
pub struct Groups(linux::Groups);

/// Why no groups can be made: services run without bounds then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoGroups {
    /// Not Linux, or a kernel without.
    #[error("this system has no control groups")]
    Unsupported,
    /// The hierarchy belongs to somebody else.
    #[error("the control groups in `{}` are not this user's to divide", path.display())]
    NotOurs {
        /// Where one would be made.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// Memory, cpu and pids are not all there.
    #[error("the control groups in `{}` have no `{controller}` controller", path.display())]
    NoController {
        /// Where one would be made.
        path: PathBuf,
        /// What isn't there.
        controller: &'static str,
    },
}

impl NoGroups {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported => None,
            Self::NotOurs { .. } | Self::NoController { .. } => Some(String::from(
                "run it in a group of its own: `systemd-run --user --scope --property=Delegate=yes longshore up`",
            )),
        }
    }
}

impl Groups {
    /// Where this process can make groups. Those of one `prefix`, such as `longshore-shop`, belong together.
    ///
    /// # Errors
    /// Why there is no such place.
    pub fn find(prefix: &str) -> Result<Self, NoGroups> {
        linux::Groups::find(prefix).map(Self)
    }

    /// Makes the group of a service, in place of one that was left with that name.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn make(&self, name: &str, bounds: Bounds) -> Result<Group, Error> {
        self.0.make(name, bounds).map(Group)
    }

    /// Removes groups that a killed program left; those that hold processes stay. Gives their names.
    ///
    /// # Errors
    /// When they can't be looked for.
    pub fn sweep(&self) -> Result<Vec<String>, Error> {
        self.0.sweep()
    }
}

/// The group of one service. Dropping it removes it once no process is left in it.
#[derive(Debug)]
pub struct Group(pub(crate) linux::Group);

impl Group {
    /// What its processes use now, and used.
    ///
    /// # Errors
    /// When the kernel doesn't tell.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.0.usage()
    }
}
