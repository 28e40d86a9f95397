//! The folders that are seen inside. Runs in the sandbox's first process: nothing here allocates.
//!
//! What is on the machine is opened before the root changes and attached after: so no link in the new root can lead a
//! mount out of it, and no path of the machine has to be there inside.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::plan::{Bind, Plan};
use super::report::{During, Failure};
use super::sys::{self, Reach};
use crate::{Access, Stage};

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

/// What says things about the machine that no build needs.
const HIDDEN_FILES: [&CStr; 10] = [
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

const READ_ONLY: u64 = 0x1;
const NO_SUID: u64 = 0x2;
const NO_DEV: u64 = 0x4;

/// Makes the root folder what the plan says, and lets go of the machine's.
pub(super) fn enter(plan: &mut Plan) -> Result<(), Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change(c"/", private).during(Stage::Private)?;
    open(&mut plan.root, 0)?;
    for (index, mount) in plan.mounts.iter_mut().enumerate() {
        open(mount, index + 1)?;
    }
    for (index, (device, node)) in plan.devices.iter_mut().zip(NODES).enumerate() {
        *device = Some(open_tree(node, Reach::One).at(Stage::Devices, index)?);
    }

    pivot(plan)?;
    // Before `/proc` is there, so that no link in the root can lead a mount through it.
    tmpfs(c"/tmp", c"mode=1777").during(Stage::Tmp)?;
    for (index, mount) in plan.mounts.iter().enumerate() {
        let Some(tree) = &mount.tree else { continue };
        attach(tree.as_fd(), &mount.to).at(Stage::Mount, index + 1)?;
    }
    devices(plan)?;
    // While the machine's own is in reach: the kernel lets only those make one who see one.
    proc().during(Stage::Proc)?;

    rustix::mount::unmount(c".", UnmountFlags::DETACH).during(Stage::Detach)?;
    rustix::process::chdir(c"/").during(Stage::Detach)
}

/// Makes a copy of a mount, with all below it, that can be changed and attached elsewhere.
fn open(bind: &mut Bind, index: usize) -> Result<(), Failure> {
    let tree = open_tree(&bind.from, Reach::Below).at(Stage::Open, index)?;
    let attributes = match bind.access {
        Access::Read => READ_ONLY | NO_SUID | NO_DEV,
        Access::Write => NO_SUID | NO_DEV,
    };
    sys::mount_setattr(tree.as_fd(), Reach::Below, attributes).at(Stage::Restrict, index)?;
    bind.tree = Some(tree);
    Ok(())
}

fn pivot(plan: &Plan) -> Result<(), Failure> {
    let Some(root) = &plan.root.tree else { return Ok(()) };
    attach(root.as_fd(), &plan.root.from).at(Stage::Pivot, 0)?;
    rustix::process::fchdir(root).during(Stage::Pivot)?;
    // The old root comes to lie on the new one, where `.` names it and paths from `/` don't.
    rustix::process::pivot_root(c".", c".").during(Stage::Pivot)
}

fn devices(plan: &Plan) -> Result<(), Failure> {
    tmpfs(c"/dev", c"mode=755").during(Stage::Devices)?;
    for (index, (device, node)) in plan.devices.iter().zip(NODES).enumerate() {
        let Some(device) = device else { continue };
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        rustix::fs::open(node, flags, Mode::from_raw_mode(0o666)).at(Stage::Devices, index)?;
        attach(device.as_fd(), node).at(Stage::Devices, index)?;
    }
    more_devices().during(Stage::Devices)
}

fn more_devices() -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o755);
    rustix::fs::mkdir(c"/dev/pts", mode)?;
    rustix::fs::mkdir(c"/dev/shm", mode)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount(c"devpts", c"/dev/pts", c"devpts", flags, c"newinstance,ptmxmode=0666,mode=0620")?;
    tmpfs(c"/dev/shm", c"mode=1777")?;
    for (target, link) in LINKS {
        rustix::fs::symlink(target, link)?;
    }
    let folder = rustix::fs::open(c"/dev", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    sys::mount_setattr(folder.as_fd(), Reach::One, READ_ONLY)
}

fn proc() -> Result<(), Errno> {
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

fn tmpfs(path: &CStr, options: &CStr) -> Result<(), Errno> {
    rustix::mount::mount(c"tmpfs", path, c"tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)
}

fn open_tree(path: &CStr, reach: Reach) -> Result<rustix::fd::OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if reach == Reach::Below {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(CWD, path, flags)
}

fn attach(tree: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    rustix::mount::move_mount(tree, c"", CWD, path, flags)
}
