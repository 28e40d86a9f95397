//! The stack file's own contents: files, folders, texts, links, alternatives, directories to write in.

use std::sync::Arc;

use longshore_oci::{Component, Content, Entry, Facts, FileFacts, Node, Origin, Tree, TreePath};
use longshore_stack::model::{ContentSpec, FileRequest, OutputRequest};

use super::builder::{Builder, Placing};
use super::similar::similar;
use super::{ComposeError, links, others};

/// Places files, folders, texts and links, in the order of the stack file.
pub(super) fn place(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    for content in &build.input.spec.contents {
        match content {
            ContentSpec::File(request) | ContentSpec::Directory(request) => local(build, content, request)?,
            ContentSpec::Text(text) => {
                let name =
                    text.template.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
                let path = text.to.path(name.as_bytes());
                let content = build.input.store.put(text.text.as_bytes())?;
                let entry = Entry::file(text.mode, content).owned_by(text.owner.0, text.owner.1);
                build.put(&path, entry, &inline(&path))?;
            }
            ContentSpec::Symlink { target, to } => {
                let name = target.rsplit('/').next().unwrap_or_default();
                let path = to.path(name.as_bytes());
                build.put(&path, Entry::symlink(target.as_str()), &inline(&path))?;
            }
            ContentSpec::Build(request) => output(build, &Origin::Build(request.name.clone()), request)?,
            ContentSpec::Url(request) => output(build, &Origin::Url(request.name.clone()), request)?,
            ContentSpec::Image(request) => others::place(build, request)?,
            ContentSpec::Probe => probe(build)?,
            ContentSpec::Package(_)
            | ContentSpec::Slice(_)
            | ContentSpec::Fragment(_)
            | ContentSpec::Nix(_) => {}
        }
    }
    Ok(())
}

/// The health probe, the same file in every image, and so one layer for all.
fn probe(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let platform = build.input.platform;
    let Some(binary) = longshore_probe::binary(platform) else {
        return Err(ComposeError::NoProbe {
            image: build.input.image.to_owned(),
            platform: platform.clone(),
        });
    };
    let path = TreePath::new(longshore_probe::PATH)?;
    build.put_bytes(&path, 0o755, binary, &Origin::Longshore("probe".to_owned()))?;
    Ok(())
}

fn inline(path: &TreePath) -> Origin {
    Origin::Inline(path.to_string())
}

/// What a whole file or folder beside the stack file becomes.
fn local(build: &mut Builder<'_>, content: &ContentSpec, request: &FileRequest) -> Result<(), ComposeError> {
    let component = find(build, &request.path)?;
    let name = request.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let from = match content {
        ContentSpec::Directory(_) => TreePath::root(),
        // A file's tree holds its one name.
        _ => TreePath::new(name)?,
    };
    let name = if name == "." { "" } else { name };
    let origin = Origin::Path(request.path.clone());
    let part = Part {
        tree: &component.tree,
        facts: &component.facts,
        origin: &|_| origin.clone(),
        from: &from,
        to: request.to.path(name.as_bytes()),
        mode: request.mode,
        owner: Some(request.owner),
    };
    part.place(build)
}

/// What a build made, or a pinned archive holds, or a part of it. A tree that is one file alone is that file.
fn output(build: &mut Builder<'_>, origin: &Origin, request: &OutputRequest) -> Result<(), ComposeError> {
    let component = find(build, &output_key(origin))?;
    let from = match &request.from {
        Some(from) => TreePath::new(from)?,
        None => match component.tree.iter().next() {
            Some((path, only)) if component.tree.len() == 1 && matches!(only.node, Node::File(_)) => {
                path.clone()
            }
            _ => TreePath::root(),
        },
    };
    if !from.is_root() && component.tree.under(&from).next().is_none() {
        return Err(ComposeError::NotInOutput {
            image: build.input.image.to_owned(),
            output: Box::new(origin.clone()),
            similar: similar(&from, component.tree.iter().map(|(path, _)| path)).cloned(),
            holds: component.tree.iter().take(5).map(|(path, _)| relative(path)).collect(),
            path: relative(&from),
        });
    }
    let part = Part {
        tree: &component.tree,
        facts: &component.facts,
        origin: &|_| origin.clone(),
        from: &from,
        to: request.to.path(from.name()),
        mode: request.mode,
        owner: Some(request.owner),
    };
    part.place(build)
}

/// A path as it is written below a build's or archive's root.
pub(super) fn relative(path: &TreePath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

/// The key among [`super::Input::locals`] of a build's output (`build:NAME`) or a pinned archive (`url:NAME`).
fn output_key(origin: &Origin) -> String {
    match origin {
        Origin::Url(name) => format!("url:{name}"),
        Origin::Build(name) | Origin::Path(name) | Origin::Inline(name) | Origin::Longshore(name) => {
            format!("build:{name}")
        }
        Origin::Package(id) => id.to_string(),
        Origin::Nix(path) => path.to_string(),
        Origin::Image(layer) | Origin::Base(layer) => layer.to_string(),
    }
}

fn find(build: &Builder<'_>, key: &str) -> Result<Arc<Component>, ComposeError> {
    let found = build.input.locals.get(key).cloned();
    found.ok_or_else(|| ComposeError::NoLocal { image: build.input.image.to_owned(), path: key.to_owned() })
}

/// A file or folder of a component on its way into the image.
pub(super) struct Part<'a> {
    pub(super) tree: &'a Tree,
    pub(super) facts: &'a Facts,
    /// Who an entry of the tree is from.
    pub(super) origin: &'a dyn Fn(&TreePath) -> Origin,
    /// What of the component.
    pub(super) from: &'a TreePath,
    /// Where it goes: the path of `from` itself.
    pub(super) to: TreePath,
    pub(super) mode: Option<u16>,
    /// Whose it is; whose it was where nothing is said.
    pub(super) owner: Option<(u32, u32)>,
}

impl Part<'_> {
    pub(super) fn place(&self, build: &mut Builder<'_>) -> Result<(), ComposeError> {
        let whole = self.tree.get(self.from);
        // Folders need not be entries of their own.
        if whole.is_none_or(|entry| entry.node == Node::Directory) && !self.to.is_root() {
            let folder = whole.cloned().unwrap_or_else(|| Entry::directory(0o755).into());
            build.put(&self.to, self.owned(&folder), &(self.origin)(self.from))?;
        }
        for (path, entry) in self.tree.under(self.from) {
            if path == self.from && entry.node == Node::Directory {
                continue;
            }
            let to = self.moved(path)?;
            let mut entry = self.owned(entry);
            let mut linked: Option<Content> = None;
            if let Node::Hardlink(target) = &entry.node {
                if let Some(Node::File(content)) = self.tree.get(target).map(|file| &file.node) {
                    linked = Some(*content);
                }
                let node = match (target.is_under(self.from), linked) {
                    // The other name stays behind.
                    (false, Some(content)) => Node::File(content),
                    _ => Node::Hardlink(self.moved(target)?),
                };
                Arc::make_mut(&mut entry).node = node;
            }
            let facts = self.facts.get(path);
            let origin = (self.origin)(path);
            let executable = entry.mode & 0o111 != 0;
            let at = build.place(Placing { path: &to, entry, linked, origin: &origin, facts })?;
            let must_work = match facts {
                Some(FileFacts::Elf(elf)) => elf.interpreter.is_some(),
                Some(FileFacts::Script { .. }) => executable,
                None => false,
            };
            if must_work {
                build.roots.insert(at);
            }
        }
        Ok(())
    }

    /// Where a path of the component goes.
    fn moved(&self, path: &TreePath) -> Result<TreePath, ComposeError> {
        // To make a path of a path that is one takes longer than all else that is done to it.
        if *self.from == self.to {
            return Ok(path.clone());
        }
        let below = &path.as_bytes()[self.from.as_bytes().len().min(path.as_bytes().len())..];
        Ok(self.to.join(below)?)
    }

    fn owned(&self, entry: &Arc<Entry>) -> Arc<Entry> {
        let mut entry = Arc::clone(entry);
        let owner = (entry.uid, entry.gid);
        if let Some(other) = self.owner.filter(|other| *other != owner) {
            let entry = Arc::make_mut(&mut entry);
            (entry.uid, entry.gid) = other;
        }
        let has_bytes = matches!(entry.node, Node::File(_) | Node::Hardlink(_));
        if let Some(mode) = self.mode.filter(|mode| has_bytes && *mode != entry.mode) {
            Arc::make_mut(&mut entry).mode = mode;
        }
        entry
    }
}

/// Makes the links of the alternatives table, the directories to write in, and the working directory.
pub(super) fn finish(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let spec = build.input.spec;
    for (link, target) in &spec.alternatives {
        build.put(link, Entry::symlink(target.as_str()), &inline(link))?;
    }
    for (link, target) in &spec.alternatives {
        let end = links::target(link, target.as_bytes());
        if !end.is_some_and(|end| build.has(&end)) {
            let (image, link) = (build.input.image.to_owned(), link.clone());
            return Err(ComposeError::Alternative { image, link, target: target.clone() });
        }
    }
    for writable in &spec.writable {
        let entry = Entry::directory(writable.mode).owned_by(writable.owner.0, writable.owner.1);
        let at = build.put(&writable.path, entry.clone(), &inline(&writable.path))?;
        // What is declared holds, whoever made the directory.
        let at = links::follow(&build.tree, &at).unwrap_or(at);
        if build.tree.get(&at).is_some_and(|there| there.node == Node::Directory && **there != entry) {
            build.tree.insert(at.clone(), entry);
            build.origins.insert(at, &inline(&writable.path));
        }
    }
    if let Some(workdir) = spec.workdir.as_ref().filter(|path| !path.is_root())
        && !build.has(workdir)
    {
        build.put(workdir, Entry::directory(0o755), &Origin::Longshore("workdir".to_owned()))?;
    }
    Ok(())
}
