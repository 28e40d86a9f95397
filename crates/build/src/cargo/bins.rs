//! Which programs a package makes: those its manifest names, and those Cargo finds by their place (the Cargo book,
//! "Cargo Targets", "Target auto-discovery").

use std::collections::{BTreeMap, BTreeSet};

use longshore_stack::model::{CargoBuild, DefaultFeatures};
use toml::{Table, Value};

use super::Error;
use super::lock::CargoLock;
use super::manifest::{Package, Project, text};
use crate::source::{Source, join};

/// Programs that are built, and how Cargo is told of their package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The package; none for all members of a virtual workspace.
    pub package: Option<String>,
    /// Its programs, sorted.
    pub bins: Vec<String>,
}

/// Finds what `spec` asks for in the project.
pub(super) fn select(
    spec: &CargoBuild,
    project: &Project,
    lock: &CargoLock,
    source: &Source,
) -> Result<Selection, Error> {
    let local = || lock.local.iter().map(|package| package.name.clone());
    let package = spec.package.clone().or_else(|| project.root_name().map(str::to_owned));
    let names: Vec<String> = match &package {
        Some(name) if !local().any(|known| known == *name) => {
            return Err(Error::UnknownPackage { package: name.clone(), known: local().collect() });
        }
        Some(name) => vec![name.clone()],
        None => local().collect(),
    };
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for candidate in names.iter().flat_map(|name| project.packages(name)) {
        let enabled = features(&candidate.manifest, spec);
        for (bin, required) in bins(candidate, source) {
            *known.entry(bin).or_default() |= required.iter().all(|feature| enabled.contains(feature));
        }
    }
    let mut bins = spec.bins.clone();
    if bins.is_empty() {
        bins = known.into_iter().filter(|(_, built)| *built).map(|(bin, _)| bin).collect();
    } else if let Some(bin) = bins.iter().find(|bin| !known.contains_key(*bin)) {
        return Err(Error::UnknownBin { bin: bin.clone(), known: known.into_keys().collect() });
    }
    if bins.is_empty() {
        let of = package.map_or_else(|| String::from("the workspace"), |name| format!("package `{name}`"));
        return Err(Error::NoBins { of });
    }
    bins.sort();
    bins.dedup();
    Ok(Selection { package, bins })
}

/// Programs of a package with the features that each requires.
fn bins(package: &Package, source: &Source) -> BTreeMap<String, Vec<String>> {
    let explicit = package.manifest.get("bin").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let settings = package.manifest.get("package");
    let setting = |key: &str| settings.and_then(|settings| settings.get(key));
    let mut found = BTreeMap::new();
    for bin in explicit {
        let required = bin.get("required-features").and_then(Value::as_array).into_iter().flatten();
        let required = required.filter_map(Value::as_str).map(str::to_owned).collect();
        found.extend(text(bin, "name").map(|name| (name.to_owned(), required)));
    }
    let automatic = setting("autobins").and_then(Value::as_bool).unwrap_or(true);
    if !automatic {
        return found;
    }
    let paths: BTreeSet<&str> = explicit.iter().filter_map(|bin| text(bin, "path")).collect();
    let name = setting("name").and_then(Value::as_str).unwrap_or_default();
    for (bin, path) in inferred(&package.folder, name, source) {
        if !paths.contains(path.as_str()) {
            found.entry(bin).or_default();
        }
    }
    found
}

/// `src/main.rs`, `src/bin/*.rs`, `src/bin/*/main.rs`.
fn inferred(folder: &str, package: &str, source: &Source) -> Vec<(String, String)> {
    let is_file = |path: &str| source.file(&join(folder, path)).is_some();
    let mut found = Vec::new();
    if is_file("src/main.rs") {
        found.push((package.to_owned(), String::from("src/main.rs")));
    }
    for entry in source.list(&join(folder, "src/bin")) {
        let (file, main) = (format!("src/bin/{entry}"), format!("src/bin/{entry}/main.rs"));
        match entry.strip_suffix(".rs") {
            Some(name) if is_file(&file) => found.push((name.to_owned(), file)),
            _ if is_file(&main) => found.push((entry, main)),
            _ => {}
        }
    }
    found
}

/// Features of the package that are on.
fn features(manifest: &Table, spec: &CargoBuild) -> BTreeSet<String> {
    let table = manifest.get("features").and_then(Value::as_table);
    // `member/feature`, as a virtual workspace has them.
    let mut open: Vec<String> =
        spec.features.iter().map(|f| f.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    if spec.default_features == DefaultFeatures::On {
        open.push(String::from("default"));
    }
    let mut on = BTreeSet::new();
    while let Some(feature) = open.pop() {
        let implied = table.and_then(|table| table.get(&feature)).and_then(Value::as_array);
        if on.insert(feature) {
            open.extend(implied.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
    }
    on
}
