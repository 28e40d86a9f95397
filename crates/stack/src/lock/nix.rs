//! `[[nix]]` and `[[store-path]]`: what was asked of Nix, and every path of the store that came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_oci::{Content, Platform, StorePath};
use serde::Deserialize;
use toml::Spanned;

use super::parse::File;
use super::write::{content, list, string};
use super::{Change, Lock, LockError};
use crate::model::{Installable, Stack};

/// What an installable came to on one platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedNix {
    /// The installable, as [`Installable`]'s text.
    pub installable: String,
    /// `linux/amd64`.
    pub platform: String,
    /// The store paths that it is, sorted; all they refer to is among [`Lock::store_paths`].
    pub outputs: Vec<StorePath>,
}

/// A path of the Nix store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedStorePath {
    /// SHA-256 and size of its archive (NAR), which is the same wherever the path comes from.
    pub nar: Content,
    /// What it refers to, itself included where it does, sorted.
    pub references: Vec<StorePath>,
    /// What made it, where that is known: `…-backend-1.0.drv`.
    pub derivation: Option<StorePath>,
    /// For a path that is named by its content: how (`fixed:r:sha256:…`); nobody need have signed it.
    pub content_address: Option<String>,
    /// What its maker says of it.
    pub about: AboutStorePath,
}

/// What the maker of a store path says of it, as far as it was at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AboutStorePath {
    /// Its name and version, where they are not those that its own name has.
    pub name: Option<String>,
    /// See `name`.
    pub version: Option<String>,
    /// SPDX licence expression.
    pub license: Option<String>,
    /// CPE 2.3.
    pub cpe: Option<String>,
    /// Vulnerabilities (`CVE-2024-1234`) that patches of its maker mend, sorted.
    pub patched: Vec<String>,
}

impl LockedNix {
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n[[nix]]\n")?;
        string(f, "installable", &self.installable)?;
        string(f, "platform", &self.platform)?;
        list(f, "outputs", self.outputs.iter().map(|path| path.base_name().to_owned()))
    }
}

impl LockedStorePath {
    pub(super) fn write(&self, path: &StorePath, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n[[store-path]]\n")?;
        string(f, "path", path.base_name())?;
        content(f, self.nar)?;
        list(f, "references", self.references.iter().map(|path| path.base_name().to_owned()))?;
        let AboutStorePath { name, version, license, cpe, patched } = &self.about;
        let derivation = self.derivation.as_ref().map(|path| path.base_name().to_owned());
        let address = self.content_address.clone();
        let optional = [
            ("derivation", &derivation),
            ("content-address", &address),
            ("name", name),
            ("version", version),
            ("license", license),
            ("cpe", cpe),
        ];
        for (key, value) in optional {
            value.as_ref().map_or(Ok(()), |value| string(f, key, value))?;
        }
        match patched.is_empty() {
            true => Ok(()),
            false => list(f, "patched", patched.iter().cloned()),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RawNix {
    installable: Spanned<String>,
    platform: Spanned<String>,
    outputs: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawStorePath {
    path: Spanned<String>,
    size: u64,
    sha256: Spanned<String>,
    references: Vec<Spanned<String>>,
    derivation: Option<Spanned<String>>,
    content_address: Option<String>,
    name: Option<String>,
    version: Option<String>,
    license: Option<String>,
    cpe: Option<String>,
    #[serde(default)]
    patched: Vec<String>,
}

fn base_name(file: &File, text: &Spanned<String>) -> Result<StorePath, LockError> {
    StorePath::of_base_name(text.get_ref()).map_err(|error| file.damaged(text.span(), error.to_string()))
}

pub(super) fn store_paths(
    file: &File,
    all: Vec<RawStorePath>,
) -> Result<BTreeMap<StorePath, LockedStorePath>, LockError> {
    let mut paths = BTreeMap::new();
    let mut named = Vec::new();
    for raw in all {
        let path = base_name(file, &raw.path)?;
        let mut references = BTreeSet::new();
        for reference in &raw.references {
            let to = base_name(file, reference)?;
            named.push((reference.span(), to.clone()));
            references.insert(to);
        }
        let locked = LockedStorePath {
            nar: Content { digest: file.digest(&raw.sha256)?, size: raw.size },
            references: references.into_iter().collect(),
            derivation: raw.derivation.map(|text| base_name(file, &text)).transpose()?,
            content_address: raw.content_address,
            about: AboutStorePath {
                name: raw.name,
                version: raw.version,
                license: raw.license,
                cpe: raw.cpe,
                patched: raw.patched,
            },
        };
        if paths.insert(path, locked).is_some() {
            return Err(file.damaged(raw.path.span(), format!("store path `{}` is locked twice", raw.path)));
        }
    }
    match named.into_iter().find(|(_, to)| !paths.contains_key(to)) {
        Some((span, to)) => {
            Err(file.damaged(span, format!("no [[store-path]] of this lock is `{}`", to.base_name())))
        }
        None => Ok(paths),
    }
}

pub(super) fn nix(
    file: &File,
    all: Vec<RawNix>,
    known: &BTreeMap<StorePath, LockedStorePath>,
) -> Result<Vec<LockedNix>, LockError> {
    let mut locked: Vec<LockedNix> = Vec::new();
    for raw in all {
        file.platform(&raw.platform)?;
        let (span, installable) = (raw.installable.span(), raw.installable.into_inner());
        let platform = raw.platform.into_inner();
        if locked.iter().any(|pin| pin.installable == installable && pin.platform == platform) {
            return Err(file.damaged(span, format!("`{installable}` is locked twice for `{platform}`")));
        }
        let mut outputs = BTreeSet::new();
        for text in &raw.outputs {
            let path = base_name(file, text)?;
            if !known.contains_key(&path) {
                let message = format!("no [[store-path]] of this lock is `{}`", path.base_name());
                return Err(file.damaged(text.span(), message));
            }
            outputs.insert(path);
        }
        locked.push(LockedNix { installable, platform, outputs: outputs.into_iter().collect() });
    }
    locked.sort();
    Ok(locked)
}

impl Lock {
    /// What an installable came to on `platform`.
    pub fn nix(&self, installable: &Installable, platform: &Platform) -> Option<&LockedNix> {
        let (installable, platform) = (installable.to_string(), platform.to_string());
        self.nix.iter().find(|pin| pin.installable == installable && pin.platform == platform)
    }

    /// `from` and all they refer to, directly or not, without going through what `passed` says no to.
    pub fn closure_of_paths<'a>(
        &'a self,
        from: impl IntoIterator<Item = &'a StorePath>,
        passed: impl Fn(&StorePath) -> bool,
    ) -> BTreeSet<&'a StorePath> {
        let mut found = BTreeSet::new();
        let mut next: Vec<&StorePath> = from.into_iter().collect();
        while let Some(path) = next.pop() {
            if passed(path) && found.insert(path) {
                next.extend(self.store_paths.get(path).iter().flat_map(|locked| &locked.references));
            }
        }
        found
    }

    pub(super) fn stale_nix(&self, stack: &Stack) -> Vec<String> {
        let mut reasons = Vec::new();
        let installables = stack.installables();
        for installable in &installables {
            let mut missing = Vec::new();
            for platform in &stack.platforms {
                match (self.nix(installable, platform), installable.known_outputs(platform)) {
                    (None, _) => missing.push(platform.to_string()),
                    (Some(pin), Some(known)) if !known.iter().eq(&pin.outputs) => {
                        reasons.push(format!("`{installable}` holds other store paths now for {platform}"));
                    }
                    (Some(_), _) => {}
                }
            }
            match missing.len() {
                0 => {}
                all if all == stack.platforms.len() => {
                    reasons.push(format!("`{installable}` is not in the lock"))
                }
                _ => reasons.push(format!("`{installable}` is not in the lock for {}", missing.join(", "))),
            }
        }
        let asked = |pin: &LockedNix| {
            installables.iter().any(|one| one.to_string() == pin.installable)
                && stack.platforms.iter().any(|platform| platform.to_string() == pin.platform)
        };
        let gone: BTreeSet<&str> =
            self.nix.iter().filter(|pin| !asked(pin)).map(|pin| pin.installable.as_str()).collect();
        reasons
            .extend(gone.into_iter().map(|name| format!("`{name}` is pinned for more than the stack asks")));
        reasons
    }

    /// What changed of store paths from this lock to `new`, by name.
    pub(super) fn nix_changes(&self, new: &Self) -> Vec<Change> {
        let sides = [self, new].map(|lock| {
            let mut names: BTreeMap<&str, BTreeSet<&StorePath>> = BTreeMap::new();
            for path in lock.store_paths.keys() {
                names.entry(path.name_and_version().0).or_default().insert(path);
            }
            names
        });
        let versions = |paths: &BTreeSet<&StorePath>| {
            let all: BTreeSet<_> =
                paths.iter().map(|path| path.name_and_version().1.unwrap_or("without a version")).collect();
            all.into_iter().collect::<Vec<_>>().join(", ")
        };
        let [old, new] = &sides;
        let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        let change = |name: &str| {
            let package = name.to_owned();
            match (old.get(name), new.get(name)) {
                (Some(old), None) => Some(Change::Removed { package, version: versions(old) }),
                (None, Some(new)) => Some(Change::Added { package, version: versions(new) }),
                (Some(old), Some(new)) if versions(old) != versions(new) => {
                    Some(Change::Updated { package, from: versions(old), to: versions(new) })
                }
                // Built anew of other inputs; its own version is the same.
                (Some(old), Some(new)) if old != new => {
                    let hashes = |paths: &BTreeSet<&StorePath>| {
                        paths.iter().map(|path| &path.hash()[..8]).collect::<Vec<_>>().join(", ")
                    };
                    Some(Change::Updated { package, from: hashes(old), to: hashes(new) })
                }
                _ => None,
            }
        };
        names.into_iter().filter_map(change).collect()
    }
}
