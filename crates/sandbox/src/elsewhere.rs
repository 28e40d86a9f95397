//! Systems that aren't Linux: everything answers that it can't be done here.

use std::convert::Infallible;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::{Bounds, Command, Error, Exit, NoGroups, Output, Process, Sandbox, Signal, Usage};

/// There is none.
#[derive(Debug)]
pub(crate) struct Service(Infallible);

/// There is none.
#[derive(Debug)]
pub(crate) struct Group(Infallible);

/// There are none.
#[derive(Debug, Clone)]
pub(crate) struct Groups(Infallible);

pub(crate) fn run(_: &Sandbox, _: &Command, _: &mut dyn Write) -> Result<Exit, Error> {
    Err(Error::Unsupported)
}

pub(crate) fn interactive(_: &Sandbox, _: &Command) -> Result<Exit, Error> {
    Err(Error::Unsupported)
}

pub(crate) fn start(_: &Sandbox, _: &Command, _: Output, _: Option<&crate::Group>) -> Result<Service, Error> {
    Err(Error::Unsupported)
}

pub(crate) fn can_become(_: (u32, u32)) -> bool {
    false
}

pub(crate) fn probe() -> Result<(), Error> {
    Err(Error::Unsupported)
}

pub(crate) fn is_alive(_: Process) -> bool {
    false
}

pub(crate) fn signal(_: Process, _: Signal) -> Result<(), Error> {
    Err(Error::Unsupported)
}

pub(crate) fn run_beside(_: Process, _: &Command, _: Duration, _: &mut dyn Write) -> Result<Exit, Error> {
    Err(Error::Unsupported)
}

pub(crate) fn interactive_beside(_: Process, _: &Command) -> Result<Exit, Error> {
    Err(Error::Unsupported)
}

impl Service {
    pub(crate) fn process(&self) -> Process {
        match self.0 {}
    }

    pub(crate) fn signal(&self, _: Signal) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn kill(&self) {
        match self.0 {}
    }

    pub(crate) fn has_ended(&self) -> Result<bool, Error> {
        match self.0 {}
    }

    pub(crate) fn wait(&mut self) -> Result<Exit, Error> {
        match self.0 {}
    }

    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        match self.0 {}
    }
}

impl AsFd for Service {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}

impl Groups {
    pub(crate) fn find(_: &str) -> Result<Self, NoGroups> {
        Err(NoGroups::Unsupported)
    }

    pub(crate) fn make(&self, _: &str, _: Bounds) -> Result<Group, Error> {
        match self.0 {}
    }

    pub(crate) fn sweep(&self) -> Result<Vec<String>, Error> {
        match self.0 {}
    }
}

impl Group {
    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        match self.0 {}
    }
}
