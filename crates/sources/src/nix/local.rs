//! A store path read from a store on disk: one pass gives its archive's digest and puts its files into the content store.

use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::{Sha256, Store, StoreError, StorePath, TreePath, Trust};
use longshore_stack::lock::LockedStorePath;
use rustix::fs::{Mode, OFlags};

use super::nar::{self, MAX_ENTRIES, Sink, Unpacked, Writer, child};
use super::{Error, record, recorded};
use crate::intake;

/// Why a store path on disk can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The disk said no; the message has the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A device, pipe or socket.
    #[error("`{}` is {kind}; a store path holds files, folders and links only", path.display())]
    Special {
        /// Where.
        path: PathBuf,
        /// What.
        kind: &'static str,
    },
    /// It is written to.
    #[error("`{}` changed while it was read", path.display())]
    Changed {
        /// Where.
        path: PathBuf,
    },
    /// It can't be in an archive.
    #[error(transparent)]
    Nar(#[from] nar::Problem),
    /// The store can't.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads `path`, which is at `at` on this machine: `/nix/store/…`, or where a store elsewhere keeps it (`ROOT/nix/store/…`).
///
/// Nothing is verified: that it is what was locked is [`fetch`]'s to say.
pub fn read(path: &StorePath, at: &Path, store: &Store) -> Result<Unpacked, Error> {
    let unpacked = walk(path, at, store).map_err(|problem| match problem {
        Problem::Store(error) | Problem::Nar(nar::Problem::Store(error)) => Error::Store(error),
        problem => {
            Error::Local { path: Box::new(path.clone()), at: at.to_owned(), problem: Box::new(problem) }
        }
    })?;
    record(path, &unpacked, store)?;
    Ok(unpacked)
}

/// What `path` holds, which is at `at` on this machine and must be as locked. It is read the first time only.
pub fn fetch(
    path: &StorePath,
    locked: &LockedStorePath,
    at: &Path,
    store: &Store,
) -> Result<Unpacked, Error> {
    if let Some(known) = recorded(path, &locked.nar, store, Trust::Blobs)? {
        return Ok(known);
    }
    let unpacked = read(path, at, store)?;
    if unpacked.nar != locked.nar {
        return Err(Error::Changed {
            path: Box::new(path.clone()),
            at: at.to_owned(),
            expected: locked.nar,
            found: unpacked.nar,
        });
    }
    Ok(unpacked)
}

/// A folder whose entries are not all read.
struct Open {
    on_disk: PathBuf,
    path: TreePath,
    names: std::vec::IntoIter<Vec<u8>>,
}

fn walk(path: &StorePath, at: &Path, store: &Store) -> Result<Unpacked, Problem> {
    let mut sink = Sink::default();
    let mut nar = Writer::new(Sha256::new())?;
    let mut open: Vec<Open> = Vec::new();
    let mut next = Some((path.tree_path(), at.to_owned()));
    loop {
        match next.take() {
            Some((path, on_disk)) => {
                if let Some(names) = node(&path, &on_disk, &mut sink, &mut nar, store)? {
                    open.push(Open { on_disk, path, names: names.into_iter() });
                } else if !open.is_empty() {
                    nar.close_entry()?;
                }
            }
            // The end of a folder.
            None => {
                nar.close_directory()?;
                open.pop();
                if !open.is_empty() {
                    nar.close_entry()?;
                }
            }
        }
        let Some(folder) = open.last_mut() else { break };
        if let Some(name) = folder.names.next() {
            nar.entry(&name)?;
            let on_disk = folder.on_disk.join(std::ffi::OsStr::from_bytes(&name));
            next = Some((child(&folder.path, &name)?, on_disk));
        }
    }
    Ok(sink.finish(nar.finish().finish()))
}

/// Takes what is at `on_disk`; of a folder only that it is one, and the names in it, sorted.
fn node(
    path: &TreePath,
    on_disk: &Path,
    sink: &mut Sink,
    nar: &mut Writer<Sha256>,
    store: &Store,
) -> Result<Option<Vec<Vec<u8>>>, Problem> {
    let kind = fs::symlink_metadata(on_disk)?.file_type();
    if kind.is_dir() {
        sink.directory(path)?;
        nar.directory()?;
        return Ok(Some(names(on_disk)?));
    }
    if kind.is_symlink() {
        let target = fs::read_link(on_disk)?.into_os_string().into_vec();
        nar.symlink(&target)?;
        sink.symlink(path, target)?;
        return Ok(None);
    }
    if !kind.is_file() {
        return Err(Problem::Special { path: on_disk.to_owned(), kind: intake::kind(kind) });
    }
    // Neither a link nor a pipe put there meanwhile is followed or waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(on_disk, flags, Mode::empty()).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("`{}`: {error}", on_disk.display()))
    })?;
    let mut file = fs::File::from_parts(file.into(), on_disk);
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(Problem::Changed { path: on_disk.to_owned() });
    }
    // As Nix has it: whether its owner may execute it.
    let (size, executable) = (meta.len(), meta.permissions().mode() & 0o100 != 0);
    nar.file(executable, size)?;
    let read = |buffer: &mut [u8]| {
        let read = file.read(buffer)?;
        nar.write_all(&buffer[..read])?;
        Ok::<_, Problem>(read)
    };
    let (content, facts) = intake::sized(size, read, store)?;
    // What came at its end is in the archive's digest, too, which is then nobody's.
    if content.size != size || file.metadata()?.len() != size {
        return Err(Problem::Changed { path: on_disk.to_owned() });
    }
    nar.close_file(size)?;
    sink.file(path, executable, (content, facts))?;
    Ok(None)
}

fn names(folder: &Path) -> Result<Vec<Vec<u8>>, Problem> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().into_vec());
        if names.len() > MAX_ENTRIES {
            return Err(nar::Problem::TooManyEntries.into());
        }
    }
    names.sort();
    Ok(names)
}
