//! Files and folders beside the stack file.
//!
//! Of a folder in a git work tree the tracked files count, as they are in the work tree; elsewhere all files do. Modes
//! become 0755 or 0644 by the owner's executable bit, owners become root, times are dropped: two checkouts of one
//! commit give one component. A file is read only when its metadata says that it may have changed.

mod cache;
mod error;
mod git;
mod look;
mod read;
mod walk;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use longshore_oci::{Component, Entry, Facts, Origin, Progress, Store, Tree, TreePath};

pub use error::PathError;
pub use git::{Commit, WorkTree, commit};
pub use look::{Look, Which};
pub use read::Stamp;

use cache::Cache;
use walk::Listing;

/// The file `relative` of the folder `root` as a tree of one entry, named as the file is; a symbolic link is followed
/// as long as it stays in `root`.
pub fn file(root: &Path, relative: &str, store: &Store) -> Result<Component, PathError> {
    let path = resolve(root, relative)?;
    if !rustix::fs::stat(&path).is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
    {
        return Err(PathError::NotFile { path: relative.to_owned() });
    }
    let name = relative.rsplit('/').find(|part| !part.is_empty() && *part != ".").unwrap_or(relative);
    let name = tree_path(name.as_bytes(), relative)?;
    let folder = path.parent().unwrap_or(root).to_owned();
    let actual = tree_path(path.file_name().unwrap_or_default().as_bytes(), relative)?;
    let mut cache = Cache::open(&path, store)?;
    let read = cache.file(&folder, &actual, Stamp::of(&path)?, store)?;
    cache.save(store)?;
    let mut tree = Tree::new();
    tree.insert(name.clone(), Entry::file(read.mode, read.content));
    // The stack file may make it executable, so a script's facts count whatever its mode is.
    let facts = read.facts.into_iter().map(|facts| (name.clone(), facts)).collect();
    Ok(component(relative, tree, facts))
}

/// The folder `relative` of `root` as a tree of what is in it. `search_path` (the caller's `PATH`) is where `git` is
/// looked for; nothing else of the environment reaches it. Untracked files that were left out are noted.
pub fn directory(
    root: &Path,
    relative: &str,
    search_path: &OsStr,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Component, PathError> {
    let folder = resolve(root, relative)?;
    if !folder.is_dir() {
        return Err(PathError::NotDirectory { path: relative.to_owned() });
    }
    let Listing { paths, untracked } = Listing::of(&folder, relative, search_path)?;
    note(relative, &untracked, progress);
    let mut cache = Cache::open(&folder, store)?;
    let (mut tree, mut facts) = (Tree::new(), Facts::new());
    for (path, stamp) in paths {
        let (entry, found) = walk::entry(&folder, &path, stamp, &mut cache, store)?;
        facts.extend(found.map(|found| (path.clone(), found)));
        tree.insert(path, entry);
    }
    cache.save(store)?;
    tree.check().map_err(|error| PathError::Changed { path: error.to_string() })?;
    Ok(component(relative, tree, facts))
}

/// Notes what was left out.
fn note(relative: &str, untracked: &[String], progress: &dyn Progress) {
    if let Some(first) = untracked.first() {
        let more = match untracked.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        progress.note(&format!(
            "`{relative}`: left out `{first}`{more}, which git does not track; `git add` takes it in"
        ));
    }
}

fn component(relative: &str, tree: Tree, facts: Facts) -> Component {
    Component { origin: Origin::Path(relative.to_owned()), tree, facts, package: None }
}

/// Where `relative` really is, which must be at or under `root`.
fn resolve(root: &Path, relative: &str) -> Result<PathBuf, PathError> {
    let outside = || PathError::Outside { path: relative.to_owned() };
    if relative.starts_with('/') || relative.contains('\0') {
        return Err(outside());
    }
    let root = fs_err::canonicalize(root)?;
    let path = match fs_err::canonicalize(root.join(relative)) {
        Ok(path) => path,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(PathError::NotFound { path: relative.to_owned() });
        }
        Err(error) => return Err(error.into()),
    };
    if path.starts_with(&root) { Ok(path) } else { Err(outside()) }
}

/// A name from the disk as a path of the tree.
fn tree_path(bytes: &[u8], within: &str) -> Result<TreePath, PathError> {
    TreePath::new(bytes).map_err(|error| PathError::Name { folder: within.to_owned(), error })
}
