//! Pinned packages: from the store, the mirrors, or the archives that keep old versions.

use std::collections::BTreeMap;

use longshore_oci::{Content, PackageId, Step};
use longshore_stack::lock::{Lock, LockedPackage, LockedRelease};
use longshore_stack::model::{AptSource, SourceSpec, Stack};

use super::Error;
use super::repository::{Archives, Repositories};
use longshore_net::{Access, NetError, Url};

/// A package file whose bytes are those of the lock. Only [`fetch`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    id: PackageId,
    content: Content,
}

impl Fetched {
    /// Which package.
    pub fn id(&self) -> &PackageId {
        &self.id
    }

    /// Its bytes, which are in the store.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

/// Brings the package files of `ids` into the store, several at once; results in the order of `ids`.
///
/// What the store has is not asked for again: it was verified when it came. Else the archive's mirrors are tried, then
/// its snapshots as of the locked releases. Every byte is verified against `lock`.
pub fn fetch(
    archives: &Archives,
    stack: &Stack,
    lock: &Lock,
    ids: &[PackageId],
) -> Result<Vec<Fetched>, Error> {
    let mut wanted = Vec::new();
    for id in ids {
        let package = lock.packages.get(id).ok_or_else(|| Error::NotInLock { id: Box::new(id.clone()) })?;
        wanted.push((id, package));
    }
    let outcome = archives.client.each(&wanted, |(id, package)| one(archives, stack, lock, id, package));
    match outcome {
        // What replaced it takes a look into today's index: once, and outside of the threads.
        Err(Error::Gone { id, addresses, .. }) => {
            let replacement = replacement(archives, stack, &id);
            Err(Error::Gone { id, replacement, addresses })
        }
        other => other,
    }
}

fn one(
    archives: &Archives,
    stack: &Stack,
    lock: &Lock,
    id: &PackageId,
    package: &LockedPackage,
) -> Result<Fetched, Error> {
    let fetched = Fetched { id: id.clone(), content: package.content };
    if archives.store.has(&package.content) {
        return Ok(fetched);
    }
    let Some(SourceSpec::Apt(spec)) = stack.sources.get(&id.source) else {
        return Err(Error::NotInLock { id: Box::new(id.clone()) });
    };
    let releases: Vec<_> = lock.releases.iter().filter(|release| release.source == id.source).collect();
    let what = format!("{} {}", id.name, id.version);
    archives.progress.during("Fetching", &what, Some(package.content.size), |step| {
        download(archives, spec, &releases, id, package, step)
    })?;
    Ok(fetched)
}

/// From the mirrors, or else from the archives' snapshots.
fn download(
    archives: &Archives,
    spec: &AptSource,
    releases: &[&LockedRelease],
    id: &PackageId,
    package: &LockedPackage,
    step: &dyn Step,
) -> Result<(), Error> {
    let mirrors = mirrors(archives, id, spec, package)?;
    let mut error = match archives.client.download(&mirrors, &package.content, archives.store, step) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let mut addresses = mirrors;
    // A mirror that answers with something else is as good a reason to look elsewhere as one that has nothing.
    if error.is_gone() || error.different().is_some() {
        let snapshots = snapshots(archives, id, spec, releases, package)?;
        if !snapshots.is_empty() {
            match archives.client.download(&snapshots, &package.content, archives.store, step) {
                Ok(()) => return Ok(()),
                Err(NetError::Store(error)) => return Err(error.into()),
                // A snapshot with something else says more than mirrors with nothing; snapshots that can't be reached say less.
                Err(other) if error.different().is_none() && other.different().is_some() => error = other,
                Err(other) if !other.is_gone() => archives.progress.note(&format!("`{}`: {other}", id.name)),
                Err(_) => {}
            }
        }
        addresses.extend(snapshots);
    }
    Err(describe(id, package, error, addresses))
}

fn describe(id: &PackageId, package: &LockedPackage, error: NetError, addresses: Vec<Url>) -> Error {
    let id = Box::new(id.clone());
    if error.is_gone() {
        return Error::Gone { id, replacement: None, addresses };
    }
    match error {
        NetError::Offline { .. } => Error::OfflinePackage { id },
        NetError::Store(error) => error.into(),
        NetError::Failed { mut attempts } => {
            let wrong = attempts.iter().position(longshore_net::Attempt::is_different);
            match wrong {
                Some(at) => Error::Mismatch {
                    id,
                    expected: package.content,
                    attempt: Box::new(attempts.swap_remove(at)),
                },
                None => Error::Fetch { id, error: Box::new(NetError::Failed { attempts }) },
            }
        }
        error => Error::Fetch { id, error: Box::new(error) },
    }
}

/// The package's addresses in all archives of its source: the lock does not say which suite it is from.
fn mirrors(
    archives: &Archives,
    id: &PackageId,
    spec: &AptSource,
    package: &LockedPackage,
) -> Result<Vec<Url>, Error> {
    let mut all = Vec::new();
    for suite in &spec.suites {
        for archive in archives.mirrors.archives(&id.source, spec, suite)? {
            push(&mut all, archive.join(&package.path));
        }
    }
    Ok(all)
}

fn snapshots(
    archives: &Archives,
    id: &PackageId,
    spec: &AptSource,
    releases: &[&LockedRelease],
    package: &LockedPackage,
) -> Result<Vec<Url>, Error> {
    let mut all = Vec::new();
    for release in releases {
        for archive in archives.mirrors.snapshots(&id.source, spec, &release.suite, release.date)? {
            push(&mut all, archive.join(&package.path));
        }
    }
    Ok(all)
}

fn push(all: &mut Vec<Url>, url: Url) {
    if !all.contains(&url) {
        all.push(url);
    }
}

/// The version that the archive has now; none where that can't be found out.
fn replacement(archives: &Archives, stack: &Stack, id: &PackageId) -> Option<String> {
    if archives.client.access() == Access::Offline {
        return None;
    }
    let source: BTreeMap<_, _> = stack
        .sources
        .iter()
        .filter(|(name, _)| **name == id.source)
        .map(|(n, s)| (n.clone(), s.clone()))
        .collect();
    let architecture = match id.architecture.as_str() {
        "all" => stack.platforms.first()?.debian_architecture(),
        other => other,
    };
    let index = Repositories::update(archives, &source, &[]).ok()?.index(archives, architecture).ok()?;
    let newest = index.packages(index.name(&id.name)?).next()?.version().to_owned();
    (newest != id.version).then_some(newest)
}
