//! A layer's tar as data: what goes in, in which order, before a byte of it is read.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Digest, Entry, Epoch, Node, Sha256, Tree, TreePath};

use super::{ASSEMBLER, Error};

/// A layer's tar as data: entries in canonical order, every directory above an entry included, bytes by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    name: String,
    epoch: Epoch,
    entries: Vec<(TreePath, Entry)>,
    key: Digest,
}

impl Recipe {
    /// The layer of `paths` of `tree`, and of every directory above them, with all times `epoch`; history calls it `name`.
    ///
    /// The first path of a set of hard links *in this layer* holds the bytes and the others link to it, wherever the
    /// tree keeps them: a link can't reach into another layer.
    pub fn new<'a>(
        name: &str,
        tree: &Tree,
        paths: impl IntoIterator<Item = &'a TreePath>,
        epoch: Epoch,
    ) -> Result<Self, Error> {
        let mut holders: BTreeMap<TreePath, TreePath> = BTreeMap::new();
        let mut entries: Vec<(TreePath, Entry)> = Vec::new();
        // Directories above the entry at hand. Names sort between a directory and what is in it (`a`, `a.b`, `a/b`),
        // so looking back at the last entry is not enough.
        let mut directories: BTreeSet<TreePath> = BTreeSet::new();
        for path in with_parents(paths) {
            let entry = tree.get(&path).ok_or_else(|| Error::NotInTree { path: path.clone() })?;
            check(&path, entry)?;
            if let Some(parent) =
                path.parent().filter(|parent| !parent.is_root() && !directories.contains(parent))
            {
                return Err(Error::NotADirectory { path, parent });
            }
            // The inode's own entry, and the path that stands for the set in the tree.
            let (inode, entry) = match &entry.node {
                Node::Directory => {
                    directories.insert(path.clone());
                    (None, entry)
                }
                Node::File(_) => (Some(path.clone()), entry),
                Node::Symlink(_) => (None, entry),
                Node::Hardlink(target) => match tree.get(target) {
                    Some(file @ Entry { node: Node::File(_), .. }) => (Some(target.clone()), file),
                    _ => return Err(Error::DanglingHardlink { path, target: target.clone() }),
                },
            };
            let mut entry = entry.clone();
            if let Some(inode) = inode {
                match holders.get(&inode) {
                    // Attributes are repeated on links, since some engines change the owner of each and thereby drop
                    // `security.capability` from the file they share.
                    Some(first) => entry.node = Node::Hardlink(first.clone()),
                    None => {
                        holders.insert(inode, path.clone());
                    }
                }
            }
            entries.push((path, entry));
        }
        let key = key(epoch, &entries);
        Ok(Self { name: name.to_owned(), epoch, entries, key })
    }

    /// What history says of it: `debian/nginx 1.26.3-3`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every entry in the order of the tar. A hard link names an earlier file of the same recipe.
    pub fn entries(&self) -> &[(TreePath, Entry)] {
        &self.entries
    }

    /// The time of every entry.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// About how many bytes its tar has.
    pub(super) fn weight(&self) -> u64 {
        let size = |entry: &Entry| if let Node::File(content) = entry.node { content.size } else { 0 };
        self.entries.iter().map(|(_, entry)| 512 + size(entry)).sum()
    }

    /// Names everything that decides the tar's bytes: the rules, the epoch, every entry's metadata and the digests of
    /// the bytes, but not its name. Equal keys, equal layers.
    pub fn key(&self) -> Digest {
        self.key
    }
}

/// `paths` and every directory above them, without the root.
pub(crate) fn with_parents<'a>(paths: impl IntoIterator<Item = &'a TreePath>) -> BTreeSet<TreePath> {
    let mut all = BTreeSet::new();
    for path in paths {
        let mut next = Some(path.clone());
        // What is above something that is in it is in it, too.
        while let Some(path) = next.filter(|path| !path.is_root()) {
            next = path.parent();
            if !all.insert(path) {
                break;
            }
        }
    }
    all
}

/// Refuses what a layer can't say.
fn check(path: &TreePath, entry: &Entry) -> Result<(), Error> {
    if path.name().starts_with(b".wh.") {
        return Err(Error::Whiteout { path: path.clone() });
    }
    match entry.xattrs.keys().find(|name| name.is_empty() || name.contains(&b'=') || name.contains(&0)) {
        Some(name) => {
            Err(Error::XattrName { path: path.clone(), name: String::from_utf8_lossy(name).into_owned() })
        }
        None => Ok(()),
    }
}

fn key(epoch: Epoch, entries: &[(TreePath, Entry)]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"longshore layer recipe\0");
    hash.update(&ASSEMBLER.to_le_bytes());
    hash.update(&epoch.0.to_le_bytes());
    let mut line = Vec::new();
    for (path, entry) in entries {
        line.clear();
        describe(&mut line, path, entry);
        hash.update(&line);
    }
    hash.finish().digest
}

/// Appends all that decides the bytes of an entry but the epoch, every variable part preceded by its length.
pub(super) fn describe(line: &mut Vec<u8>, path: &TreePath, entry: &Entry) {
    fn put(line: &mut Vec<u8>, bytes: &[u8]) {
        line.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        line.extend_from_slice(bytes);
    }
    put(line, path.as_bytes());
    line.extend_from_slice(&entry.mode.to_le_bytes());
    line.extend_from_slice(&entry.uid.to_le_bytes());
    line.extend_from_slice(&entry.gid.to_le_bytes());
    match &entry.node {
        Node::Directory => line.push(b'd'),
        Node::File(content) => {
            line.push(b'f');
            line.extend_from_slice(content.digest.as_bytes());
            line.extend_from_slice(&content.size.to_le_bytes());
        }
        Node::Symlink(target) => {
            line.push(b'l');
            put(line, target);
        }
        Node::Hardlink(target) => {
            line.push(b'h');
            put(line, target.as_bytes());
        }
    }
    line.extend_from_slice(&(entry.xattrs.len() as u64).to_le_bytes());
    for (name, value) in &entry.xattrs {
        put(line, name);
        put(line, value);
    }
}
