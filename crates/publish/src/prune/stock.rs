//! What is in a repository, by its tags.

use std::collections::{BTreeMap, BTreeSet};

use longshore_net::each;
use longshore_oci::{Descriptor, Digest, media_type};
use longshore_registry::{At, Client, Found, Kept, Repository};
use serde::Deserialize;

use crate::Error;

/// Most bytes of a configuration that is read for the time it was made at.
const MAX_CONFIG: u64 = 4 << 20;
/// How deep indexes may lie in indexes.
const DEPTH: usize = 8;

/// What is in a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// By tag; without those that only keep lists of referrers or signatures.
    pub tags: BTreeMap<String, Tagged>,
    /// Everything that the tags lead to, and what refers to that.
    pub manifests: Manifests,
    /// Tags that belong to a manifest: its list of referrers (`sha256-…`), cosign's signatures (`sha256-….sig`).
    pub companions: BTreeMap<String, Companion>,
}

/// By digest.
pub type Manifests = BTreeMap<Digest, Node>;

/// What a tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// It.
    pub digest: Digest,
    /// When it says that it was made, in seconds since 1970; none where it does not say, or says 1970 as images without a time
    /// of their own do.
    pub created: Option<u64>,
}

/// A manifest or an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// What an index names.
    pub children: BTreeSet<Digest>,
    /// What refers to it.
    pub referrers: BTreeSet<Digest>,
    /// Its bytes.
    pub size: u64,
}

/// A tag that belongs to a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// What it names.
    pub digest: Digest,
    /// Whose it is.
    pub of: Digest,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Asks what is in `repository`. Nothing is changed.
///
/// # Errors
/// When the registry does not answer, or something there can't be understood: what is not known can't be judged.
pub fn take_stock(repository: &Repository, client: &Client) -> Result<Stock, Error> {
    let mut stock = Stock::default();
    let tags = repository.tags()?;
    let found = each(client.jobs(), &tags, |tag| repository.manifest(&At::Tag(tag.clone())))?;
    let mut images = Vec::new();
    for (tag, found) in tags.into_iter().zip(found) {
        match subject_of(&tag) {
            Some(of) => {
                let digest = found.descriptor.digest;
                stock
                    .manifests
                    .entry(digest)
                    .or_insert(Node { size: found.descriptor.size, ..Node::default() });
                stock.companions.insert(tag, Companion { digest, of });
            }
            None => images.push((tag, found)),
        }
    }
    for (tag, found) in images {
        let created = created(repository, client, &found)?;
        stock.tags.insert(tag, Tagged { digest: found.descriptor.digest, created });
        walk(repository, &found, &mut stock.manifests, DEPTH)?;
    }
    // What refers to these, and to that.
    let mut asked = BTreeSet::new();
    let own: BTreeSet<Digest> = stock.companions.values().map(|companion| companion.digest).collect();
    loop {
        let next: Vec<_> = stock
            .manifests
            .keys()
            .filter(|digest| !asked.contains(*digest) && !own.contains(*digest))
            .copied()
            .collect();
        if next.is_empty() {
            return Ok(stock);
        }
        let lists = each(client.jobs(), &next, |digest| repository.referrers(digest))?;
        for (subject, (entries, _kept)) in next.iter().zip::<Vec<(Vec<Descriptor>, Kept)>>(lists) {
            for entry in entries {
                stock.manifests.entry(entry.digest).or_insert(Node { size: entry.size, ..Node::default() });
                if let Some(node) = stock.manifests.get_mut(subject) {
                    node.referrers.insert(entry.digest);
                }
            }
        }
        asked.extend(next);
    }
}

/// Whose companion a tag is: `sha256-<hex>`, also with `.sig`, `.att` or `.sbom` behind it.
fn subject_of(tag: &str) -> Option<Digest> {
    let hex = tag.strip_prefix("sha256-")?;
    let hex = hex.split_once('.').map_or(hex, |(hex, _)| hex);
    Digest::from_hex(hex).ok()
}

/// Takes a manifest and all that it names.
fn walk(
    repository: &Repository,
    found: &Found,
    manifests: &mut Manifests,
    depth: usize,
) -> Result<(), Error> {
    let digest = found.descriptor.digest;
    if manifests.contains_key(&digest) {
        return Ok(());
    }
    let document = read(repository, found)?;
    let children: BTreeSet<Digest> = document.manifests.iter().map(|child| child.digest).collect();
    manifests
        .insert(digest, Node { children: children.clone(), size: found.descriptor.size, ..Node::default() });
    if depth == 0 {
        return Err(Error::Malformed {
            place: repository.name().to_owned(),
            digest,
            reason: format!("indexes lie more than {DEPTH} deep in indexes"),
        });
    }
    for child in children {
        match repository.manifest(&At::Digest(child)) {
            // An index that somebody else broke: what is not there needs no keeping.
            Err(error) if error.is_not_found() => {}
            other => walk(repository, &other?, manifests, depth - 1)?,
        }
    }
    Ok(())
}

fn read(repository: &Repository, found: &Found) -> Result<Document, Error> {
    serde_json::from_slice(&found.bytes).map_err(|error| Error::Malformed {
        place: repository.name().to_owned(),
        digest: found.descriptor.digest,
        reason: error.to_string(),
    })
}

/// When it says that it was made: by its annotation, or by the configuration of its first platform.
fn created(repository: &Repository, client: &Client, found: &Found) -> Result<Option<u64>, Error> {
    let mut document = read(repository, found)?;
    if let Some(text) = document.annotations.get("org.opencontainers.image.created") {
        return Ok(seconds(text));
    }
    if let Some(child) = document.manifests.first() {
        document = match repository.manifest(&At::Digest(child.digest)) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => read(repository, &other?)?,
        };
    }
    let image = [media_type::CONFIG, media_type::DOCKER_CONFIG];
    let config = document
        .config
        .filter(|config| image.contains(&config.media_type.as_str()) && config.size <= MAX_CONFIG);
    let Some(config) = config else { return Ok(None) };
    repository.fetch_blob(&config.content(), &longshore_oci::Silent)?;
    #[derive(Deserialize)]
    struct Config {
        created: Option<String>,
    }
    let bytes = client.store().read_blob(&config.content())?;
    let parsed = serde_json::from_slice::<Config>(&bytes).ok().and_then(|config| config.created);
    Ok(parsed.as_deref().and_then(seconds))
}

/// Seconds since 1970 of RFC 3339 in UTC; none for the first day, which stands for no time at all.
fn seconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from the civil calendar, with years that begin in March (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second)
        .ok()
        .filter(|seconds| *seconds >= 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [
            ("2025-11-22T08:30:00Z", Some(1_763_800_200)),
            ("2024-02-29T00:00:00.123456789Z", Some(1_709_164_800)),
            ("1970-01-01T00:00:00Z", None),
            ("1970-01-02T00:00:00Z", Some(86_400)),
            ("0001-01-01T00:00:00Z", None),
            ("2025-13-01T00:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn companions() {
        let digest = Digest::of(b"x");
        let tag = digest.to_string().replace(':', "-");
        for end in ["", ".sig", ".att", ".sbom"] {
            assert_eq!(subject_of(&format!("{tag}{end}")), Some(digest));
        }
        for tag in ["latest", "sha256-1", "sha-0123456789ab"] {
            assert_eq!(subject_of(tag), None);
        }
    }
}
