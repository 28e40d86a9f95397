//! What is in a folder, and each thing as an entry.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Entry, FileFacts, Store, TreePath};
use rustix::fs::FileType;

use super::cache::Cache;
use super::read::{self, Stamp};
use super::{PathError, git, tree_path};
use crate::intake;

/// The paths of a folder that count, sorted, and those that were left out.
#[derive(Default)]
pub(super) struct Listing {
    pub paths: Vec<(TreePath, Stamp)>,
    /// Untracked files, for a note.
    pub untracked: Vec<String>,
}

impl Listing {
    /// What counts of `folder`: in a work tree of git's the tracked files, elsewhere all.
    pub(super) fn of(folder: &Path, relative: &str, search_path: &OsStr) -> Result<Self, PathError> {
        if git::work_tree(folder) { git::tracked(folder, relative, search_path) } else { all(folder) }
    }
}

/// Everything in `folder` but `.git`; of its folders only the empty ones, as the others are where their files are.
fn all(folder: &Path) -> Result<Listing, PathError> {
    let mut listing = Listing::default();
    let mut paths = Vec::new();
    let mut todo = vec![TreePath::root()];
    while let Some(within) = todo.pop() {
        let mut empty = true;
        for entry in fs::read_dir(on_disk(folder, &within))? {
            let entry = entry?;
            let name = entry.file_name();
            if name == ".git" {
                continue;
            }
            empty = false;
            let bytes = [within.as_bytes(), b"/", name.as_bytes()].concat();
            let path = tree_path(&bytes, &folder.to_string_lossy())?;
            let list = if entry.file_type()?.is_dir() { &mut todo } else { &mut paths };
            list.push(path);
        }
        if empty && !within.is_root() {
            paths.push(within);
        }
    }
    paths.sort();
    let names: Vec<_> = paths.iter().map(TreePath::as_bytes).collect();
    let stamps = read::stamps(folder, &names)?;
    // What has just gone is not there.
    let there = paths.into_iter().zip(stamps).filter_map(|(path, stamp)| Some((path, stamp?)));
    listing.paths.extend(there);
    Ok(listing)
}

/// What is at `path` in `folder`, as an entry with its facts.
pub(super) fn entry(
    folder: &Path,
    path: &TreePath,
    stamp: Stamp,
    cache: &mut Cache,
    store: &Store,
) -> Result<(Entry, Option<FileFacts>), PathError> {
    match stamp.kind() {
        FileType::RegularFile => {}
        FileType::Directory => return Ok((Entry::directory(0o755), None)),
        FileType::Symlink => {
            let target = fs::read_link(on_disk(folder, path))?.into_os_string().into_vec();
            stays_inside(path, &target)?;
            return Ok((Entry::symlink(target), None));
        }
        _ => {
            let actual = on_disk(folder, path);
            let kind = intake::kind(fs::symlink_metadata(&actual)?.file_type());
            return Err(PathError::Special { path: actual.to_string_lossy().into_owned(), kind });
        }
    }
    let file = cache.file(folder, path, stamp, store)?;
    // Only what the kernel would run has needs: a script without the bit is a document.
    let runs = !matches!(file.facts, Some(FileFacts::Script { .. })) || file.mode & 0o111 != 0;
    Ok((Entry::file(file.mode, file.content), file.facts.filter(|_| runs)))
}

pub(super) fn on_disk(folder: &Path, path: &TreePath) -> std::path::PathBuf {
    folder.join(OsStr::from_bytes(path.as_bytes()))
}

/// A relative link must stay in the folder, which is all that gets into the image. An absolute one means the image's
/// own root (`/dev/stdout`) and is kept.
fn stays_inside(path: &TreePath, target: &[u8]) -> Result<(), PathError> {
    if target.starts_with(b"/") {
        return Ok(());
    }
    let mut depth = path.ancestors().count();
    for part in target.split(|&b| b == b'/') {
        depth = match part {
            b"" | b"." => depth,
            b".." => match depth.checked_sub(1) {
                Some(depth) => depth,
                None => {
                    return Err(PathError::Escapes {
                        path: String::from_utf8_lossy(path.as_bytes()).into_owned(),
                        target: String::from_utf8_lossy(target).into_owned(),
                    });
                }
            },
            _ => depth + 1,
        };
    }
    Ok(())
}
