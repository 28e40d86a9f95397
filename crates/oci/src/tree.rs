//! A root filesystem or a part of one: a sorted metadata tree, bytes by reference.

use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Content, Xattrs};

/// A path inside a tree: relative, `/`-separated, any bytes but NUL, no empty, `.` or `..` component. The root itself
/// is the empty path and is never an entry. Orders by raw bytes. Cloning is cheap: the same path is in many places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(Arc<[u8]>);

/// Longest path in bytes (Linux `PATH_MAX` less the leading slash and the NUL).
const MAX_PATH: usize = 4094;
/// Longest component in bytes (Linux `NAME_MAX`).
const MAX_NAME: usize = 255;

/// Why a path or an entry can't be in a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// `..` leads out of the tree, or a name is too long, or holds NUL.
    #[error("unsafe path `{path}`: {reason}")]
    UnsafePath {
        /// The path, lossily.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry would lie under something that is no directory.
    #[error("`{path}` lies under `{parent}`, which is not a directory")]
    NotADirectory {
        /// The entry.
        path: TreePath,
        /// What it lies under.
        parent: TreePath,
    },
    /// A hard link points at nothing, or at something that is no file.
    #[error("hard link `{path}` to `{target}`, which is not a file of the same tree")]
    DanglingHardlink {
        /// The link.
        path: TreePath,
        /// What it points at.
        target: TreePath,
    },
}

impl TreePath {
    /// The root of the tree.
    pub fn root() -> Self {
        Self::default()
    }

    /// Cleans `bytes` into a tree path: leading `/` and `./`, doubled and trailing slashes and `.` components go;
    /// `..`, NUL and over-long names are refused.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, TreeError> {
        let bytes = bytes.as_ref();
        let error = |reason| TreeError::UnsafePath {
            path: String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned(),
            reason,
        };
        let parts = || bytes.split(|&b| b == b'/');
        let mut clean = true;
        for part in parts() {
            match part {
                b"" | b"." => clean = false,
                b".." => return Err(error("it contains `..`")),
                _ if part.len() > MAX_NAME => return Err(error("a name is longer than 255 bytes")),
                _ if part.contains(&0) => return Err(error("it contains a NUL byte")),
                _ => {}
            }
        }
        let path: Arc<[u8]> = if clean {
            bytes.into()
        } else {
            parts().filter(|part| !matches!(*part, b"" | b".")).collect::<Vec<_>>().join(&b'/').into()
        };
        if path.len() > MAX_PATH {
            return Err(error("it is longer than 4094 bytes"));
        }
        Ok(Self(path))
    }

    /// The bytes, without a leading slash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory that holds it; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.folder().into()))
    }

    /// The bytes of the directory that holds it; none for what is at the root.
    pub fn folder(&self) -> &[u8] {
        &self.0[..self.0.iter().rposition(|&b| b == b'/').unwrap_or(0)]
    }

    /// Its last component; empty for the root.
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|&b| b == b'/').next().unwrap_or_default()
    }

    /// `name` inside it; `name` may have several components.
    pub fn join(&self, name: impl AsRef<[u8]>) -> Result<Self, TreeError> {
        Self::new([&self.0, &b"/"[..], name.as_ref()].concat())
    }

    /// Every directory above it, nearest the root first, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        self.above().map(|above| Self(above.into()))
    }

    /// Their bytes.
    fn above(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(end, _)| &self.0[..end])
    }

    /// Whether it is `other` or lies under it.
    pub fn is_under(&self, other: &Self) -> bool {
        other.is_root()
            || self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }
}

impl fmt::Display for TreePath {
    /// Absolute, as users know it; bytes that are not UTF-8 as replacement characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Borrow<[u8]> for TreePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<TreePath> for Vec<u8> {
    fn from(path: TreePath) -> Self {
        path.0.to_vec()
    }
}

impl Serialize for TreePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for TreePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = TreePath;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a path")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<TreePath, E> {
                TreePath::new(bytes).map_err(E::custom)
            }

            /// As formats without bytes have them.
            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<TreePath, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = numbers.next_element()? {
                    bytes.push(byte);
                }
                TreePath::new(bytes).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

impl TryFrom<Vec<u8>> for TreePath {
    type Error = TreeError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, TreeError> {
        Self::new(bytes)
    }
}

impl TryFrom<&str> for TreePath {
    type Error = TreeError;

    fn try_from(text: &str) -> Result<Self, TreeError> {
        Self::new(text)
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Permission bits, set-id and sticky: `0o7777` at most.
    pub mode: u16,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Extended attributes by full name (`user.x`, `security.capability`).
    pub xattrs: Xattrs,
    /// The thing itself.
    pub node: Node,
}

/// The kinds of inode that images hold. Device nodes, pipes and sockets are refused at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Node {
    /// A directory.
    Directory,
    /// A file; its bytes are in the store.
    File(Content),
    /// A symbolic link with its target's raw bytes.
    Symlink(Vec<u8>),
    /// Another name of a file of the same tree.
    Hardlink(TreePath),
}

impl Entry {
    /// A directory of root's.
    pub fn directory(mode: u16) -> Self {
        Self { mode, uid: 0, gid: 0, xattrs: Xattrs::default(), node: Node::Directory }
    }

    /// A file of root's.
    pub fn file(mode: u16, content: Content) -> Self {
        Self { node: Node::File(content), ..Self::directory(mode) }
    }

    /// A symbolic link.
    pub fn symlink(target: impl Into<Vec<u8>>) -> Self {
        Self { node: Node::Symlink(target.into()), ..Self::directory(0o777) }
    }

    /// The same entry with another owner.
    pub fn owned_by(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..self }
    }

    /// Bytes of a file; others have none.
    pub fn size(&self) -> u64 {
        if let Node::File(content) = self.node { content.size } else { 0 }
    }
}

/// Entries by path, sorted by raw bytes. Parents need not be entries; composition makes them. The same entry is in several trees
/// and layers, and is in memory once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tree(BTreeMap<TreePath, Arc<Entry>>);

impl Tree {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `entry` at `path`, returning what was there.
    pub fn insert(&mut self, path: TreePath, entry: impl Into<Arc<Entry>>) -> Option<Arc<Entry>> {
        self.0.insert(path, entry.into())
    }

    /// The place of `path`, for putting something there only where nothing is.
    pub fn slot(&mut self, path: TreePath) -> btree_map::Entry<'_, TreePath, Arc<Entry>> {
        self.0.entry(path)
    }

    /// Takes away what is at `path`.
    pub fn remove(&mut self, path: &TreePath) -> Option<Arc<Entry>> {
        self.0.remove(path)
    }

    /// What is at `path`.
    pub fn get(&self, path: &TreePath) -> Option<&Arc<Entry>> {
        self.0.get(path)
    }

    /// The directory, or what else is there, that holds `path`, and where it is; none where that is the root or no entry.
    pub fn above(&self, path: &TreePath) -> Option<(&TreePath, &Arc<Entry>)> {
        self.0.get_key_value(path.folder())
    }

    /// Every entry in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&TreePath, &Arc<Entry>)> {
        self.0.iter()
    }

    /// The entries at and under `path`, in order.
    pub fn under<'a>(&'a self, path: &'a TreePath) -> impl Iterator<Item = (&'a TreePath, &'a Arc<Entry>)> {
        // Between `a` and `a/b` other names sort (`a.b`), so the range is filtered, and ends at the first name past the prefix.
        self.0
            .range(path.clone()..)
            .take_while(|(p, _)| p.as_bytes().starts_with(path.as_bytes()))
            .filter(|(p, _)| p.is_under(path))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What its files hold.
    pub fn contents(&self) -> impl Iterator<Item = Content> {
        self.0.values().filter_map(|entry| match entry.node {
            Node::File(content) => Some(content),
            Node::Directory | Node::Symlink(_) | Node::Hardlink(_) => None,
        })
    }

    /// Bytes in all files, each hard-linked file once.
    pub fn size(&self) -> u64 {
        self.0.values().map(|entry| entry.size()).sum()
    }

    /// Fails unless every entry lies under directories alone and every hard link names a file.
    pub fn check(&self) -> Result<(), TreeError> {
        // Directories under directories alone, each in the one before: mostly the next path is in the last.
        let mut checked: Vec<&[u8]> = Vec::new();
        for (path, entry) in &self.0 {
            let folder = path.folder();
            let holds = |above: &[u8]| {
                folder.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
            };
            while checked.pop_if(|above| !holds(above)).is_some() {}
            if !folder.is_empty() && checked.last() != Some(&folder) {
                // What is above a folder of the tree was seen before it.
                let known = self.above(path).is_some_and(|(_, above)| above.node == Node::Directory);
                for parent in path.above().filter(|_| !known) {
                    if self.0.get(parent).is_some_and(|above| above.node != Node::Directory) {
                        let parent = TreePath(parent.into());
                        return Err(TreeError::NotADirectory { path: path.clone(), parent });
                    }
                }
                checked.push(folder);
            }
            if entry.node == Node::Directory {
                checked.push(path.as_bytes());
            }
            if let Node::Hardlink(target) = &entry.node
                && !self.0.get(target).is_some_and(|file| matches!(file.node, Node::File(_)))
            {
                return Err(TreeError::DanglingHardlink { path: path.clone(), target: target.clone() });
            }
        }
        Ok(())
    }

    /// One line an entry: `kind mode uid:gid size-or-dash digest-or-target path`, for review and goldens.
    pub fn dump(&self) -> String {
        let mut out = String::new();
        for (path, entry) in &self.0 {
            let (kind, size, what) = match &entry.node {
                Node::Directory => ('d', "-".to_owned(), String::new()),
                Node::File(content) => {
                    ('f', content.size.to_string(), format!(" {}", content.digest.short()))
                }
                Node::Symlink(target) => {
                    ('l', "-".to_owned(), format!(" -> {}", String::from_utf8_lossy(target)))
                }
                Node::Hardlink(target) => ('h', "-".to_owned(), format!(" => {target}")),
            };
            // Writing to a `String` can't fail.
            let _ =
                write!(out, "{kind} {:04o} {}:{} {size:>9} {path}{what}", entry.mode, entry.uid, entry.gid);
            for (name, value) in &entry.xattrs {
                let _ = write!(out, " {}=", String::from_utf8_lossy(name));
                value.iter().for_each(|byte| {
                    let _ = write!(out, "{byte:02x}");
                });
            }
            out.push('\n');
        }
        out
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("entries by path")
            }

            /// All at once: a map that grows entry by entry takes half as much memory again.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries: Vec<(TreePath, Arc<Entry>)> = Vec::new();
                while let Some((path, entry)) = map.next_entry::<_, Entry>()? {
                    entries.push((path, entry.into()));
                }
                Ok(entries.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl<E: Into<Arc<Entry>>> FromIterator<(TreePath, E)> for Tree {
    fn from_iter<I: IntoIterator<Item = (TreePath, E)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(path, entry)| (path, entry.into())).collect())
    }
}

impl IntoIterator for Tree {
    type Item = (TreePath, Arc<Entry>);
    type IntoIter = btree_map::IntoIter<TreePath, Arc<Entry>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    #[test]
    fn paths_are_cleaned_or_refused() {
        assert_eq!(path("./usr//bin/./x/").as_bytes(), b"usr/bin/x");
        assert_eq!(path("/usr/bin").to_string(), "/usr/bin");
        assert!(path("/").is_root());
        for bad in ["..", "a/../b", "a\0b", &"x".repeat(256), &"x/".repeat(3000)] {
            assert!(TreePath::new(bad).is_err(), "{bad:.20}");
        }
        assert_eq!(path("a/b/c").ancestors().map(|p| p.to_string()).collect::<Vec<_>>(), ["/a", "/a/b"]);
        assert_eq!(path("a").parent(), Some(TreePath::root()));
        assert!(path("a/b").is_under(&path("a")) && !path("ab").is_under(&path("a")));
    }

    #[test]
    fn under_skips_names_that_sort_between() {
        let tree: Tree = ["a", "a.b", "a/b", "a/b/c", "b"]
            .into_iter()
            .map(|p| (path(p), Entry::directory(0o755)))
            .collect();
        let a = path("a");
        let found: Vec<_> = tree.under(&a).map(|(p, _)| p.to_string()).collect();
        assert_eq!(found, ["/a", "/a/b", "/a/b/c"]);
    }

    #[test]
    fn check_finds_what_cannot_be() {
        let content = Content::of(b"x");
        let mut tree = Tree::new();
        tree.insert(path("a"), Entry::file(0o644, content));
        tree.insert(path("b"), Entry { node: Node::Hardlink(path("a")), ..Entry::directory(0o644) });
        assert_eq!(tree.check(), Ok(()));
        tree.insert(path("a/c"), Entry::directory(0o755));
        assert!(matches!(tree.check(), Err(TreeError::NotADirectory { .. })));
        tree.remove(&path("a/c"));
        tree.remove(&path("a"));
        assert!(matches!(tree.check(), Err(TreeError::DanglingHardlink { .. })));
    }
}
