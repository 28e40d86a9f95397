//! Trees as folders that sandboxes see: made once, shared by all builds and services, never changed.
//!
//! ```text
//! <store>/<kind>/<digest>/tree     the folder
//! <store>/<kind>/<digest>/whole    there once all of it is
//! <store>/<kind>/<digest>.lock     held by who makes it
//! <store>/<kind>/<digest>.held     shared by those who live on it and do not have the store open
//! ```

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fs_err as fs;
use rustix::fs::{AtFlags, CWD, FlockOperation, Gid, Timespec, Timestamps, Uid};

use crate::{Content, Digest, Entry, Node, Store, StoreError, Tree, TreePath};

/// Why a tree can't be a folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk said no; the message has the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store doesn't have what a file is to hold.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FolderError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            // The disk is the store's.
            Self::Io(error) => StoreError::hint_of(error),
            Self::Store(error) => error.hint(),
        }
    }
}

/// The one time of every file in such folders: 1980-01-01, the first that zip archives can hold.
pub const EPOCH: i64 = 315_532_800;

/// What the files of a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Copies of their own, the caller's: whoever writes to one changes nothing else.
    Copies,
    /// Names of files that all such folders share, so that a folder costs what is new in it: for folders that are only read.
    Shared(Owners),
}

/// Whose the files of a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// The caller's, all of them.
    Caller,
    /// Whose the tree says; only root can make such a folder.
    Tree,
}

/// The folder of `tree` for its digest `key`, made where it isn't there yet by `jobs` threads.
///
/// # Errors
/// What `tree` says, or that it can't be written.
pub fn shared<E: From<FolderError>>(
    store: &Store,
    kind: &'static str,
    key: &Digest,
    files: Files,
    jobs: usize,
    tree: impl FnOnce() -> Result<Tree, E>,
) -> Result<PathBuf, E> {
    let home = store.root().join(kind).join(key.hex());
    let folder = home.join("tree");
    if whole(&home) {
        store.uses(&home.join("whole"));
        return Ok(folder);
    }
    let _lock = lock(&home)?;
    if whole(&home) {
        return Ok(folder);
    }
    let tree = tree()?;
    place(&tree, store, &home, files, jobs)?;
    Ok(folder)
}

fn whole(home: &Path) -> bool {
    home.join("whole").exists()
}

/// Keeps the folder that [`shared`] gave, `<kind>/<digest>/tree`, for a process that lives on it and does not hold the store:
/// until what is returned is dropped, nobody removes it. Nothing where it is no such folder.
///
/// # Errors
/// When the disk says no.
pub fn hold(folder: &Path) -> io::Result<Option<fs::File>> {
    let Some(home) = folder.parent().filter(|home| whole(home)) else { return Ok(None) };
    let lock = fs::File::options().read(true).write(true).create(true).open(home.with_extension("held"))?;
    rustix::fs::flock(&lock, FlockOperation::LockShared)?;
    Ok(Some(lock))
}

/// Waits until nobody else makes `home`, and keeps others from it until what is returned is dropped.
fn lock(home: &Path) -> Result<fs::File, FolderError> {
    if let Some(all) = home.parent() {
        fs::create_dir_all(all)?;
    }
    let lock = fs::File::create(home.with_extension("lock"))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(io::Error::from)?;
    Ok(lock)
}

/// Makes `home`, which appears whole or not at all.
fn place(tree: &Tree, store: &Store, home: &Path, files: Files, jobs: usize) -> Result<(), FolderError> {
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    let scratch = store.scratch();
    write(tree, store, &open(&scratch, "tree")?, files, jobs)?;
    fs::write(scratch.join("whole"), b"")?;
    fs::rename(&scratch, home)?;
    if files == Files::Copies {
        store.grew(tree.size());
    }
    Ok(())
}

/// Writes `tree`, whose paths have been checked, into the empty folder `to`: set-id bits and extended attributes are
/// dropped, every time is [`EPOCH`]. No file is the store's own, so its bytes are safe from who writes to one.
///
/// # Errors
/// When the store doesn't have a file's bytes, or the disk takes no more.
pub fn write(tree: &Tree, store: &Store, to: &Path, files: Files, jobs: usize) -> Result<(), FolderError> {
    let owners = match files {
        Files::Copies => Owners::Caller,
        Files::Shared(owners) => owners,
    };
    let (mut all, mut folders) = (Vec::new(), Vec::new());
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
            Node::File(content) => {
                let mode = entry.mode & 0o777 | 0o400;
                all.push(File { place, content: *content, mode, owner: owner(entry, owners) });
            }
            Node::Symlink(_) | Node::Hardlink(_) => {}
        }
    }
    write_all(&all, store, files, jobs)?;
    for (path, entry) in tree.iter() {
        let place = to.join(OsStr::from_bytes(path.as_bytes()));
        match &entry.node {
            Node::Hardlink(target) => fs::hard_link(to.join(OsStr::from_bytes(target.as_bytes())), &place)?,
            Node::Symlink(target) => {
                fs::os::unix::fs::symlink(OsStr::from_bytes(target), &place)?;
                own(&place, owner(entry, owners))?;
                set_time(&place)?;
            }
            Node::Directory => own(&place, owner(entry, owners))?,
            Node::File(_) => {}
        }
    }
    folders.push(TreePath::root());
    folders.iter().try_for_each(|path| set_time(&to.join(OsStr::from_bytes(path.as_bytes()))))
}

/// A file that is to be.
struct File {
    place: PathBuf,
    content: Content,
    mode: u16,
    owner: Option<(u32, u32)>,
}

/// Whom it is to be given to.
fn owner(entry: &Entry, owners: Owners) -> Option<(u32, u32)> {
    match owners {
        Owners::Caller => None,
        Owners::Tree => Some((entry.uid, entry.gid)).filter(|owner| *owner != (0, 0)),
    }
}

fn own(place: &Path, owner: Option<(u32, u32)>) -> Result<(), FolderError> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::fs::chownat(CWD, place, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| io::Error::from(error).into())
}

fn tree_has_folder(tree: &Tree, path: &TreePath) -> bool {
    tree.get(path).is_some_and(|entry| entry.node == Node::Directory)
}

/// Makes the folders of `below`, one in the other, in `top`, which it makes too where it isn't there. All can be read by
/// everyone, whatever the caller's umask is: sandboxes see the modes.
///
/// # Errors
/// When the disk says no.
pub fn open(top: &Path, below: impl AsRef<Path>) -> Result<PathBuf, FolderError> {
    fs::create_dir_all(top)?;
    let mut place = top.to_owned();
    make(&place, 0o755)?;
    for part in below.as_ref().components() {
        place.push(part);
        make(&place, 0o755)?;
    }
    Ok(place)
}

fn make(place: &Path, mode: u16) -> Result<(), FolderError> {
    match fs::create_dir(place) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other?,
    }
    Ok(fs::set_permissions(place, std::fs::Permissions::from_mode(mode.into()))?)
}

fn write_all(files: &[File], store: &Store, how: Files, jobs: usize) -> Result<(), FolderError> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let written = match how {
                Files::Copies => copy(file, &file.place, store),
                Files::Shared(_) => link(file, store),
            };
            if let Err(error) = written {
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

fn copy(file: &File, to: &Path, store: &Store) -> Result<(), FolderError> {
    if !store.has(&file.content) {
        return Err(StoreError::Missing(file.content).into());
    }
    fs::copy(store.blob_path(&file.content.digest), to)?;
    fs::set_permissions(to, std::fs::Permissions::from_mode(file.mode.into()))?;
    own(to, file.owner)?;
    set_time(to)
}

/// Makes a name of the file that all folders share, which is made where it isn't there or isn't whole.
fn link(file: &File, store: &Store) -> Result<(), FolderError> {
    let hex = file.content.digest.hex();
    let (uid, gid) = file.owner.unwrap_or_default();
    let all = store.root().join("files").join(&hex[..2]);
    let shared = all.join(format!("{hex}-{:o}-{uid}-{gid}", file.mode));
    if !fs::metadata(&shared).is_ok_and(|there| there.len() == file.content.size) {
        let scratch = store.scratch();
        copy(file, &scratch, store)?;
        fs::create_dir_all(&all)?;
        fs::rename(scratch, &shared)?;
        store.grew(file.content.size);
    }
    match fs::hard_link(&shared, &file.place) {
        // A file has so many names at most, and takes no more once another thread's has taken its place.
        Err(error) if matches!(error.kind(), ErrorKind::TooManyLinks | ErrorKind::NotFound) => {
            copy(file, &file.place, store)
        }
        linked => Ok(linked?),
    }
}

fn set_time(place: &Path) -> Result<(), FolderError> {
    let time = Timespec { tv_sec: EPOCH, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| io::Error::from(error).into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn tree(content: Content) -> Tree {
        let mut tree = Tree::new();
        let file = Entry::file(0o4755, content);
        tree.insert(TreePath::new("usr/bin/tool").unwrap(), file);
        tree.insert(TreePath::new("bin").unwrap(), Entry::symlink("usr/bin"));
        tree
    }

    #[test]
    fn a_tree_is_written_once_as_copies_of_the_store_s_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let content = store.put(b"#!/bin/sh\n").unwrap();
        let key = Digest::of(b"key");
        let made =
            shared::<FolderError>(&store, "trees", &key, Files::Copies, 2, || Ok(tree(content))).unwrap();
        let tool = fs::metadata(made.join("bin/tool")).unwrap();
        assert_eq!((tool.mode() & 0o7777, tool.nlink(), tool.mtime()), (0o755, 1, EPOCH));
        let again =
            shared::<FolderError>(&store, "trees", &key, Files::Copies, 2, || unreachable!("it is there"))
                .unwrap();
        assert_eq!(again, made);
    }

    #[test]
    fn files_belong_to_whom_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        // Only root can give files away.
        let other = if own.0 == 0 { (123, 456) } else { own };
        let given = || -> Tree {
            let owned = |entry: Entry| entry.owned_by(other.0, other.1);
            let content = store.put(b"text").unwrap();
            let entries = [
                ("data", owned(Entry::directory(0o750))),
                ("data/file", owned(Entry::file(0o600, content))),
                ("data/link", owned(Entry::symlink("file"))),
            ];
            entries.into_iter().map(|(path, entry)| (TreePath::new(path).unwrap(), entry)).collect()
        };
        for (files, expected, names) in [
            (Files::Copies, own, 1),
            (Files::Shared(Owners::Caller), own, 2),
            (Files::Shared(Owners::Tree), other, 2),
        ] {
            let key = Digest::of(format!("{files:?}").as_bytes());
            let made = shared::<FolderError>(&store, "trees", &key, files, 1, || Ok(given())).unwrap();
            for path in ["data", "data/file", "data/link"] {
                let is = fs::symlink_metadata(made.join(path)).unwrap();
                assert_eq!((is.uid(), is.gid()), expected, "{path} of {files:?}");
            }
            let file = fs::metadata(made.join("data/file")).unwrap();
            assert_eq!((file.mode() & 0o7777, file.nlink()), (0o600, names), "{files:?}");
        }
        // What lost bytes in a power cut is made again, for those to come.
        let files = Files::Shared(Owners::Caller);
        let again = |name: &[u8]| {
            let made = shared::<FolderError>(&store, "trees", &Digest::of(name), files, 1, || Ok(given()));
            fs::read(made.unwrap().join("data/file")).unwrap()
        };
        let hex = Digest::of(b"text").hex();
        let kept = folder.path().join("files").join(&hex[..2]).join(format!("{hex}-600-0-0"));
        fs::write(&kept, b"").unwrap();
        assert_eq!(again(b"second"), b"text");
        assert_eq!(fs::metadata(kept).unwrap().nlink(), 2);
    }

    #[test]
    fn files_of_one_content_are_made_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for round in 0_u32..200 {
            // New to the store: several threads find it missing, and put it there one after the other.
            let content = store.put(&round.to_le_bytes()).unwrap();
            let same =
                || (0..8).map(|n| (TreePath::new(format!("same/{n}")).unwrap(), Entry::file(0o644, content)));
            let (key, files) = (content.digest, Files::Shared(Owners::Caller));
            let made = shared::<FolderError>(&store, "trees", &key, files, 16, || Ok(same().collect()));
            assert_eq!(fs::read_dir(made.unwrap().join("same")).unwrap().count(), 8);
        }
    }

    #[test]
    fn a_tree_that_is_not_whole_leaves_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let key = Digest::of(b"key");
        let lost = || Ok(tree(Content::of(b"lost")));
        let error = shared::<FolderError>(&store, "trees", &key, Files::Copies, 2, lost).unwrap_err();
        let said = format!("{} (4 bytes) is not in the store", Digest::of(b"lost"));
        assert_eq!(error.to_string(), said);
        assert!(error.hint().unwrap().contains("longshore build"));
        assert!(!folder.path().join("trees").join(key.hex()).exists());
    }
}
