//! Looking for files and libraries in the closure, in as few packages as possible.

use std::collections::BTreeSet;

use longshore_oci::{Elf, FileFacts, Node, PackageId, TreePath};

use super::view::View;
use super::{ComposeError, links, soname};

/// As many links as Linux follows before it gives up (`MAXSYMLINKS`).
const MAX_HOPS: usize = 40;

/// A path of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) id: PackageId,
    pub(super) path: TreePath,
}

/// How far from a package something of it may be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// In it, in what is there already, and in what it depends on directly.
    Near,
    /// In all that it brought with it.
    Far,
}

impl View<'_> {
    /// What is at `path`, seen from package `near`: every link on the way, and last the thing itself. None when nothing
    /// is there or a link leads nowhere.
    pub(super) fn chain(
        &mut self,
        near: &PackageId,
        path: &TreePath,
        reach: Reach,
    ) -> Result<Option<Vec<Hit>>, ComposeError> {
        let (mut near, mut at) = (near.clone(), links::merged(path));
        let mut hits = Vec::new();
        for _ in 0..MAX_HOPS {
            if let Some((hit, next)) = self.link_above(&near, &at) {
                near = hit.id.clone();
                hits.push(hit);
                at = links::merged(&next);
                continue;
            }
            let Some(id) = self.holder(&near, &at, reach)? else { return Ok(None) };
            let node = self.loaded.get(&id).and_then(|c| c.tree.get(&at)).map(|entry| entry.node.clone());
            hits.push(Hit { id: id.clone(), path: at.clone() });
            let Some(Node::Symlink(to)) = node else { return Ok(Some(hits)) };
            let Some(next) = links::target(&at, &to) else { return Ok(None) };
            (near, at) = (id, links::merged(&next));
        }
        Ok(None)
    }

    /// A link among the parents of `path`, and where it leads `path`.
    fn link_above(&self, near: &PackageId, path: &TreePath) -> Option<(Hit, TreePath)> {
        let first = self.loaded.get_key_value(near);
        for parent in path.ancestors() {
            for (id, component) in first.into_iter().chain(&self.loaded) {
                if let Some(Node::Symlink(to)) = component.tree.get(&parent).map(|entry| &entry.node) {
                    let rest = &path.as_bytes()[parent.as_bytes().len()..];
                    let next = links::target(&parent, to)?.join(rest).ok()?;
                    return Some((Hit { id: id.clone(), path: parent }, next));
                }
            }
        }
        None
    }

    /// The package that has `path`.
    fn holder(
        &mut self,
        near: &PackageId,
        path: &TreePath,
        reach: Reach,
    ) -> Result<Option<PackageId>, ComposeError> {
        self.load([near.clone()])?;
        // Folders need not be entries of their own.
        let has = |view: &Self, id: &PackageId| {
            view.loaded.get(id).is_some_and(|c| c.tree.under(path).next().is_some())
        };
        if has(self, near) {
            return Ok(Some(near.clone()));
        }
        let there: Vec<_> = self.loaded.keys().cloned().collect();
        if let Some(id) = there.iter().find(|id| has(self, id)) {
            return Ok(Some(id.clone()));
        }
        // A program is likely in the package that is called like it (`python3.13` in `python3.13-minimal`).
        let name = String::from_utf8_lossy(path.name());
        let likely = self.named(&[format!("{name}-minimal"), format!("{name}-bin"), name.into_owned()]);
        self.load(likely.iter().cloned())?;
        if let Some(id) = likely.into_iter().find(|id| has(self, id)) {
            return Ok(Some(id));
        }
        self.breadth_first(near, reach, |view, id| has(view, id))
    }

    /// The first package that `is` true of, level by level below `near`; each level is had in one go.
    fn breadth_first(
        &mut self,
        near: &PackageId,
        reach: Reach,
        is: impl Fn(&Self, &PackageId) -> bool,
    ) -> Result<Option<PackageId>, ComposeError> {
        let mut seen = BTreeSet::from([near.clone()]);
        let mut level = vec![near.clone()];
        loop {
            level =
                level.iter().flat_map(|id| self.depends(id)).filter(|id| seen.insert(id.clone())).collect();
            if level.is_empty() {
                return Ok(None);
            }
            self.load(level.iter().cloned())?;
            if let Some(id) = level.iter().find(|id| is(self, id)) {
                return Ok(Some(id.clone()));
            }
            if reach == Reach::Near {
                return Ok(None);
            }
        }
    }

    /// Packages that probably have `library`, by Debian's rule for naming them.
    pub(super) fn likely(&self, library: &[u8]) -> Vec<PackageId> {
        self.named(&soname::packages(library))
    }

    /// The library `name` that `elf`, which is `user`, needs.
    pub(super) fn library(
        &mut self,
        user: &Hit,
        elf: &Elf,
        name: &[u8],
        reach: Reach,
    ) -> Result<Option<Vec<Hit>>, ComposeError> {
        if name.contains(&b'/') {
            return match TreePath::new(name) {
                Ok(path) => self.chain(&user.id, &path, reach),
                Err(_) => Ok(None),
            };
        }
        let mut folders = runpath(&user.path, elf);
        folders.extend(self.arch.library_folders());
        let likely = self.likely(name);
        self.load(likely.iter().cloned())?;
        for id in likely.iter().chain([&user.id]) {
            if let Some(path) = self.library_of(id, &folders, name) {
                return self.chain(id, &path, reach);
            }
        }
        // A launcher loads it by a path of its own (`libjvm.so`).
        if let Some(path) = self.anywhere(&user.id, name) {
            return self.chain(&user.id, &path, reach);
        }
        let found =
            self.breadth_first(&user.id, reach, |view, id| view.library_of(id, &folders, name).is_some())?;
        match found.and_then(|id| self.library_of(&id, &folders, name).map(|path| (id, path))) {
            Some((id, path)) => self.chain(&id, &path, reach),
            None => Ok(None),
        }
    }

    /// Where package `id` has the library, if it is of the right architecture.
    fn library_of(&self, id: &PackageId, folders: &[TreePath], name: &[u8]) -> Option<TreePath> {
        let component = self.loaded.get(id)?;
        folders.iter().filter_map(|folder| folder.join(name).ok()).find(|path| {
            let end = links::follow(&component.tree, path);
            let runs = match end.as_ref().and_then(|end| component.facts.get(end)) {
                Some(FileFacts::Elf(elf)) => self.arch.runs(elf),
                _ => true,
            };
            component.tree.get(path).is_some() && runs
        })
    }

    fn anywhere(&self, id: &PackageId, name: &[u8]) -> Option<TreePath> {
        let component = self.loaded.get(id)?;
        component.facts.keys().find(|path| path.name() == name).cloned()
    }
}

/// The folders of an object's run path, `$ORIGIN` being its own.
pub(crate) fn runpath(object: &TreePath, elf: &Elf) -> Vec<TreePath> {
    let origin = object.parent().unwrap_or_default();
    let expand = |folder: &Vec<u8>| {
        let rest = folder.strip_prefix(b"$ORIGIN").or_else(|| folder.strip_prefix(b"${ORIGIN}"));
        let absolute = match rest {
            Some(rest) => [b"/", origin.as_bytes(), rest].concat(),
            None if folder.starts_with(b"/") => folder.clone(),
            // Empty and relative folders mean the working directory, which an image has no use for.
            None => return None,
        };
        links::target(&TreePath::root(), &absolute).map(|path| links::merged(&path))
    };
    elf.runpath.iter().filter_map(expand).collect()
}
