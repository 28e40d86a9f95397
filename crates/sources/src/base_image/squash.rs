//! Layers on top of each other: the files of the image (OCI image specification, "Applying Changesets").

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_oci::{
    Content, Entry, Facts, FileFacts, ImageFiles, Node, Reference, Tree, TreeError, TreePath,
};
use longshore_stack::lock::LockedManifest;

use super::Error;
use super::layer::Layer;

/// As many links as Linux follows before it gives up (`MAXSYMLINKS`).
const MAX_HOPS: usize = 40;

/// The files of the image that `pin` names, of its layers, lowest first.
pub(super) fn squash(
    reference: &Reference,
    pin: &LockedManifest,
    layers: &[Layer],
) -> Result<ImageFiles, Error> {
    let mut image = Image::default();
    for (n, layer) in (1..).zip(layers) {
        image.apply(n, layer).map_err(|bad| match bad {
            Bad::Loop(path) => {
                Error::Loop { reference: Box::new(reference.clone()), layer: n as usize, path }
            }
            Bad::Tree(error) => {
                Error::Tree { reference: Box::new(reference.clone()), layer: n as usize, error }
            }
        })?;
    }
    image.settle_links();
    let Image { tree, facts, layers, .. } = image;
    Ok(ImageFiles { reference: reference.to_string(), manifest: pin.manifest.digest, tree, facts, layers })
}

enum Bad {
    Loop(TreePath),
    Tree(TreeError),
}

/// What is behind a hard link.
#[derive(Clone)]
struct Linked {
    content: Content,
    facts: Option<FileFacts>,
}

/// The image as it grows.
#[derive(Default)]
struct Image {
    tree: Tree,
    facts: Facts,
    layers: BTreeMap<TreePath, u32>,
    /// The bytes behind hard links and what they need, for when their target goes.
    linked: BTreeMap<TreePath, Linked>,
}

impl Image {
    fn apply(&mut self, n: u32, layer: &Layer) -> Result<(), Bad> {
        for path in &layer.removed {
            let at = self.resolve(path)?;
            self.remove(&at);
        }
        for path in &layer.opaque {
            let at = self.resolve(path)?;
            let below: Vec<_> = self.tree.under(&at).map(|(path, _)| path.clone()).collect();
            below.iter().filter(|path| **path != at).for_each(|path| self.forget(path));
        }
        let links = |entry: &Entry| matches!(entry.node, Node::Hardlink(_));
        // A link may come before its file in the order of names.
        for (path, entry) in layer.tree.iter().filter(|(_, entry)| !links(entry)) {
            let at = self.make_room(n, path, entry)?;
            if let Some(facts) = layer.facts.get(path) {
                self.facts.insert(at.clone(), facts.clone());
            }
            self.set(n, at, entry.clone());
        }
        for (path, entry) in layer.tree.iter() {
            let Node::Hardlink(target) = &entry.node else { continue };
            let dangling =
                || Bad::Tree(TreeError::DanglingHardlink { path: path.clone(), target: target.clone() });
            let target_at = self.resolve(target)?;
            let (held, content) = match self.tree.get(&target_at).map(|entry| &entry.node) {
                Some(Node::File(content)) => (target_at.clone(), *content),
                Some(Node::Hardlink(first)) => {
                    let linked = self.linked.get(&target_at).ok_or_else(dangling)?;
                    (first.clone(), linked.content)
                }
                _ => return Err(dangling()),
            };
            let at = self.make_room(n, path, entry)?;
            if at == held {
                continue;
            }
            // Names in two layers are two files for whoever has these layers apart.
            let together = self.layers.get(&held) == Some(&n);
            let node = if together { Node::Hardlink(held.clone()) } else { Node::File(content) };
            let facts = self.facts.get(&held).cloned();
            if let Some(facts) = facts.clone().filter(|_| !together) {
                self.facts.insert(at.clone(), facts);
            }
            let linked = together.then_some(Linked { content, facts });
            self.set(n, at.clone(), Entry { node, ..Entry::clone(entry) });
            self.linked.extend(linked.map(|linked| (at, linked)));
        }
        Ok(())
    }

    /// Takes away what can't stay where `entry` goes; where that is.
    fn make_room(&mut self, n: u32, path: &TreePath, entry: &Entry) -> Result<TreePath, Bad> {
        let at = self.resolve(path)?;
        let parents: Vec<_> = at.ancestors().collect();
        for parent in parents {
            match self.tree.get(&parent).map(|entry| &entry.node) {
                Some(Node::Directory) => {}
                // Folders need not be entries of their own.
                None => self.set(n, parent, Entry::directory(0o755)),
                Some(_) => return Err(Bad::Tree(TreeError::NotADirectory { path: path.clone(), parent })),
            }
        }
        let folder = self.tree.get(&at).is_some_and(|old| old.node == Node::Directory);
        if !(folder && entry.node == Node::Directory) {
            self.remove(&at);
        }
        Ok(at)
    }

    fn set(&mut self, n: u32, at: TreePath, entry: impl Into<Arc<Entry>>) {
        self.layers.insert(at.clone(), n);
        self.tree.insert(at, entry);
    }

    /// Takes away what is at and below `path`.
    fn remove(&mut self, path: &TreePath) {
        let all: Vec<_> = self.tree.under(path).map(|(path, _)| path.clone()).collect();
        all.iter().for_each(|path| self.forget(path));
    }

    fn forget(&mut self, path: &TreePath) {
        self.tree.remove(path);
        self.facts.remove(path);
        self.layers.remove(path);
        self.linked.remove(path);
    }

    /// `path` after the links above it, as engines unpack into a root: a link never leads out of it.
    fn resolve(&self, path: &TreePath) -> Result<TreePath, Bad> {
        let mut at = path.clone();
        for _ in 0..=MAX_HOPS {
            let link = at.ancestors().find_map(|parent| match self.tree.get(&parent).map(|e| &e.node) {
                Some(Node::Symlink(target)) => Some((parent, target)),
                _ => None,
            });
            let Some((parent, target)) = link else { return Ok(at) };
            let rest = &at.as_bytes()[parent.as_bytes().len()..];
            at = led(&parent, target).and_then(|to| to.join(rest)).map_err(Bad::Tree)?;
        }
        Err(Bad::Loop(path.clone()))
    }

    /// Makes files of hard links whose target a later layer replaced or took away. Of several that are left of one file, the
    /// first holds it for the others.
    fn settle_links(&mut self) {
        let mut holders: BTreeMap<(TreePath, u32), TreePath> = BTreeMap::new();
        for (path, Linked { content, facts }) in std::mem::take(&mut self.linked) {
            let Some(entry) = self.tree.get(&path) else { continue };
            let Node::Hardlink(target) = entry.node.clone() else { continue };
            let own = self.layers.get(&path).copied().unwrap_or_default();
            let there = self.tree.get(&target).is_some_and(|held| held.node == Node::File(content));
            if there && self.layers.get(&target) == Some(&own) {
                continue;
            }
            let node = match holders.get(&(target.clone(), own)) {
                Some(first) => Node::Hardlink(first.clone()),
                None => {
                    holders.insert((target, own), path.clone());
                    self.facts.extend(facts.map(|facts| (path.clone(), facts)));
                    Node::File(content)
                }
            };
            let entry = Entry { node, ..Entry::clone(entry) };
            self.tree.insert(path, entry);
        }
    }
}

/// Where a link at `link` leads: `..` at the root stays there.
fn led(link: &TreePath, target: &[u8]) -> Result<TreePath, TreeError> {
    let parent = link.parent().unwrap_or_default();
    let mut parts: Vec<&[u8]> = match target.starts_with(b"/") {
        true => Vec::new(),
        false => parent.as_bytes().split(|&b| b == b'/').filter(|part| !part.is_empty()).collect(),
    };
    for part in target.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    TreePath::new(parts.join(&b'/'))
}
