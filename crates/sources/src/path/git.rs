//! Which files of a folder git tracks.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::FileType;

use super::walk::Listing;
use super::{PathError, read, tree_path};

/// Nested submodules that are followed.
const MAX_DEPTH: usize = 16;
/// Untracked files that are remembered for the note.
const MAX_UNTRACKED: usize = 10_000;

/// Whether `folder` is in a git work tree: it or a folder above has a `.git`.
pub(super) fn work_tree(folder: &Path) -> bool {
    folder.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok())
}

/// The tracked files in `folder`, submodules included, sorted.
pub(super) fn tracked(folder: &Path, relative: &str, search_path: &OsStr) -> Result<Listing, PathError> {
    let mut listing = Listing::default();
    list(folder, b"", relative, search_path, MAX_DEPTH, &mut listing)?;
    // Unmerged files are listed once per stage.
    listing.paths.sort_by(|(a, _), (b, _)| a.cmp(b));
    listing.paths.dedup_by(|(a, _), (b, _)| a == b);
    listing.untracked.sort();
    Ok(listing)
}

fn list(
    folder: &Path,
    prefix: &[u8],
    relative: &str,
    search_path: &OsStr,
    depth: usize,
    listing: &mut Listing,
) -> Result<(), PathError> {
    // One git goes through the folders for those that it does not track; meanwhile the others are looked at.
    std::thread::scope(|scope| {
        let untracked =
            scope.spawn(|| ls_files(folder, relative, search_path, &["--others", "--exclude-standard"]));
        let tracked = ls_files(folder, relative, search_path, &["--cached"])?;
        let tracked: Vec<_> = names(&tracked).collect();
        for (name, stamp) in tracked.iter().zip(read::stamps(folder, &tracked)?) {
            let full = [prefix, name].concat();
            match stamp {
                // Deleted and not yet committed, or left out by a sparse checkout.
                None => {}
                // A tracked name that is a folder is a submodule.
                Some(stamp) if stamp.kind() == FileType::Directory => {
                    let path = folder.join(OsStr::from_bytes(name));
                    if depth == 0 || path.join(".git").symlink_metadata().is_err() {
                        let path = String::from_utf8_lossy(&full).into_owned();
                        return Err(PathError::Submodule { path });
                    }
                    list(&path, &[&full[..], b"/"].concat(), relative, search_path, depth - 1, listing)?;
                }
                Some(stamp) => listing.paths.push((tree_path(&full, relative)?, stamp)),
            }
        }
        let untracked = untracked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let room = MAX_UNTRACKED.saturating_sub(listing.untracked.len());
        let full = |name: &[u8]| String::from_utf8_lossy(&[prefix, name].concat()).into_owned();
        listing.untracked.extend(names(&untracked).map(full).take(room));
        Ok(())
    })
}

/// What git lists with `-z`.
fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&b| b == 0).filter(|name| !name.is_empty())
}

/// The commit that a work tree stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its whole name in hex.
    pub sha: String,
    /// The branch that is checked out, if one is.
    pub branch: Option<String>,
    /// Whether tracked files are as the commit has them.
    pub tree: WorkTree,
}

/// Whether tracked files are as the commit has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkTree {
    /// They are.
    Clean,
    /// Some are not.
    Changed,
}

/// The commit that the work tree around `folder` stands at; none where there is none, or no git.
pub fn commit(folder: &Path, search_path: &OsStr) -> Option<Commit> {
    if !work_tree(&folder.canonicalize().ok()?) {
        return None;
    }
    let said = |arguments: &[&str]| {
        let output = git(folder, search_path).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let sha = said(&["rev-parse", "--verify", "HEAD"])?;
    let tree = match said(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if !changes.is_empty() => WorkTree::Changed,
        _ => WorkTree::Clean,
    };
    let branch = said(&["symbolic-ref", "--quiet", "--short", "HEAD"]).filter(|branch| !branch.is_empty());
    Some(Commit { sha, branch, tree })
}

/// The names of `which` files, each with a NUL behind it (git-ls-files(1)).
fn ls_files(
    folder: &Path,
    relative: &str,
    search_path: &OsStr,
    which: &[&str],
) -> Result<Vec<u8>, PathError> {
    match git(folder, search_path).args(["ls-files", "-z"]).args(which).output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stderr).trim().chars().take(300).collect();
            Err(PathError::Git { folder: relative.to_owned(), message })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(PathError::NoGit { folder: relative.to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}

/// Git in `folder` with `PATH` alone, no user or system configuration, and nothing of the repository's that runs programs.
fn git(folder: &Path, search_path: &OsStr) -> Command {
    let mut git = Command::new("git");
    git
        // The folder belongs to the stack's user by their own word; git's doubt about other owners is not ours.
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", search_path)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    git
}
