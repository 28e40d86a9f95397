//! `env.json` and `manifest.lock`.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Platform, StorePath};
use serde::Deserialize;
use serde_json::Value;

use super::manifest::{Manifest, Outputs};
use super::{Environment, FloxError, State, json};

/// `env.json`; one of FloxHub's has an owner.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Descriptor {
    pub(super) name: String,
    pub(super) owner: Option<String>,
}

/// A lock of version 1.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    pub(super) manifest: Manifest,
    /// What was locked, as the manifest of this environment alone, to compare it with.
    locked: Value,
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Raw {
    manifest: Value,
    packages: Vec<RawPackage>,
    compose: Option<Compose>,
}

#[derive(Debug, Deserialize)]
struct Version {
    #[serde(rename = "lockfile-version")]
    version: Value,
}

/// Of an environment that includes others: what it said itself.
#[derive(Debug, Deserialize)]
struct Compose {
    composer: Value,
}

/// A package for one system, of one of three kinds: from Flox's catalog, of a flake, a store path.
#[derive(Debug, Clone, Deserialize)]
struct RawPackage {
    install_id: String,
    system: String,
    #[serde(default = "five")]
    priority: u64,
    store_path: Option<String>,
    outputs: Option<BTreeMap<String, String>>,
    outputs_to_install: Option<Vec<String>>,
    /// A flake's are written with dashes.
    #[serde(rename = "outputs-to-install")]
    flake_outputs: Option<Vec<String>>,
    #[serde(rename = "requested-outputs-to-install")]
    requested_outputs: Option<Vec<String>>,
}

/// The priority of a package that has none of its own.
const fn five() -> u64 {
    5
}

#[derive(Debug, Clone)]
struct Package {
    id: String,
    system: String,
    priority: u64,
    built: Built,
}

/// Where a package is in the store.
#[derive(Debug, Clone)]
enum Built {
    Path(String),
    Outputs { all: BTreeMap<String, String>, install: Vec<String> },
}

/// What Nix calls a platform; none where Flox can't be used.
pub(crate) fn system(platform: &Platform) -> Option<&'static str> {
    match platform.to_string().as_str() {
        "linux/amd64" => Some("x86_64-linux"),
        "linux/arm64" => Some("aarch64-linux"),
        _ => None,
    }
}

impl Lock {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, FloxError> {
        let Version { version } = json(file, text)?;
        if version != 1 {
            return Err(FloxError::Version { file: file.to_owned(), found: version.to_string() });
        }
        let raw: Raw = json(file, text)?;
        let damaged = |reason| FloxError::Damaged { file: file.to_owned(), reason };
        let manifest = Manifest::deserialize(&raw.manifest)
            .map_err(|error| FloxError::Manifest { file: file.to_owned(), reason: error.to_string() })?;
        let packages = raw.packages.into_iter().map(|raw| package(raw, &manifest));
        let packages = packages.collect::<Result<_, _>>().map_err(damaged)?;
        let locked = raw.compose.map_or(raw.manifest, |compose| compose.composer);
        Ok(Self { manifest, locked, packages })
    }

    /// Whether `manifest.toml`, whose text this is, says what was locked. One that can't be read is Flox's business.
    pub(super) fn state(&self, manifest: &str) -> State {
        let written = toml::from_str::<Value>(manifest).map(said);
        match written.is_ok_and(|written| written != said(self.locked.clone())) {
            true => State::Stale,
            false => State::Fresh,
        }
    }
}

/// What a manifest says, without what is there and says nothing: locks have `null` and empty tables where files have nothing.
fn said(value: Value) -> Value {
    match value {
        Value::Object(table) => {
            let said = table.into_iter().map(|(key, value)| (key, said(value)));
            Value::Object(said.filter(|(_, value)| !says_nothing(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(said).collect()),
        other => other,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(table) => table.is_empty(),
        _ => false,
    }
}

fn package(raw: RawPackage, manifest: &Manifest) -> Result<Package, String> {
    let RawPackage { install_id: id, system, priority, .. } = raw;
    let built = match (raw.store_path, raw.outputs) {
        (Some(path), None) => Built::Path(path),
        (None, Some(all)) => {
            let every = || all.keys().cloned().collect();
            let requested = raw.requested_outputs.filter(|outputs| !outputs.is_empty());
            let own = requested.or(raw.outputs_to_install).or(raw.flake_outputs);
            let install = match manifest.install.get(&id).and_then(|install| install.outputs.as_ref()) {
                Some(Outputs::All(_)) => every(),
                Some(Outputs::Named(names)) => names.clone(),
                None => own.unwrap_or_else(every),
            };
            Built::Outputs { all, install }
        }
        _ => return Err(format!("package `{id}` has neither `outputs` nor a `store_path`")),
    };
    Ok(Package { id, system, priority, built })
}

impl Environment {
    /// The systems that it has packages for, sorted.
    pub(crate) fn systems(&self) -> BTreeSet<&str> {
        self.lock.packages.iter().map(|package| package.system.as_str()).collect()
    }

    /// What it installs on `platform`, each once: of two with the same file the earlier one's is seen.
    pub(crate) fn outputs(&self, platform: &Platform) -> Result<Vec<StorePath>, FloxError> {
        let environment = || self.name.clone();
        let Some(system) = system(platform) else {
            return Err(FloxError::NoSystem { environment: environment(), platform: platform.to_string() });
        };
        let mut packages: Vec<_> = self.lock.packages.iter().filter(|p| p.system == system).collect();
        packages.sort_by_key(|package| (package.priority, &package.id));
        if packages.is_empty() {
            let known: Vec<String> = self.systems().into_iter().map(|known| format!("`{known}`")).collect();
            return Err(FloxError::NotFor {
                environment: environment(),
                folder: self.folder.clone(),
                platform: platform.to_string(),
                system: system.to_owned(),
                known: if known.is_empty() { "no system at all".to_owned() } else { known.join(", ") },
            });
        }
        let mut paths: Vec<StorePath> = Vec::new();
        for Package { id, built, .. } in packages {
            let texts: Vec<&String> = match built {
                Built::Path(path) => vec![path],
                Built::Outputs { all, install } => {
                    let named = install.iter().map(|output| {
                        all.get(output).ok_or_else(|| FloxError::Output {
                            environment: environment(),
                            package: id.clone(),
                            system: system.to_owned(),
                            output: output.clone(),
                        })
                    });
                    named.collect::<Result<_, _>>()?
                }
            };
            for text in texts {
                let path = StorePath::of_path(text).map_err(|error| FloxError::StorePath {
                    environment: environment(),
                    package: id.clone(),
                    system: system.to_owned(),
                    error,
                })?;
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }
}
