//! How files and folders look, to notice that they changed: by metadata alone, nothing is read.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Progress, Store, TreePath};
use serde::Serialize;

use super::read::Stamp;
use super::walk::{self, Listing};
use super::{PathError, cache, note};

/// How something beside the stack file looks. Whatever changes its bytes, its mode, or which files count in it, changes this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Look {
    /// There is nothing.
    Nothing,
    /// A file.
    File(Stamp),
    /// Those that count of a folder.
    Folder(BTreeMap<TreePath, Stamp>),
    /// It can't be looked at, for this reason.
    Refused(String),
}

/// Which files of a folder are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that [`directory`](super::directory) takes.
    Taken,
    /// Those besides that git neither tracks nor ignores.
    All,
}

impl Look {
    /// At `relative` of the folder `root`; a link is followed. `search_path` is where `git` is looked for. What is left out of what
    /// is taken is noted.
    pub fn at(
        root: &Path,
        relative: &str,
        which: Which,
        search_path: &OsStr,
        progress: &dyn Progress,
    ) -> Self {
        let path = match fs::canonicalize(root.join(relative)) {
            Ok(path) => path,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::Nothing,
            Err(error) => return Self::Refused(error.to_string()),
        };
        let looked = match path.is_dir() {
            true => folder(&path, relative, which, search_path, progress).map(Self::Folder),
            false => Stamp::of(&path).map(Self::File),
        };
        looked.unwrap_or_else(|error| Self::Refused(error.to_string()))
    }

    /// Whether all of `looks`, just taken, rested for so long that what looks the same later is the same.
    ///
    /// # Errors
    /// When the store can't be asked what time it is.
    pub fn rested<'a>(looks: impl IntoIterator<Item = &'a Self>, store: &Store) -> Result<bool, PathError> {
        let now = cache::now(store)?;
        Ok(looks.into_iter().all(|look| match look {
            Self::File(stamp) => stamp.rests(now),
            Self::Folder(files) => files.values().all(|stamp| stamp.rests(now)),
            Self::Nothing | Self::Refused(_) => false,
        }))
    }

    /// What looked otherwise before: paths below a folder, or the empty path for the thing as a whole.
    pub fn changed_since(&self, before: &Self) -> Vec<TreePath> {
        match (before, self) {
            (Self::Folder(before), Self::Folder(now)) => {
                let all = before.keys().chain(now.keys().filter(|path| !before.contains_key(*path)));
                all.filter(|path| before.get(*path) != now.get(*path)).cloned().collect()
            }
            (before, now) if before == now => Vec::new(),
            _ => vec![TreePath::root()],
        }
    }
}

fn folder(
    folder: &Path,
    relative: &str,
    which: Which,
    search_path: &OsStr,
    progress: &dyn Progress,
) -> Result<BTreeMap<TreePath, Stamp>, PathError> {
    let Listing { mut paths, untracked } = Listing::of(folder, relative, search_path)?;
    if which == Which::Taken {
        note(relative, &untracked, progress);
    } else {
        let others = untracked.iter().filter_map(|path| TreePath::new(path.as_bytes()).ok());
        // What has just gone is not there.
        let there = |path: TreePath| Some((path.clone(), Stamp::of(&walk::on_disk(folder, &path)).ok()?));
        paths.extend(others.filter_map(there));
    }
    Ok(paths.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn look(root: &Path, path: &str, which: Which) -> Look {
        #[allow(clippy::disallowed_methods, reason = "git is looked for where the tests look for it")]
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        Look::at(root, path, which, &search_path, &longshore_oci::Silent)
    }

    fn changed(now: &Look, before: &Look) -> Vec<String> {
        now.changed_since(before).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_folder_says_which_of_its_files_changed() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("src/deep")).unwrap();
        fs::write(at("src/a"), "a").unwrap();
        fs::write(at("src/deep/b"), "b").unwrap();
        let first = look(root.path(), "src", Which::Taken);
        assert_eq!(changed(&look(root.path(), "src", Which::Taken), &first), Vec::<String>::new());
        fs::write(at("src/deep/b"), "longer").unwrap();
        fs::write(at("src/c"), "new").unwrap();
        fs::remove_file(at("src/a")).unwrap();
        let second = look(root.path(), "src", Which::Taken);
        assert_eq!(changed(&second, &first), ["/a", "/deep/b", "/c"]);
        fs::remove_dir_all(at("src")).unwrap();
        let third = look(root.path(), "src", Which::Taken);
        assert_eq!((&third, changed(&third, &second)), (&Look::Nothing, vec!["/".to_owned()]));
    }

    #[test]
    fn what_was_just_written_has_not_rested() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path().join("store")).unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        for name in ["a", "b"] {
            fs::write(root.path().join("src").join(name), name).unwrap();
        }
        let rested = |path: &str| Look::rested([&look(root.path(), path, Which::Taken)], &store).unwrap();
        assert!(!rested("src") && !rested("src/a"));
        std::thread::sleep(std::time::Duration::from_millis(2_100));
        assert!(rested("src") && rested("src/a"));
        fs::write(root.path().join("src/b"), "c").unwrap();
        assert!(!rested("src") && rested("src/a"));
        assert!(!rested("nothing"));
    }

    #[test]
    fn a_file_is_what_its_link_leads_to() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::write(at("one"), "1").unwrap();
        std::os::unix::fs::symlink("one", at("link")).unwrap();
        let first = look(root.path(), "link", Which::Taken);
        assert!(matches!(first, Look::File(_)), "{first:?}");
        fs::write(at("one"), "1 and more").unwrap();
        assert_eq!(changed(&look(root.path(), "link", Which::Taken), &first), ["/"]);
    }

    #[test]
    fn in_a_work_tree_those_count_that_git_tracks() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let git = |arguments: &[&str]| {
            assert!(
                Command::new("git").arg("-C").arg(root.path()).args(arguments).status().unwrap().success()
            );
        };
        git(&["init", "--quiet"]);
        for file in ["tracked", "untracked", "ignored"] {
            fs::write(at(file), file).unwrap();
        }
        fs::write(at(".gitignore"), "ignored\n").unwrap();
        git(&["add", "tracked", ".gitignore"]);
        let (taken, all) = (look(root.path(), ".", Which::Taken), look(root.path(), ".", Which::All));
        fs::write(at("untracked"), "more of it").unwrap();
        fs::write(at("ignored"), "more of it").unwrap();
        assert_eq!(changed(&look(root.path(), ".", Which::Taken), &taken), Vec::<String>::new());
        assert_eq!(changed(&look(root.path(), ".", Which::All), &all), ["/untracked"]);
        git(&["add", "untracked"]);
        assert_eq!(changed(&look(root.path(), ".", Which::Taken), &taken), ["/untracked"]);
    }
}
