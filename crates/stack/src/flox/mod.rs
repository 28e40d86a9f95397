//! Flox environments as they are on disk: what they install, say and run, read without Flox. The formats are those of Flox's
//! manual, `manifest.toml(5)`, and of its published schemas (`manifest-v1`, `lockfile-v1`).
//!
//! A lock says for each package and system which store paths it is, so that nothing need be asked of Flox's service.

mod draft;
mod error;
mod lock;
mod manifest;
mod shell;
#[cfg(test)]
mod tests;
mod variables;

use std::path::Path;

pub use draft::{Draft, draft};
pub use error::FloxError;
pub(crate) use manifest::{Config, Manifest};
pub(crate) use variables::{Unresolved, Variables};

use lock::{Descriptor, Lock};
use serde::de::DeserializeOwned;

/// Most bytes of a pointer to an environment, and of a lock: those of hundreds of packages are some MiB.
const MAX_DESCRIPTOR: u64 = 1 << 16;
const MAX_LOCK: u64 = 1 << 25;

/// An environment that is locked.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// The folder that holds `.flox`, as it was named.
    pub(crate) folder: String,
    lock: Lock,
    /// Whether the manifest has been changed since it was locked.
    pub(crate) state: State,
}

/// Whether a lock is that of the manifest beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Fresh,
    /// The manifest was changed since.
    Stale,
}

impl Environment {
    /// Reads the environment in the folder `path`, which goes by `folder`.
    pub fn read(path: &Path, folder: &str) -> Result<Self, FloxError> {
        let named = |file: &str| match folder {
            "." => file.to_owned(),
            folder => format!("{folder}/{file}"),
        };
        let file = |file: &str, most| text(&path.join(file), &named(file), most);
        let (pointer, lock) = (".flox/env.json", ".flox/env/manifest.lock");
        let absent = || FloxError::NotThere { folder: folder.to_owned() };
        let descriptor: Descriptor =
            json(&named(pointer), &file(pointer, MAX_DESCRIPTOR)?.ok_or_else(absent)?)?;
        if let Some(owner) = descriptor.owner {
            return Err(FloxError::Hub { folder: folder.to_owned(), owner, name: descriptor.name });
        }
        let Some(text) = file(lock, MAX_LOCK)? else {
            return Err(FloxError::NotLocked { folder: folder.to_owned(), name: descriptor.name });
        };
        let lock = Lock::parse(&named(lock), &text)?;
        let manifest = file(".flox/env/manifest.toml", MAX_LOCK)?;
        let state = manifest.map_or(State::Fresh, |manifest| lock.state(&manifest));
        Ok(Self { name: descriptor.name, folder: folder.to_owned(), lock, state })
    }

    /// What was locked: with environments that it includes, all of them merged.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.lock.manifest
    }

    /// How `flox containerize` would configure an image.
    pub(crate) fn config(&self) -> Option<&Config> {
        self.manifest().containerize.as_ref()?.config.as_ref()
    }
}

/// The text of a file; none if there is no file.
fn text(path: &Path, named: &str, most: u64) -> Result<Option<String>, FloxError> {
    let read = fs_err::File::open(path).and_then(|file| longshore_oci::read_bounded(file, most));
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(FloxError::Unreadable { file: named.to_owned(), reason: error.kind().to_string() });
        }
    };
    let damaged = |_| FloxError::Damaged { file: named.to_owned(), reason: "it is not UTF-8".to_owned() };
    String::from_utf8(bytes).map(Some).map_err(damaged)
}

fn json<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, FloxError> {
    serde_json::from_str(text)
        .map_err(|error| FloxError::Damaged { file: file.to_owned(), reason: error.to_string() })
}
