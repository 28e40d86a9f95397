//! Systems that aren't Linux: everything answers that it can't be done here.

use std::io::Write;

use crate::{Command, Error, Exit, Sandbox};

pub(crate) fn run(_: &Sandbox, _: &Command, _: &mut dyn Write) -> Result<Exit, Error> {
    Err(Error::Unsupported)
}

pub(crate) fn interactive(_: &Sandbox, _: &Command) -> Result<Exit, Error> {
    Err(Error::Unsupported)
}

pub(crate) fn probe() -> Result<(), Error> {
    Err(Error::Unsupported)
}
