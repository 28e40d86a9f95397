//! What is in the registry already, and what has to go there: known before a byte is sent, and printable.

use std::collections::{BTreeMap, BTreeSet};

use longshore_net::each;
use longshore_oci::{Content, Digest};
use longshore_registry::{At, Client, Repository};

use super::parcel::{Blob, Parcel, Tagging};
use crate::Error;

/// Parcels, and what of them has to go.
pub struct Survey<'a> {
    /// In the order of the parcels.
    pub parcels: Vec<Surveyed<'a>>,
    /// Blobs that no repository of ours has: the one that each is sent to, by its place. The largest first.
    pub uploads: Vec<(Content, usize)>,
    /// Blobs that one repository has, or will have when it is sent, and that another takes from it.
    pub mounts: Vec<Mount>,
}

/// A blob that the registry has to take from one repository into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mount {
    /// Which.
    pub content: Content,
    /// The place of the repository that has it.
    pub from: usize,
    /// The place of the one that needs it.
    pub to: usize,
}

/// A parcel, and what of it has to go.
pub struct Surveyed<'a> {
    /// The parcel.
    pub parcel: &'a Parcel,
    /// Where it goes.
    pub repository: Repository,
    /// Places in [`Parcel::manifests`] of those that are missing.
    pub manifests: Vec<usize>,
    /// Tags that have to move, each with what it names now.
    pub tags: Vec<(String, Option<Digest>)>,
}

impl Survey<'_> {
    /// Bytes that have to be sent: blobs and manifests.
    pub fn bytes_to_send(&self) -> u64 {
        let manifests = self.parcels.iter().flat_map(|surveyed| {
            surveyed.manifests.iter().filter_map(|&at| surveyed.parcel.manifests.get(at)).map(|(d, _)| d.size)
        });
        self.uploads.iter().map(|(content, _)| content.size).chain(manifests).sum()
    }

    /// Bytes of all parcels together, as if nothing were shared or there.
    pub fn bytes(&self) -> u64 {
        self.parcels.iter().map(|surveyed| surveyed.parcel.size()).sum()
    }

    /// Where the bytes of a blob are.
    pub(super) fn blob(&self, content: &Content) -> Option<&Blob> {
        self.parcels.iter().find_map(|surveyed| surveyed.parcel.blobs.get(content))
    }
}

/// Asks the registry what it has of `parcels`. Nothing is sent.
///
/// # Errors
/// When the registry does not answer, or a tag would have to move that may not ([`Error::Immutable`]).
pub fn survey<'a>(parcels: &'a [Parcel], tagging: &Tagging, client: &Client) -> Result<Survey<'a>, Error> {
    let jobs = client.jobs();
    let mut surveyed = each(jobs, parcels, |parcel| -> Result<_, Error> {
        let repository = client.repository(&parcel.repository)?;
        let at = |index: &usize| At::Digest(parcel.manifests[*index].0.digest);
        let all: Vec<usize> = (0..parcel.manifests.len()).collect();
        // All of them, though an index is put after what it names: somebody may have removed that since.
        let there = each(jobs, &all, |index| repository.probe(&at(index)))?;
        let manifests = all.into_iter().filter(|&index| there[index].is_none()).collect();
        let now = each(jobs, &parcel.tags, |tag| repository.probe(&At::Tag(tag.clone())))?;
        let tags = parcel.tags.iter().cloned().zip(now).filter(|(_, now)| *now != Some(parcel.top.digest));
        let tags: Vec<_> = tags.collect();
        for (tag, now) in &tags {
            if let Some(now) = now.filter(|_| tagging.is_immutable(tag)) {
                return Err(Error::Immutable {
                    reference: format!("{}:{tag}", repository.name()),
                    now,
                    new: parcel.top.digest,
                });
            }
        }
        Ok(Surveyed { parcel, repository, manifests, tags })
    })?;
    // Two images of one repository are one place for blobs.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let place: Vec<usize> = surveyed
        .iter()
        .enumerate()
        .map(|(index, surveyed)| *places.entry(surveyed.repository.name().to_owned()).or_insert(index))
        .collect();
    let mut needed: BTreeSet<(Content, usize)> = BTreeSet::new();
    for (index, surveyed) in
        surveyed.iter().enumerate().filter(|(_, surveyed)| !surveyed.manifests.is_empty())
    {
        needed.extend(surveyed.parcel.blobs.keys().map(|content| (*content, place[index])));
    }
    let needed: Vec<_> = needed.into_iter().collect();
    let there = each(jobs, &needed, |(content, at)| surveyed[*at].repository.has_blob(content))?;
    let mut by_content: BTreeMap<Content, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for ((content, at), there) in needed.into_iter().zip(there) {
        let (having, lacking) = by_content.entry(content).or_default();
        if there { having.push(at) } else { lacking.push(at) }
    }
    let (mut uploads, mut mounts) = (Vec::new(), Vec::new());
    for (content, (having, lacking)) in by_content {
        let mut sources = having;
        for to in lacking {
            let beside = |from: &&usize| surveyed[to].repository.is_beside(&surveyed[**from].repository);
            match sources.iter().find(beside) {
                Some(&from) => mounts.push(Mount { content, from, to }),
                None => {
                    uploads.push((content, to));
                    sources.push(to);
                }
            }
        }
    }
    uploads.sort_by_key(|(content, at)| (std::cmp::Reverse(content.size), content.digest, *at));
    surveyed.iter_mut().for_each(|surveyed| surveyed.manifests.sort_unstable());
    Ok(Survey { parcels: surveyed, uploads, mounts })
}
