//! Images of others: as `base`, and as contents.

use std::collections::BTreeSet;

use longshore_oci::Reference;

use super::contents::{check_several, listed};
use super::names;
use super::runtime::Runtime;
use crate::file::{At, ContentTable, ImageTable};
use crate::findings::Findings;
use crate::model::{BaseSpec, ContentSpec, ImageRequest, Inherit};

/// The image that `table` builds on, and what it leaves to that to say.
pub(super) fn base(table: &ImageTable, findings: &mut Findings) -> Option<BaseSpec> {
    let reference = reference(table.base.as_ref()?, findings)?;
    let mut inherits = BTreeSet::new();
    if table.user.is_none() {
        inherits.insert(Inherit::User);
    }
    if table.entrypoint.is_none() {
        inherits.insert(Inherit::Entrypoint);
        // Arguments of another program than the base's are of no use to this one.
        if table.command.is_none() {
            inherits.insert(Inherit::Command);
        }
    }
    Some(BaseSpec { reference, inherits: Some(inherits) })
}

/// An entry with the key `image`.
pub(super) fn content(
    written: &At<String>,
    table: &ContentTable,
    runtime: &Runtime,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let from: Vec<_> = table.from.iter().flat_map(|from| listed(&from.value, from.span.clone())).collect();
    let from = from.iter().filter_map(|path| names::below_root("`from`", path, findings)).collect::<Vec<_>>();
    let to = match &table.to {
        Some(to) => Some(names::destination(to, findings)?),
        None => None,
    };
    check_several(&to, &from, table, findings);
    let mode = names::mode(table.mode.as_ref(), findings);
    let owner = table.owner.as_ref().map(|owner| runtime.owner(owner, findings));
    let reference = reference(written, findings)?;
    Some(ContentSpec::Image(ImageRequest { reference, from, to, mode, owner }))
}

/// Somebody's image by its full name: which registry is meant must not depend on the machine.
fn reference(written: &At<String>, findings: &mut Findings) -> Option<Reference> {
    let reference = match written.parse::<Reference>() {
        Ok(reference) => reference,
        Err(error) => {
            findings.error("stack::reference", &written.span, error.to_string());
            return None;
        }
    };
    if reference.registry.is_empty() {
        let path = if reference.repository.contains('/') { "" } else { "library/" };
        findings
            .error(
                "stack::reference",
                &written.span,
                format!("image `{}` does not say in which registry it is", written.value),
            )
            .help(format!("write `docker.io/{path}{}` if Docker's is meant", written.value));
        return None;
    }
    if reference.tag.is_none() && reference.digest.is_none() {
        findings
            .error(
                "stack::reference",
                &written.span,
                format!("image `{}` has neither a tag nor a digest", written.value),
            )
            .help(format!("write `{}:TAG`, and the lock pins what that names", written.value));
        return None;
    }
    Some(reference)
}
