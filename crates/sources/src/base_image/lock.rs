//! From names to pins: what a tag names now, followed down to the layers on every platform of the stack.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Content, ImageConfig, Platform, Reference, media_type};
use longshore_registry::{At, Found, Repository};
use longshore_stack::lock::{Lock, LockedImage, LockedLayer, LockedManifest};
use longshore_stack::model::Stack;
use serde::de::DeserializeOwned;

use super::documents::{Index, Kind, LayerKind, Listed, Manifest, Platforms};
use super::fetch::Access;
use super::{Error, config};
use crate::deb::lock::Refresh;

/// Manifests and indexes that are read of one image.
const MOST: usize = 64;
/// Indexes may lie in indexes so deep.
const DEPTH: usize = 4;
/// Bytes of a layer's blob.
const LAYER: u64 = 32 << 30;

/// The pins of all images of others in `stack`, by name.
///
/// Those of `previous` are kept where they are for all its platforms and `refresh` does not name them; a platform that is new
/// is looked up in what the name named then. For others the registries are asked.
pub fn lock(
    stack: &Stack,
    previous: &Lock,
    refresh: &Refresh,
    access: &Access<'_>,
) -> Result<BTreeMap<String, LockedImage>, Error> {
    let mut images = BTreeMap::new();
    for reference in stack.others() {
        let name = reference.to_string();
        let moves = match refresh {
            Refresh::Missing => false,
            Refresh::All => true,
            Refresh::Packages(names) => names.contains(&name),
        };
        let before = previous.images.get(&name).filter(|_| !moves || reference.digest.is_some());
        let held = |platform: &&Platform| {
            before.is_some_and(|image| image.platforms.contains_key(&platform.to_string()))
        };
        let (kept, missing): (Vec<&Platform>, Vec<&Platform>) = stack.platforms.iter().partition(held);
        let mut locked = match (before, missing.is_empty()) {
            (Some(image), true) => image.clone(),
            (before, _) => {
                let at = before.map(|image| At::Digest(image.digest));
                let resolved = access
                    .progress
                    .during("Locking", &name, None, |_| resolve(&reference, at, &missing, access))?;
                let old = before.into_iter().flat_map(|image| image.platforms.clone());
                LockedImage { platforms: old.chain(resolved.platforms).collect(), ..resolved }
            }
        };
        let wanted: BTreeSet<String> = kept.iter().chain(&missing).map(ToString::to_string).collect();
        locked.platforms.retain(|platform, _| wanted.contains(platform));
        images.insert(name, locked);
    }
    Ok(images)
}

/// What `reference` names, or what it named when it was `at`, on `platforms`.
fn resolve(
    reference: &Reference,
    at: Option<At>,
    platforms: &[&Platform],
    access: &Access<'_>,
) -> Result<LockedImage, Error> {
    let at = at.unwrap_or_else(|| match (&reference.digest, &reference.tag) {
        (Some(digest), _) => At::Digest(*digest),
        (None, tag) => At::Tag(tag.clone().unwrap_or_else(|| "latest".to_owned())),
    });
    let repository = access.registries.repository(reference).map_err(|error| failed(reference, error))?;
    let mut look = Look { reference, repository, access, read: 0 };
    let top = look.get(&at)?;
    let digest = top.descriptor.digest;
    let candidates = look.candidates(top)?;
    let mut locked = BTreeMap::new();
    for platform in platforms {
        locked.insert(platform.to_string(), look.choose(&candidates, platform)?);
    }
    Ok(LockedImage { digest, platforms: locked })
}

fn failed(reference: &Reference, error: longshore_registry::Error) -> Error {
    Error::Registry { reference: Box::new(reference.clone()), error: Box::new(error) }
}

/// A manifest that may be the one.
enum Candidate {
    /// Listed in an index.
    Listed(Listed),
    /// What the name names itself.
    Top(Found),
}

/// One image on its way.
struct Look<'a> {
    reference: &'a Reference,
    repository: Repository,
    access: &'a Access<'a>,
    read: usize,
}

impl Look<'_> {
    fn get(&mut self, at: &At) -> Result<Found, Error> {
        self.read += 1;
        if self.read > MOST {
            return Err(Error::Endless { reference: Box::new(self.reference.clone()), limit: MOST });
        }
        let found = self.repository.manifest(at).map_err(|error| failed(self.reference, error))?;
        if found.descriptor.media_type.starts_with("application/vnd.docker.distribution.manifest.v1+")
            || schema(&found.bytes) == Some(1)
        {
            return Err(Error::Schema1 { reference: Box::new(self.reference.clone()) });
        }
        Ok(found)
    }

    /// Everything that may be an image, in the order of the indexes, nested ones in their place.
    fn candidates(&mut self, top: Found) -> Result<Vec<Candidate>, Error> {
        match Kind::of(&top.descriptor.media_type) {
            Kind::Manifest => Ok(vec![Candidate::Top(top)]),
            Kind::Index => {
                let mut all = Vec::new();
                self.gather(&top, 1, &mut all)?;
                Ok(all.into_iter().map(Candidate::Listed).collect())
            }
            Kind::Other => Err(kind(
                self.reference,
                format!("what the name names ({})", top.descriptor.digest),
                &top.descriptor.media_type,
                "an index or a manifest of an image",
            )),
        }
    }

    fn gather(&mut self, index: &Found, depth: usize, all: &mut Vec<Listed>) -> Result<(), Error> {
        let what = format!("index {}", index.descriptor.digest);
        let Index { manifests } = parse(self.reference, &index.bytes, &what)?;
        for listed in manifests.into_iter().filter(|listed| !listed.is_about_another()) {
            if Kind::of(&listed.media_type) != Kind::Index {
                all.push(listed);
                continue;
            }
            if depth == DEPTH {
                return Err(Error::Nested { reference: Box::new(self.reference.clone()), limit: DEPTH });
            }
            let nested = self.get(&At::Digest(listed.digest))?;
            self.gather(&nested, depth + 1, all)?;
        }
        Ok(())
    }

    /// The first candidate for `platform`; one that says nothing of its platform in the index is asked itself, where no other
    /// fits.
    fn choose(&mut self, candidates: &[Candidate], platform: &Platform) -> Result<LockedManifest, Error> {
        let mut has = BTreeSet::new();
        for candidate in candidates {
            let Candidate::Listed(listed) = candidate else { continue };
            let Some(listed_for) = listed.platform() else { continue };
            has.insert(listed_for.to_string());
            if listed_for.fits(platform) {
                let (manifest, config) = self.listed(listed)?;
                let configured = config::platform(&config);
                if !configured.fits(platform) {
                    return Err(Error::OtherPlatform {
                        reference: Box::new(self.reference.clone()),
                        manifest: manifest.manifest.digest,
                        listed: Box::new(platform.clone()),
                        configured: configured.to_string(),
                    });
                }
                return Ok(manifest);
            }
        }
        for candidate in candidates {
            let (manifest, config) = match candidate {
                Candidate::Top(found) => self.manifest(found)?,
                Candidate::Listed(listed) if listed.platform().is_none() => self.listed(listed)?,
                Candidate::Listed(_) => continue,
            };
            let configured: Platforms = config::platform(&config);
            if configured.fits(platform) {
                return Ok(manifest);
            }
            has.insert(configured.to_string());
        }
        let has = has.into_iter().collect();
        Err(Error::NoPlatform {
            reference: Box::new(self.reference.clone()),
            platform: Box::new(platform.clone()),
            has,
        })
    }

    fn listed(&mut self, listed: &Listed) -> Result<(LockedManifest, ImageConfig), Error> {
        if Kind::of(&listed.media_type) != Kind::Manifest {
            let what = format!("{} in the index", listed.digest);
            return Err(kind(self.reference, what, &listed.media_type, "a manifest of an image"));
        }
        let found = self.get(&At::Digest(listed.digest))?;
        self.manifest(&found)
    }

    fn manifest(&self, found: &Found) -> Result<(LockedManifest, ImageConfig), Error> {
        pin(self.reference, &found.descriptor.media_type, &found.bytes, self.access)
    }
}

/// The manifest in `bytes` down to its layers, with its configuration, which is fetched unless the store has it.
///
/// # Errors
/// When it is no manifest of an image, or has what can't be unpacked.
pub fn pin(
    reference: &Reference,
    media_type: &str,
    bytes: &[u8],
    access: &Access<'_>,
) -> Result<(LockedManifest, ImageConfig), Error> {
    let manifest = Content::of(bytes);
    let what = format!("manifest {}", manifest.digest);
    let Manifest { config: about, layers } = parse(reference, bytes, &what)?;
    if ![media_type::CONFIG, media_type::DOCKER_CONFIG].contains(&about.media_type.as_str()) {
        let what = format!("the configuration of {what}");
        return Err(kind(reference, what, &about.media_type, "the configuration of an image"));
    }
    layers.iter().try_for_each(|layer| check_layer(reference, layer))?;
    config::check_size(reference, &about.content())?;
    access.bring(reference, &[about.content()])?;
    let config = config::read(reference, &about.content(), access.store)?;
    let diff_ids = &config.rootfs.diff_ids;
    if diff_ids.len() != layers.len() {
        return Err(Error::Count {
            reference: Box::new(reference.clone()),
            manifest: manifest.digest,
            layers: layers.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let pairs = layers.into_iter().zip(diff_ids);
    let layers = pairs.map(|(layer, diff_id)| LockedLayer {
        content: layer.content(),
        media_type: layer.media_type,
        diff_id: *diff_id,
    });
    let locked = LockedManifest {
        media_type: media_type.to_owned(),
        manifest,
        config: about.content(),
        layers: layers.collect(),
    };
    Ok((locked, config))
}

fn check_layer(reference: &Reference, layer: &Listed) -> Result<(), Error> {
    let (boxed, media_type) = (Box::new(reference.clone()), layer.media_type.clone());
    match LayerKind::of(&media_type) {
        LayerKind::Foreign => Err(Error::Foreign { reference: boxed, layer: layer.digest, media_type }),
        LayerKind::Other => {
            let expected = "a layer: a tar, also with gzip or zstd";
            Err(kind(reference, format!("layer {}", layer.digest), &media_type, expected))
        }
        _ if layer.size > LAYER => {
            let what = format!("layer {}", layer.digest);
            Err(Error::TooLarge { reference: boxed, what, size: layer.size, limit: LAYER })
        }
        LayerKind::Tar | LayerKind::Gzip | LayerKind::Zstd => Ok(()),
    }
}

fn kind(reference: &Reference, what: String, found: &str, expected: &'static str) -> Error {
    let plain: String = found.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
    Error::Kind { reference: Box::new(reference.clone()), what, found: plain, expected }
}

fn parse<T: DeserializeOwned>(reference: &Reference, bytes: &[u8], what: &str) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Document {
        reference: Box::new(reference.clone()),
        what: what.to_owned(),
        error,
    })
}

/// The schema version that a document says.
fn schema(bytes: &[u8]) -> Option<u64> {
    let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    document.get("schemaVersion")?.as_u64()
}
