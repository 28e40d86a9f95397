//! `Cargo.lock`, versions 3 and 4 and the same form without a number.
//!
//! The format is Cargo's own; its versions are described in the `cargo::core::resolver::encode` module of Cargo.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::Digest;
use semver::Version;
use serde::Deserialize;

use super::Error;
use super::git::GitSource;

/// The newest form that is understood.
const NEWEST: u32 = 4;
/// More packages than this is no project.
const MAX_PACKAGES: usize = 20_000;

/// What a `Cargo.lock` pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CargoLock {
    /// Its form: 2 (which bears no number), 3 or 4.
    pub form: u32,
    /// Packages of registries, sorted by name and version.
    pub registry: Vec<RegistryPackage>,
    /// Revisions of git repositories that it takes packages from.
    pub git: BTreeSet<GitSource>,
    /// Packages of the project itself, sorted by name.
    pub local: Vec<LocalPackage>,
}

/// A package that a registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Cargo's address of the registry: `registry+https://…`, `sparse+https://…`.
    pub source: String,
    /// SHA-256 of its `.crate` file.
    pub checksum: Digest,
}

/// A package that lies in the source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPackage {
    /// Its name.
    pub name: String,
    /// What its dependencies are locked at, by name.
    pub dependencies: BTreeMap<String, Vec<Version>>,
}

#[derive(Deserialize)]
struct Raw {
    version: Option<u32>,
    #[serde(default)]
    package: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl RegistryPackage {
    /// `NAME-VERSION`: its folder, and its file's name but for `.crate`.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

impl CargoLock {
    /// Reads the text of a `Cargo.lock`. Fails on a future form, on packages that no checksum pins, and on text that
    /// Cargo didn't write.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |problem: String| Error::Malformed { file: String::from("Cargo.lock"), problem };
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        let raw: Raw = toml::from_str(text).map_err(|error| malformed(error.message().to_owned()))?;
        let form = raw.version.unwrap_or(2);
        if form > NEWEST {
            return Err(Error::Future { form, newest: NEWEST });
        }
        if raw.package.len() > MAX_PACKAGES {
            return Err(malformed(format!("it has more than {MAX_PACKAGES} packages")));
        }
        let mut versions: BTreeMap<&str, Vec<Version>> = BTreeMap::new();
        for package in &raw.package {
            let version = version(package)?;
            versions.entry(&package.name).or_default().push(version);
        }
        let (mut registry, mut git, mut local) = (Vec::new(), BTreeSet::new(), Vec::new());
        for package in &raw.package {
            match &package.source {
                None => local.push(LocalPackage {
                    name: package.name.clone(),
                    dependencies: dependencies(package, &versions),
                }),
                Some(source) => match GitSource::parse(&id(package), source)? {
                    Some(source) => drop(git.insert(source)),
                    None => registry.push(registry_package(package, source)?),
                },
            }
        }
        registry.sort_by(|a, b| (&a.name, &a.version, &a.source).cmp(&(&b.name, &b.version, &b.source)));
        local.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = registry.windows(2).find(|pair| pair[0].folder() == pair[1].folder()) {
            return Err(Error::TwoSources { package: pair[0].folder() });
        }
        Ok(Self { form, registry, git, local })
    }

    /// The digest of what it takes from registries and git repositories, whatever else is in it.
    pub fn key(&self) -> Digest {
        let crates = self.registry.iter().map(|p| format!("{} {} {}\n", p.name, p.version, p.checksum.hex()));
        let revisions: BTreeSet<_> =
            self.git.iter().map(|source| format!("git {}\n", source.revision)).collect();
        Digest::of(crates.chain(revisions).collect::<String>().as_bytes())
    }
}

/// The version, once it and the name are known to be safe in paths.
fn version(package: &RawPackage) -> Result<Version, Error> {
    let malformed = |problem| Error::Malformed { file: String::from("Cargo.lock"), problem };
    let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if package.name.is_empty() || package.name.len() > 128 || !package.name.chars().all(plain) {
        return Err(malformed(format!("`{}` is no package name", package.name.escape_default())));
    }
    // The letters of a semantic version are letters, digits, `.`, `-` and `+`.
    Version::parse(&package.version).ok().filter(|_| package.version.len() <= 100).ok_or_else(|| {
        malformed(format!("`{}` of `{}` is no version", package.version.escape_default(), package.name))
    })
}

/// Name and version, for people.
fn id(package: &RawPackage) -> String {
    format!("{} {}", package.name, package.version)
}

fn registry_package(package: &RawPackage, source: &str) -> Result<RegistryPackage, Error> {
    if !source.starts_with("registry+") && !source.starts_with("sparse+") {
        return Err(Error::Source { package: id(package), from: source.to_owned() });
    }
    let Some(checksum) = &package.checksum else { return Err(Error::NoChecksum { package: id(package) }) };
    let checksum = Digest::from_hex(checksum).map_err(|_| Error::NoChecksum { package: id(package) })?;
    Ok(RegistryPackage {
        name: package.name.clone(),
        version: version(package)?,
        source: source.to_owned(),
        checksum,
    })
}

/// `name`, `name version` or `name version (source)`; without a version there is only one.
fn dependencies(
    package: &RawPackage,
    versions: &BTreeMap<&str, Vec<Version>>,
) -> BTreeMap<String, Vec<Version>> {
    let mut found: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for line in &package.dependencies {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        let locked = match words.next().and_then(|text| Version::parse(text).ok()) {
            Some(version) => vec![version],
            None => versions.get(name).cloned().unwrap_or_default(),
        };
        found.entry(name.to_owned()).or_default().extend(locked);
    }
    found
}
