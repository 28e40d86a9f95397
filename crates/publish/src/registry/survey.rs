//! What is in the registry already, and what has to go there: known before a byte is sent, and printable.

use std::collections::{BTreeMap, BTreeSet};

use longshore_net::each;
use longshore_oci::{Content, Digest};
use longshore_registry::{At, Client, Repository};

use super::known;
use super::parcel::{Blob, Parcel, Referrer, Tagging};
use crate::Error;

/// Parcels, and what of them has to go.
pub struct Survey<'a> {
    /// In the order of the parcels.
    pub parcels: Vec<Surveyed<'a>>,
    /// Blobs that no repository of ours has: the one that each is sent to, by its place. The largest first.
    pub uploads: Vec<(Content, usize)>,
    /// Blobs that one repository has, or will have when it is sent, and that another takes from it.
    pub mounts: Vec<Mount>,
    /// Blobs that the registry has by its own word only: a manifest in the repository at that place names them.
    pub believed: BTreeSet<(Content, usize)>,
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
    /// Places in [`Parcel::referrers`] of those that are missing.
    pub referrers: Vec<usize>,
    /// Tags that have to move, each with what it names now.
    pub tags: Vec<(String, Option<Digest>)>,
}

impl Survey<'_> {
    /// Bytes that have to be sent: blobs and manifests.
    pub fn bytes_to_send(&self) -> u64 {
        let manifests = self.parcels.iter().flat_map(|surveyed| {
            surveyed.manifests.iter().filter_map(|&at| surveyed.parcel.manifests.get(at)).map(|(d, _)| d.size)
        });
        let referrers = self.parcels.iter().flat_map(|surveyed| surveyed.missing_referrers());
        let referrers = referrers.map(|referrer| referrer.entry.size);
        self.uploads.iter().map(|(content, _)| content.size).chain(manifests).chain(referrers).sum()
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

impl Surveyed<'_> {
    /// Referrers that have to go.
    pub(super) fn missing_referrers(&self) -> impl Iterator<Item = &Referrer> {
        self.referrers.iter().filter_map(|&at| self.parcel.referrers.get(at))
    }

    /// Blobs that what is missing names.
    fn blobs(&self) -> Box<dyn Iterator<Item = Content> + '_> {
        if !self.manifests.is_empty() {
            return Box::new(self.parcel.blobs.keys().copied());
        }
        // The image is there; what hangs on it brings blobs of its own.
        Box::new(self.missing_referrers().flat_map(Referrer::blobs))
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
        let now = each(jobs, &parcel.tags, |tag| repository.probe(&At::Tag(tag.clone())))?;
        // What a tag names is there with all that it names: a registry takes no index without its manifests. Of what no tag
        // names each is asked for.
        let asked: Vec<usize> = match now.contains(&Some(parcel.top.digest)) {
            true => Vec::new(),
            false => (0..parcel.manifests.len()).collect(),
        };
        let there =
            each(jobs, &asked, |index| repository.probe(&At::Digest(parcel.manifests[*index].0.digest)))?;
        let missing = asked.into_iter().zip(there).filter(|(_, there)| there.is_none());
        let manifests = missing.map(|(index, _)| index).collect();
        let entry = |referrer: &Referrer| repository.probe(&At::Digest(referrer.entry.digest));
        let there = each(jobs, &parcel.referrers, entry)?;
        let missing = there.into_iter().enumerate().filter(|(_, there)| there.is_none());
        let referrers = missing.map(|(index, _)| index).collect();
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
        Ok(Surveyed { parcel, repository, manifests, referrers, tags })
    })?;
    // Two images of one repository are one place for blobs.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let place: Vec<usize> = surveyed
        .iter()
        .enumerate()
        .map(|(index, surveyed)| *places.entry(surveyed.repository.name().to_owned()).or_insert(index))
        .collect();
    let mut needed: BTreeSet<(Content, usize)> = BTreeSet::new();
    for (index, surveyed) in incomplete(&surveyed) {
        needed.extend(surveyed.blobs().map(|content| (content, place[index])));
    }
    let before: BTreeSet<(usize, Digest)> = incomplete(&surveyed)
        .flat_map(|(index, surveyed)| surveyed.tags.iter().map(move |(_, now)| (index, *now)))
        .filter_map(|(index, now)| Some((place[index], now?)))
        .collect();
    let before: Vec<_> = before.into_iter().collect();
    let named =
        each(jobs, &before, |(at, top)| Ok::<_, Error>(known::blobs(&surveyed[*at].repository, top)))?;
    let named =
        before.iter().zip(named).flat_map(|((at, _), blobs)| blobs.into_iter().map(|content| (content, *at)));
    let named: BTreeSet<(Content, usize)> = named.collect();
    let believed: BTreeSet<_> = needed.intersection(&named).copied().collect();
    let asked: Vec<_> = needed.difference(&named).copied().collect();
    let there = each(jobs, &asked, |(content, at)| surveyed[*at].repository.has_blob(content))?;
    let mut by_content: BTreeMap<Content, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    let all = asked.into_iter().zip(there).chain(believed.iter().map(|believed| (*believed, true)));
    for ((content, at), there) in all {
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
    Ok(Survey { parcels: surveyed, uploads, mounts, believed })
}

/// Those of which something is missing, with their places.
fn incomplete<'s, 'a>(surveyed: &'s [Surveyed<'a>]) -> impl Iterator<Item = (usize, &'s Surveyed<'a>)> {
    surveyed
        .iter()
        .enumerate()
        .filter(|(_, surveyed)| !surveyed.manifests.is_empty() || !surveyed.referrers.is_empty())
}
