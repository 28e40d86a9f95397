//! The tree under construction: who owns what, through links, without two owners of one path.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::Arc;

use longshore_oci::{Content, Entry, Facts, FileFacts, Node, Origin, PackageId, StorePath, Tree, TreePath};

use super::links::{self, Walk};
use super::nix::StorePathUse;
use super::origins::Origins;
use super::report::PackageUse;
use super::{ComposeError, Input, RootFs};
use crate::lint::{Finding, Severity};

/// The tree under construction.
pub(super) struct Builder<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) tree: Tree,
    pub(super) origins: Origins,
    pub(super) facts: Facts,
    pub(super) roots: BTreeSet<TreePath>,
    pub(super) findings: Vec<Finding>,
    /// What each package may replace.
    pub(super) replaces: BTreeMap<PackageId, Vec<String>>,
    /// Certificates in the bundle, by name, as DER; for key stores of other formats.
    pub(super) certificates: Vec<(String, Vec<u8>)>,
    /// The bytes behind hard links, for when their target is not in the image after all.
    pub(super) linked: BTreeMap<TreePath, Content>,
    /// A folder of the tree: mostly that of the next path, too.
    folder: TreePath,
    /// Paths of the Nix store that are in it.
    pub(super) store_paths: BTreeMap<StorePath, StorePathUse>,
}

/// Who wins a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Base,
    Longshore,
    Package,
    Stack,
}

fn rank(origin: &Origin) -> Rank {
    match origin {
        Origin::Base(_) => Rank::Base,
        Origin::Longshore(_) => Rank::Longshore,
        Origin::Package(_) | Origin::Nix(_) => Rank::Package,
        Origin::Path(_) | Origin::Inline(_) | Origin::Build(_) | Origin::Url(_) | Origin::Image(_) => {
            Rank::Stack
        }
    }
}

/// One thing to place.
pub(super) struct Placing<'a> {
    /// Where, before links are followed.
    pub(super) path: &'a TreePath,
    /// What. A hard link's target is a path of the image.
    pub(super) entry: Arc<Entry>,
    /// The bytes behind a hard link.
    pub(super) linked: Option<Content>,
    /// Who.
    pub(super) origin: &'a Origin,
    /// What it needs.
    pub(super) facts: Option<&'a FileFacts>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        Self {
            input,
            tree: Tree::new(),
            origins: Origins::default(),
            facts: Facts::new(),
            roots: BTreeSet::new(),
            findings: Vec::new(),
            replaces: BTreeMap::new(),
            certificates: Vec::new(),
            linked: BTreeMap::new(),
            folder: TreePath::root(),
            store_paths: BTreeMap::new(),
        }
    }

    /// Places something without facts; returns where it landed.
    pub(super) fn put(
        &mut self,
        path: &TreePath,
        entry: impl Into<Arc<Entry>>,
        origin: &Origin,
    ) -> Result<TreePath, ComposeError> {
        self.place(Placing { path, entry: entry.into(), linked: None, origin, facts: None })
    }

    /// Stores `bytes` and places them as a file of root's.
    pub(super) fn put_bytes(
        &mut self,
        path: &TreePath,
        mode: u16,
        bytes: &[u8],
        origin: &Origin,
    ) -> Result<TreePath, ComposeError> {
        let content = self.input.store.put(bytes)?;
        self.put(path, Entry::file(mode, content), origin)
    }

    /// Whether something is at `path`, links followed.
    pub(super) fn has(&self, path: &TreePath) -> bool {
        links::follow(&self.tree, path).is_some()
    }

    /// The bytes of the file at `path`, links followed; none when there is no file.
    pub(super) fn read(&self, path: &TreePath) -> Result<Option<Vec<u8>>, ComposeError> {
        let entry = links::follow(&self.tree, path).and_then(|at| self.tree.get(&at));
        Ok(match entry.map(|entry| &entry.node) {
            Some(Node::File(content)) => Some(self.input.store.read_blob(content)?),
            _ => None,
        })
    }

    /// Places one thing; returns where it landed, which differs from where it was to go when links lead there.
    pub(super) fn place(&mut self, new: Placing<'_>) -> Result<TreePath, ComposeError> {
        // Nothing is ever placed under a link, so where its folder is one of the tree there is none above it.
        let in_folder = self.in_folder(new.path);
        let way = if in_folder { Walk::At(new.path.clone()) } else { links::parents(&self.tree, new.path) };
        let at = match way {
            Walk::At(at) => at,
            Walk::Loop => return Err(ComposeError::LinkLoop { path: new.path.clone() }),
            Walk::Blocked(parent) => {
                return Err(ComposeError::NotADirectory {
                    path: new.path.clone(),
                    origin: Box::new(new.origin.clone()),
                    owner: Box::new(self.owner(&parent)),
                    parent,
                });
            }
        };
        if at.is_root() {
            return Ok(at);
        }
        if !in_folder {
            self.make_parents(&at, new.origin);
        }
        let old = match self.tree.slot(at.clone()) {
            btree_map::Entry::Vacant(slot) => {
                let Placing { entry, linked, origin, facts, .. } = new;
                slot.insert(entry);
                self.own(&at, origin, linked, facts);
                return Ok(at);
            }
            btree_map::Entry::Occupied(old) => old.get().clone(),
        };
        match (&old.node, &new.entry.node) {
            (Node::Directory, Node::Directory) => {
                let same = (old.mode, old.uid, old.gid) == (new.entry.mode, new.entry.uid, new.entry.gid);
                // Folders of the stack file say something about existing ones only where they name an owner.
                let says = rank(new.origin) == Rank::Package || new.entry.uid != 0 || new.entry.gid != 0;
                if !same && says && rank(new.origin) > rank(&self.owner(&at)) {
                    self.set(&at, new);
                }
            }
            // A link in place of a directory is followed by what lies below.
            (Node::Symlink(_), Node::Directory)
                if links::follow(&self.tree, &at)
                    .and_then(|end| self.tree.get(&end))
                    .is_none_or(|end| end.node == Node::Directory) => {}
            (Node::Directory, Node::Symlink(to))
                if links::target(&at, to)
                    .is_some_and(|to| links::follow(&self.tree, &to).as_ref() == Some(&at)) => {}
            (Node::Directory, _) | (_, Node::Directory) => return Err(self.conflict(&at, new.origin)),
            _ => return self.replace(at, new),
        }
        Ok(at)
    }

    /// Two things that are no directories want one path.
    fn replace(&mut self, at: TreePath, new: Placing<'_>) -> Result<TreePath, ComposeError> {
        let Some(old) = self.tree.get(&at) else { return Ok(at) };
        let bytes = |entry: &Entry, linked: Option<Content>| match entry.node {
            Node::File(content) => Some(content),
            _ => linked,
        };
        let (was, is) = (bytes(old, self.linked.get(&at).copied()), bytes(&new.entry, new.linked));
        let same_meta = (old.mode, old.uid, old.gid) == (new.entry.mode, new.entry.uid, new.entry.gid);
        if same_meta && (old.node == new.entry.node || (was.is_some() && was == is)) {
            return Ok(at);
        }
        let owner = self.owner(&at);
        match (rank(new.origin).cmp(&rank(&owner)), new.origin, &owner) {
            (std::cmp::Ordering::Greater, ..) => {
                if let Origin::Package(_) | Origin::Nix(_) | Origin::Base(_) = owner
                    && rank(new.origin) == Rank::Stack
                {
                    self.findings.push(Finding {
                        lint: "override",
                        severity: Severity::Note,
                        subject: at.to_string(),
                        message: format!("`{at}` of `{owner}` is replaced by `{}`", new.origin),
                        hint: "nothing to do when this is meant".to_owned(),
                        origin: Some(new.origin.clone()),
                    });
                }
                self.set(&at, new);
            }
            (std::cmp::Ordering::Less, ..) => {}
            (_, Origin::Package(new_id), Origin::Package(old_id)) if self.may_replace(new_id, old_id) => {
                self.set(&at, new);
            }
            (_, Origin::Package(new_id), Origin::Package(old_id)) if self.may_replace(old_id, new_id) => {}
            _ => return Err(self.conflict(&at, new.origin)),
        }
        Ok(at)
    }

    fn may_replace(&self, one: &PackageId, other: &PackageId) -> bool {
        self.replaces.get(one).is_some_and(|names| names.contains(&other.name))
    }

    fn conflict(&self, at: &TreePath, second: &Origin) -> ComposeError {
        ComposeError::Conflict {
            path: at.clone(),
            first: Box::new(self.owner(at)),
            second: Box::new(second.clone()),
        }
    }

    fn owner(&self, path: &TreePath) -> Origin {
        // Whatever is in the tree has an origin: both are only ever set together.
        self.origins.get(path).cloned().unwrap_or_else(|| Origin::Longshore("base".to_owned()))
    }

    /// Puts something in place of what is there.
    fn set(&mut self, at: &TreePath, new: Placing<'_>) {
        self.facts.remove(at);
        self.linked.remove(at);
        self.tree.insert(at.clone(), new.entry);
        self.own(at, new.origin, new.linked, new.facts);
    }

    /// Notes whose the entry at a path is, and what is known of it.
    fn own(&mut self, at: &TreePath, origin: &Origin, linked: Option<Content>, facts: Option<&FileFacts>) {
        if let Some(facts) = facts {
            self.facts.insert(at.clone(), facts.clone());
        }
        if let Some(content) = linked {
            self.linked.insert(at.clone(), content);
        }
        self.origins.insert(at.clone(), origin);
    }

    /// Whether what holds `path` is a folder of the tree.
    pub(super) fn in_folder(&mut self, path: &TreePath) -> bool {
        if path.folder() == self.folder.as_bytes() {
            return true;
        }
        let found = self.tree.above(path).is_some_and(|(_, above)| above.node == Node::Directory);
        // Folders stay folders: what would take the place of one is a conflict.
        if found && let Some(folder) = path.parent() {
            self.folder = folder;
        }
        found
    }

    fn make_parents(&mut self, at: &TreePath, origin: &Origin) {
        if self.tree.above(at).is_some() {
            return;
        }
        for parent in at.ancestors() {
            if self.tree.get(&parent).is_none() {
                self.tree.insert(parent.clone(), Entry::directory(0o755));
                self.origins.insert(parent, origin);
            }
        }
    }

    /// The finished root filesystem.
    pub(super) fn finish(
        mut self,
        library_folders: Vec<TreePath>,
        packages: Vec<PackageUse>,
    ) -> Result<RootFs, ComposeError> {
        for (path, content) in std::mem::take(&mut self.linked) {
            let Some(entry) = self.tree.get(&path) else { continue };
            let Node::Hardlink(to) = &entry.node else { continue };
            if self.tree.get(to).is_none_or(|end| end.node != Node::File(content)) {
                let file = Entry { node: Node::File(content), ..Entry::clone(entry) };
                self.tree.insert(path, file);
            }
        }
        self.tree.check()?;
        Ok(RootFs {
            // What grew path by path has nodes half of which are empty.
            tree: self.tree.into_iter().collect(),
            origins: self.origins.compact(),
            facts: self.facts,
            roots: self.roots,
            library_folders,
            findings: self.findings,
            packages,
            store_paths: self.store_paths,
        })
    }
}
