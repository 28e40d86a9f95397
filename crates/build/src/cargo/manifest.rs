//! The project's manifests, as far as a build must know them before it runs: whether the lock is theirs, whether all
//! their packages are in the tree, and which programs they make.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use toml::{Table, Value};

use super::Error;
use super::lock::CargoLock;
use crate::source::{Source, join, resolve};

/// Bytes of a `Cargo.toml` that are read.
const MAX_MANIFEST: u64 = 1 << 20;
/// Tables of dependencies. Those of tests count too: Cargo resolves them with the rest.
const DEPENDENCIES: [&str; 3] = ["dependencies", "build-dependencies", "dev-dependencies"];

/// The manifests of a project.
#[derive(Debug)]
pub struct Project {
    /// The one at the root.
    root: Table,
    /// Those with a package, by its name; more than one where, say, test data has the same name.
    packages: BTreeMap<String, Vec<Package>>,
}

/// A package of the project.
#[derive(Debug)]
pub(super) struct Package {
    /// Its folder; empty for the root.
    pub folder: String,
    /// Its `Cargo.toml`.
    pub manifest: Table,
}

impl Project {
    /// Reads every `Cargo.toml` of the tree. Those that are no manifests (test data) are passed over, but the root's.
    pub(crate) fn read(source: &Source) -> Result<Self, crate::Error> {
        let Some(bytes) = source.read("Cargo.toml", MAX_MANIFEST)? else {
            return Err(Error::Missing { file: String::from("Cargo.toml") }.into());
        };
        let root = parse(&bytes)
            .map_err(|problem| Error::Malformed { file: String::from("Cargo.toml"), problem })?;
        let mut packages: BTreeMap<String, Vec<Package>> = BTreeMap::new();
        for (folder, content) in source.named("Cargo.toml") {
            let Ok(bytes) = source.bytes(&content, MAX_MANIFEST) else { continue };
            let Ok(manifest) = parse(&bytes) else { continue };
            if let Some(name) = package_name(&manifest) {
                packages.entry(name.to_owned()).or_default().push(Package { folder, manifest });
            }
        }
        Ok(Self { root, packages })
    }

    /// The name of the package at the root, which a virtual workspace has not.
    pub fn root_name(&self) -> Option<&str> {
        package_name(&self.root)
    }

    /// The packages called `name`.
    pub(super) fn packages(&self, name: &str) -> &[Package] {
        self.packages.get(name).map_or(&[], Vec::as_slice)
    }

    /// Fails unless every package of the project is in the tree, and `lock` has what each of them asks for.
    pub fn check(&self, lock: &CargoLock) -> Result<(), Error> {
        if let Some(name) = self.root_name()
            && !lock.local.iter().any(|package| package.name == name)
        {
            return Err(stale("Cargo.toml", name, &[]));
        }
        self.stays_inside("", &self.root, "patch")?;
        for local in &lock.local {
            match self.packages(&local.name) {
                [] => return Err(Error::Outside { package: local.name.clone() }),
                [package] => self.check_package(package, &local.dependencies)?,
                // Which of them is meant, Cargo alone knows.
                _ => {}
            }
        }
        Ok(())
    }

    fn check_package(&self, package: &Package, locked: &BTreeMap<String, Vec<Version>>) -> Result<(), Error> {
        let file = join(&package.folder, "Cargo.toml");
        for (key, wanted) in dependencies(&package.manifest) {
            self.is_inside(&package.folder, key, wanted)?;
            let shared = is_true(wanted, "workspace").then(|| self.shared(key)).flatten();
            let optional =
                is_true(wanted, "optional") || shared.is_some_and(|table| is_true(table, "optional"));
            if optional {
                continue;
            }
            let spec = shared.unwrap_or(wanted);
            let name = text(spec, "package").unwrap_or(key);
            let version = spec.as_str().or_else(|| text(spec, "version"));
            let asked = format!("{name} {}", version.unwrap_or("*"));
            let Some(versions) = locked.get(name) else { return Err(stale(&file, &asked, &[])) };
            // Where nothing is asked for, as of git and path sources, any version will do; `*` means released ones.
            if let Some(Ok(wanted)) = version.map(VersionReq::parse)
                && !versions.iter().any(|version| wanted.matches(version))
            {
                return Err(stale(&file, &asked, versions));
            }
        }
        Ok(())
    }

    /// The dependency `key` that members inherit (`workspace = true`).
    fn shared(&self, key: &str) -> Option<&Value> {
        self.root.get("workspace")?.get("dependencies")?.get(key)
    }

    /// Every `path` below `[patch]`.
    fn stays_inside(&self, folder: &str, manifest: &Table, table: &str) -> Result<(), Error> {
        for patched in manifest.get(table).and_then(Value::as_table).into_iter().flat_map(Table::values) {
            for (key, wanted) in patched.as_table().into_iter().flatten() {
                self.is_inside(folder, key, wanted)?;
            }
        }
        Ok(())
    }

    fn is_inside(&self, folder: &str, key: &str, wanted: &Value) -> Result<(), Error> {
        match text(wanted, "path") {
            Some(path) if resolve(folder, path).is_none() => Err(Error::OutsidePath {
                dependency: key.to_owned(),
                path: path.to_owned(),
                manifest: join(folder, "Cargo.toml"),
            }),
            _ => Ok(()),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Table, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

fn package_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

/// Everything that a package asks for, by the key it is written under, for every target.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    tables
        .flat_map(|table| DEPENDENCIES.iter().filter_map(|name| table.get(*name)?.as_table()))
        .flat_map(Table::iter)
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn is_true(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

fn stale(manifest: &str, asked: &str, versions: &[Version]) -> Error {
    let found = match versions {
        [] => String::from("none"),
        versions => versions.iter().map(Version::to_string).collect::<Vec<_>>().join(", "),
    };
    Error::Stale { manifest: manifest.to_owned(), dependency: asked.to_owned(), found }
}
