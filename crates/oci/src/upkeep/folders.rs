//! What is in the store besides blobs and records: folders and files of many kinds, `<kind>/<name>`, of which nothing is
//! known but when they were used last and what they take.
//!
//! Beside one may be `<kind>/<name>.lock`, which who makes it holds, and `<kind>/<name>.held`, which those share who live on it
//! and do not have the store open. Its files may be names of files below `files/`, which stay as long as such a name does.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err as fs;

use super::census::{Census, entries, there, used};
use crate::store::ledger::on_disk;
use crate::store::lock_now;
use crate::{Store, StoreError};

/// A file to the disk, whatever its names are.
pub(super) type Inode = (u64, u64);

/// What the store has of its own: not looked at here.
const OWN: [&str; 6] = ["blobs", "records", "files", "lock", "size", "tmp"];

/// One thing that stays or goes as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// What kind it is: the folder of the store that it is in.
    pub kind: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it takes, without the files that it shares with others.
    pub size: u64,
    /// When it was used last.
    pub used: SystemTime,
    /// Whether somebody lives on it.
    pub hold: Hold,
    pub(super) shares: Vec<Inode>,
}

/// Whether a folder may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nobody needs it now.
    Free,
    /// A process that does not hold the store lives on it.
    Held,
}

/// Adds what there is to `census`.
pub(super) fn find(store: &Store, census: &mut Census) -> Result<(), StoreError> {
    for prefix in entries(&store.root().join("files"))? {
        for path in entries(&prefix)? {
            if let Some(meta) = there(fs::symlink_metadata(&path))? {
                census.shared.insert((meta.dev(), meta.ino()), (path, on_disk(meta.len())));
            }
        }
    }
    for kind in entries(store.root())? {
        let name = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if OWN.contains(&name.as_str()) {
            continue;
        }
        for path in entries(&kind)? {
            match name.as_str() {
                // Downloads, and below the kind of their work what fetches brought.
                "partial" if Some(true) == there(fs::symlink_metadata(&path))?.map(|meta| meta.is_dir()) => {
                    for path in entries(&path)? {
                        census.unfinished.extend(look(name.clone(), path, census)?);
                    }
                }
                "partial" => census.unfinished.extend(look(name.clone(), path, census)?),
                _ if path.extension().is_some_and(|extension| extension == "lock" || extension == "held") => {
                }
                _ => census.folders.extend(look(name.clone(), path, census)?),
            }
        }
    }
    for path in entries(&store.root().join("tmp"))? {
        // What nobody holds any more was swept when the store was opened.
        if path != store.tmp()
            && let Some(folder) = look("tmp".to_owned(), path, census)?
        {
            census.busy += folder.size;
        }
    }
    Ok(())
}

fn look(kind: String, path: PathBuf, census: &Census) -> io::Result<Option<Folder>> {
    let whole = path.join("whole");
    let time = match there(fs::symlink_metadata(&whole)) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => None,
        other => other?,
    };
    let Some(meta) = there(fs::symlink_metadata(&path))? else { return Ok(None) };
    let used = used(time.as_ref().unwrap_or(&meta))?;
    let mut folder = Folder { hold: hold(&path)?, kind, size: 0, used, shares: Vec::new(), path };
    let top = folder.path.clone();
    measure(&top, census, &mut folder)?;
    folder.shares.sort_unstable();
    folder.shares.dedup();
    Ok(Some(folder))
}

fn measure(path: &Path, census: &Census, folder: &mut Folder) -> io::Result<()> {
    let Some(meta) = there(fs::symlink_metadata(path))? else { return Ok(()) };
    let inode = (meta.dev(), meta.ino());
    if meta.nlink() > 1 && !meta.is_dir() && census.shared.contains_key(&inode) {
        folder.shares.push(inode);
        return Ok(());
    }
    folder.size += on_disk(meta.len());
    if meta.is_dir() {
        let inside = match entries(path) {
            // A command of a build may have made it so; what is in it is little or nothing.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Vec::new(),
            other => other?,
        };
        for path in inside {
            measure(&path, census, folder)?;
        }
    }
    Ok(())
}

fn hold(path: &Path) -> io::Result<Hold> {
    match lock_now(&path.with_extension("held")) {
        Ok(Some(_free)) => Ok(Hold::Free),
        Ok(None) => Ok(Hold::Held),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Hold::Free),
        Err(error) => Err(error),
    }
}
