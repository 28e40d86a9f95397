//! Removing what was decided to go.

use longshore_oci::{Digest, Progress};
use longshore_registry::{At, Client, Repository};

use super::stock::{Stock, take_stock};
use super::{Plan, Rules, plan};
use crate::Error;

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Manifests.
    pub manifests: Vec<Digest>,
    /// Tags alone.
    pub tags: Vec<String>,
    /// Tags that had to stay, since the registry removes no tag without what it names.
    pub left: Vec<String>,
}

/// Removes what `planned` says of `stock`, if nobody has changed the repository since.
///
/// # Errors
/// [`Error::Changed`] when somebody has; [`Error::NoDeletion`] when the registry removes nothing. What was removed before stays so,
/// and nothing that is left is broken.
pub fn carry_out(
    repository: &Repository,
    stock: &Stock,
    planned: &Plan,
    rules: &Rules<'_>,
    client: &Client,
    progress: &dyn Progress,
) -> Result<Removed, Error> {
    let now = take_stock(repository, client)?;
    if now != *stock && plan(repository.name(), &now, rules) != *planned {
        return Err(Error::Changed { repository: repository.name().to_owned() });
    }
    let mut removed = Removed::default();
    for tag in &planned.untag {
        match repository.delete_tag(tag) {
            Ok(()) => removed.tags.push(tag.clone()),
            Err(error) if refuses(&error) => removed.left.push(tag.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    for digest in &planned.remove {
        let gone = progress.during("Removing", &format!("{}@{digest}", repository.name()), None, |_| {
            repository.delete(digest)
        });
        match gone {
            Ok(()) => removed.manifests.push(*digest),
            // Some registries remove what an index names, or what refers to it, along with it.
            Err(error) if error.is_not_found() => {}
            Err(error) if refuses(&error) => {
                return Err(Error::NoDeletion { repository: repository.name().to_owned(), source: error });
            }
            Err(error) => return Err(error.into()),
        }
        // Mostly its tags went with it; some registries keep each for itself.
        for (tag, _) in planned.tags.iter().filter(|(_, (named, _))| named == digest) {
            if repository.probe(&At::Tag(tag.clone()))?.is_some() {
                match repository.delete_tag(tag) {
                    Ok(()) => removed.tags.push(tag.clone()),
                    Err(error) if refuses(&error) => removed.left.push(tag.clone()),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        // The list of an image that stays must not name what is gone.
        let subjects = stock.manifests.iter().filter(|(_, node)| node.referrers.contains(digest));
        for (subject, _) in subjects.filter(|(subject, _)| !planned.remove.contains(subject)) {
            repository.forget_referrer(subject, digest)?;
        }
    }
    Ok(removed)
}

/// Whether the registry says that it does no such thing.
fn refuses(error: &longshore_registry::Error) -> bool {
    matches!(error, longshore_registry::Error::Status { status: 400 | 405 | 501, .. }) || error.is_not_found()
}
