//! The closure as composition sees it: packages are had only when something is looked for in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_oci::{Component, Entry, Node, PackageId, TreePath};
use longshore_stack::model::PackageRequest;

use super::builder::{Builder, Placing};
use super::leave::is_doc_folder;
use super::{Arch, Brought, ComposeError, Input, links};
use crate::lint::{Finding, Severity, allowed};

/// The packages of the closure, as far as they were needed.
pub(super) struct View<'a> {
    input: &'a Input<'a>,
    pub(super) arch: Arch,
    pub(super) loaded: BTreeMap<PackageId, Arc<Component>>,
    /// Packages that contribute, and how.
    pub(super) used: BTreeMap<PackageId, Brought>,
    /// What was taken from each, by its path there, as often as it was.
    pub(super) taken: BTreeMap<PackageId, Vec<TreePath>>,
}

impl<'a> View<'a> {
    pub(super) fn new(input: &'a Input<'a>, arch: Arch) -> Self {
        let (loaded, used, taken) = Default::default();
        Self { input, arch, loaded, used, taken }
    }

    /// All packages of the closure, sorted.
    pub(super) fn closure(&self) -> &'a [PackageId] {
        self.input.packages.closure()
    }

    /// What `id` brought with it.
    pub(super) fn depends(&self, id: &PackageId) -> Vec<PackageId> {
        self.input.packages.depends(id)
    }

    /// The locked package that `request` asks for.
    pub(super) fn requested(&self, request: &PackageRequest) -> Result<PackageId, ComposeError> {
        let asked = |id: &&PackageId| id.source == request.source && id.name == request.package;
        let native = |id: &&PackageId| id.architecture == "all" || id.architecture == self.arch.debian;
        let mut found = self.closure().iter().filter(asked);
        found.clone().find(native).or_else(|| found.next()).cloned().ok_or_else(|| ComposeError::NotLocked {
            image: self.input.image.to_owned(),
            source_name: request.source.clone(),
            package: request.package.clone(),
        })
    }

    /// The locked packages of these names, in the order of the names.
    pub(super) fn named<S: AsRef<str>>(&self, names: &[S]) -> Vec<PackageId> {
        let find = |name: &S| {
            self.closure().iter().filter(|id| id.name == name.as_ref()).cloned().collect::<Vec<_>>()
        };
        names.iter().flat_map(find).collect()
    }

    /// Makes sure that `ids` are there, in one go.
    pub(super) fn load(&mut self, ids: impl IntoIterator<Item = PackageId>) -> Result<(), ComposeError> {
        let missing: BTreeSet<_> = ids.into_iter().filter(|id| !self.loaded.contains_key(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = missing.into_iter().collect();
        let components = self
            .input
            .packages
            .load(&missing)
            .map_err(|source| ComposeError::Load { image: self.input.image.to_owned(), source })?;
        self.loaded.extend(missing.into_iter().zip(components));
        Ok(())
    }

    /// One package.
    pub(super) fn load_one(&mut self, id: &PackageId) -> Result<Arc<Component>, ComposeError> {
        self.load([id.clone()])?;
        self.loaded.get(id).cloned().ok_or_else(|| ComposeError::Load {
            image: self.input.image.to_owned(),
            source: format!("`{id}` was not handed over").into(),
        })
    }

    /// Places what package `id` has at `from` at `to`, and keeps in mind that it was taken.
    pub(super) fn place(
        &mut self,
        build: &mut Builder<'_>,
        id: &PackageId,
        from: &TreePath,
        to: &TreePath,
    ) -> Result<Option<TreePath>, ComposeError> {
        let component = self.load_one(id)?;
        let Some(entry) = component.tree.get(from) else { return Ok(None) };
        let at = place(build, &component, from, entry, to)?;
        if at.is_some() {
            self.taken.entry(id.clone()).or_default().push(from.clone());
        }
        Ok(at)
    }
}

/// Places what a package has at `from` at `to`, with the folders above it as the package has them when it stays where it was.
/// Set-id bits go unless the image allows them.
pub(super) fn place(
    build: &mut Builder<'_>,
    component: &Component,
    from: &TreePath,
    entry: &Arc<Entry>,
    to: &TreePath,
) -> Result<Option<TreePath>, ComposeError> {
    let mut entry = Arc::clone(entry);
    let stays = from == to;
    if stays && !build.in_folder(from) {
        for parent in from.ancestors() {
            // Below a package's documentation folder that is another's link, parents are the other's.
            let Some(above) = component.tree.get(&parent).filter(|a| a.node == Node::Directory) else {
                continue;
            };
            if !is_doc_folder(&parent) && build.tree.get(&parent).is_none() {
                build.put(&parent, above.clone(), &component.origin)?;
            }
        }
    }
    drop_set_id(build, &mut entry, to, component);
    let mut linked = None;
    if let Node::Hardlink(target) = &entry.node {
        if let Some(Node::File(content)) = component.tree.get(target).map(|file| &file.node) {
            linked = Some(*content);
        }
        let node = match (linked, links::parents(&build.tree, target)) {
            (_, links::Walk::At(at)) if stays => Node::Hardlink(at),
            (Some(content), _) => Node::File(content),
            (None, _) => return Ok(None),
        };
        Arc::make_mut(&mut entry).node = node;
    }
    let facts = component.facts.get(from);
    build.place(Placing { path: to, entry, linked, origin: &component.origin, facts }).map(Some)
}

fn drop_set_id(build: &mut Builder<'_>, entry: &mut Arc<Entry>, path: &TreePath, component: &Component) {
    if entry.mode & 0o6000 == 0 || !matches!(entry.node, Node::File(_) | Node::Hardlink(_)) {
        return;
    }
    let subject = path.to_string();
    if allowed(&build.input.spec.allow, "setuid", &subject) {
        return;
    }
    Arc::make_mut(entry).mode &= !0o6000;
    build.findings.push(Finding {
        lint: "setuid",
        severity: Severity::Note,
        message: format!(
            "`{path}` of `{}` lost its set-id bit, which it has in the package",
            component.origin
        ),
        hint: format!("to keep it, set `allow = [\"setuid:{path}\"]`"),
        subject,
        origin: Some(component.origin.clone()),
    });
}
