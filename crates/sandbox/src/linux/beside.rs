//! Another command beside a service that runs: a process that enters the service's namespaces, becomes its user, and gives
//! up the rest, starts the command and waits for it. One that was not kept apart from the machine has nothing to enter.
//!
//! It is a copy of one thread of the caller, so what is said of `init` holds here.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{
    Gid, PidfdFlags, Signal, Uid, geteuid, getpid, pidfd_open, set_parent_process_death_signal,
};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::init::{self, Streams, Waited, Wires};
use super::plan::Role;
use super::process::{self, path};
use super::program::Program;
use super::report::{During, Failure, Report};
use super::sys::{self, Clone};
use super::watch::{self, Inside, Watched};
use super::{ended, group, own_streams, privileges, take_terminal_back};
use crate::{Command, Error, Exit, Filter, Limits, Process, Stage};

/// Namespaces by their names in `/proc/<pid>/ns`.
const NAMESPACES: [(&str, ThreadNameSpaceType); 7] = [
    ("user", ThreadNameSpaceType::USER),
    ("mnt", ThreadNameSpaceType::MOUNT),
    ("pid", ThreadNameSpaceType::PROCESS_ID),
    ("ipc", ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION),
    ("uts", ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME),
    ("net", ThreadNameSpaceType::NETWORK),
    ("cgroup", ThreadNameSpaceType::CONTROL_GROUP),
];

/// A process that ends gives its namespaces up a moment before anybody is told.
const AT_ITS_END: Duration = Duration::from_secs(1);

/// All that is needed to go there, found out before.
struct Way {
    to: OwnedFd,
    namespaces: ThreadNameSpaceType,
    /// Inside.
    user: (Uid, Gid),
    /// Where `0` is written to be counted with it.
    groups: Vec<OwnedFd>,
    program: Program,
    until: Option<Instant>,
}

pub(crate) fn run_beside(
    process: Process,
    command: &Command,
    time: Duration,
    log: &mut dyn Write,
) -> Result<Exit, Error> {
    let started = Instant::now();
    let way = Way::to(process, command, started.checked_add(time))?;
    let (output, streams) = own_streams().map_err(|errno| way.failed(Stage::Pipes, errno))?;
    let watched = begin(&way, streams)?.watch(Some((output, log)), None);
    exit(&way, watched, started)
}

pub(crate) fn interactive_beside(process: Process, command: &Command) -> Result<Exit, Error> {
    let started = Instant::now();
    let way = Way::to(process, command, None)?;
    let _ignored = sys::Ignored::new(&[libc::SIGINT, libc::SIGQUIT, libc::SIGTTOU]);
    let watched = begin(&way, Streams::Inherited)?.watch(None, None);
    take_terminal_back();
    exit(&way, watched, started)
}

impl Way {
    fn to(process: Process, command: &Command, until: Option<Instant>) -> Result<Self, Error> {
        let to = process::open(process)?;
        let known = process::known(process)?;
        let mut namespaces = ThreadNameSpaceType::empty();
        for (name, kind) in NAMESPACES {
            let of = |whose: &str| fs_err::metadata(format!("/proc/{whose}/ns/{name}")).map(|it| it.ino());
            let all = of("self").and_then(|own| Ok((own, of(&process.pid.to_string())?)));
            let (own, its) = all.map_err(|source| {
                if process::ends_within(&to, AT_ITS_END) {
                    return Error::Gone { pid: process.pid };
                }
                let path = path(process.pid.cast_signed(), &format!("ns/{name}"));
                Error::Kernel { what: "look at", path, source }
            })?;
            // To enter what one is in already is an error for some of them.
            if own != its {
                namespaces |= kind;
            }
        }
        // A filter that one in the caller's own namespaces has is the caller's as well.
        let filter = if namespaces.is_empty() { Filter::None } else { known.filter };
        let program = Program::new(command, &Limits::default(), Role::Service, filter)?;
        let groups = group::doors_of(process.pid);
        // All of this was about the right one if it is still there.
        process::open(process)?;
        Ok(Self { to, namespaces, user: known.user, groups, program, until })
    }

    fn failed(&self, stage: Stage, errno: Errno) -> Error {
        let folder = || self.program.cwd.to_string_lossy().into_owned().into();
        Error::Setup { stage, path: (stage == Stage::Folder).then(folder), source: errno.into() }
    }
}

fn begin(way: &Way, streams: Streams) -> Result<Inside, Error> {
    let (read, wires) = Wires::new(streams, None).map_err(|errno| way.failed(Stage::Pipes, errno))?;
    // SAFETY: the child calls nothing but `main`, which does what a child may and doesn't return.
    match unsafe { sys::clone(0) } {
        Ok(Clone::Child) => main(way, &wires),
        Ok(Clone::Parent(pid, process)) => Ok(Inside::new(pid, process, read)),
        Err(errno) => Err(way.failed(Stage::Fork, errno)),
    }
}

fn exit(way: &Way, watched: Result<Watched, watch::Error>, started: Instant) -> Result<Exit, Error> {
    let program = || way.program.path().to_string_lossy().into_owned();
    match watched {
        Err(watch::Error::Wait(errno)) => Err(way.failed(Stage::Wait, errno)),
        Err(watch::Error::Log(source)) => Err(Error::Log { program: program(), source }),
        Ok(Watched { report: Some(Report::Failed(it)), .. }) => Err(way.failed(it.stage, it.errno)),
        Ok(Watched { report: Some(Report::NotStarted(errno)), .. }) => {
            Err(Error::Start { program: program(), source: errno.into() })
        }
        Ok(Watched { report, .. }) => Ok(ended(report, started)),
    }
}

/// What the process that goes there does.
fn main(way: &Way, wires: &Wires) -> ! {
    let report = go(way, wires).unwrap_or_else(Report::Failed);
    init::say(wires.report.as_fd(), &report);
    sys::exit(0)
}

fn go(way: &Way, wires: &Wires) -> Result<Report, Failure> {
    sys::reset_signals();
    // Ctrl-C is for the command.
    let ends = sys::child_ends().during(Stage::DieWithCaller)?;
    for group in &way.groups {
        // It is counted where the kernel lets this user count it.
        let _ = rustix::io::write(group, b"0");
    }
    if let Streams::Own { .. } = wires.streams {
        rustix::process::setsid().during(Stage::Session)?;
    }
    rustix::process::umask(Mode::from_raw_mode(0o022));
    if !way.namespaces.is_empty() {
        if geteuid().is_root() {
            rustix::thread::set_thread_groups(&[]).during(Stage::User)?;
        }
        move_into_thread_name_spaces(way.to.as_fd(), way.namespaces).during(Stage::Join)?;
        privileges::drop(Some(way.user))?;
    }
    let kept = [wires.report.as_raw_fd(), wires.caller.as_raw_fd(), ends.as_raw_fd()];
    init::descriptors(&wires.streams, kept).during(Stage::Descriptors)?;
    supervise(way, wires, &ends)
}

fn supervise(way: &Way, wires: &Wires, ends: &OwnedFd) -> Result<Report, Failure> {
    let command = start(&way.program, wires)?;
    match init::wait_for(command, wires.caller.as_fd(), ends.as_fd(), way.until).during(Stage::Wait)? {
        Waited::Ended(report) => Ok(report),
        Waited::Alone | Waited::TooLong => {
            if let Streams::Own { .. } = wires.streams {
                sys::kill_group(command);
            }
            sys::kill(command);
            Ok(Report::TooLong)
        }
    }
}

/// Starts the program as a child of this process, which is killed when this one ends.
pub(super) fn start(program: &Program, wires: &Wires) -> Result<i32, Failure> {
    let me = pidfd_open(getpid(), PidfdFlags::empty()).during(Stage::Fork)?;
    // SAFETY: the child does no more than this process may, and ends in `execute`.
    match unsafe { sys::clone(0) }.during(Stage::Fork)? {
        Clone::Child => {
            if let Err(failure) = die_with(&me).during(Stage::DieWithCaller) {
                init::say(wires.report.as_fd(), &Report::Failed(failure));
                sys::exit(0)
            }
            init::execute(program, wires)
        }
        Clone::Parent(pid, _) => Ok(pid),
    }
}

/// Has this process killed when the one that made it ends.
fn die_with(parent: &OwnedFd) -> Result<(), Errno> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::event::poll(&mut [PollFd::new(parent, PollFlags::IN)], Some(&now))? {
        0 => Ok(()),
        _ => sys::exit(0),
    }
}
