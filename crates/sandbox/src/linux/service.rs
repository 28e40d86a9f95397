//! Services: started as what is run to its end, and then left to themselves.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::io::Errno;

use super::init::Streams;
use super::plan::{Plan, Role};
use super::report::Report;
use super::tell::Who;
use super::watch::Inside;
use super::{Group, begin, ended, failure, nothing, process, setup, tell};
use crate::{Command, Error, Exit, Output, Process, Sandbox, Signal, Stage, Usage};

/// A service that was started.
#[derive(Debug)]
pub(crate) struct Service {
    inside: Inside,
    /// What gets its signals.
    command: OwnedFd,
    process: Process,
    started: Instant,
}

/// Starts a service, and waits until it is executed.
pub(crate) fn start(
    sandbox: &Sandbox,
    command: &Command,
    output: Output,
    group: Option<&crate::Group>,
) -> Result<Service, Error> {
    let started = Instant::now();
    let mut plan = Plan::new(sandbox, Some(command), Role::Service)?;
    if let Some(crate::Group(group)) = group {
        plan.groups = Group::doors(group)?;
    }
    let pipes = |errno| setup(&plan, Stage::Pipes, usize::MAX, errno);
    let stdin = nothing().map_err(pipes)?;
    let (listen, speak) = tell::pair().map_err(pipes)?;
    let streams = Streams::Own { stdin, stdout: output.stdout, stderr: output.stderr };
    let inside = begin(&mut plan, streams, Some(speak))?;
    Started { inside, listen, started }.service(|report| failure(&plan, report), || plan.program())
}

/// A service whose first process was made.
pub(super) struct Started {
    pub(super) inside: Inside,
    /// Where its command says who it is.
    pub(super) listen: OwnedFd,
    pub(super) started: Instant,
}

impl Started {
    /// Waits until the command is executed, or `failure` says of a report why it is not.
    pub(super) fn service(
        self,
        failure: impl FnOnce(&Report) -> Option<Error>,
        program: impl FnOnce() -> String,
    ) -> Result<Service, Error> {
        let Self { mut inside, listen, started } = self;
        let failed = |stage, errno: Errno| Error::Setup { stage, path: None, source: errno.into() };
        let who = tell::hear(listen.as_fd()).map_err(|errno| failed(Stage::Tell, errno))?;
        let said = inside.said().map_err(|errno| failed(Stage::Wait, errno))?;
        if let Some(error) = said.and_then(failure) {
            return Err(error);
        }
        match who {
            Some(Who { pid, process: command }) => {
                Ok(Service { inside, command, process: process::of(pid), started })
            }
            None => Err(Error::Killed { program: program() }),
        }
    }
}

impl Service {
    pub(crate) fn process(&self) -> Process {
        self.process
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Error> {
        process::send(self.command.as_fd(), self.process, signal)
    }

    pub(crate) fn kill(&self) {
        self.inside.kill();
    }

    pub(crate) fn has_ended(&self) -> Result<bool, Error> {
        self.inside.has_ended().map_err(wait_failed)
    }

    pub(crate) fn wait(&mut self) -> Result<Exit, Error> {
        let report = self.inside.end().map_err(wait_failed)?;
        Ok(ended(report, self.started))
    }

    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        process::usage(self.inside.pid())
    }
}

fn wait_failed(errno: Errno) -> Error {
    Error::Setup { stage: Stage::Wait, path: None, source: errno.into() }
}

impl AsFd for Service {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inside.process()
    }
}
