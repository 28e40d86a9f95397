//! Trees as folders that sandboxes see: made once, shared by all builds, never changed.
//!
//! ```text
//! <store>/<kind>/<digest>/tree     the folder
//! <store>/<kind>/<digest>/whole    there once all of it is
//! <store>/<kind>/<digest>.lock     held by who makes it
//! ```

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fs_err as fs;
use longshore_oci::{Content, Digest, Node, Store, StoreError, Tree, TreePath};
use rustix::fs::{AtFlags, CWD, FlockOperation, Timespec, Timestamps};

use crate::Error;

/// The one time of every file that a build sees: 1980-01-01, the first that zip archives can hold.
pub(crate) const EPOCH: i64 = 315_532_800;

/// The folder of `tree` for its digest `key`, made where it isn't there yet.
pub(crate) fn shared(
    store: &Store,
    kind: &'static str,
    key: &Digest,
    jobs: usize,
    tree: impl FnOnce() -> Result<Tree, Error>,
) -> Result<PathBuf, Error> {
    let all = store.root().join(kind);
    let home = all.join(key.hex());
    let (folder, whole) = (home.join("tree"), home.join("whole"));
    if whole.exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&all)?;
    let lock = fs::File::create(all.join(format!("{}.lock", key.hex())))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(std::io::Error::from)?;
    if whole.exists() {
        return Ok(folder);
    }
    let tree = tree()?;
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let scratch = store.scratch();
    write(&tree, store, &open(&scratch, "tree")?, jobs)?;
    fs::write(scratch.join("whole"), b"")?;
    fs::rename(&scratch, &home)?;
    Ok(folder)
}

/// Writes `tree`, whose paths have been checked, into the empty folder `to`: owners are the caller's, set-id bits and
/// extended attributes are dropped, every time is [`EPOCH`].
pub(crate) fn write(tree: &Tree, store: &Store, to: &Path, jobs: usize) -> Result<(), Error> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for (path, entry) in tree.iter() {
        for above in path.ancestors() {
            // In order, so what was made last is most often the same.
            if folders.last() != Some(&above) && !tree_has_folder(tree, &above) {
                make(&to.join(OsStr::from_bytes(above.as_bytes())), 0o755)?;
                folders.push(above);
            }
        }
        let place = to.join(OsStr::from_bytes(path.as_bytes()));
        match &entry.node {
            Node::Directory => {
                // Whoever makes it must be able to take it away again.
                make(&place, entry.mode & 0o1777 | 0o700)?;
                folders.push(path.clone());
            }
            Node::File(content) => files.push((place, *content, entry.mode & 0o777 | 0o400)),
            Node::Symlink(_) | Node::Hardlink(_) => {}
        }
    }
    copy_all(&files, store, jobs)?;
    for (path, entry) in tree.iter() {
        let place = to.join(OsStr::from_bytes(path.as_bytes()));
        match &entry.node {
            Node::Hardlink(target) => fs::hard_link(to.join(OsStr::from_bytes(target.as_bytes())), &place)?,
            Node::Symlink(target) => {
                fs::os::unix::fs::symlink(OsStr::from_bytes(target), &place)?;
                set_time(&place)?;
            }
            Node::Directory | Node::File(_) => {}
        }
    }
    folders.push(TreePath::root());
    folders.iter().try_for_each(|path| set_time(&to.join(OsStr::from_bytes(path.as_bytes()))))
}

fn tree_has_folder(tree: &Tree, path: &TreePath) -> bool {
    tree.get(path).is_some_and(|entry| entry.node == Node::Directory)
}

/// Makes the folders of `below`, one in the other, in `top`, which it makes too where it isn't there. All can be read by
/// everyone, whatever the caller's umask is: builds see the modes.
pub(crate) fn open(top: &Path, below: impl AsRef<Path>) -> Result<PathBuf, Error> {
    fs::create_dir_all(top)?;
    let mut place = top.to_owned();
    make(&place, 0o755)?;
    for part in below.as_ref().components() {
        place.push(part);
        make(&place, 0o755)?;
    }
    Ok(place)
}

fn make(place: &Path, mode: u16) -> Result<(), Error> {
    match fs::create_dir(place) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other?,
    }
    Ok(fs::set_permissions(place, std::fs::Permissions::from_mode(mode.into()))?)
}

fn copy_all(files: &[(PathBuf, Content, u16)], store: &Store, jobs: usize) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || {
        while let Some((place, content, mode)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = copy(place, content, *mode, store) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                next.store(files.len(), Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        (1..jobs.clamp(1, 16)).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn copy(place: &Path, content: &Content, mode: u16, store: &Store) -> Result<(), Error> {
    if !store.has(content) {
        return Err(StoreError::Missing(*content).into());
    }
    fs::copy(store.blob_path(&content.digest), place)?;
    fs::set_permissions(place, std::fs::Permissions::from_mode(mode.into()))?;
    set_time(place)
}

fn set_time(place: &Path) -> Result<(), Error> {
    let time = Timespec { tv_sec: EPOCH, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| std::io::Error::from(error).into())
}
