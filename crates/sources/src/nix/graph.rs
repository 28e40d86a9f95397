//! Inside of a Nix build there is no `nix` command: what installables are, and all they refer to, is handed over in a file.
//!
//! ```json
//! { "installables": { "linux/amd64": { ".#backend": ["/nix/store/…-backend-1.0"] } },
//!   "closure": [ { "path": "/nix/store/…", "narHash": "sha256:…", "narSize": 1728, "references": ["/nix/store/…"] } ] }
//! ```
//!
//! `closure` is what `exportReferencesGraph` writes with structured attributes (Nix manual, "Advanced attributes"). Whatever else
//! the file has is somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longshore_oci::{Platform, StorePath, read_bounded};
use longshore_stack::lock::LockedStorePath;
use longshore_stack::model::Installable;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{EvaluateError as Error, answers};

/// Most bytes of such a file.
const MAX_BYTES: u64 = 256 << 20;

/// What was handed over.
pub struct Graph {
    installables: BTreeMap<String, BTreeMap<String, BTreeSet<StorePath>>>,
    paths: BTreeMap<StorePath, LockedStorePath>,
}

#[derive(Deserialize)]
struct File {
    installables: BTreeMap<String, BTreeMap<String, BTreeSet<StorePath>>>,
    closure: Vec<Map<String, Value>>,
}

impl Graph {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it can't be read, or is of another form.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Graph { file: path.to_owned(), reason };
        let file = fs_err::File::open(path).map_err(|error| failed(error.to_string()))?;
        let bytes = read_bounded(file, MAX_BYTES).map_err(|error| failed(error.to_string()))?;
        let file: File = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        let mut paths = BTreeMap::new();
        for entry in &file.closure {
            let path = entry.get("path").and_then(Value::as_str).and_then(|path| path.parse().ok());
            let (Some(path), Some(info)) = (path, answers::info(entry)) else {
                let entry = Value::Object(entry.clone()).to_string();
                return Err(failed(format!("`closure` has {}", entry.chars().take(200).collect::<String>())));
            };
            paths.insert(path, info);
        }
        Ok(Self { installables: file.installables, paths })
    }

    /// Whether anything was handed over for `platform`, be it that there is nothing to hand over.
    pub fn knows(&self, platform: &Platform) -> bool {
        self.installables.contains_key(&platform.to_string())
    }

    /// The paths that `installable` is.
    ///
    /// # Errors
    /// When it was not handed over.
    pub fn outputs(
        &self,
        installable: &Installable,
        platform: &Platform,
    ) -> Result<BTreeSet<StorePath>, Error> {
        let here = self.installables.get(&platform.to_string());
        here.and_then(|here| here.get(&installable.to_string())).cloned().ok_or_else(|| {
            Error::NotHandedOver { installable: installable.to_string(), platform: platform.clone() }
        })
    }

    /// `from` and all they refer to.
    ///
    /// # Errors
    /// When one of them was not handed over.
    pub fn closure(&self, from: &BTreeSet<StorePath>) -> Result<BTreeMap<StorePath, LockedStorePath>, Error> {
        let mut found = BTreeMap::new();
        let mut next: Vec<&StorePath> = from.iter().collect();
        while let Some(path) = next.pop() {
            if found.contains_key(path) {
                continue;
            }
            let info = self.paths.get(path).ok_or_else(|| Error::NoPath { path: path.clone() })?;
            next.extend(&info.references);
            found.insert(path.clone(), info.clone());
        }
        Ok(found)
    }
}
