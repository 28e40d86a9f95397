//! Packages as they are, with all that they depend on.

use std::collections::BTreeSet;

use longshore_oci::{Node, PackageId};
use longshore_stack::model::ContentSpec;

use super::builder::Builder;
use super::leave::{is_doc_folder, left_out};
use super::view::{self, View};
use super::{Brought, ComposeError};

/// Places every package that the image asks for as a whole, and what those brought with them.
pub(super) fn whole(build: &mut Builder<'_>, view: &mut View<'_>) -> Result<(), ComposeError> {
    let mut next = Vec::new();
    for content in &build.input.spec.contents {
        if let ContentSpec::Package(request) = content {
            next.push(view.requested(request)?);
        }
    }
    let mut ids = BTreeSet::new();
    while let Some(id) = next.pop() {
        if ids.insert(id.clone()) {
            next.extend(view.depends(&id));
        }
    }
    view.load(ids.iter().cloned())?;
    for id in &ids {
        view.used.insert(id.clone(), Brought::Whole);
        let replaces =
            view.load_one(id)?.package.as_ref().map(|meta| meta.replaces.clone()).unwrap_or_default();
        build.replaces.insert(id.clone(), replaces);
    }
    // Links first, so that where one package has a link and another a folder, the folder's files go through the link,
    // whatever the packages' order.
    for links in [Pass::Links, Pass::Others] {
        for id in &ids {
            place(build, view, id, links)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Links,
    Others,
}

fn place(
    build: &mut Builder<'_>,
    view: &mut View<'_>,
    id: &PackageId,
    pass: Pass,
) -> Result<(), ComposeError> {
    let component = view.load_one(id)?;
    let mut taken = view.taken.remove(id).unwrap_or_default();
    for (path, entry) in component.tree.iter() {
        let link = matches!(entry.node, Node::Symlink(_));
        if link != (pass == Pass::Links) {
            continue;
        }
        let goes_in = left_out(path, &build.input.spec.keep).is_none() || (link && is_doc_folder(path));
        if goes_in && view::place(build, &component, path, entry, path)?.is_some() {
            taken.push(path.clone());
        }
    }
    view.taken.insert(id.clone(), taken);
    Ok(())
}
