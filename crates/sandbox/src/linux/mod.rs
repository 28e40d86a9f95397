//! How it is done: `plan` makes all that is needed, `clone3` makes the first process in new namespaces, which does what
//! `init` and `mounts` say and tells how it went with a `report`, while `watch` copies the log and keeps the time.

mod init;
mod mounts;
mod plan;
mod report;
mod sys;
mod watch;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use self::init::{Streams, Wires};
use self::plan::Plan;
use self::report::Report;
use self::sys::Clone;
use self::watch::{Inside, Watched};
use crate::{Command, Error, Exit, Limits, Network, Sandbox, Stage, Status};

/// Runs with its own streams.
pub(crate) fn run(sandbox: &Sandbox, command: &Command, log: &mut dyn Write) -> Result<Exit, Error> {
    let started = Instant::now();
    let mut plan = Plan::new(sandbox, Some(command))?;
    let (output, streams) = own_streams().map_err(|errno| setup(&plan, Stage::Pipes, usize::MAX, errno))?;
    let mut inside = start(&mut plan, streams)?;
    let end = started.checked_add(sandbox.limits.time);
    let watched = inside.watch(Some((output, log)), end);
    exit(&plan, watched, started)
}

/// Runs on the caller's terminal.
pub(crate) fn interactive(sandbox: &Sandbox, command: &Command) -> Result<Exit, Error> {
    let started = Instant::now();
    let mut plan = Plan::new(sandbox, Some(command))?;
    // SIGTTOU: so that the terminal can be taken back at the end.
    let _ignored = sys::Ignored::new(&[libc::SIGINT, libc::SIGQUIT, libc::SIGTTOU]);
    let mut inside = start(&mut plan, Streams::Inherited)?;
    let watched = inside.watch(None, None);
    let stdin = io::stdin();
    if rustix::termios::isatty(&stdin) {
        // A shell gives the terminal to its own jobs. Where this fails, the caller's shell takes it back later.
        let _ = rustix::termios::tcsetpgrp(&stdin, rustix::process::getpgrp());
    }
    exit(&plan, watched, started)
}

/// Sets up a sandbox in which the machine's own folders are seen, and runs nothing.
pub(crate) fn probe() -> Result<(), Error> {
    let sandbox = Sandbox {
        root: PathBuf::from("/"),
        mounts: Vec::new(),
        network: Network::None,
        hostname: String::from("probe"),
        ids: (1000, 1000),
        limits: Limits { time: Duration::from_secs(10), memory: None, file: 0, cpus: None },
    };
    let started = Instant::now();
    let mut plan = Plan::new(&sandbox, None)?;
    let (_, streams) = own_streams().map_err(|errno| setup(&plan, Stage::Pipes, usize::MAX, errno))?;
    let mut inside = start(&mut plan, streams)?;
    let watched = inside.watch(None, started.checked_add(sandbox.limits.time));
    exit(&plan, watched, started).map(|_| ())
}

/// An empty stdin, and one pipe for stdout and stderr.
fn own_streams() -> Result<(rustix::fd::OwnedFd, Streams), Errno> {
    let stdin = rustix::fs::open(c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let (read, output) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, Streams::Own { stdin, output }))
}

/// Makes the first process, in its namespaces.
fn start(plan: &mut Plan, streams: Streams) -> Result<Inside, Error> {
    let wires = || {
        let (read, report) = pipe_with(PipeFlags::CLOEXEC)?;
        let caller = pidfd_open(getpid(), PidfdFlags::empty())?;
        Ok((read, report, caller))
    };
    let (read, report, caller) = wires().map_err(|errno| setup(plan, Stage::Pipes, usize::MAX, errno))?;
    let wires = Wires { report, caller, streams };
    // SAFETY: the child calls nothing but `init::main`, which does what a child may and doesn't return.
    match unsafe { sys::clone(plan.namespaces) } {
        // SAFETY: this is that child.
        Ok(Clone::Child) => unsafe { init::main(plan, &wires) },
        Ok(Clone::Parent(_, process)) => Ok(Inside::new(process, read)),
        Err(errno) => Err(setup(plan, Stage::Namespaces, usize::MAX, errno)),
    }
}

/// What the end of a sandbox means.
fn exit(plan: &Plan, watched: Result<Watched, watch::Error>, started: Instant) -> Result<Exit, Error> {
    let watched = match watched {
        Ok(watched) => watched,
        Err(watch::Error::Wait(errno)) => return Err(setup(plan, Stage::Wait, usize::MAX, errno)),
        Err(watch::Error::Log(source)) => return Err(Error::Log { program: plan.program(), source }),
    };
    let time = started.elapsed();
    let killed = Exit { status: Status::Signal(libc::SIGKILL), time, cpu: Duration::ZERO, memory: 0 };
    match (watched.report, watched.over) {
        (Some(Report::Failed(it)), _) => Err(setup(plan, it.stage, it.index, it.errno)),
        (Some(Report::NotStarted(errno)), _) => {
            Err(Error::Start { program: plan.program(), source: errno.into() })
        }
        (Some(Report::Ended { status, cpu, memory }), _) => {
            Ok(Exit { status: meaning(status), time, cpu, memory })
        }
        (None, true) => Ok(Exit { status: Status::TimedOut, ..killed }),
        (None, false) => Ok(killed),
    }
}

fn meaning(status: i32) -> Status {
    match libc::WIFSIGNALED(status) {
        true => Status::Signal(libc::WTERMSIG(status)),
        // Exit codes have eight bits.
        false => Status::Code(libc::WEXITSTATUS(status) as u8),
    }
}

fn setup(plan: &Plan, stage: Stage, index: usize, errno: Errno) -> Error {
    Error::Setup { stage, path: plan.path(stage, index), source: errno.into() }
}
