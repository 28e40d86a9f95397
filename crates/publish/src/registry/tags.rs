//! Giving names, when everything that they name is there.

use std::sync::Mutex;
use std::sync::PoisonError;

use longshore_net::each;
use longshore_oci::Digest;
use longshore_registry::{At, Client};

use super::survey::Survey;
use crate::Error;

/// A tag that moved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// `ghcr.io/org/web:1.2`.
    pub reference: String,
    /// What it named before.
    pub from: Option<Digest>,
    /// What it names now.
    pub to: Digest,
}

/// Moves the tags of all parcels. When one can't be moved, those that were are moved back.
///
/// # Errors
/// [`Error::Tags`], which says of those that could not be moved back.
pub fn move_tags(survey: &Survey<'_>, client: &Client) -> Result<Vec<Moved>, Error> {
    let jobs = client.jobs();
    let all: Vec<_> = survey
        .parcels
        .iter()
        .flat_map(|surveyed| surveyed.tags.iter().map(move |tag| (surveyed, tag)))
        .collect();
    let moved = Mutex::new(Vec::new());
    let done = each(jobs, &all, |(surveyed, (tag, now))| {
        let Some((top, bytes)) = surveyed.parcel.manifests.last() else { return Ok(()) };
        surveyed.repository.tag(tag, &top.media_type, bytes)?;
        moved.lock().unwrap_or_else(PoisonError::into_inner).push((*surveyed, tag, *now));
        Ok(())
    });
    let moved = moved.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Err(source) = done else {
        let mut moved: Vec<_> = moved
            .into_iter()
            .map(|(surveyed, tag, from)| Moved {
                reference: format!("{}:{tag}", surveyed.repository.name()),
                from,
                to: surveyed.parcel.top.digest,
            })
            .collect();
        moved.sort();
        return Ok(moved);
    };
    let left = moved.iter().filter_map(|(surveyed, tag, from)| {
        let back = || {
            let found = surveyed.repository.manifest(&At::Digest((*from)?)).ok()?;
            surveyed.repository.tag(tag, &found.descriptor.media_type, &found.bytes).ok()
        };
        // A tag that named nothing before is taken away, where the registry lets us.
        let undone = match from {
            Some(_) => back().is_some(),
            None => surveyed.repository.delete_tag(tag).is_ok(),
        };
        (!undone).then(|| format!("{}:{tag}", surveyed.repository.name()))
    });
    let mut left: Vec<_> = left.collect();
    left.sort();
    Err(Error::Tags { left, source })
}
