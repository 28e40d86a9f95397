//! `package-lock.json` and `npm-shrinkwrap.json`, versions 2 and 3 (npm documentation, "package-lock.json").
//!
//! Only the `packages` map counts; the older `dependencies` beside it is for npm 6.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Error;
use super::integrity::Sha512;
use crate::source::resolve;

/// More packages than this is no project.
const MAX_PACKAGES: usize = 100_000;

/// A lock file.
#[derive(Debug, Clone, PartialEq)]
pub struct NpmLock {
    /// Its name in the project.
    pub file: String,
    /// Every entry of `packages`, by its place.
    pub packages: BTreeMap<String, Package>,
    /// The whole of it, as it is written again.
    pub raw: Map<String, Value>,
}

/// An entry of `packages`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Its name, where its place doesn't say it (`npm:` aliases, workspaces).
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Where it comes from.
    pub resolved: Option<String>,
    /// What its tarball must be.
    pub integrity: Option<String>,
    /// Whether it is a link to a folder of the project.
    #[serde(default)]
    pub link: bool,
    /// Whether another package's tarball holds it.
    #[serde(default)]
    pub in_bundle: bool,
    /// Whether npm goes on without it.
    #[serde(default)]
    pub optional: bool,
    /// The same, of what is also needed for development.
    #[serde(default)]
    pub dev_optional: bool,
    /// Whether it has an install script.
    #[serde(default)]
    pub has_install_script: bool,
    /// Operating systems that it is for.
    #[serde(default)]
    pub os: Words,
    /// CPUs that it is for.
    #[serde(default)]
    pub cpu: Words,
    /// C libraries that it is for.
    #[serde(default)]
    pub libc: Words,
    /// What it needs.
    #[serde(default)]
    pub dependencies: BTreeMap<String, String>,
    /// What the project needs to be built.
    #[serde(default)]
    pub dev_dependencies: BTreeMap<String, String>,
    /// What it can do without.
    #[serde(default)]
    pub optional_dependencies: BTreeMap<String, String>,
}

/// One word or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Words(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Words {
    fn from(words: OneOrMany) -> Self {
        match words {
            OneOrMany::One(word) => Self(vec![word]),
            OneOrMany::Many(words) => Self(words),
        }
    }
}

/// A tarball that an install needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tarball {
    /// What it must be.
    pub integrity: Sha512,
    /// Its file's name in the dependency folder.
    pub file: String,
    /// What npm is asked for: `name@version`, or an address.
    pub request: String,
}

impl NpmLock {
    /// Reads the lock `file`. Fails on forms other than 2 and 3, on places and links outside of the project, and on text that npm
    /// didn't write.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |problem: String| Error::Malformed { file: file.to_owned(), problem };
        let raw: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        let form = raw.get("lockfileVersion").and_then(Value::as_u64).unwrap_or(1);
        if !(2..=3).contains(&form) {
            return Err(Error::Form { file: file.to_owned(), form });
        }
        let entries = raw.get("packages").and_then(Value::as_object);
        let entries = entries.ok_or_else(|| malformed(String::from("it has no `packages`")))?;
        if entries.len() > MAX_PACKAGES {
            return Err(malformed(format!("it has more than {MAX_PACKAGES} packages")));
        }
        let mut packages = BTreeMap::new();
        for (place, entry) in entries {
            let package = Package::deserialize(entry)
                .map_err(|error| malformed(format!("`{}`: {error}", place.escape_debug())))?;
            let inside = |path: &str| resolve("", path).is_some();
            let target = package.resolved.as_deref().filter(|_| package.link);
            if !inside(place) || !target.is_none_or(inside) {
                return Err(Error::Outside { place: place.clone() });
            }
            packages.insert(place.clone(), package);
        }
        Ok(Self { file: file.to_owned(), packages, raw })
    }

    /// The name of the package at `place`.
    pub fn name<'a>(&'a self, place: &'a str) -> &'a str {
        let named = self.packages.get(place).and_then(|package| package.name.as_deref());
        named.unwrap_or_else(|| own_name(place))
    }

    /// The place of what the package at `place` gets when it asks for `name` (Node.js, "Loading from node_modules
    /// folders").
    pub fn find(&self, place: &str, name: &str) -> Option<String> {
        let mut from = place;
        loop {
            let candidate = if from.is_empty() {
                format!("node_modules/{name}")
            } else {
                format!("{from}/node_modules/{name}")
            };
            if self.packages.contains_key(&candidate) {
                return Some(candidate);
            }
            // Up to the folder that holds the innermost `node_modules`; from a workspace, to the root.
            from = match from.rfind("node_modules/") {
                Some(at) => from[..at].trim_end_matches('/'),
                None if from.is_empty() => return None,
                None => "",
            };
        }
    }

    /// The tarball of the package at `place`; none for folders of the project and what lies in other tarballs.
    pub fn tarball(&self, place: &str) -> Result<Option<Tarball>, Error> {
        let Some(package) = self.packages.get(place) else { return Ok(None) };
        let resolved = package.resolved.as_deref();
        let in_project = resolved.is_some_and(|from| from.starts_with("file:"));
        if package.link || package.in_bundle || in_project || !place.contains("node_modules/") {
            return Ok(None);
        }
        let name = self.name(place);
        let version = package.version.as_deref().unwrap_or_default();
        let id = format!("{name}@{version}");
        if !is_plain(name, version) {
            return Err(Error::Malformed {
                file: self.file.clone(),
                problem: format!("`{}` is no package and version", id.escape_debug()),
            });
        }
        if resolved.is_some_and(|from| from.starts_with("git")) {
            return Err(Error::Git { package: id });
        }
        let integrity = match package.integrity.as_deref().map(Sha512::parse) {
            Some(Some(integrity)) => integrity,
            Some(None) => return Err(Error::WeakIntegrity { package: id }),
            None => return Err(Error::NoIntegrity { package: id }),
        };
        let file = format!("{}-{version}-{}.tgz", name.replace('/', "_"), integrity.short());
        let file = file.replace(|c: char| !c.is_ascii_alphanumeric() && !"-._".contains(c), "_");
        let request = match resolved {
            Some(address) if !is_registry(address, name) => address.to_owned(),
            _ => id,
        };
        Ok(Some(Tarball { integrity, file, request }))
    }
}

/// What follows the last `node_modules/`.
pub(super) fn own_name(place: &str) -> &str {
    place.rsplit("node_modules/").next().unwrap_or(place)
}

/// Whether they are what a registry has: nothing that npm takes for another kind of request, or for an option.
fn is_plain(name: &str, version: &str) -> bool {
    let word = |text: &str| {
        !text.is_empty()
            && !text.starts_with(['-', '.'])
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+".contains(c))
    };
    let bare = match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        Some(Some((scope, bare))) if word(scope) => bare,
        Some(_) => return false,
        None => name,
    };
    name.len() <= 214 && word(bare) && word(version) && version.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a registry serves the package at `address`: then it is asked for by name and version, and comes from the
/// machine's own registry.
fn is_registry(address: &str, name: &str) -> bool {
    address.starts_with("http") && address.contains(&format!("/{name}/-/"))
}
