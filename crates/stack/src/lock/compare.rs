//! What of a lock no longer fits its stack, and what differs between two locks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_oci::Platform;
use serde::Serialize;

use super::{Lock, LockedClosure, LockedPackage, LockedUrl};
use crate::model::{Consumer, Requirement, Scope, Stack, UrlFile};

impl Lock {
    /// Why the lock must be made anew for `stack`, a sentence each without a full stop; empty when it fits.
    pub fn stale(&self, stack: &Stack) -> Vec<String> {
        let mut reasons = self.stale_sources(stack);
        let asked = stack.requirements();
        let mut by_consumer: BTreeMap<&Consumer, Vec<(String, &[Requirement])>> = BTreeMap::new();
        for (consumer, platform, wanted) in &asked {
            by_consumer.entry(consumer).or_default().push((platform.to_string(), wanted));
        }
        for (consumer, platforms) in &by_consumer {
            // Most changes are the same on every platform and are said once.
            let mut sentences: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for (platform, wanted) in platforms {
                for sentence in stale_closure(consumer, wanted, self.closure_of(consumer, platform)) {
                    sentences.entry(sentence).or_default().push(platform);
                }
            }
            reasons.extend(sentences.into_iter().map(|(sentence, on)| match on.len() == platforms.len() {
                true => sentence,
                false => format!("{sentence} for {}", on.join(", ")),
            }));
        }
        let gone: BTreeSet<&Consumer> = self.closures.iter().map(|closure| &closure.consumer).collect();
        for consumer in gone.into_iter().filter(|consumer| !by_consumer.contains_key(consumer)) {
            reasons.push(format!("{consumer} is no longer in the stack"));
        }
        let locked: BTreeSet<&str> = self.closures.iter().map(|closure| closure.platform.as_str()).collect();
        for platform in locked
            .into_iter()
            .filter(|locked| !asked.iter().any(|(_, platform, _)| platform.to_string() == *locked))
        {
            reasons.push(format!("platform `{platform}` is no longer asked for"));
        }
        reasons.extend(self.stale_urls(stack));
        reasons.extend(self.stale_images(stack));
        reasons.extend(self.stale_nix(stack));
        reasons
    }

    /// The closure of `image` on `platform` (`linux/amd64`).
    pub fn closure(&self, image: &str, platform: &str) -> Option<&LockedClosure> {
        self.closure_of(&Consumer::Image(image.to_owned()), platform)
    }

    /// The closure of `consumer` on `platform` (`linux/amd64`).
    pub fn closure_of(&self, consumer: &Consumer, platform: &str) -> Option<&LockedClosure> {
        self.closures.iter().find(|closure| closure.consumer == *consumer && closure.platform == platform)
    }

    /// The pin of `[url.NAME]` for `platform` (`linux/amd64`): its own, or the one for all platforms.
    pub fn url(&self, name: &str, platform: &str) -> Option<&LockedUrl> {
        let fits = |url: &&LockedUrl| url.platform.as_deref().is_none_or(|own| own == platform);
        self.urls.iter().filter(|url| url.name == name).find(fits)
    }

    /// The pin that holds for exactly this file of the stack file.
    pub fn url_file(&self, name: &str, platform: Option<&Platform>, file: &UrlFile) -> Option<&LockedUrl> {
        let platform = platform.map(ToString::to_string);
        self.urls.iter().find(|pin| {
            pin.name == name
                && pin.platform == platform
                && pin.url == file.url
                && file.sha256.is_none_or(|digest| digest == pin.content.digest)
        })
    }

    fn stale_urls(&self, stack: &Stack) -> Vec<String> {
        let mut reasons = Vec::new();
        for (name, spec) in &stack.urls {
            for (platform, file) in &spec.files {
                let on = platform.as_ref().map(|platform| format!(" for {platform}")).unwrap_or_default();
                let text = platform.as_ref().map(ToString::to_string);
                match self.urls.iter().find(|pin| pin.name == *name && pin.platform == text) {
                    None => reasons.push(format!("url `{name}` is not in the lock{on}")),
                    Some(pin) if pin.url != file.url => {
                        reasons.push(format!("url `{name}` is at another address now{on}"));
                    }
                    Some(pin) if file.sha256.is_some_and(|digest| digest != pin.content.digest) => {
                        reasons.push(format!("url `{name}` has another sha256 in the stack file{on}"));
                    }
                    Some(_) => {}
                }
            }
        }
        let gone = |pin: &&LockedUrl| {
            !stack.urls.get(&pin.name).is_some_and(|spec| {
                spec.files.keys().any(|p| p.as_ref().map(ToString::to_string) == pin.platform)
            })
        };
        let gone: BTreeSet<&str> = self.urls.iter().filter(gone).map(|pin| pin.name.as_str()).collect();
        reasons.extend(
            gone.into_iter().map(|name| format!("url `{name}` is pinned for more than the stack asks")),
        );
        reasons
    }

    fn stale_sources(&self, stack: &Stack) -> Vec<String> {
        let mut reasons = Vec::new();
        for (name, now) in stack.source_definitions() {
            let Some(then) = self.sources.get(&name) else {
                reasons.push(format!("source `{name}` is not in the lock"));
                continue;
            };
            let added =
                now.iter().filter(|fact| !then.contains(fact)).map(|fact| format!("now has `{fact}`"));
            let removed =
                then.iter().filter(|fact| !now.contains(fact)).map(|fact| format!("no longer has `{fact}`"));
            let changes: Vec<String> = added.chain(removed).collect();
            match changes.is_empty() {
                false => reasons.push(format!("source `{name}` {}", changes.join(", "))),
                true if now != *then => reasons.push(format!("source `{name}` is written in another order")),
                true => {}
            }
        }
        for name in self.sources.keys().filter(|name| !stack.sources.contains_key(*name)) {
            reasons.push(format!("source `{name}` is no longer in the stack"));
        }
        reasons
    }

    /// What changed from this lock to `new`, sorted by package name, then images, then store paths. Architectures of one package are one change.
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        let others = self.image_changes(new).into_iter().chain(self.nix_changes(new));
        let (old, new) = (by_name(self), by_name(new));
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let package = (*name).to_owned();
                match (old.get(name), new.get(name)) {
                    (None, Some(to)) => Some(Change::Added { package, version: versions(to) }),
                    (Some(from), None) => Some(Change::Removed { package, version: versions(from) }),
                    (Some(from), Some(to)) if versions(from) != versions(to) => {
                        Some(Change::Updated { package, from: versions(from), to: versions(to) })
                    }
                    (Some(from), Some(to)) => {
                        let replaced = from
                            .iter()
                            .any(|(key, old)| to.get(key).is_some_and(|new| new.content != old.content));
                        replaced.then(|| Change::Replaced { package, version: versions(to) })
                    }
                    (None, None) => None,
                }
            })
            .chain(others)
            .collect()
    }
}

/// The packages of one name, by version, and architecture with source.
type Side<'a> = BTreeMap<(&'a str, (&'a str, &'a str)), &'a LockedPackage>;

fn by_name(lock: &Lock) -> BTreeMap<&str, Side<'_>> {
    let mut names: BTreeMap<&str, Side<'_>> = BTreeMap::new();
    for (id, package) in &lock.packages {
        names.entry(&id.name).or_default().insert((&id.version, (&id.architecture, &id.source)), package);
    }
    names
}

/// The versions of one name, `, ` between them.
fn versions(side: &Side<'_>) -> String {
    side.keys()
        .map(|(version, _)| *version)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join(", ")
}

fn stale_closure(
    consumer: &Consumer,
    wanted: &[Requirement],
    closure: Option<&LockedClosure>,
) -> Vec<String> {
    let locked = match closure {
        Some(closure) => closure.requires.as_slice(),
        None if wanted.is_empty() => &[],
        None => return vec![format!("{consumer} is not in the lock")],
    };
    let describe = |requirement: &Requirement| match requirement.scope {
        Scope::Closure => format!("`{}` from source `{}`", requirement.package, requirement.source),
        Scope::Alone => format!("`{}` alone from source `{}`", requirement.package, requirement.source),
    };
    let added = wanted.iter().filter(|requirement| !locked.contains(requirement));
    let removed = locked.iter().filter(|requirement| !wanted.contains(requirement));
    added
        .map(|requirement| format!("{consumer} now wants {}", describe(requirement)))
        .chain(removed.map(|requirement| format!("{consumer} no longer wants {}", describe(requirement))))
        .collect()
}

/// One difference between two locks. Several versions of one name are joined with `, `.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum Change {
    /// A package that was not there.
    Added {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
    },
    /// A package that is no longer there.
    Removed {
        /// Its name.
        package: String,
        /// The version it had.
        version: String,
    },
    /// Another version.
    Updated {
        /// Its name.
        package: String,
        /// The version it had.
        from: String,
        /// The version it has.
        to: String,
    },
    /// The same version with other bytes: something that archives do not do in good order.
    Replaced {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { package, version } => write!(f, "+ {package} {version}"),
            Self::Removed { package, version } => write!(f, "- {package} {version}"),
            Self::Updated { package, from, to } => write!(f, "~ {package} {from} → {to}"),
            Self::Replaced { package, version } => {
                write!(f, "! {package} {version}: same version, other bytes")
            }
        }
    }
}
