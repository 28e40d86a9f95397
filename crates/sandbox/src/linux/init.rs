//! The first process inside: sets everything up, starts the command, and ends when that ends. The kernel kills all that is
//! left inside with it.
//!
//! It is a copy of one thread of the caller that never becomes another program, so nothing here may allocate, take a lock
//! or panic.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Signal, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::mounts;
use super::plan::{Plan, Program};
use super::report::{During, Failure, Report};
use super::sys::{self, Clone};
use crate::Stage;

/// The descriptors that the first process is born with a use for.
pub(super) struct Wires {
    /// Takes [`Report`]s.
    pub(super) report: OwnedFd,
    /// The caller's process: readable when it has ended.
    pub(super) caller: OwnedFd,
    /// The command's standard streams.
    pub(super) streams: Streams,
}

/// The command's standard streams.
pub(super) enum Streams {
    /// The caller's own, with its terminal.
    Inherited,
    /// Its own, in a session without a terminal.
    Own { stdin: OwnedFd, output: OwnedFd },
}

/// The code that the first process ends with; what counts is in its reports.
const ENDED: i32 = 0;

/// What the first process does.
///
/// # Safety
/// Only in a process that [`sys::clone`] made, which ends here.
pub(super) unsafe fn main(plan: &mut Plan, wires: &Wires) -> ! {
    // SAFETY: this number is open until the process ends: `set_up` keeps it when it closes the others.
    let report = unsafe { BorrowedFd::borrow_raw(wires.report.as_raw_fd()) };
    let result = set_up(plan, wires).and_then(|()| match &plan.program {
        Some(program) => supervise(plan, program, wires, report),
        None => Ok(Report::Ended { status: 0, cpu: std::time::Duration::ZERO, memory: 0 }),
    });
    say(report, &result.unwrap_or_else(Report::Failed));
    sys::exit(ENDED)
}

fn set_up(plan: &mut Plan, wires: &Wires) -> Result<(), Failure> {
    die_with_caller(wires.caller.as_fd()).during(Stage::DieWithCaller)?;
    // For the command too. Where ends of children are ignored, nobody could wait for them.
    sys::reset_signals();
    descriptors(wires).during(Stage::Descriptors)?;
    if matches!(wires.streams, Streams::Own { .. }) {
        rustix::process::setsid().during(Stage::Session)?;
    }
    rustix::process::umask(Mode::from_raw_mode(0o022));
    ids(plan).during(Stage::Ids)?;
    mounts::enter(plan)?;
    rustix::system::sethostname(&plan.hostname).during(Stage::Names)?;
    rustix::system::setdomainname(b"(none)").during(Stage::Names)?;
    if let Some(cpus) = &plan.cpus {
        rustix::thread::sched_setaffinity(None, cpus).during(Stage::Cpus)?;
    }
    privileges().during(Stage::Privileges)?;
    // A change of credentials may have unset it.
    set_parent_process_death_signal(Some(Signal::KILL)).during(Stage::DieWithCaller)
}

/// The signal comes when the thread that made this process ends; that thread waits for us, so it ends with its process only.
fn die_with_caller(caller: BorrowedFd<'_>) -> Result<(), Errno> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // It may have ended before the signal was asked for.
    match rustix::event::poll(&mut [PollFd::from_borrowed_fd(caller, PollFlags::IN)], Some(&now))? {
        0 => Ok(()),
        _ => sys::exit(ENDED),
    }
}

/// Closes what the caller has open: a pipe or a lock of another thread's would else be held as long as we live.
fn descriptors(wires: &Wires) -> Result<(), Errno> {
    if let Streams::Own { stdin, output } = &wires.streams {
        let output = output.as_raw_fd();
        for (from, to) in [(stdin.as_raw_fd(), 0), (output, 1), (output, 2)] as [(RawFd, RawFd); 3] {
            sys::dup2(from, to)?;
        }
    }
    // SAFETY: of what was open before, only the report is used from here on; nothing is dropped, since this process ends
    // without returning.
    unsafe { sys::close_all_but(wires.report.as_raw_fd()) }
}

fn ids(plan: &Plan) -> Result<(), Errno> {
    let [uids, gids] = &plan.id_maps;
    let files = [
        (c"/proc/self/setgroups", b"deny" as &[u8]),
        (c"/proc/self/uid_map", uids),
        (c"/proc/self/gid_map", gids),
    ];
    for (path, text) in files {
        let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, text)?;
    }
    Ok(())
}

/// Gives up every capability for good, here and in all children.
fn privileges() -> Result<(), Errno> {
    // Nobody inside can look at this process's memory, files or environment, which were the caller's.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    sys::leave_keyring();
    rustix::thread::set_no_new_privs(true)?;
    let mut capability = 0;
    while sys::drop_bounding(capability)? {
        capability += 1;
    }
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
}

/// Starts the command and waits for its end; also for that of processes that lost their parents.
fn supervise(
    plan: &Plan,
    program: &Program,
    wires: &Wires,
    report: BorrowedFd<'_>,
) -> Result<Report, Failure> {
    // SAFETY: the child does no more than this process may, and ends in `execute`.
    let command = match unsafe { sys::clone(0) }.during(Stage::Fork)? {
        Clone::Child => execute(plan, program, wires, report),
        Clone::Parent(pid, _) => pid,
    };
    let (mut cpu, mut memory) = (std::time::Duration::ZERO, 0);
    loop {
        let ended = match sys::wait() {
            Err(Errno::INTR) => continue,
            ended => ended.during(Stage::Wait)?,
        };
        cpu = cpu.saturating_add(ended.cpu);
        memory = memory.max(ended.memory);
        if ended.pid == command {
            return Ok(Report::Ended { status: ended.status, cpu, memory });
        }
    }
}

/// Becomes the command.
fn execute(plan: &Plan, program: &Program, wires: &Wires, report: BorrowedFd<'_>) -> ! {
    if let Err(failure) = prepare(plan, program, wires) {
        say(report, &Report::Failed(failure));
        sys::exit(ENDED)
    }
    // SAFETY: `Program` made both lists of C strings that it owns, with a null pointer at the end.
    let errno = unsafe { sys::exec(program.path(), &program.argv_pointers, &program.env_pointers) };
    say(report, &Report::NotStarted(errno));
    sys::exit(ENDED)
}

fn prepare(plan: &Plan, program: &Program, wires: &Wires) -> Result<(), Failure> {
    if matches!(wires.streams, Streams::Own { .. }) {
        rustix::process::setsid().during(Stage::Session)?;
    }
    rustix::process::chdir(&program.cwd).at(Stage::Folder, 0)?;
    for (index, (resource, limit)) in plan.limits.iter().enumerate() {
        rustix::process::setrlimit(*resource, *limit).at(Stage::Limits, index)?;
    }
    Ok(())
}

/// When the pipe is closed, the caller is gone, and so will we be.
fn say(report: BorrowedFd<'_>, message: &Report) {
    let _ = rustix::io::write(report, &message.to_bytes());
}
