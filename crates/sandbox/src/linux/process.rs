//! Processes as `/proc` shows them.

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Gid, Pid, PidfdFlags, Uid, pidfd_open};

use super::sys;
use crate::{Error, Filter, Process, Signal, Usage};

/// What `/proc/<pid>/stat` says (proc_pid_stat(5)).
struct Stat {
    parent: i32,
    /// Of it and of what it waited for, in ticks.
    cpu: u64,
    /// In ticks since the machine was started.
    born: u64,
}

/// The process of that number. When it has ended already, its birth is one that none has.
pub(super) fn of(pid: Pid) -> Process {
    let number = pid.as_raw_pid();
    Process { pid: number.unsigned_abs(), born: stat(number).map_or(0, |it| it.born) }
}

/// Opens a process, if it is still the same.
pub(super) fn open(process: Process) -> Result<OwnedFd, Error> {
    let gone = || Error::Gone { pid: process.pid };
    let number = i32::try_from(process.pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
    let opened = match pidfd_open(number, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Err(gone()),
        opened => {
            opened.map_err(|errno| kernel("open the process of", path(number.as_raw_pid(), ""), errno))?
        }
    };
    // As long as what was opened lives, nobody else has its number.
    let same = stat(number.as_raw_pid()).is_some_and(|it| it.born == process.born);
    match same && !ends_within(&opened, Duration::ZERO) {
        true => Ok(opened),
        false => Err(gone()),
    }
}

/// What there is to know of a process to run another one beside it.
pub(super) struct Known {
    /// Its user and group, as its own namespace has them.
    pub(super) user: (Uid, Gid),
    pub(super) filter: Filter,
}

/// Looks at a process, which the caller has opened.
pub(super) fn known(process: Process) -> Result<Known, Error> {
    let pid = process.pid.cast_signed();
    let read = |file: &str| {
        let path = path(pid, file);
        fs_err::read_to_string(&path).map_err(|source| Error::Kernel { what: "read", path, source })
    };
    let (status, uids, gids) = (read("status")?, read("uid_map")?, read("gid_map")?);
    let field = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.split_ascii_whitespace().next()?.parse::<u32>().ok()
    };
    let id = |name: &str, map: &str| inside(field(name)?, map);
    let user = id("Uid", &uids).zip(id("Gid", &gids));
    let user = user.ok_or_else(|| kernel("make sense of", path(pid, "status"), Errno::INVAL))?;
    // 2: by a program.
    let filter = if field("Seccomp") == Some(2) { Filter::Services } else { Filter::None };
    Ok(Known { user: (Uid::from_raw(user.0), Gid::from_raw(user.1)), filter })
}

/// The id inside of what is `outside`, by a `uid_map` (user_namespaces(7)).
fn inside(outside: u32, map: &str) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_ascii_whitespace().map(|it| it.parse::<u32>().ok());
        let (inside, first, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let offset = outside.checked_sub(first)?;
        (offset < count).then(|| inside.checked_add(offset))?
    })
}

/// A time as the kernel takes it; what is too long for it is its longest.
pub(super) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

/// Whether a process has ended, or does in so much time, which is waited for.
pub(super) fn ends_within(process: &OwnedFd, time: Duration) -> bool {
    let time = timespec(time);
    let polled = rustix::event::poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&time));
    polled.is_ok_and(|ready| ready > 0)
}

pub(crate) fn is_alive(process: Process) -> bool {
    open(process).is_ok()
}

pub(crate) fn signal(process: Process, signal: Signal) -> Result<(), Error> {
    match open(process) {
        Err(Error::Gone { .. }) => Ok(()),
        opened => send(std::os::fd::AsFd::as_fd(&opened?), process, signal),
    }
}

/// Sends a signal to what was opened; nothing to what has ended.
pub(super) fn send(to: BorrowedFd<'_>, process: Process, signal: Signal) -> Result<(), Error> {
    match sys::signal(to, signal.number()) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(errno) => Err(kernel("send a signal to", PathBuf::from(format!("/proc/{}", process.pid)), errno)),
    }
}

/// What a process, seen from outside, and all below it use.
pub(super) fn usage(first: i32) -> Result<Usage, Error> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let mut stats = BTreeMap::new();
    let all = fs_err::read_dir("/proc");
    let all = all.map_err(|source| Error::Kernel { what: "read", path: PathBuf::from("/proc"), source })?;
    for entry in all.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse::<i32>().ok()) else { continue };
        let Some(stat) = stat(pid) else { continue };
        children.entry(stat.parent).or_default().push(pid);
        stats.insert(pid, stat);
    }
    let (mut own, mut shared, mut ticks, mut processes) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut open = vec![first];
    while let Some(pid) = open.pop() {
        let Some(stat) = stats.remove(&pid) else { continue };
        open.extend(children.remove(&pid).unwrap_or_default());
        ticks = ticks.saturating_add(stat.cpu);
        // The first one is a copy of the caller, in memory that is the caller's.
        if pid != first {
            let (resident, with_others) = memory(pid);
            own = own.saturating_add(resident.saturating_sub(with_others));
            shared = shared.max(with_others);
            processes += 1;
        }
    }
    let page = rustix::param::page_size() as u64;
    let second = rustix::param::clock_ticks_per_second();
    Ok(Usage {
        memory: own.saturating_add(shared).saturating_mul(page),
        cpu: Duration::from_millis(ticks.saturating_mul(1000) / second.max(1)),
        processes,
        out_of_memory: 0,
    })
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs_err::read_to_string(path(pid, "stat")).ok()?;
    // The program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    // The first of these is the third field.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let cpu = [14, 15, 16, 17].into_iter().map(field).sum::<Option<u64>>()?;
    Some(Stat { parent: i32::try_from(field(4)?).ok()?, cpu, born: field(22)? })
}

/// Resident pages, and those among them that others may have as well.
fn memory(pid: i32) -> (u64, u64) {
    let text = fs_err::read_to_string(path(pid, "statm")).unwrap_or_default();
    let mut pages = text.split_ascii_whitespace().skip(1).map(|it| it.parse().unwrap_or(0));
    (pages.next().unwrap_or(0), pages.next().unwrap_or(0))
}

pub(super) fn path(pid: i32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

pub(super) fn kernel(what: &'static str, path: PathBuf, errno: Errno) -> Error {
    Error::Kernel { what, path, source: errno.into() }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn ids_are_found_in_maps() {
        assert_eq!(inside(1000, "     10001       1000          1\n"), Some(10_001));
        assert_eq!(inside(10_001, "         0          0 4294967295\n"), Some(10_001));
        assert_eq!(inside(1001, "10001 1000 1\n0 1001 2\n"), Some(0));
        assert_eq!(inside(1000, "0 100000 65536\n"), None);
    }
}
