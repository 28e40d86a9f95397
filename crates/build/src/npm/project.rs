//! The project's manifests, as far as a build must know them before it runs: whether the lock is theirs, which
//! workspace and script are meant.

use std::collections::BTreeMap;

use longshore_stack::model::NpmBuild;
use serde::Deserialize;

use super::Error;
use super::lock::{NpmLock, own_name};
use super::select::is_own;
use crate::source::{Source, join, resolve};

/// Bytes of a `package.json` that are read.
const MAX_MANIFEST: u64 = 4 << 20;

/// What counts of a `package.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifest {
    scripts: BTreeMap<String, String>,
    dependencies: BTreeMap<String, String>,
    dev_dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
}

/// What is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Folder of the package whose script is run; empty for the root.
    pub folder: String,
    /// What the script leaves, relative to the root.
    pub output: String,
    /// Packages whose install scripts are run.
    pub install_scripts: Vec<String>,
}

/// Finds what `spec` asks for, and fails when the lock isn't that of the manifests.
pub(super) fn select(spec: &NpmBuild, lock: &NpmLock, source: &Source) -> Result<Selection, crate::Error> {
    let folder = spec.workspace.as_deref().map_or(Ok(String::new()), |name| workspace(name, lock))?;
    for place in lock.packages.keys().filter(|place| is_own(place)) {
        is_fresh(place, &manifest(place, source)?, lock)?;
    }
    let manifest = manifest(&folder, source)?;
    if !manifest.scripts.contains_key(&spec.script) {
        return Err(Error::UnknownScript {
            manifest: join(&folder, "package.json"),
            script: spec.script.clone(),
            known: manifest.scripts.into_keys().collect(),
        }
        .into());
    }
    let output =
        resolve(&folder, &spec.output).ok_or_else(|| Error::Outside { place: spec.output.clone() })?;
    Ok(Selection { folder, output, install_scripts: install_scripts(spec, lock)? })
}

fn manifest(folder: &str, source: &Source) -> Result<Manifest, crate::Error> {
    let file = join(folder, "package.json");
    let Some(bytes) = source.read(&file, MAX_MANIFEST)? else { return Err(Error::Missing { file }.into()) };
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::Malformed { file, problem: error.to_string() }.into())
}

/// The folder of a workspace, by its name or folder.
fn workspace(name: &str, lock: &NpmLock) -> Result<String, Error> {
    let links = || {
        lock.packages.iter().filter(|(_, package)| package.link).filter_map(|(place, package)| {
            Some((own_name(place), resolve("", package.resolved.as_deref()?)?))
        })
    };
    let wanted = resolve("", name);
    links()
        .find(|(own, folder)| *own == name || Some(folder) == wanted.as_ref())
        .map(|(_, folder)| folder)
        .ok_or_else(|| Error::UnknownWorkspace {
            workspace: name.to_owned(),
            known: links().map(|(own, _)| own.to_owned()).collect(),
        })
}

/// Whether everything that the manifest at `place` can't do without is in the lock. Whether its version is right, npm
/// tells.
fn is_fresh(place: &str, manifest: &Manifest, lock: &NpmLock) -> Result<(), Error> {
    let needed = manifest.dependencies.iter().chain(&manifest.dev_dependencies);
    for (name, range) in needed.filter(|(name, _)| !manifest.optional_dependencies.contains_key(*name)) {
        if lock.find(place, name).is_none() {
            return Err(Error::Stale {
                file: lock.file.clone(),
                manifest: join(place, "package.json"),
                dependency: format!("{name} {range}"),
            });
        }
    }
    Ok(())
}

fn install_scripts(spec: &NpmBuild, lock: &NpmLock) -> Result<Vec<String>, Error> {
    let mut known: Vec<&str> = lock
        .packages
        .iter()
        .filter(|(_, package)| package.has_install_script)
        .map(|(place, _)| own_name(place))
        .collect();
    known.sort_unstable();
    known.dedup();
    let mut scripts = spec.install_scripts.clone();
    scripts.sort();
    scripts.dedup();
    match scripts.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::NoInstallScript {
            package: name.clone(),
            known: known.into_iter().map(str::to_owned).collect(),
        }),
        None => Ok(scripts),
    }
}
