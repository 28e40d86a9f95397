//! `registries.conf`, version 2 (containers-registries.conf(5)): where registries really are, and their mirrors.

use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::read_bounded;
use serde::Deserialize;

use super::{HostsError, Tags};

/// More than this is no settings file.
const LIMIT: u64 = 8 << 20;

/// What is said of names that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// `docker.io/library`, or `*.example.com`.
    pub(super) prefix: String,
    /// What takes the prefix's place; empty where nothing does.
    pub(super) location: String,
    pub(super) insecure: bool,
    pub(super) blocked: bool,
    pub(super) mirrors: Vec<Mirror>,
    /// The file that says so.
    pub(super) path: PathBuf,
}

/// Another place with the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    pub(super) location: String,
    pub(super) insecure: bool,
    pub(super) tags: Tags,
}

/// The file, as far as it matters here.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    registry: Vec<RawRule>,
    /// Version 1.
    registries: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawRule {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<RawMirror>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawMirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    pull_from_mirror: String,
}

/// The rules of the file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Rule>, HostsError> {
    let malformed = |reason: String| HostsError::Malformed { path: path.to_owned(), reason };
    let unreadable = |source| HostsError::Unreadable { path: path.to_owned(), source };
    let bytes = fs::File::open(path).and_then(|file| read_bounded(file, LIMIT)).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    let file: File = toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?;
    if file.registries.is_some() {
        return Err(malformed("it is in the old form, version 1, which is no longer read".to_owned()));
    }
    let mut rules = Vec::new();
    for raw in file.registry {
        let prefix = if raw.prefix.is_empty() { raw.location.clone() } else { raw.prefix };
        if prefix.is_empty() {
            return Err(malformed("a `[[registry]]` has neither `prefix` nor `location`".to_owned()));
        }
        let by_digest = raw.mirror_by_digest_only;
        let mirrors = raw.mirror.into_iter().filter_map(|mirror| {
            let tags = match mirror.pull_from_mirror.as_str() {
                "digest-only" => Tags::Ignored,
                _ if by_digest => Tags::Ignored,
                // It is asked for tags alone: too little to be worth a request of its own.
                "tag-only" => return None,
                _ => Tags::Followed,
            };
            Some(Mirror { location: trimmed(&mirror.location), insecure: mirror.insecure, tags })
        });
        rules.push(Rule {
            prefix: trimmed(&prefix),
            location: trimmed(&raw.location),
            insecure: raw.insecure,
            blocked: raw.blocked,
            mirrors: mirrors.collect(),
            path: path.to_owned(),
        });
    }
    Ok(rules)
}

fn trimmed(location: &str) -> String {
    location.trim_end_matches('/').to_owned()
}

impl Rule {
    /// Whether it is about `name`, which is `host/repository`.
    pub(super) fn is_about(&self, name: &str) -> bool {
        let host = name.split('/').next().unwrap_or(name);
        match self.prefix.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
            None => name
                .strip_prefix(self.prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }

    /// Host and repository of `name` with `location` in the prefix's place; none where there is no location.
    pub(super) fn rewritten(&self, name: &str, location: &str) -> Option<(String, String)> {
        if location.is_empty() {
            return None;
        }
        let (host, path) = name.split_once('/')?;
        let rest = match self.prefix.strip_prefix("*.") {
            Some(_) => path,
            None => name.strip_prefix(self.prefix.as_str())?.trim_start_matches('/'),
        };
        // A name that is the prefix whole, and a place that is a host alone, leave nothing to ask for.
        let full = if rest.is_empty() { location.to_owned() } else { format!("{location}/{rest}") };
        let (new_host, repository) = full.split_once('/').unwrap_or((&full, path));
        debug_assert!(!host.is_empty());
        Some((new_host.to_owned(), repository.to_owned()))
    }
}
