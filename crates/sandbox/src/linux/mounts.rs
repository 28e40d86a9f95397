//! The folders that are seen inside. Runs in the sandbox's first process: nothing here allocates.
//!
//! What is on the machine is opened before the root changes and attached after: so no link in the new root can lead a
//! mount out of it, and no path of the machine has to be there inside.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::place::{Bind, Place, Point, What};
use super::plan::Plan;
use super::report::{During, Failure};
use super::special;
use super::sys::{self, Reach};
use crate::{Access, Stage};

pub(super) const READ_ONLY: u64 = 0x1;
const NO_SUID: u64 = 0x2;
const NO_DEV: u64 = 0x4;

/// Makes the root folder what the plan says, and lets go of the machine's.
pub(super) fn enter(plan: &mut Plan) -> Result<(), Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change(c"/", private).during(Stage::Private)?;
    open(&mut plan.root, 0)?;
    for (index, place) in plan.places.iter_mut().enumerate() {
        if let What::Bind(bind) = &mut place.what {
            open(bind, index + 1)?;
        }
    }
    special::open_devices(plan)?;

    pivot(plan)?;
    // Before `/proc` is there, so that no link in the root can lead a mount through it.
    for (index, place) in plan.places.iter().enumerate() {
        put(place, index + 1)?;
    }
    special::devices(plan)?;
    // While the machine's own is in reach: the kernel lets only those make one who see one.
    special::proc().during(Stage::Proc)?;

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

fn put(place: &Place, index: usize) -> Result<(), Failure> {
    for folder in &place.above {
        match rustix::fs::mkdir(folder, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) => {}
            made => made.at(Stage::Mount, index)?,
        }
    }
    match &place.what {
        What::Memory(options) => {
            if place.point == Point::Made {
                rustix::fs::mkdir(&place.to, Mode::from_raw_mode(0o755)).at(Stage::Tmp, index)?;
            }
            tmpfs(&place.to, options).at(Stage::Tmp, index)
        }
        What::Bind(bind) => {
            let Some(tree) = &bind.tree else { return Ok(()) };
            if place.point == Point::Made {
                point(tree.as_fd(), &place.to).at(Stage::Mount, index)?;
            }
            attach(tree.as_fd(), &place.to).at(Stage::Mount, index)
        }
    }
}

/// Makes what `tree` can be mounted on.
fn point(tree: BorrowedFd<'_>, to: &CStr) -> Result<(), Errno> {
    match FileType::from_raw_mode(rustix::fs::fstat(tree)?.st_mode) {
        FileType::Directory => rustix::fs::mkdir(to, Mode::from_raw_mode(0o755)),
        _ => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::open(to, flags, Mode::from_raw_mode(0o644)).map(|_| ())
        }
    }
}

fn pivot(plan: &Plan) -> Result<(), Failure> {
    let Some(root) = &plan.root.tree else { return Ok(()) };
    attach(root.as_fd(), &plan.root.from).at(Stage::Pivot, 0)?;
    rustix::process::fchdir(root).during(Stage::Pivot)?;
    // The old root comes to lie on the new one, where `.` names it and paths from `/` don't.
    rustix::process::pivot_root(c".", c".").during(Stage::Pivot)
}

pub(super) fn tmpfs(path: &CStr, options: &CStr) -> Result<(), Errno> {
    rustix::mount::mount(c"tmpfs", path, c"tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)
}

pub(super) fn open_tree(path: &CStr, reach: Reach) -> Result<rustix::fd::OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if reach == Reach::Below {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(CWD, path, flags)
}

pub(super) fn attach(tree: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    rustix::mount::move_mount(tree, c"", CWD, path, flags)
}
