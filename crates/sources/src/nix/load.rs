//! From pins to trees: every path is had once in the life of the content store, from wherever it is nearest.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use longshore_net::each;
use longshore_oci::{Component, Origin, Platform, Store, StoreError, StorePath, Tree};
use longshore_stack::lock::{LockedNix, LockedStorePath};
use longshore_stack::model::Installable;

use super::command::Place;
use super::nar::{self, Unpacked};
use super::{Access, Error, EvaluateError, Evaluator, local, record, recorded};

/// The components of `closure`, which is what `pin` came to when it was locked: out of the content store, else out of a Nix store
/// on this machine, else built by Nix, else from a cache.
///
/// # Errors
/// When one of them can't be had, or is not what the lock says.
pub fn load(
    installable: &Installable,
    platform: &Platform,
    pin: &LockedNix,
    closure: &BTreeMap<&StorePath, &LockedStorePath>,
    access: &Access<'_>,
) -> Result<BTreeMap<StorePath, Arc<Component>>, Error> {
    let mut found: BTreeMap<StorePath, Unpacked> = BTreeMap::new();
    let mut missing = Vec::new();
    let pins: Vec<_> = closure.iter().map(|(path, locked)| (*path, *locked)).collect();
    let known =
        each(access.jobs, &pins, |(path, locked)| recorded(path, &locked.nar, access.store, access.trust))?;
    for ((path, locked), known) in pins.into_iter().zip(known) {
        match known {
            Some(known) => drop(found.insert(path.clone(), known)),
            None => missing.push((path, locked)),
        }
    }
    if !missing.is_empty() {
        let unbuilt = provide(installable, platform, pin, &missing, access)?.map(Arc::new);
        let bring = |(path, locked): &(&StorePath, &LockedStorePath)| {
            Ok::<_, Error>(((*path).clone(), bring(path, locked, unbuilt.as_ref(), access)?))
        };
        found.extend(each(access.jobs, &missing, bring)?);
    }
    let component = |(path, Unpacked { tree, facts, .. })| {
        let origin = Origin::Nix(StorePath::clone(&path));
        (path, Arc::new(Component { origin, tree, facts, package: None }))
    };
    Ok(found.into_iter().map(component).collect())
}

/// Puts the archive of a path, of which `tree` is what it holds, into the store.
///
/// # Errors
/// When the store can't take it, or `tree` is not what was locked.
pub fn archive(path: &StorePath, locked: &LockedStorePath, tree: &Tree, store: &Store) -> Result<(), Error> {
    if store.has(&locked.nar) {
        return Ok(());
    }
    let mut writer = store.writer()?;
    nar::write(tree, path, store, &mut writer).map_err(|problem| bad(path, problem))?;
    writer.flush().map_err(StoreError::from)?;
    Ok(writer.commit_expecting(&locked.nar)?)
}

/// Has Nix build what is missing, where there is Nix and it has not; why it could not, which is told with what the caches say.
fn provide(
    installable: &Installable,
    platform: &Platform,
    pin: &LockedNix,
    missing: &[(&StorePath, &LockedStorePath)],
    access: &Access<'_>,
) -> Result<Option<EvaluateError>, Error> {
    let there = |(path, locked): &(&StorePath, &LockedStorePath)| {
        access.store.has(&locked.nar) || access.on_disk(path).is_some()
    };
    if missing.iter().all(there) {
        return Ok(None);
    }
    let Evaluator::Nix(nix) = access.evaluator()? else { return Ok(None) };
    // Its store may be elsewhere than at `/nix`, which is known now.
    if missing.iter().all(there) {
        return Ok(None);
    }
    let outputs = match installable {
        Installable::StorePath(_) | Installable::Flox { .. } => {
            let realised = pin.outputs.iter().try_for_each(|path| nix.realise(path, access.progress));
            return Ok(realised.err());
        }
        Installable::Flake(_) | Installable::File { .. } => nix.build(installable, platform, access.progress),
    };
    Ok(match outputs {
        Ok(outputs) if outputs.iter().eq(&pin.outputs) => None,
        Ok(outputs) => Some(EvaluateError::Moved {
            installable: installable.to_string(),
            platform: Box::new(platform.clone()),
            locked: pin.outputs.clone(),
            now: outputs.into_iter().collect(),
        }),
        Err(error) => Some(error),
    })
}

/// One path, from the nearest place that has it. `unbuilt` is why Nix could not bring it.
fn bring(
    path: &StorePath,
    locked: &LockedStorePath,
    unbuilt: Option<&Arc<EvaluateError>>,
    access: &Access<'_>,
) -> Result<Unpacked, Error> {
    let Access { store, progress, .. } = access;
    // What was vendored is there as an archive.
    if store.has(&locked.nar) {
        let unpacked = progress.during("Unpacking", path.name(), Some(locked.nar.size), |_| {
            nar::unpack(store.open_blob(&locked.nar)?, path, locked.nar.size, store)
        });
        return checked(path, locked, unpacked, access);
    }
    if let Some(at) = access.on_disk(path) {
        return progress.during("Reading", path.name(), Some(locked.nar.size), |_| {
            local::fetch(path, locked, &at, store)
        });
    }
    if let Ok(Evaluator::Nix(nix)) = access.evaluator()
        && *nix.place() == Place::Elsewhere
        && unbuilt.is_none()
    {
        let archive = nix.dump(path)?;
        let unpacked = progress.during("Reading", path.name(), Some(locked.nar.size), |_| {
            nar::unpack(archive, path, locked.nar.size, store)
        });
        return checked(path, locked, unpacked, access);
    }
    access.caches.fetch(path, locked).map_err(|cache| match unbuilt {
        Some(nix) => {
            Error::Unbuilt { path: Box::new(path.clone()), nix: nix.clone(), cache: Box::new(cache) }
        }
        None => cache,
    })
}

/// What an archive held, if it was the one that was locked.
fn checked(
    path: &StorePath,
    locked: &LockedStorePath,
    unpacked: Result<Unpacked, nar::Problem>,
    access: &Access<'_>,
) -> Result<Unpacked, Error> {
    let unpacked = unpacked.map_err(|problem| bad(path, problem))?;
    if unpacked.nar != locked.nar {
        let (expected, found) = (locked.nar, unpacked.nar);
        return Err(Error::Other { path: Box::new(path.clone()), expected, found });
    }
    record(path, &unpacked, access.store)?;
    Ok(unpacked)
}

fn bad(path: &StorePath, problem: nar::Problem) -> Error {
    match problem {
        nar::Problem::Store(error) => Error::Store(error),
        problem => Error::Archive { path: Box::new(path.clone()), problem },
    }
}
