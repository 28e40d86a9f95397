//! From installables to pins: which paths they are, and all that those refer to.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Platform, StorePath};
use longshore_stack::lock::{AboutStorePath, Lock, LockedNix, LockedStorePath};
use longshore_stack::model::{Installable, Stack};

use super::cache::Info;
use super::{Access, Error, EvaluateError, Evaluator};
use crate::deb::lock::Refresh;

/// What a lock has of Nix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// What was asked for, sorted.
    pub nix: Vec<LockedNix>,
    /// Every path that came of it.
    pub store_paths: BTreeMap<StorePath, LockedStorePath>,
}

/// The pins of all that images of `stack` take from the Nix store.
///
/// Those of `previous` are kept where `refresh` does not name them. For others Nix builds, or caches are asked where Nix has
/// nothing to decide.
///
/// # Errors
/// When something can't be built or found.
pub fn lock(stack: &Stack, previous: &Lock, refresh: &Refresh, access: &Access<'_>) -> Result<Pins, Error> {
    let mut pins = Pins::default();
    for installable in stack.installables() {
        for platform in &stack.platforms {
            let known = installable.known_outputs(platform);
            let moves = match refresh {
                Refresh::Missing => false,
                Refresh::All => known.is_none(),
                Refresh::Packages(names) => names.contains(&installable.to_string()),
            };
            let before = previous
                .nix(installable, platform)
                .filter(|pin| !moves && known.as_ref().is_none_or(|known| known.iter().eq(&pin.outputs)));
            let outputs = match before {
                Some(pin) => {
                    let closure = previous.closure_of_paths(&pin.outputs, |_| true).into_iter();
                    let kept = closure
                        .filter_map(|path| Some((path.clone(), previous.store_paths.get(path)?.clone())));
                    pins.store_paths.extend(kept);
                    pin.outputs.clone()
                }
                None => {
                    let (outputs, paths) = resolve(installable, platform, known, access)?;
                    pins.store_paths.extend(paths);
                    outputs.into_iter().collect()
                }
            };
            pins.nix.push(LockedNix {
                installable: installable.to_string(),
                platform: platform.to_string(),
                outputs,
            });
        }
    }
    pins.nix.sort();
    Ok(pins)
}

/// What one installable is now.
type Resolved = (BTreeSet<StorePath>, BTreeMap<StorePath, LockedStorePath>);

fn resolve(
    installable: &Installable,
    platform: &Platform,
    known: Option<BTreeSet<StorePath>>,
    access: &Access<'_>,
) -> Result<Resolved, Error> {
    match access.evaluator()? {
        Evaluator::Nix(nix) => {
            // Of store paths that are known Nix has nothing to say but what they refer to.
            let meta = if known.is_none() { nix.meta(installable, platform) } else { None };
            let outputs = match known {
                Some(known) => known,
                None => nix.build(installable, platform, access.progress)?,
            };
            let closure = match nix.closure(&outputs) {
                Ok(closure) => closure,
                // A path that is named may be in no store yet.
                Err(_) => match access.caches.closure(&outputs) {
                    Ok(closure) => infos(closure),
                    Err(error) => {
                        let mut paths = outputs.iter();
                        paths.try_for_each(|path| nix.realise(path, access.progress)).map_err(|_| error)?;
                        nix.closure(&outputs)?
                    }
                },
            };
            let derivations = closure.values().filter_map(|info| info.derivation.clone()).collect();
            let mut said = nix.derivations(&derivations);
            if let Some(meta) = meta {
                for path in &outputs {
                    let derivation = closure.get(path).and_then(|info| info.derivation.clone());
                    if let Some(derivation) = derivation {
                        let about = said.entry(derivation).or_default();
                        (about.license, about.cpe) = (meta.license.clone(), meta.cpe.clone());
                    }
                }
            }
            Ok((outputs, told(closure, &said)))
        }
        Evaluator::Graph(graph) => {
            let outputs = graph.outputs(installable, platform)?;
            Ok((outputs.clone(), graph.closure(&outputs)?))
        }
        Evaluator::Nobody => {
            let needs = || EvaluateError::NeedsNix { installable: installable.to_string() };
            let outputs = known.ok_or_else(needs)?;
            Ok((outputs.clone(), infos(access.caches.closure(&outputs)?)))
        }
    }
}

fn infos(closure: BTreeMap<StorePath, Info>) -> BTreeMap<StorePath, LockedStorePath> {
    closure.into_iter().map(|(path, info)| (path, info.locked())).collect()
}

/// `closure` with what is said of each by its derivation.
fn told(
    closure: BTreeMap<StorePath, LockedStorePath>,
    said: &BTreeMap<StorePath, AboutStorePath>,
) -> BTreeMap<StorePath, LockedStorePath> {
    let one = |(path, mut locked): (StorePath, LockedStorePath)| {
        let about = locked.derivation.as_ref().and_then(|derivation| said.get(derivation));
        locked.about = about.cloned().unwrap_or_default();
        // Only what its own name does not say.
        let (name, version) = path.name_and_version();
        locked.about.name = locked.about.name.filter(|own| own != name);
        locked.about.version = locked.about.version.filter(|own| Some(own.as_str()) != version);
        (path, locked)
    };
    closure.into_iter().map(one).collect()
}
