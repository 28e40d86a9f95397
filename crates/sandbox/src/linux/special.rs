//! `/dev` and `/proc`: what programs expect there, and nothing of the machine to write or spy on. Runs in the sandbox's
//! first process: nothing here allocates.

use std::ffi::CStr;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountFlags;

use super::mounts::{READ_ONLY, attach, open_tree, tmpfs};
use super::plan::{Plan, Role};
use super::report::{During, Failure};
use super::sys::{self, Reach};
use crate::Stage;

/// The nodes in `/dev`. They can't be made in a user namespace, so they are the machine's.
pub(super) const DEVICES: [&CStr; 6] = [c"null", c"zero", c"full", c"random", c"urandom", c"tty"];

/// Where each of [`DEVICES`] is.
const NODES: [&CStr; DEVICES.len()] =
    [c"/dev/null", c"/dev/zero", c"/dev/full", c"/dev/random", c"/dev/urandom", c"/dev/tty"];

const LINKS: [(&CStr, &CStr); 5] = [
    (c"/proc/self/fd", c"/dev/fd"),
    (c"/proc/self/fd/0", c"/dev/stdin"),
    (c"/proc/self/fd/1", c"/dev/stdout"),
    (c"/proc/self/fd/2", c"/dev/stderr"),
    (c"pts/ptmx", c"/dev/ptmx"),
];

/// Settings of the machine, which root's own processes could write even without capabilities.
const UNWRITABLE: [&CStr; 5] =
    [c"/proc/bus", c"/proc/fs", c"/proc/irq", c"/proc/sys", c"/proc/sysrq-trigger"];

/// What says things about the machine that nobody inside needs.
const HIDDEN_FILES: [&CStr; 11] = [
    c"/proc/interrupts",
    c"/proc/kcore",
    c"/proc/keys",
    c"/proc/key-users",
    c"/proc/kmsg",
    c"/proc/kpagecount",
    c"/proc/kpageflags",
    c"/proc/latency_stats",
    c"/proc/sched_debug",
    c"/proc/timer_list",
    c"/proc/timer_stats",
];

/// As [`HIDDEN_FILES`].
const HIDDEN_FOLDERS: [&CStr; 3] = [c"/proc/acpi", c"/proc/asound", c"/proc/scsi"];

/// Opens the machine's nodes, while they are in reach.
pub(super) fn open_devices(plan: &mut Plan) -> Result<(), Failure> {
    for (index, (device, node)) in plan.devices.iter_mut().zip(NODES).enumerate() {
        *device = Some(open_tree(node, Reach::One).at(Stage::Devices, index)?);
    }
    Ok(())
}

/// Makes `/dev`.
pub(super) fn devices(plan: &Plan) -> Result<(), Failure> {
    tmpfs(c"/dev", c"mode=755").during(Stage::Devices)?;
    for (index, (device, node)) in plan.devices.iter().zip(NODES).enumerate() {
        let Some(device) = device else { continue };
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        rustix::fs::open(node, flags, Mode::from_raw_mode(0o666)).at(Stage::Devices, index)?;
        attach(device.as_fd(), node).at(Stage::Devices, index)?;
    }
    more_devices(plan).during(Stage::Devices)
}

fn more_devices(plan: &Plan) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o755);
    rustix::fs::mkdir(c"/dev/pts", mode)?;
    rustix::fs::mkdir(c"/dev/shm", mode)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount(c"devpts", c"/dev/pts", c"devpts", flags, c"newinstance,ptmxmode=0666,mode=0620")?;
    tmpfs(c"/dev/shm", &plan.shared_memory)?;
    if plan.role == Role::Service {
        rustix::fs::mkdir(c"/dev/mqueue", mode)?;
        rustix::mount::mount(c"mqueue", c"/dev/mqueue", c"mqueue", flags | MountFlags::NODEV, None)?;
    }
    for (target, link) in LINKS {
        rustix::fs::symlink(target, link)?;
    }
    let folder = rustix::fs::open(c"/dev", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    sys::mount_setattr(folder.as_fd(), Reach::One, READ_ONLY)
}

/// Makes `/proc`.
pub(super) fn proc() -> Result<(), Errno> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // Only what could be traced is seen: not the first process, whose command line is the caller's.
    rustix::mount::mount(c"proc", c"/proc", c"proc", flags, c"hidepid=4")?;
    for path in UNWRITABLE {
        if exists(path) {
            let tree = open_tree(path, Reach::Below)?;
            sys::mount_setattr(tree.as_fd(), Reach::Below, READ_ONLY)?;
            attach(tree.as_fd(), path)?;
        }
    }
    for path in HIDDEN_FILES {
        if exists(path) {
            attach(open_tree(c"/dev/null", Reach::One)?.as_fd(), path)?;
        }
    }
    for path in HIDDEN_FOLDERS {
        if exists(path) {
            rustix::mount::mount(c"tmpfs", path, c"tmpfs", flags | MountFlags::RDONLY, c"mode=555")?;
        }
    }
    Ok(())
}

fn exists(path: &CStr) -> bool {
    rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}
