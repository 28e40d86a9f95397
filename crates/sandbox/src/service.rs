//! Services: commands that run until they are stopped, and other commands beside them.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::{Command, Error, Exit, Group, Signal, Status, linux};

/// Where a service writes to. The caller's own copies are closed by starting it, so what reads the other end of a pipe
/// comes to its end when the service does.
#[derive(Debug)]
pub struct Output {
    /// Its stdout.
    pub stdout: OwnedFd,
    /// Its stderr.
    pub stderr: OwnedFd,
}

/// A service that was started. Dropping it kills all of it.
#[derive(Debug)]
pub struct Running {
    service: linux::Service,
    exit: Option<Exit>,
    group: Option<Group>,
}

/// What a service uses, with all its processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory: with a [`Group`], what is counted against its bound; else a sum that counts what is shared once for
    /// the largest process and not for the others.
    pub memory: u64,
    /// Processor time since the start, user and system.
    pub cpu: Duration,
    /// Processes, and threads where a [`Group`] counts them.
    pub processes: u64,
    /// How many processes were killed because the [`Group`] had used up its memory.
    pub out_of_memory: u64,
}

impl Running {
    pub(crate) fn new(service: linux::Service, group: Option<Group>) -> Self {
        Self { service, exit: None, group }
    }

    /// The command's process, for this and later programs of the same user. Of a command that ended at once, one that is not
    /// there.
    pub fn process(&self) -> Process {
        self.service.process()
    }

    /// Sends `signal` to the command. One that has ended gets none, which is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        self.service.signal(signal)
    }

    /// Kills all its processes at once.
    pub fn kill(&self) {
        self.service.kill();
    }

    /// Waits until no process of it is left. [`AsFd`] gives what becomes readable then, to wait for many at once.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn wait(&mut self) -> Result<Exit, Error> {
        match self.exit {
            Some(exit) => Ok(exit),
            None => {
                let exit = self.service.wait()?;
                Ok(self.ended(exit))
            }
        }
    }

    /// How it ended, if no process of it is left; doesn't wait.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub fn try_wait(&mut self) -> Result<Option<Exit>, Error> {
        if self.exit.is_none() && self.service.has_ended()? {
            return self.wait().map(Some);
        }
        Ok(self.exit)
    }

    /// What it uses now, or used.
    ///
    /// # Errors
    /// When the machine doesn't tell.
    pub fn usage(&self) -> Result<Usage, Error> {
        match &self.group {
            Some(group) => group.usage(),
            None => self.service.usage(),
        }
    }

    fn ended(&mut self, exit: Exit) -> Exit {
        let killed = matches!(exit.status, Status::Signal(9));
        let memory =
            || self.group.as_ref().and_then(|it| it.usage().ok()).is_some_and(|it| it.out_of_memory > 0);
        let status = if killed && memory() { Status::OutOfMemory } else { exit.status };
        *self.exit.insert(Exit { status, ..exit })
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.service.as_fd()
    }
}

/// A process of this boot of the machine: a number is given to another one later, so its birth tells them apart. These two
/// numbers are all that is needed to find it from another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number, as the caller's pid namespace has it.
    pub pid: u32,
    /// When it started, in the kernel's ticks since the machine was started.
    pub born: u64,
}

impl Process {
    /// Whether it is still there.
    pub fn is_alive(self) -> bool {
        linux::is_alive(self)
    }

    /// Sends `signal` to it. One that has ended gets none, which is no error.
    ///
    /// # Errors
    /// When the kernel refuses, as for another user's.
    pub fn signal(self, signal: Signal) -> Result<(), Error> {
        linux::signal(self, signal)
    }

    /// Runs `command` beside this process of a service: it sees the same files, processes and network, has the same user,
    /// filter and group, and no more privileges. What it writes to stdout and stderr goes to `log`; its stdin is empty. When
    /// `time` is over, it is killed with its children.
    ///
    /// # Errors
    /// When the process is gone, its namespaces can't be entered, or the program can't be started.
    pub fn run(self, command: &Command, time: Duration, log: &mut dyn Write) -> Result<Exit, Error> {
        linux::run_beside(self, command, time, log)
    }

    /// As [`run`](Self::run), on the caller's own stdin, stdout, stderr and terminal, however long it takes.
    ///
    /// # Errors
    /// As there.
    pub fn interactive(self, command: &Command) -> Result<Exit, Error> {
        linux::interactive_beside(self, command)
    }
}
