//! How it is done: `plan` makes all that is needed, `clone3` makes the first process in new namespaces, which does what
//! `init` and `mounts` say and tells how it went with a `report`, while `watch` copies the log and keeps the time, or
//! `service` leaves it to itself.

mod beside;
mod filter;
mod group;
mod init;
mod mounts;
mod place;
mod plan;
mod privileges;
mod process;
mod program;
mod report;
mod service;
mod special;
mod sys;
mod tell;
mod watch;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

pub(crate) use self::beside::{interactive_beside, run_beside};
pub(crate) use self::group::{Group, Groups};
use self::init::{Streams, Wires};
use self::plan::{Plan, Role};
pub(crate) use self::process::{is_alive, signal};
use self::report::Report;
pub(crate) use self::service::{Service, start};
use self::sys::Clone;
use self::watch::{Inside, Watched};
use crate::{Command, Error, Exit, Filter, Identity, Limits, Network, Sandbox, Stage, Status, Tmpfs};

/// Runs with its own streams.
pub(crate) fn run(sandbox: &Sandbox, command: &Command, log: &mut dyn Write) -> Result<Exit, Error> {
    let started = Instant::now();
    let mut plan = Plan::new(sandbox, Some(command), Role::Task)?;
    let (output, streams) = own_streams().map_err(|errno| setup(&plan, Stage::Pipes, usize::MAX, errno))?;
    let mut inside = begin(&mut plan, streams, None)?;
    let end = sandbox.limits.time.and_then(|time| started.checked_add(time));
    let watched = inside.watch(Some((output, log)), end);
    exit(&plan, watched, started)
}

/// Runs on the caller's terminal.
pub(crate) fn interactive(sandbox: &Sandbox, command: &Command) -> Result<Exit, Error> {
    let started = Instant::now();
    let mut plan = Plan::new(sandbox, Some(command), Role::Task)?;
    // SIGTTOU: so that the terminal can be taken back at the end.
    let _ignored = sys::Ignored::new(&[libc::SIGINT, libc::SIGQUIT, libc::SIGTTOU]);
    let mut inside = begin(&mut plan, Streams::Inherited, None)?;
    let watched = inside.watch(None, None);
    take_terminal_back();
    exit(&plan, watched, started)
}

/// Whether the caller may become these.
pub(crate) fn can_become(ids: (u32, u32)) -> bool {
    plan::can_become(ids).is_some()
}

/// Sets up a sandbox in which the machine's own folders are seen, and runs nothing.
pub(crate) fn probe() -> Result<(), Error> {
    let sandbox = Sandbox {
        root: PathBuf::from("/"),
        mounts: Vec::new(),
        tmpfs: vec![Tmpfs::tmp()],
        network: Network::None,
        hostname: String::from("probe"),
        ids: (1000, 1000),
        identity: Identity::Caller,
        filter: Filter::None,
        limits: Limits { file: Some(0), ..Limits::default() },
    };
    let started = Instant::now();
    let mut plan = Plan::new(&sandbox, None, Role::Task)?;
    let (_, streams) = own_streams().map_err(|errno| setup(&plan, Stage::Pipes, usize::MAX, errno))?;
    let mut inside = begin(&mut plan, streams, None)?;
    let watched = inside.watch(None, started.checked_add(Duration::from_secs(10)));
    exit(&plan, watched, started).map(|_| ())
}

/// An empty stdin, and one pipe for stdout and stderr.
fn own_streams() -> Result<(OwnedFd, Streams), Errno> {
    let (read, stdout) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    let stderr = rustix::io::fcntl_dupfd_cloexec(&stdout, 3)?;
    Ok((read, Streams::Own { stdin: nothing()?, stdout, stderr }))
}

/// An empty stdin.
fn nothing() -> Result<OwnedFd, Errno> {
    rustix::fs::open(c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// A shell gives the terminal to its own jobs. Where this fails, the caller's shell takes it back later.
fn take_terminal_back() {
    let stdin = io::stdin();
    if rustix::termios::isatty(&stdin) {
        let _ = rustix::termios::tcsetpgrp(&stdin, rustix::process::getpgrp());
    }
}

/// Makes the first process, in its namespaces.
fn begin(plan: &mut Plan, streams: Streams, told: Option<OwnedFd>) -> Result<Inside, Error> {
    let wires = Wires::new(streams, told).map_err(|errno| setup(plan, Stage::Pipes, usize::MAX, errno));
    let (read, wires) = wires?;
    // SAFETY: the child calls nothing but `init::main`, which does what a child may and doesn't return.
    match unsafe { sys::clone(plan.namespaces) } {
        // SAFETY: this is that child.
        Ok(Clone::Child) => unsafe { init::main(plan, &wires) },
        Ok(Clone::Parent(pid, process)) => Ok(Inside::new(pid, process, read)),
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
    match (watched.report, watched.over) {
        (Some(report), _) => match failure(plan, &report) {
            Some(error) => Err(error),
            None => Ok(ended(Some(report), started)),
        },
        (None, true) => Ok(Exit { status: Status::TimedOut, ..ended(None, started) }),
        (None, false) => Ok(ended(None, started)),
    }
}

/// Why the command was not run, if it was not.
fn failure(plan: &Plan, report: &Report) -> Option<Error> {
    match report {
        Report::Failed(it) => Some(setup(plan, it.stage, it.index, it.errno)),
        Report::NotStarted(errno) => Some(Error::Start { program: plan.program(), source: (*errno).into() }),
        Report::Ended { .. } | Report::TooLong => None,
    }
}

/// The end of a command that was run; without a report, of one that was killed.
fn ended(report: Option<Report>, started: Instant) -> Exit {
    let (status, cpu, memory) = match report {
        Some(Report::TooLong) => {
            let (status, time) = (Status::TimedOut, started.elapsed());
            return Exit { status, time, cpu: Duration::ZERO, memory: 0 };
        }
        Some(Report::Ended { status, cpu, memory }) => (status, cpu, memory),
        _ => (libc::SIGKILL, Duration::ZERO, 0),
    };
    let status = match libc::WIFSIGNALED(status) {
        true => Status::Signal(libc::WTERMSIG(status)),
        // Exit codes have eight bits.
        false => Status::Code(libc::WEXITSTATUS(status) as u8),
    };
    Exit { status, time: started.elapsed(), cpu, memory }
}

fn setup(plan: &Plan, stage: Stage, index: usize, errno: Errno) -> Error {
    Error::Setup { stage, path: plan.path(stage, index), source: errno.into() }
}
