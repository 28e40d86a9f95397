//! The first process inside: sets everything up, starts the command, and ends when that ends. The kernel kills all that is
//! left inside with it.
//!
//! It is a copy of one thread of the caller that never becomes another program, so nothing here may allocate, take a lock
//! or panic.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::thread::UnshareFlags;

use super::plan::{Plan, Program};
use super::report::{During, Failure, Report};
use super::sys::{self, Clone};
use super::{mounts, privileges, process, tell};
use crate::Stage;

/// How often a program is tried that somebody has open for writing. One that the caller has just written may be open in the child of
/// another of its threads for as long as that takes to become a program of its own.
const BUSY: u32 = 100;

/// The descriptors that the first process is born with a use for.
pub(super) struct Wires {
    /// Takes [`Report`]s.
    pub(super) report: OwnedFd,
    /// The caller's process: readable when it has ended. Not the thread, which may end before.
    pub(super) caller: OwnedFd,
    /// Where the command's process says who it is, and that it is executed by closing it.
    pub(super) told: Option<OwnedFd>,
    /// The command's standard streams.
    pub(super) streams: Streams,
}

/// The command's standard streams.
pub(super) enum Streams {
    /// The caller's own, with its terminal.
    Inherited,
    /// Its own, in a session without a terminal.
    Own { stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd },
}

impl Wires {
    /// With the end at which reports arrive.
    pub(super) fn new(streams: Streams, told: Option<OwnedFd>) -> Result<(OwnedFd, Self), Errno> {
        let (read, report) = pipe_with(PipeFlags::CLOEXEC)?;
        let caller = pidfd_open(getpid(), PidfdFlags::empty())?;
        Ok((read, Self { report, caller, told, streams }))
    }
}

/// The code that the first process ends with; what counts is in its reports.
const ENDED: i32 = 0;

/// What the first process does.
///
/// # Safety
/// Only in a process that [`sys::clone`] made, which ends here.
pub(super) unsafe fn main(plan: &mut Plan, wires: &Wires) -> ! {
    let result = set_up(plan, wires).and_then(|()| match &plan.program {
        Some(program) => supervise(program, wires),
        None => Ok(Report::Ended { status: 0, cpu: Duration::ZERO, memory: 0 }),
    });
    say(wires.report.as_fd(), &result.unwrap_or_else(Report::Failed));
    sys::exit(ENDED)
}

fn set_up(plan: &mut Plan, wires: &Wires) -> Result<(), Failure> {
    for (index, group) in plan.groups.iter().enumerate() {
        // Whoever writes it is meant.
        rustix::io::write(group, b"0").at(Stage::Group, index)?;
    }
    // For the command too. Where ends of children are ignored, nobody could wait for them.
    sys::reset_signals();
    let told = wires.told.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    let kept = [wires.report.as_raw_fd(), wires.caller.as_raw_fd(), told];
    descriptors(&wires.streams, kept).during(Stage::Descriptors)?;
    if matches!(wires.streams, Streams::Own { .. }) {
        rustix::process::setsid().during(Stage::Session)?;
    }
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // SAFETY: it changes what this process alone sees.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWCGROUP) }.during(Stage::Namespaces)?;
    match &plan.id_maps {
        Some(maps) => privileges::map(maps).during(Stage::Ids)?,
        None => rustix::thread::set_thread_groups(&[]).during(Stage::User)?,
    }
    mounts::enter(plan)?;
    rustix::system::sethostname(&plan.hostname).during(Stage::Names)?;
    rustix::system::setdomainname(b"(none)").during(Stage::Names)?;
    if let Some(cpus) = &plan.cpus {
        rustix::thread::sched_setaffinity(None, cpus).during(Stage::Cpus)?;
    }
    privileges::drop(plan.user)
}

/// Sets up the standard streams, and closes what else the caller has open but `kept`, which holds -1 for what isn't there: a pipe or a lock of another thread's would else be held as long as we live.
pub(super) fn descriptors<const N: usize>(streams: &Streams, kept: [RawFd; N]) -> Result<(), Errno> {
    if let Streams::Own { stdin, stdout, stderr } = streams {
        for (from, to) in [(stdin, 0), (stdout, 1), (stderr, 2)] {
            sys::dup2(from.as_raw_fd(), to)?;
        }
    }
    // SAFETY: of what was open before, only these are used from here on; nothing is dropped, since this process ends without
    // returning.
    unsafe { sys::close_all_but(kept) }
}

/// Starts the command and waits for its end, or for that of the caller, after which nothing may be left; takes in processes
/// that lost their parents.
fn supervise(program: &Program, wires: &Wires) -> Result<Report, Failure> {
    let ends = sys::child_ends().during(Stage::DieWithCaller)?;
    // SAFETY: the child does no more than this process may, and ends in `execute`.
    let command = match unsafe { sys::clone(0) }.during(Stage::Fork)? {
        Clone::Child => execute(program, wires),
        Clone::Parent(pid, _) => pid,
    };
    if let Some(told) = &wires.told {
        // SAFETY: this process doesn't use it, and ends without dropping anything.
        unsafe { sys::close(told.as_raw_fd()) };
    }
    match wait_for(command, wires.caller.as_fd(), ends.as_fd(), None).during(Stage::Wait)? {
        Waited::Ended(report) => Ok(report),
        Waited::Alone | Waited::TooLong => sys::exit(ENDED),
    }
}

/// What a process that waits for another one comes to see.
pub(super) enum Waited {
    /// Its end.
    Ended(Report),
    /// The end of the caller's process.
    Alone,
    /// Neither, for as long as was to be waited.
    TooLong,
}

/// Waits for the end of a child, taking in all others. `ends` is of [`sys::child_ends`].
pub(super) fn wait_for(
    command: i32,
    caller: BorrowedFd<'_>,
    ends: BorrowedFd<'_>,
    until: Option<Instant>,
) -> Result<Waited, Errno> {
    let (mut cpu, mut memory) = (Duration::ZERO, 0);
    loop {
        while let Some(ended) = sys::wait()? {
            cpu = cpu.saturating_add(ended.cpu);
            memory = memory.max(ended.memory);
            if ended.pid == command {
                return Ok(Waited::Ended(Report::Ended { status: ended.status, cpu, memory }));
            }
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Waited::TooLong);
        }
        let left = left.map(process::timespec);
        let mut both =
            [PollFd::from_borrowed_fd(caller, PollFlags::IN), PollFd::from_borrowed_fd(ends, PollFlags::IN)];
        match rustix::event::poll(&mut both, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        if !both[0].revents().is_empty() {
            return Ok(Waited::Alone);
        }
        // Some `signalfd_siginfo`, of 128 bytes each. They say less than `wait`; it is enough that they are gone.
        match rustix::io::read(ends, &mut [0; 1024]) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Becomes the command.
pub(super) fn execute(program: &Program, wires: &Wires) -> ! {
    if let Err(failure) = prepare(program, wires) {
        say(wires.report.as_fd(), &Report::Failed(failure));
        sys::exit(ENDED)
    }
    let mut tries = 0;
    let errno = loop {
        // SAFETY: `Program` made both lists of C strings that it owns, with a null pointer at the end.
        let errno = unsafe { sys::exec(program.path(), &program.argv_pointers, &program.env_pointers) };
        tries += 1;
        if errno != Errno::TXTBSY || tries == BUSY {
            break errno;
        }
        let _ = rustix::thread::nanosleep(&Timespec { tv_sec: 0, tv_nsec: 10_000_000 });
    };
    say(wires.report.as_fd(), &Report::NotStarted(errno));
    sys::exit(ENDED)
}

fn prepare(program: &Program, wires: &Wires) -> Result<(), Failure> {
    sys::reset_signals();
    if matches!(wires.streams, Streams::Own { .. }) {
        rustix::process::setsid().during(Stage::Session)?;
    }
    rustix::process::chdir(&program.cwd).at(Stage::Folder, 0)?;
    for (index, (resource, limit)) in program.limits.iter().enumerate() {
        rustix::process::setrlimit(*resource, *limit).at(Stage::Limits, index)?;
    }
    if let Some(told) = &wires.told {
        tell::who(told.as_fd()).during(Stage::Tell)?;
    }
    // Last, since some of the above is refused then.
    program.filter.iter().enumerate().try_for_each(|(index, it)| sys::filter(it).at(Stage::Filter, index))
}

/// When the pipe is closed, the caller is gone, and so will we be.
pub(super) fn say(report: BorrowedFd<'_>, message: &Report) {
    let _ = rustix::io::write(report, &message.to_bytes());
}
