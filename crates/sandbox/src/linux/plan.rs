//! Everything that the processes inside need, made before they exist: they can't allocate.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, Rlimit, getegid, geteuid, getrlimit};
use rustix::thread::{CpuSet, sched_getaffinity};

use super::mounts::DEVICES;
use crate::{Access, Command, Error, Limits, Network, Sandbox, Stage};

/// The longest host name that Linux takes.
const HOST_NAME_MAX: usize = 64;

/// See the module.
pub(super) struct Plan {
    pub(super) namespaces: i32,
    /// What is written to `uid_map` and `gid_map` of `/proc/self`.
    pub(super) id_maps: [Vec<u8>; 2],
    pub(super) root: Bind,
    /// Those that others are below come first.
    pub(super) mounts: Vec<Bind>,
    /// The machine's nodes, one for each of [`DEVICES`], once they are open.
    pub(super) devices: [Option<OwnedFd>; DEVICES.len()],
    pub(super) hostname: Vec<u8>,
    pub(super) limits: Vec<(Resource, Rlimit)>,
    pub(super) cpus: Option<CpuSet>,
    /// Nothing when it is only tried whether all of this works.
    pub(super) program: Option<Program>,
}

/// Something of the machine, to be seen inside.
pub(super) struct Bind {
    pub(super) from: CString,
    pub(super) to: CString,
    pub(super) access: Access,
    /// A copy of its mount, attached to nothing yet, once it is open.
    pub(super) tree: Option<OwnedFd>,
}

/// What is executed.
pub(super) struct Program {
    pub(super) cwd: CString,
    /// The strings that `argv_pointers` points to.
    argv: Vec<CString>,
    #[expect(dead_code, reason = "it owns what `env_pointers` points to")]
    env: Vec<CString>,
    pub(super) argv_pointers: Vec<*const c_char>,
    pub(super) env_pointers: Vec<*const c_char>,
}

impl Plan {
    pub(super) fn new(sandbox: &Sandbox, command: Option<&Command>) -> Result<Self, Error> {
        let mut namespaces = libc::CLONE_NEWUSER
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWCGROUP;
        if sandbox.network == Network::None {
            namespaces |= libc::CLONE_NEWNET;
        }
        let hostname = sandbox.hostname.clone().into_bytes();
        if hostname.is_empty() || hostname.len() > HOST_NAME_MAX {
            return Err(invalid("host name", &sandbox.hostname, "does not have 1 to 64 bytes"));
        }
        let map = |inside: u32, outside: u32| format!("{inside} {outside} 1\n").into_bytes();
        let root = Bind::new(&sandbox.root, Path::new("/"), Access::Read)?;
        let mounts =
            sandbox.mounts.iter().map(|it| Bind::new(&it.from, absolute("mount point", &it.to)?, it.access));
        let mut mounts = mounts.collect::<Result<Vec<_>, _>>()?;
        mounts.sort_by(|a, b| a.to.cmp(&b.to));
        Ok(Self {
            namespaces,
            id_maps: [map(sandbox.ids.0, geteuid().as_raw()), map(sandbox.ids.1, getegid().as_raw())],
            root,
            mounts,
            devices: [const { None }; DEVICES.len()],
            hostname,
            limits: limits(&sandbox.limits),
            cpus: cpus(&sandbox.limits),
            program: command.map(Program::new).transpose()?,
        })
    }

    /// What a failed step was about.
    pub(super) fn path(&self, stage: Stage, index: usize) -> Option<PathBuf> {
        let bind = || match index {
            0 => Some(&self.root),
            index => self.mounts.get(index.checked_sub(1)?),
        };
        let text = match stage {
            Stage::Open | Stage::Restrict => bind()?.from.as_bytes(),
            Stage::Mount => bind()?.to.as_bytes(),
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
        let named = self.program.as_ref().and_then(|it| it.argv.first());
        named.map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl Bind {
    fn new(from: &Path, to: &Path, access: Access) -> Result<Self, Error> {
        Ok(Self { from: c_string("path", from)?, to: c_string("mount point", to)?, access, tree: None })
    }
}

impl Program {
    /// The program.
    pub(super) fn path(&self) -> &CStr {
        self.argv.first().map_or(c"", CString::as_c_str)
    }

    fn new(command: &Command) -> Result<Self, Error> {
        let Some(program) = command.argv.first() else {
            return Err(invalid("command", "", "has no program"));
        };
        absolute("program", Path::new(program))?;
        let argv = command.argv.iter().map(|it| c_string("argument", it)).collect::<Result<Vec<_>, _>>()?;
        let env = command.env.iter().map(|(name, value)| {
            if name.is_empty() || name.contains('=') {
                return Err(invalid("environment variable", name, "is not a name"));
            }
            c_string("environment variable", format!("{name}={value}"))
        });
        let env = env.collect::<Result<Vec<_>, _>>()?;
        let pointers = |of: &[CString]| of.iter().map(|it| it.as_ptr()).chain([std::ptr::null()]).collect();
        Ok(Self {
            cwd: c_string("folder", absolute("folder", &command.cwd)?)?,
            argv_pointers: pointers(&argv),
            env_pointers: pointers(&env),
            argv,
            env,
        })
    }
}

/// What can be set: never more than the caller itself may have.
fn limits(limits: &Limits) -> Vec<(Resource, Rlimit)> {
    let mut wanted = vec![(Resource::Core, 0), (Resource::Fsize, limits.file)];
    wanted.extend(limits.memory.map(|it| (Resource::As, it)));
    let bounded = wanted.into_iter().map(|(resource, limit)| {
        let limit = Some(getrlimit(resource).maximum.map_or(limit, |most| most.min(limit)));
        (resource, Rlimit { current: limit, maximum: limit })
    });
    bounded.collect()
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

fn absolute<'a>(what: &'static str, path: &'a Path) -> Result<&'a Path, Error> {
    match path.is_absolute() {
        true => Ok(path),
        false => Err(invalid(what, path, "is not an absolute path")),
    }
}

fn c_string(what: &'static str, text: impl AsRef<OsStr>) -> Result<CString, Error> {
    CString::new(text.as_ref().as_bytes()).map_err(|_| invalid(what, text, "holds a zero byte"))
}

fn invalid(what: &'static str, text: impl AsRef<OsStr>, wrong: &'static str) -> Error {
    let mut shown = String::new();
    // Writing to a string can't fail.
    let _ = write!(shown, "{}", text.as_ref().to_string_lossy().escape_debug());
    Error::Invalid { what, text: shown, wrong }
}
