//! Images of others: what an image builds on, and what it takes of them.

use std::sync::Arc;

use longshore_oci::{ImageFiles, Node, Origin, TreePath};
use longshore_stack::model::ImageRequest;

use super::builder::Builder;
use super::contents::Part;
use super::similar::similar;
use super::{ComposeError, links};

/// As many links as Linux follows before it gives up (`MAXSYMLINKS`).
const MAX_HOPS: usize = 40;

/// Lays what the image builds on: everything else goes on top of it.
pub(super) fn lay(build: &mut Builder<'_>) -> Result<(), ComposeError> {
    let Some(base) = &build.input.spec.base else { return Ok(()) };
    let files = find(build, &base.reference.to_string())?;
    build.tree = files.tree.clone();
    build.facts = files.facts.clone();
    for (path, entry) in files.tree.iter() {
        build.origins.insert(path.clone(), &Origin::Base(files.layer(path)));
        if let Node::Hardlink(to) = &entry.node
            && let Some(Node::File(content)) = files.tree.get(to).map(|held| &held.node)
        {
            build.linked.insert(path.clone(), *content);
        }
    }
    Ok(())
}

/// Whether the thing that `path` names after every link is the base's.
pub(super) fn base_has(build: &Builder<'_>, path: &TreePath) -> bool {
    let found = links::follow(&build.tree, path).and_then(|at| build.origins.get(&at));
    matches!(found, Some(Origin::Base(_)))
}

/// Takes files of somebody's image, or all of them.
pub(super) fn place(build: &mut Builder<'_>, request: &ImageRequest) -> Result<(), ComposeError> {
    let files = find(build, &request.reference.to_string())?;
    let root = [TreePath::root()];
    let from = if request.from.is_empty() { &root[..] } else { &request.from };
    for asked in from {
        let mut at = look(build, &files, asked)?;
        for _ in 0..MAX_HOPS {
            let Some(Node::Symlink(target)) = files.tree.get(&at).map(|entry| &entry.node) else { break };
            // What goes elsewhere is the thing itself, under the name it was asked for by; what stays is the link and its end.
            if request.to.is_none() {
                take(build, &files, request, &at, at.clone())?;
            }
            let next = links::target(&at, target).ok_or_else(|| missing(build, &files, asked))?;
            at = look(build, &files, &next)?;
        }
        let to = request.to.as_ref().map_or_else(|| at.clone(), |to| to.path(asked.name()));
        take(build, &files, request, &at, to)?;
    }
    Ok(())
}

fn take(
    build: &mut Builder<'_>,
    files: &ImageFiles,
    request: &ImageRequest,
    from: &TreePath,
    to: TreePath,
) -> Result<(), ComposeError> {
    let part = Part {
        tree: &files.tree,
        facts: &files.facts,
        origin: &|path| Origin::Image(files.layer(path)),
        from,
        to,
        mode: request.mode,
        owner: request.owner,
    };
    part.place(build)
}

/// Where `path` is in the image, through the links above it.
fn look(build: &Builder<'_>, files: &ImageFiles, path: &TreePath) -> Result<TreePath, ComposeError> {
    if path.is_root() {
        return Ok(TreePath::root());
    }
    match links::parents(&files.tree, path) {
        links::Walk::At(at) if files.tree.get(&at).is_some() => Ok(at),
        _ => Err(missing(build, files, path)),
    }
}

fn missing(build: &Builder<'_>, files: &ImageFiles, path: &TreePath) -> ComposeError {
    ComposeError::NotInImage {
        image: build.input.image.to_owned(),
        other: files.reference.clone(),
        path: path.clone(),
        similar: similar(path, files.tree.iter().map(|(path, _)| path)).cloned(),
    }
}

fn find(build: &Builder<'_>, name: &str) -> Result<Arc<ImageFiles>, ComposeError> {
    let found = build.input.others.get(name).cloned();
    found.ok_or_else(|| ComposeError::NoLocal { image: build.input.image.to_owned(), path: name.to_owned() })
}
