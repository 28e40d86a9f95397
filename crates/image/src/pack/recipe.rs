//! A layer's tar as data: what goes in, in which order, before a byte of it is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_oci::{Digest, Entry, Epoch, Node, Sha256, Tree, TreePath};

use super::{ASSEMBLER, Error};

/// A layer's tar as data: entries in canonical order, every directory above an entry included, bytes by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    name: String,
    epoch: Epoch,
    entries: Vec<(TreePath, Arc<Entry>)>,
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
        let held = with_parents(tree, paths.into_iter().map(|path| (path.clone(), tree.get(path))));
        let mut entries: Vec<(TreePath, Arc<Entry>)> = Vec::with_capacity(held.len());
        for (path, entry) in held {
            let entry = entry.ok_or_else(|| Error::NotInTree { path: path.clone() })?;
            check(&path, entry)?;
            // What holds the path before holds this one, too, mostly.
            let seen = entries.last().is_some_and(|(last, _)| last.folder() == path.folder());
            if !seen && tree.above(&path).is_some_and(|(_, above)| above.node != Node::Directory) {
                let parent = path.parent().unwrap_or_default();
                return Err(Error::NotADirectory { path, parent });
            }
            entries.push((path, entry.clone()));
        }
        link(tree, &mut entries)?;
        let key = key(epoch, &entries);
        Ok(Self { name: name.to_owned(), epoch, entries, key })
    }

    /// What history says of it: `debian/nginx 1.26.3-3`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every entry in the order of the tar. A hard link names an earlier file of the same recipe.
    pub fn entries(&self) -> &[(TreePath, Arc<Entry>)] {
        &self.entries
    }

    /// The time of every entry.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// About how many bytes its tar has.
    pub(super) fn weight(&self) -> u64 {
        self.entries.iter().map(|(_, entry)| 512 + entry.size()).sum()
    }

    /// Names everything that decides the tar's bytes: the rules, the epoch, every entry's metadata and the digests of
    /// the bytes, but not its name. Equal keys, equal layers.
    pub fn key(&self) -> Digest {
        self.key
    }
}

/// Has the first path of every set of hard links hold the bytes, and the others link to it.
fn link(tree: &Tree, entries: &mut [(TreePath, Arc<Entry>)]) -> Result<(), Error> {
    // The path that stands for a set in the tree, and the first of the set that is here.
    let mut first: BTreeMap<TreePath, Option<TreePath>> = BTreeMap::new();
    for (_, entry) in &*entries {
        if let Node::Hardlink(target) = &entry.node {
            first.insert(target.clone(), None);
        }
    }
    if first.is_empty() {
        return Ok(());
    }
    for (path, entry) in entries {
        let target = if let Node::Hardlink(target) = &entry.node { target.clone() } else { path.clone() };
        let Some(first) = first.get_mut(&target) else { continue };
        match tree.get(&target) {
            Some(file) if matches!(file.node, Node::File(_)) => *entry = file.clone(),
            _ => return Err(Error::DanglingHardlink { path: path.clone(), target }),
        }
        match first {
            // Attributes are repeated on links, since some engines change the owner of each and thereby drop
            // `security.capability` from the file they share.
            Some(first) => Arc::make_mut(entry).node = Node::Hardlink(first.clone()),
            None => *first = Some(path.clone()),
        }
    }
    Ok(())
}

/// Paths and every directory above them, without the root, with what `tree` has there, sorted.
pub(crate) fn with_parents<'a>(
    tree: &'a Tree,
    held: impl Iterator<Item = (TreePath, Option<&'a Arc<Entry>>)>,
) -> Vec<(TreePath, Option<&'a Arc<Entry>>)> {
    let mut all: Vec<_> = held.filter(|(path, _)| !path.is_root()).collect();
    let mut folders: BTreeMap<TreePath, Option<&Arc<Entry>>> = BTreeMap::new();
    for (n, (path, _)) in all.iter().enumerate() {
        if n > 0 && all[n - 1].0.folder() == path.folder() {
            continue;
        }
        let mut below = path.clone();
        // What is above something that is in it is in it, too.
        while !below.folder().is_empty() && !folders.contains_key(below.folder()) {
            let (folder, entry) = match tree.above(&below) {
                Some((folder, entry)) => (folder.clone(), Some(entry)),
                None => (below.parent().unwrap_or_default(), None),
            };
            folders.insert(folder.clone(), entry);
            below = folder;
        }
    }
    all.extend(folders);
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|(one, _), (other, _)| one == other);
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

fn key(epoch: Epoch, entries: &[(TreePath, Arc<Entry>)]) -> Digest {
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
