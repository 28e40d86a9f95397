//! The source tree of a build, as its lock file and manifests are read from it.

use longshore_oci::{Content, Node, Store, Tree, TreePath, read_bounded};

use crate::{Error, Input};

/// The files of a build's `path`.
pub(crate) struct Source {
    tree: Tree,
    store: Store,
}

impl Source {
    /// The tree that `input` names; empty where the build has no `path`.
    pub fn open(input: &Input<'_>) -> Result<Self, Error> {
        let tree = input.source.map(|digest| input.executor.tree(&digest)).transpose()?.unwrap_or_default();
        Ok(Self { tree, store: input.executor.store().clone() })
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<Content> {
        match self.tree.get(&TreePath::new(path).ok()?)?.node {
            Node::File(content) => Some(content),
            _ => None,
        }
    }

    /// The bytes of the file at `path`; none where there is no file, an error past `limit` bytes.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        self.file(path).map(|content| self.bytes(&content, limit)).transpose()
    }

    /// Every file called `name`, with the folder that holds it (empty for the root of the tree), in order of paths.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (String, Content)> + 'a {
        self.tree.iter().filter_map(move |(path, entry)| match entry.node {
            Node::File(content) if path.name() == name.as_bytes() => {
                let folder = path.parent().unwrap_or_default();
                // A folder whose name is no UTF-8 can't be named in a manifest either.
                Some((String::from_utf8(folder.as_bytes().to_vec()).ok()?, content))
            }
            _ => None,
        })
    }

    /// Names of what lies directly in `folder`.
    pub fn list(&self, folder: &str) -> Vec<String> {
        let Ok(folder) = TreePath::new(folder) else { return Vec::new() };
        let mut names: Vec<String> = self
            .tree
            .iter()
            .filter(|(path, _)| path.is_under(&folder) && **path != folder)
            .filter_map(|(path, _)| {
                let rest = &path.as_bytes()[folder.as_bytes().len()..];
                let first = rest.split(|&b| b == b'/').find(|part| !part.is_empty())?;
                String::from_utf8(first.to_vec()).ok()
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The bytes of a file of the tree.
    pub fn bytes(&self, content: &Content, limit: u64) -> Result<Vec<u8>, Error> {
        Ok(read_bounded(self.store.open_blob(content)?, limit)?)
    }
}

/// `folder/name`, or `name` at the root of the tree.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// `path`, relative to `folder`, as a path of the tree: without `.` and `..`. None where it leads out of the tree.
pub(crate) fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn paths_stay_in_the_tree() {
        for (folder, path, expected) in [
            ("", "a/b", Some("a/b")),
            ("crates/app", "../lib", Some("crates/lib")),
            ("crates/app", "./x/../y", Some("crates/app/y")),
            ("app", "../..", None),
            ("", "..", None),
            ("", "/etc", None),
        ] {
            assert_eq!(resolve(folder, path).as_deref(), expected, "{folder} {path}");
        }
    }
}
