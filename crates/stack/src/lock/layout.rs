//! `[[layer]]`: how images were cut into layers last, so that what did not change stays where it is; and `[changes]`: how often
//! inputs changed while this lock was kept.

use std::collections::BTreeMap;
use std::fmt;

use longshore_oci::Digest;
use serde::Deserialize;
use toml::Spanned;

use super::parse::File;
use super::write::{list, string};
use super::{Lock, LockError};

/// Updates a year that a lock is supposed to see.
const UPDATES_A_YEAR: u64 = 52;

/// A layer as it was cut last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayoutLayer {
    /// The images that have it, sorted.
    pub images: Vec<String>,
    /// The components in it, by their names, sorted.
    pub members: Vec<String>,
    /// Names what they held.
    pub content: Digest,
}

/// How often inputs changed while the lock was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many updates changed anything.
    pub updates: u64,
    /// How many of them changed an input, by the input's name; those that never changed are not among them.
    pub inputs: BTreeMap<String, u64>,
}

impl Changes {
    /// How long was watched, in thousandths of a year.
    pub fn years(&self) -> u64 {
        self.updates.saturating_mul(1000) / UPDATES_A_YEAR
    }

    /// What became of it with an update from `before` to `after`.
    pub fn counted(&self, before: &Lock, after: &Lock) -> Self {
        let (old, new) = (inputs(before), inputs(after));
        let changed = |(name, content): (&String, &String)| {
            old.get(name).filter(|old| *old != content).map(|_| name.clone())
        };
        let changed: Vec<String> = new.iter().filter_map(changed).collect();
        let mut counted = self.clone();
        if !changed.is_empty() || before.releases != after.releases {
            counted.updates += 1;
        }
        for name in changed {
            *counted.inputs.entry(name).or_default() += 1;
        }
        counted.inputs.retain(|name, _| new.contains_key(name));
        counted
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.updates == 0 {
            return Ok(());
        }
        write!(f, "\n[changes]\nupdates = {}\n", self.updates)?;
        list(f, "inputs", self.inputs.iter().map(|(name, count)| format!("{count} {name}")))
    }
}

/// What of a lock has no changelog, by name, and what names its content.
fn inputs(lock: &Lock) -> BTreeMap<String, String> {
    let urls = lock.urls.iter().map(|url| {
        let on = url.platform.as_ref().map(|platform| format!(" {platform}")).unwrap_or_default();
        (format!("url {}{on}", url.name), url.content.digest.to_string())
    });
    let images = lock.images.iter().map(|(name, image)| (format!("image {name}"), image.digest.to_string()));
    let mut all: BTreeMap<String, String> = urls.chain(images).collect();
    // Store paths of one program's several outputs and platforms count as one.
    for path in lock.store_paths.keys() {
        *all.entry(format!("nix {}", path.name_and_version().0)).or_default() += path.base_name();
    }
    all
}

impl LayoutLayer {
    pub(super) fn write(&self, platform: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n[[layer]]\n")?;
        string(f, "platform", platform)?;
        string(f, "content", &self.content.hex())?;
        list(f, "images", self.images.iter().cloned())?;
        list(f, "members", self.members.iter().cloned())
    }
}

#[derive(Deserialize)]
pub(super) struct RawLayer {
    platform: Spanned<String>,
    content: Spanned<String>,
    images: Vec<String>,
    members: Vec<String>,
}

#[derive(Deserialize, Default)]
pub(super) struct RawChanges {
    #[serde(default)]
    updates: u64,
    #[serde(default)]
    inputs: Vec<Spanned<String>>,
}

pub(super) fn layouts(
    file: &File,
    raw: Vec<RawLayer>,
) -> Result<BTreeMap<String, Vec<LayoutLayer>>, LockError> {
    let mut layouts: BTreeMap<String, Vec<LayoutLayer>> = BTreeMap::new();
    for RawLayer { platform, content, mut images, mut members } in raw {
        file.platform(&platform)?;
        let content = file.digest(&content)?;
        images.sort();
        members.sort();
        layouts.entry(platform.into_inner()).or_default().push(LayoutLayer { images, members, content });
    }
    layouts.values_mut().for_each(|layout| layout.sort());
    Ok(layouts)
}

pub(super) fn changes(file: &File, raw: RawChanges) -> Result<Changes, LockError> {
    let mut changes = Changes { updates: raw.updates, inputs: BTreeMap::new() };
    for line in raw.inputs {
        let read = line.get_ref().split_once(' ').and_then(|(count, name)| Some((count.parse().ok()?, name)));
        let Some((count, name)) = read else {
            return Err(
                file.damaged(line.span(), format!("`{}` is not of the form `count input`", line.get_ref()))
            );
        };
        changes.inputs.insert(name.to_owned(), count);
    }
    Ok(changes)
}
