//! Who a process is, and what it may: the step from a process that may do all inside to one that may do nothing more than
//! its user. Nothing here allocates.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::report::{During, Failure};
use super::sys;
use crate::Stage;

/// Says who the users of this process's new user namespace are outside.
pub(super) fn map([uids, gids]: &[Vec<u8>; 2]) -> Result<(), Errno> {
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

/// Gives up every capability for good, here and in all children, and becomes `user` where there is one to become.
pub(super) fn drop(user: Option<(Uid, Gid)>) -> Result<(), Failure> {
    bounding().during(Stage::Privileges)?;
    if let Some(user) = user {
        become_user(user).during(Stage::User)?;
    }
    rest().during(Stage::Privileges)
}

fn bounding() -> Result<(), Errno> {
    sys::leave_keyring();
    rustix::thread::set_no_new_privs(true)?;
    let mut capability = 0;
    while sys::drop_bounding(capability)? {
        capability += 1;
    }
    rustix::thread::clear_ambient_capability_set()
}

fn become_user((uid, gid): (Uid, Gid)) -> Result<(), Errno> {
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
}

fn rest() -> Result<(), Errno> {
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none)?;
    // Nobody inside can look at this process's memory, files or environment, which were the caller's. Last, since a change of
    // credentials sets it to what the machine says.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
}
