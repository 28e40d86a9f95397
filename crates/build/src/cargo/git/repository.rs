//! The repository that the build sees: all objects of all revisions of a lock, and nothing else of their histories.
//!
//! ```text
//! /deps/git/objects/ab/cdef…   the objects, each a file
//! /deps/git/refs/heads/…       a branch for each commit, so that it is brought
//! /deps/git/shallow            the commits, whose parents are not there (git's documentation, "gitrepository-layout")
//! /deps/git-settings/git/config   the addresses of submodules, which all lead to /deps/git
//! ```

use std::collections::BTreeSet;

use longshore_oci::{Entry, Store, Tree, TreePath};

use super::take::Taken;

/// Where Cargo finds it.
pub(super) const URL: &str = "file:///deps/git";
/// `XDG_CONFIG_HOME` of the step that reads it.
pub(crate) const SETTINGS: &str = "/deps/git-settings";
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";

/// Puts what was taken of one or more revisions into `folder`, which is seen as `/deps`.
pub(crate) fn place<'a>(
    folder: &mut Tree,
    taken: impl IntoIterator<Item = &'a Taken>,
    store: &Store,
) -> Result<(), crate::Error> {
    let problem = |error| crate::Error::Tree { what: String::from("git dependencies"), error };
    let (mut commits, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for taken in taken {
        for (id, content) in &taken.objects {
            let name = id.to_string();
            let path =
                TreePath::new(format!("git/objects/{}/{}", &name[..2], &name[2..])).map_err(problem)?;
            folder.insert(path, Entry::file(0o644, *content));
        }
        commits.extend(taken.commits.iter().map(ToString::to_string));
        addresses.extend(taken.addresses.iter().flat_map(|address| spellings(address)));
    }
    let Some(first) = commits.first() else { return Ok(()) };
    let mut put = |path: String, text: String| -> Result<(), crate::Error> {
        let content = store.put(text.as_bytes())?;
        folder.insert(TreePath::new(path).map_err(problem)?, Entry::file(0o644, content));
        Ok(())
    };
    put(String::from("git/HEAD"), format!("ref: refs/heads/{first}\n"))?;
    put(String::from("git/config"), CONFIG.to_owned())?;
    put(String::from("git/shallow"), commits.iter().map(|commit| format!("{commit}\n")).collect())?;
    for commit in &commits {
        put(format!("git/refs/heads/{commit}"), format!("{commit}\n"))?;
    }
    let lines: String =
        addresses.iter().map(|address| format!("\tinsteadOf = {}\n", quoted(address))).collect();
    put(String::from("git-settings/git/config"), format!("[url \"{URL}\"]\n{lines}"))
}

/// An address and, where it is `user@host:path`, the same as a URL, as newer versions of Cargo write it.
fn spellings(address: &str) -> Vec<String> {
    let mut all = vec![address.to_owned()];
    if !address.contains("://")
        && let Some((host, path)) = address.split_once(':')
    {
        all.push(format!("ssh://{host}/{}", path.trim_start_matches('/')));
    }
    all
}

/// A value of git's settings.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{escaped}\"")
}
