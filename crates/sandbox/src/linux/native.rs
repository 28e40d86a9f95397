//! Commands that are not kept apart from the machine: the caller's own user, files, processes and network.
//!
//! No pid namespace ends their processes with them, so the first process, which is a copy of one thread of the caller (what
//! is said of `init` holds here), takes in all that lose their parents, and kills them when the command ends, when it is told
//! to, and when the caller ends: then the pipe from it is closed.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{getpid, set_child_subreaper};

use super::beside;
use super::init::{self, Streams, Waited, Wires};
use super::plan::Role;
use super::program::Program;
use super::report::{During, Failure, Report};
use super::service::{Service, Started};
use super::sys::{self, Clone};
use super::watch::Inside;
use super::{Group, nothing, tell};
use crate::{Command, Error, Filter, Limits, Output, Stage};

/// Between two looks for processes that are left, in nanoseconds.
const AGAIN: i64 = 20_000_000;
/// As many looks are made; what is not gone then can't be killed.
const LOOKS: u32 = 500;

/// All that is needed, made before.
struct Native {
    program: Program,
    /// Where `0` is written to join groups.
    groups: Vec<OwnedFd>,
}

/// Starts a command, and waits until it is executed.
pub(crate) fn start(
    command: &Command,
    output: Output,
    group: Option<&crate::Group>,
) -> Result<Service, Error> {
    let started = Instant::now();
    let program = Program::new(command, &Limits::default(), Role::Service, Filter::None)?;
    let groups = group.map(|crate::Group(group)| Group::doors(group)).transpose()?.unwrap_or_default();
    let native = Native { program, groups };
    let pipes = |errno| native.failed(Stage::Pipes, errno);
    let (listen, speak) = tell::pair().map_err(pipes)?;
    let stdin = nothing().map_err(pipes)?;
    let streams = Streams::Own { stdin, stdout: output.stdout, stderr: output.stderr };
    let (slack, leash) = pipe_with(PipeFlags::CLOEXEC).map_err(pipes)?;
    let (reports, wires) = Wires::new(streams, Some(speak)).map_err(pipes)?;
    let wires = Wires { caller: slack, ..wires };
    // SAFETY: the child calls nothing but `main`, which does what a child may and doesn't return.
    let inside = match unsafe { sys::clone(0) } {
        Ok(Clone::Child) => main(&native, &wires),
        Ok(Clone::Parent(pid, process)) => Inside::leashed(pid, process, reports, leash),
        Err(errno) => return Err(native.failed(Stage::Fork, errno)),
    };
    drop(wires);
    Started { inside, listen, started }.service(|report| native.failure(report), || native.program())
}

impl Native {
    fn program(&self) -> String {
        self.program.path().to_string_lossy().into_owned()
    }

    fn failed(&self, stage: Stage, errno: Errno) -> Error {
        let folder = || self.program.cwd.to_string_lossy().into_owned().into();
        Error::Setup { stage, path: (stage == Stage::Folder).then(folder), source: errno.into() }
    }

    fn failure(&self, report: &Report) -> Option<Error> {
        match report {
            Report::Failed(it) => Some(self.failed(it.stage, it.errno)),
            Report::NotStarted(errno) => {
                Some(Error::Start { program: self.program(), source: (*errno).into() })
            }
            Report::Ended { .. } | Report::TooLong => None,
        }
    }
}

/// What the first process does.
fn main(native: &Native, wires: &Wires) -> ! {
    match go(native, wires) {
        Ok(Some(report)) => init::say(wires.report.as_fd(), &report),
        // Killed, which is what the end of this process without a word means.
        Ok(None) => {}
        Err(failure) => init::say(wires.report.as_fd(), &Report::Failed(failure)),
    }
    sys::exit(0)
}

fn go(native: &Native, wires: &Wires) -> Result<Option<Report>, Failure> {
    for (index, group) in native.groups.iter().enumerate() {
        rustix::io::write(group, b"0").at(Stage::Group, index)?;
    }
    sys::reset_signals();
    let ends = sys::child_ends().during(Stage::DieWithCaller)?;
    let told = wires.told.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    let kept = [wires.report.as_raw_fd(), wires.caller.as_raw_fd(), told, ends.as_raw_fd()];
    init::descriptors(&wires.streams, kept).during(Stage::Descriptors)?;
    rustix::process::setsid().during(Stage::Session)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    set_child_subreaper(Some(getpid())).during(Stage::DieWithCaller)?;
    let command = beside::start(&native.program, wires)?;
    if let Some(told) = &wires.told {
        // SAFETY: this process doesn't use it, and ends without dropping anything.
        unsafe { sys::close(told.as_raw_fd()) };
    }
    let waited = init::wait_for(command, wires.caller.as_fd(), ends.as_fd(), None).during(Stage::Wait)?;
    end_all(ends.as_fd());
    match waited {
        Waited::Ended(report) => Ok(Some(report)),
        Waited::Alone | Waited::TooLong => Ok(None),
    }
}

/// Kills all children, and those that come to be children by it, until there are none.
fn end_all(ends: BorrowedFd<'_>) {
    for _ in 0..LOOKS {
        loop {
            match sys::wait() {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                // There are no more.
                Err(_) => return,
            }
        }
        // Where `/proc` can't be read, nobody is found.
        let _ = kill_children();
        let pause = Timespec { tv_sec: 0, tv_nsec: AGAIN };
        let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(ends, PollFlags::IN)], Some(&pause));
        let _ = rustix::io::read(ends, &mut [0; 1024]);
    }
}

/// Kills those whose parent is this process. Doesn't allocate.
fn kill_children() -> Result<(), Errno> {
    let me = getpid().as_raw_pid();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let all = rustix::fs::open(c"/proc", flags, Mode::empty())?;
    let mut space = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(&all, &mut space);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let Some(pid) = number(entry.file_name().to_bytes()) else { continue };
        if parent(all.as_fd(), entry.file_name()) == Some(me) {
            // It can't be another one's number: as a child that was not waited for, it has it.
            sys::kill(pid);
        }
    }
    Ok(())
}

/// The parent of the process with this name in `/proc`.
fn parent(all: BorrowedFd<'_>, process: &CStr) -> Option<i32> {
    const FILE: &[u8] = b"/stat\0";
    let name = process.to_bytes();
    let mut path = [0; 32];
    let end = name.len().checked_add(FILE.len())?;
    path.get_mut(..name.len())?.copy_from_slice(name);
    path.get_mut(name.len()..end)?.copy_from_slice(FILE);
    let path = CStr::from_bytes_with_nul(path.get(..end)?).ok()?;
    let file = rustix::fs::openat(all, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; 512];
    let read = rustix::io::read(&file, &mut text).ok()?;
    parent_of(text.get(..read)?)
}

/// The fourth field of `/proc/<pid>/stat`, whose second one, in parentheses, may hold anything (proc_pid_stat(5)).
fn parent_of(stat: &[u8]) -> Option<i32> {
    let after = stat.iter().rposition(|it| *it == b')')?.checked_add(1)?;
    let mut fields = stat.get(after..)?.split(|it| *it == b' ').filter(|it| !it.is_empty());
    number(fields.nth(1)?)
}

fn number(digits: &[u8]) -> Option<i32> {
    let digit = |it: &u8| it.is_ascii_digit().then(|| i32::from(it - b'0'));
    let add = |sum: i32, it: &u8| sum.checked_mul(10)?.checked_add(digit(it)?);
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

#[cfg(test)]
mod tests {
    use super::{number, parent_of};

    #[test]
    fn parents_are_found_whatever_a_program_is_called() {
        assert_eq!(parent_of(b"42 (sh) S 7 42 42 0 -1"), Some(7));
        assert_eq!(parent_of(b"42 (a) Z 1 b) S 7 42"), Some(7));
        assert_eq!(parent_of(b"42 (sh)"), None);
        assert_eq!(number(b"self"), None);
        assert_eq!(number(b"99999999999"), None);
    }
}
