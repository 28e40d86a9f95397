//! Everything that the processes inside need, made before they exist: they can't allocate.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Gid, Uid, getegid, geteuid};
use rustix::thread::{CpuSet, sched_getaffinity};

use super::place::{self, Bind, Place, What};
pub(super) use super::program::Program;
use super::program::invalid;
use super::special::DEVICES;
use crate::{Access, Command, Error, Identity, Limits, Network, Sandbox, Stage, Tmpfs};

/// The longest host name that Linux takes.
const HOST_NAME_MAX: usize = 64;

/// Bytes in `/dev/shm` of a service, as container engines have it.
const SHARED_MEMORY: u64 = 64 << 20;

/// What a command is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// To be run to its end.
    Task,
    /// To run on.
    Service,
}

/// See the module.
pub(super) struct Plan {
    pub(super) namespaces: i32,
    /// What is written to `uid_map` and `gid_map` of `/proc/self`; none without a user namespace of its own.
    pub(super) id_maps: Option<[Vec<u8>; 2]>,
    /// Who to become.
    pub(super) user: Option<(Uid, Gid)>,
    /// Where `0` is written to join groups.
    pub(super) groups: Vec<OwnedFd>,
    pub(super) root: Bind,
    pub(super) places: Vec<Place>,
    /// The machine's nodes, one for each of [`DEVICES`], once they are open.
    pub(super) devices: [Option<OwnedFd>; DEVICES.len()],
    /// Options of `/dev/shm`.
    pub(super) shared_memory: CString,
    pub(super) role: Role,
    pub(super) hostname: Vec<u8>,
    pub(super) cpus: Option<CpuSet>,
    /// Nothing when it is only tried whether all of this works.
    pub(super) program: Option<Program>,
}

impl Plan {
    pub(super) fn new(sandbox: &Sandbox, command: Option<&Command>, role: Role) -> Result<Self, Error> {
        let hostname = sandbox.hostname.clone().into_bytes();
        if hostname.is_empty() || hostname.len() > HOST_NAME_MAX {
            return Err(invalid("host name", &sandbox.hostname, "does not have 1 to 64 bytes"));
        }
        let user = match sandbox.identity {
            Identity::Same => can_become(sandbox.ids),
            Identity::Caller => None,
        };
        let (shared, tmpfs): (Vec<_>, Vec<_>) =
            sandbox.tmpfs.iter().cloned().partition(|it| it.to == Path::new("/dev/shm"));
        Ok(Self {
            namespaces: namespaces(sandbox.network, user.is_some()),
            id_maps: user.is_none().then(|| id_maps(sandbox.ids)),
            user,
            groups: Vec::new(),
            root: Bind::new(&sandbox.root, Access::Read)?,
            places: place::all(&sandbox.mounts, &tmpfs, sandbox.ids)?,
            devices: [const { None }; DEVICES.len()],
            shared_memory: place::options(&shared_memory(shared, role), sandbox.ids)?,
            role,
            hostname,
            cpus: cpus(&sandbox.limits),
            program: command.map(|it| Program::new(it, &sandbox.limits, role, sandbox.filter)).transpose()?,
        })
    }

    /// What a failed step was about.
    pub(super) fn path(&self, stage: Stage, index: usize) -> Option<PathBuf> {
        let place = || self.places.get(index.checked_sub(1)?);
        let text = match stage {
            Stage::Open | Stage::Restrict if index == 0 => self.root.from.as_bytes(),
            Stage::Open | Stage::Restrict => match &place()?.what {
                What::Bind(bind) => bind.from.as_bytes(),
                What::Memory(_) => return None,
            },
            Stage::Mount | Stage::Tmp => place()?.to.as_bytes(),
            Stage::Devices => {
                return Some(Path::new("/dev").join(OsStr::from_bytes(DEVICES.get(index)?.to_bytes())));
            }
            Stage::Folder => self.program.as_ref()?.cwd.as_bytes(),
            _ => return None,
        };
        Some(PathBuf::from(OsStr::from_bytes(text)))
    }

    /// The program as the command names it.
    pub(super) fn program(&self) -> String {
        let path = self.program.as_ref().map(Program::path);
        path.map(|it| CStr::to_string_lossy(it).into_owned()).unwrap_or_default()
    }
}

fn namespaces(network: Network, has_user: bool) -> i32 {
    let mut all = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    if !has_user {
        all |= libc::CLONE_NEWUSER;
    }
    if network == Network::None {
        all |= libc::CLONE_NEWNET;
    }
    all
}

/// These ids inside are the caller's outside: what an ordinary user may say of a namespace of its own.
fn id_maps(ids: (u32, u32)) -> [Vec<u8>; 2] {
    let map = |inside: u32, outside: u32| format!("{inside} {outside} 1\n").into_bytes();
    [map(ids.0, geteuid().as_raw()), map(ids.1, getegid().as_raw())]
}

/// These ids, where the caller may become anybody and they are known in its namespace.
pub(super) fn can_become((uid, gid): (u32, u32)) -> Option<(Uid, Gid)> {
    let known = |file: &str, id: u32| {
        let map = fs_err::read_to_string(file).unwrap_or_default();
        map.lines().any(|line| {
            let mut numbers = line.split_ascii_whitespace().map(|it| it.parse::<u32>().unwrap_or(0));
            let (first, _, count) = (numbers.next(), numbers.next(), numbers.next());
            first.zip(count).is_some_and(|(first, count)| id >= first && id - first < count)
        })
    };
    let all = geteuid().is_root() && known("/proc/self/uid_map", uid) && known("/proc/self/gid_map", gid);
    all.then(|| (Uid::from_raw(uid), Gid::from_raw(gid)))
}

fn shared_memory(wanted: Vec<Tmpfs>, role: Role) -> Tmpfs {
    let size = match role {
        Role::Task => None,
        Role::Service => Some(SHARED_MEMORY),
    };
    let usual = Tmpfs { to: PathBuf::from("/dev/shm"), mode: 0o1777, size };
    wanted.into_iter().next_back().unwrap_or(usual)
}

/// As many of the caller's CPUs as are wanted; other ones each time, so that sandboxes don't crowd on the first.
fn cpus(limits: &Limits) -> Option<CpuSet> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let wanted = limits.cpus?.get();
    let mine = sched_getaffinity(None).ok()?;
    let all: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| mine.is_set(*cpu)).collect();
    let wanted = wanted.min(all.len());
    let first = NEXT.fetch_add(wanted, Ordering::Relaxed) % all.len().max(1);
    let mut chosen = CpuSet::new();
    all.iter().cycle().skip(first).take(wanted).for_each(|cpu| chosen.set(*cpu));
    Some(chosen)
}
