//! From a stack to its lock: which closures must be resolved, with which versions held, and what moved.

mod notes;
mod pins;

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{PackageId, Platform};
use longshore_stack::lock::{Lock, LockedClosure, LockedPackage, LockedRelease};
use longshore_stack::model::{Consumer, Requirement, SourceSpec, Stack};

use super::Error;
use super::index::Index;
use super::repository::{Archives, Repositories};
use super::resolve::Solution;
use notes::Notes;

/// What may move to newer versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing: only what the lock does not have is resolved, and what an archive dropped moves on.
    Missing,
    /// Everything.
    All,
    /// These packages, and what their new versions need.
    Packages(BTreeSet<String>),
}

/// A lock, and what the user should know of how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The lock.
    pub lock: Lock,
    /// Sentences without a full stop: versions that had to move, providers that were chosen.
    pub notes: Vec<String>,
}

/// One closure that the stack asks for.
struct Wanted<'a> {
    consumer: Consumer,
    platform: Platform,
    requires: Vec<Requirement>,
    /// The one in the lock, when it was resolved for the same.
    kept: Option<&'a LockedClosure>,
}

/// Locks all images of `stack` on all its platforms, and the toolchains of its builds.
///
/// Versions of `previous` are kept as `refresh` says, as long as the archives have them. When every closure of
/// `previous` still fits and nothing is to move, no network is used. `assembler` is written into the lock.
pub fn lock(
    archives: &Archives,
    stack: &Stack,
    previous: Option<&Lock>,
    refresh: &Refresh,
    assembler: u32,
) -> Result<Locked, Error> {
    let empty = Lock::default();
    let previous = previous.unwrap_or(&empty);
    let refresh = if previous.packages.is_empty() { &Refresh::All } else { refresh };
    // Names of pinned archives and of others' images are theirs to refresh.
    let known = |name: &str| {
        previous.packages.keys().any(|id| id.name == name)
            || stack.urls.contains_key(name)
            || stack.others().iter().any(|image| image.to_string() == name)
    };
    if let Refresh::Packages(names) = refresh
        && let Some(name) = names.iter().find(|name| !known(name))
    {
        return Err(Error::NotLocked { name: name.clone() });
    }
    let wanted = wanted(stack, previous);
    // What else is pinned is others' to move.
    let mut lock = Lock {
        assembler,
        profile: stack.profile.clone(),
        sources: stack.source_definitions(),
        urls: previous.urls.clone(),
        images: previous.images.clone(),
        go_sums: previous.go_sums.clone(),
        ..Lock::default()
    };
    let still = |w: &Wanted| w.kept.is_some() || w.requires.is_empty();
    if *refresh == Refresh::Missing && wanted.iter().all(still)
        || wanted.iter().all(|w| w.requires.is_empty())
    {
        for one in &wanted {
            keep(&mut lock, one, previous);
        }
        lock.releases =
            previous.releases.iter().filter(|r| stack.sources.contains_key(&r.source)).cloned().collect();
        return Ok(Locked { lock, notes: Vec::new() });
    }
    let repositories = Repositories::update(archives, &stack.sources, &comparable(stack, previous))?;
    let prefer: BTreeMap<String, String> =
        stack.sources.values().flat_map(|SourceSpec::Apt(spec)| spec.prefer.clone()).collect();
    let mut indexes = BTreeMap::new();
    let mut notes = Notes::new(previous, &prefer, refresh);
    for one in &wanted {
        let architecture = one.platform.debian_architecture();
        let index: &Index = match indexes.entry(architecture) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(repositories.index(archives, architecture)?)
            }
        };
        if is_untouched(one, previous, refresh, index) {
            keep(&mut lock, one, previous);
            continue;
        }
        let pins = pins::held(previous, one.kept, architecture, refresh);
        let solution =
            pins::resolve(index, &one.requires, &prefer, pins).map_err(|error| Error::Resolve {
                consumer: one.consumer.clone(),
                platform: one.platform.to_string(),
                error: Box::new(error),
            })?;
        notes.add(&solution, one.kept, architecture, index);
        add(&mut lock, one, solution);
    }
    lock.releases = repositories.releases();
    Ok(Locked { lock, notes: notes.finish() })
}

/// Every image on every platform, and every build's toolchain, sorted.
fn wanted<'a>(stack: &Stack, previous: &'a Lock) -> Vec<Wanted<'a>> {
    let changed: BTreeSet<&str> = stack
        .sources
        .iter()
        .filter(|(name, source)| previous.sources.get(*name) != Some(&source.definition()))
        .map(|(name, _)| name.as_str())
        .collect();
    let wanted = stack.requirements().into_iter().map(|(consumer, platform, requires)| {
        let kept = previous.closure_of(&consumer, &platform.to_string()).filter(|closure| {
            let sources = closure
                .requires
                .iter()
                .map(|r| &r.source)
                .chain(closure.packages.iter().map(|id| &id.source));
            closure.requires == requires
                && sources.into_iter().all(|source| !changed.contains(source.as_str()))
        });
        Wanted { consumer, platform, requires, kept }
    });
    wanted.collect()
}

/// The releases of `previous` that are of the same repositories still: only those can be rolled back.
fn comparable(stack: &Stack, previous: &Lock) -> Vec<LockedRelease> {
    let place = |facts: Option<&Vec<String>>| facts.and_then(|facts| facts.first().cloned());
    let now = stack.source_definitions();
    let same = |release: &&LockedRelease| {
        let then = place(previous.sources.get(&release.source));
        then.is_some() && then == place(now.get(&release.source))
    };
    previous.releases.iter().filter(same).cloned().collect()
}

/// Whether a closure stays as it is: nothing of it is to move, and the archives have all of it.
fn is_untouched(one: &Wanted, previous: &Lock, refresh: &Refresh, index: &Index) -> bool {
    let Some(kept) = one.kept else { return one.requires.is_empty() };
    let moves = match refresh {
        Refresh::Missing => false,
        Refresh::All => true,
        Refresh::Packages(names) => kept.packages.iter().any(|id| names.contains(&id.name)),
    };
    !moves
        && kept
            .packages
            .iter()
            .all(|id| previous.packages.get(id).is_some_and(|package| has(index, id, package)))
}

/// Whether the archives still have exactly that package.
fn has(index: &Index, id: &PackageId, package: &LockedPackage) -> bool {
    let mut found = index.name(&id.name).into_iter().flat_map(|name| index.packages(name));
    found.any(|p| {
        p.version() == id.version && p.architecture() == id.architecture && p.content() == package.content
    })
}

fn keep(lock: &mut Lock, one: &Wanted, previous: &Lock) {
    let packages = one.kept.map(|kept| kept.packages.clone()).unwrap_or_default();
    for id in &packages {
        if let Some(package) = previous.packages.get(id) {
            insert(lock, id, package.clone());
        }
    }
    lock.closures.push(closure(one, packages));
}

fn add(lock: &mut Lock, one: &Wanted, solution: Solution) {
    let mut packages = Vec::new();
    for chosen in solution.packages {
        packages.push(chosen.id.clone());
        let package = LockedPackage { path: chosen.path, content: chosen.content, depends: chosen.depends };
        insert(lock, &chosen.id, package);
    }
    packages.sort();
    lock.closures.push(closure(one, packages));
}

fn closure(one: &Wanted, packages: Vec<PackageId>) -> LockedClosure {
    LockedClosure {
        consumer: one.consumer.clone(),
        platform: one.platform.to_string(),
        requires: one.requires.clone(),
        packages,
    }
}

/// What a package brought with it may differ from closure to closure; the lock has it all.
fn insert(lock: &mut Lock, id: &PackageId, package: LockedPackage) {
    let entry = lock
        .packages
        .entry(id.clone())
        .or_insert_with(|| LockedPackage { depends: Vec::new(), ..package.clone() });
    entry.depends.extend(package.depends);
    entry.depends.sort();
    entry.depends.dedup();
}
