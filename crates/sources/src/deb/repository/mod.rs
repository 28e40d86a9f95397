//! The repositories of a stack, as they are now: signed release files fetched and verified, package lists fetched and
//! verified against them, the compiled index of it all.
//!
//! `InRelease` → [`Release`] → package lists by digest → [`Index`], kept in the store so that the same releases are
//! decompressed and read once.

mod lists;
mod suite;

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Digest, Progress, Store};
use longshore_stack::lock::LockedRelease;
use longshore_stack::model::{AptSource, Keyring, SourceSpec};

use super::Error;
use super::index::{Index, Packages};
use super::mirror::Mirrors;
use super::openpgp;
use super::release::Release;
use longshore_net::{Client, Url};

/// No key file is larger.
const MAX_KEYRING: u64 = 16 << 20;
/// As many compiled indexes are kept.
const KEPT_INDEXES: usize = 16;

/// Archives as this machine reaches them.
#[derive(Clone, Copy)]
pub struct Archives<'a> {
    /// The network.
    pub client: &'a Client,
    /// What was fetched before.
    pub store: &'a Store,
    /// Which mirrors.
    pub mirrors: &'a Mirrors,
    /// The stack file's folder, where its key files are.
    pub folder: &'a Path,
    /// Seconds since 1970.
    pub now: u64,
    /// Where work is told of.
    pub progress: &'a dyn Progress,
}

/// The repositories of a stack, every suite with its verified release file.
pub struct Repositories {
    suites: Vec<Suite>,
}

/// One suite.
struct Suite {
    source: String,
    spec: AptSource,
    locked: LockedRelease,
    release: Release,
    /// Addresses of its archive; the first is where the release file came from.
    archives: Vec<Url>,
}

impl Repositories {
    /// Fetches and verifies the release file of every suite of `sources`; without network, takes the last ones that
    /// were. One that is older than that in `previous` is refused.
    pub fn update(
        archives: &Archives,
        sources: &BTreeMap<String, SourceSpec>,
        previous: &[LockedRelease],
    ) -> Result<Self, Error> {
        let mut wanted = Vec::new();
        for (name, SourceSpec::Apt(spec)) in sources {
            let keyring = std::sync::Arc::new(keyring(archives.folder, name, &spec.keyring)?);
            for suite in &spec.suites {
                let locked = previous.iter().find(|r| r.source == *name && r.suite == *suite).map(|r| r.date);
                wanted.push((name, spec, suite, keyring.clone(), locked));
            }
        }
        let suites = archives.client.each(&wanted, |(name, spec, suite, keyring, locked)| {
            let what = format!("{name} {suite}");
            archives.progress.during("Updating", &what, None, |_| {
                suite::update(archives, name, spec, suite, keyring, *locked)
            })
        })?;
        Ok(Self { suites })
    }

    /// The releases, sorted by source and suite, for the lock.
    pub fn releases(&self) -> Vec<LockedRelease> {
        let mut releases: Vec<_> = self.suites.iter().map(|suite| suite.locked.clone()).collect();
        releases.sort();
        releases
    }

    /// The index of all packages for `architecture` (Debian's name).
    pub fn index(&self, archives: &Archives, architecture: &str) -> Result<Index, Error> {
        let wanted = lists::wanted(&self.suites, architecture)?;
        let key = lists::key(&wanted, architecture);
        let folder = archives.store.root().join("indexes");
        let path = folder.join(key.hex());
        if let Some(index) = Index::open(&path, &key) {
            archives.store.uses(&path);
            return Ok(index);
        }
        let texts = archives.client.each(&wanted, |list| list.read(archives))?;
        let packages: Vec<_> = wanted
            .iter()
            .zip(&texts)
            .map(|(list, text)| Packages {
                source: &list.suite.source,
                suite: &list.suite.locked.suite,
                text,
            })
            .collect();
        let index = Index::build(&packages, architecture)?;
        keep(&index, &folder, &path, &key)?;
        Ok(index)
    }
}

/// Keeps a compiled index, and drops the oldest of many.
fn keep(index: &Index, folder: &Path, path: &Path, key: &Digest) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(longshore_oci::StoreError::from)?;
    index.write(path, key)?;
    let mut kept: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    kept.sort();
    let surplus = kept.len().saturating_sub(KEPT_INDEXES);
    for (_, old) in &kept[..surplus] {
        // Another process may have done it; it is only a cache.
        let _ = fs::remove_file(old);
    }
    Ok(())
}

fn keyring(folder: &Path, source: &str, keyring: &Keyring) -> Result<openpgp::Keyring, Error> {
    let error = |error| Error::Keyring { source_name: source.to_owned(), error };
    match keyring {
        Keyring::Shipped(name) => openpgp::Keyring::shipped(name).map_err(error),
        Keyring::Path(path) => {
            let file = fs::File::open(folder.join(path));
            let bytes =
                file.and_then(|file| longshore_oci::read_bounded(file, MAX_KEYRING)).map_err(|error| {
                    Error::KeyringFile { source_name: source.to_owned(), path: path.clone(), error }
                })?;
            openpgp::Keyring::parse(path, &bytes).map_err(error)
        }
    }
}
