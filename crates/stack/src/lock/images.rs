//! `[[image]]`: what names of others' images named when they were locked, down to the layers, so that building asks for no
//! manifest.

use std::collections::BTreeMap;
use std::fmt;

use longshore_oci::{Content, DiffId, Digest, Platform, Reference};
use serde::Deserialize;
use toml::Spanned;

use super::compare::Change;
use super::parse::File;
use super::write::{content, list, string};
use super::{Lock, LockError};
use crate::model::Stack;

/// Somebody's image, as it was when locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedImage {
    /// What its name named: an index, or a manifest.
    pub digest: Digest,
    /// What it is on each platform (`linux/amd64`) of the stack.
    pub platforms: BTreeMap<String, LockedManifest>,
}

/// Somebody's image on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedManifest {
    /// The manifest's media type.
    pub media_type: String,
    /// The manifest.
    pub manifest: Content,
    /// The configuration.
    pub config: Content,
    /// The layers, lowest first.
    pub layers: Vec<LockedLayer>,
}

/// A layer of somebody's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedLayer {
    /// Its media type, as the manifest has it.
    pub media_type: String,
    /// Its blob.
    pub content: Content,
    /// Its uncompressed tar.
    pub diff_id: DiffId,
}

impl LockedManifest {
    /// Its configuration and its layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Content> {
        std::iter::once(&self.config).chain(self.layers.iter().map(|layer| &layer.content))
    }
}

impl fmt::Display for LockedLayer {
    /// `sha256:… SIZE MEDIA-TYPE DIFF-ID`, as the lock has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { media_type, content, diff_id } = self;
        write!(f, "{} {} {media_type} {diff_id}", content.digest, content.size)
    }
}

impl LockedImage {
    pub(super) fn write(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n[[image]]\n")?;
        string(f, "name", name)?;
        writeln!(f, "sha256 = \"{}\"", self.digest.hex())?;
        for (platform, image) in &self.platforms {
            f.write_str("\n[[image.on]]\n")?;
            string(f, "platform", platform)?;
            string(f, "media-type", &image.media_type)?;
            content(f, image.manifest)?;
            writeln!(f, "config-size = {}", image.config.size)?;
            writeln!(f, "config-sha256 = \"{}\"", image.config.digest.hex())?;
            list(f, "layers", image.layers.iter().map(ToString::to_string))?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
pub(super) struct RawImage {
    name: Spanned<String>,
    sha256: Spanned<String>,
    #[serde(default)]
    on: Vec<RawManifest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawManifest {
    platform: Spanned<String>,
    media_type: Spanned<String>,
    size: u64,
    sha256: Spanned<String>,
    config_size: u64,
    config_sha256: Spanned<String>,
    layers: Vec<Spanned<String>>,
}

pub(super) fn images(file: &File, all: Vec<RawImage>) -> Result<BTreeMap<String, LockedImage>, LockError> {
    let mut images = BTreeMap::new();
    for raw in all {
        let span = raw.name.span();
        let reference = match raw.name.get_ref().parse::<Reference>() {
            Ok(reference) => reference,
            Err(error) => return Err(file.damaged(span, error.to_string())),
        };
        let digest = file.digest(&raw.sha256)?;
        if let Some(written) = reference.digest.filter(|written| *written != digest) {
            let message = format!("the name says {written}, and the lock {digest}");
            return Err(file.damaged(raw.sha256.span(), message));
        }
        let mut platforms = BTreeMap::new();
        for on in raw.on {
            file.platform(&on.platform)?;
            let at = on.platform.span();
            let platform = on.platform.get_ref().clone();
            if platforms.insert(platform.clone(), manifest(file, on)?).is_some() {
                return Err(
                    file.damaged(at, format!("image `{}` is locked twice for `{platform}`", raw.name))
                );
            }
        }
        let name = raw.name.into_inner();
        if images.insert(name.clone(), LockedImage { digest, platforms }).is_some() {
            return Err(file.damaged(span, format!("image `{name}` is locked twice")));
        }
    }
    Ok(images)
}

fn manifest(file: &File, raw: RawManifest) -> Result<LockedManifest, LockError> {
    if !is_media_type(raw.media_type.get_ref()) {
        return Err(file.damaged(raw.media_type.span(), format!("`{}` is no media type", raw.media_type)));
    }
    Ok(LockedManifest {
        manifest: Content { digest: file.digest(&raw.sha256)?, size: raw.size },
        config: Content { digest: file.digest(&raw.config_sha256)?, size: raw.config_size },
        layers: raw.layers.iter().map(|text| layer(file, text)).collect::<Result<_, _>>()?,
        media_type: raw.media_type.into_inner(),
    })
}

/// The opposite of [`LockedLayer`]'s text.
fn layer(file: &File, text: &Spanned<String>) -> Result<LockedLayer, LockError> {
    let parts = || {
        let words: Vec<&str> = text.get_ref().split(' ').collect();
        let [digest, size, media_type, diff_id] = words[..] else { return None };
        Some(LockedLayer {
            content: Content { digest: digest.parse().ok()?, size: size.parse().ok()? },
            diff_id: DiffId(diff_id.parse().ok()?),
            media_type: Some(media_type).filter(|text| is_media_type(text))?.to_owned(),
        })
    };
    parts().ok_or_else(|| {
        let message = format!("`{text}` is not of the form `sha256:… SIZE MEDIA-TYPE sha256:…`");
        file.damaged(text.span(), message)
    })
}

/// As far as it can't be taken for anything else (RFC 6838, 4.2).
fn is_media_type(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&c);
    text.len() <= 255 && text.contains('/') && text.bytes().all(plain)
}

impl Lock {
    /// What the image that the stack file calls `reference` is on `platform`.
    pub fn image(&self, reference: &Reference, platform: &Platform) -> Option<&LockedManifest> {
        self.images.get(&reference.to_string())?.platforms.get(&platform.to_string())
    }

    pub(super) fn stale_images(&self, stack: &Stack) -> Vec<String> {
        let mut reasons = Vec::new();
        let asked: Vec<String> = stack.others().iter().map(ToString::to_string).collect();
        let platforms: Vec<String> = stack.platforms.iter().map(ToString::to_string).collect();
        for name in &asked {
            match self.images.get(name) {
                None => reasons.push(format!("image `{name}` is not in the lock")),
                Some(image) => {
                    let missing: Vec<&str> = platforms
                        .iter()
                        .filter(|platform| !image.platforms.contains_key(*platform))
                        .map(String::as_str)
                        .collect();
                    if !missing.is_empty() {
                        reasons.push(format!("image `{name}` is not in the lock for {}", missing.join(", ")));
                    }
                    if image.platforms.keys().any(|platform| !platforms.contains(platform)) {
                        reasons.push(format!("image `{name}` is pinned for more than the stack asks"));
                    }
                }
            }
        }
        let gone = self.images.keys().filter(|name| !asked.contains(name));
        reasons.extend(gone.map(|name| format!("image `{name}` is no longer in the stack")));
        reasons
    }

    /// What changed of images from this lock to `new`, sorted by name.
    pub(super) fn image_changes(&self, new: &Self) -> Vec<Change> {
        let mut changes = BTreeMap::new();
        for (name, old) in &self.images {
            let package = name.clone();
            match new.images.get(name) {
                None => drop(changes.insert(name, Change::Removed { package, version: old.digest.short() })),
                Some(new) if new.digest != old.digest => {
                    let (from, to) = (old.digest.short(), new.digest.short());
                    changes.insert(name, Change::Updated { package, from, to });
                }
                Some(_) => {}
            }
        }
        for (name, image) in new.images.iter().filter(|(name, _)| !self.images.contains_key(*name)) {
            changes.insert(name, Change::Added { package: name.clone(), version: image.digest.short() });
        }
        changes.into_values().collect()
    }
}
