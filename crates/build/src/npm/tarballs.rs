//! Tarballs by the sums of the lock: fetched once, and put side by side with the rewritten lock.
//!
//! npm fills its cache with network; of that, only content that has the lock's own sum is taken. Nothing else of the cache is
//! looked at: it also holds times and what the registry said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::{Content, Digest, Entry, Store, Tree, TreePath, read_bounded};

use super::integrity::Sha512;
use super::lock::{NpmLock, Tarball};
use super::{Error, error, recipe, rewrite};
use crate::supply::Layout;
use crate::{Fetch, Input, Kind, Mounted, Supply, Wanted};

/// Kind of the store's records of tarballs, by their sum: their content.
const TARBALL: &str = "npm-tarball-1";
/// No package is larger.
const MAX_TARBALL: u64 = 512 << 20;
/// How many packages npm is asked for at once.
const BATCH: usize = 200;

/// What the build finds in `/deps`, as a kept tree: the rewritten lock, and tarballs below `tgz/`. Fetches what the
/// store lacks.
pub(super) fn folder(name: &str, lock: &NpmLock, input: &Input<'_>) -> Result<Digest, crate::Error> {
    let store = input.executor.store();
    let mut places = BTreeMap::new();
    let mut tarballs = BTreeSet::new();
    let fits = super::select::Machine::of(&input.host);
    for (place, package) in &lock.packages {
        let left_out = (package.optional || package.dev_optional) && !fits.fits(package);
        if let Some(tarball) = lock.tarball(place)?.filter(|_| !left_out) {
            places.insert(place.clone(), tarball.file.clone());
            tarballs.insert(tarball);
        }
    }
    let tarballs: Vec<Tarball> = tarballs.into_iter().collect();
    let mut contents = BTreeMap::new();
    let mut missing = Vec::new();
    for tarball in &tarballs {
        match stored(store, &tarball.integrity)? {
            Some(content) => drop(contents.insert(tarball.file.clone(), content)),
            None => missing.push(tarball),
        }
    }
    if !missing.is_empty() {
        let fetched = match input.executor.supply() {
            Some(supply) => supplied(name, &missing, supply, store)?,
            None => input.executor.fetch(&fetch(name, &missing, input)?).map_err(error::explain)?,
        };
        for tarball in missing {
            contents.insert(tarball.file.clone(), accept(&fetched, tarball, store)?);
        }
        // What is left of it is of no use, and gone with the process at the latest.
        let _ = fs::remove_dir_all(&fetched);
    }
    if let Some(witness) = input.executor.witness() {
        for tarball in &tarballs {
            witness.takes(name, wanted(tarball), contents[&tarball.file]);
        }
    }
    let mut folder = Tree::new();
    let path = |path: String| {
        TreePath::new(path)
            .map_err(|error| crate::Error::Tree { what: format!("npm packages of {name}"), error })
    };
    for (file, content) in contents {
        folder.insert(path(format!("tgz/{file}"))?, Entry::file(0o644, content));
    }
    let text = store.put(&rewrite::text(lock, &places))?;
    folder.insert(path(String::from("package-lock.json"))?, Entry::file(0o644, text));
    input.executor.put_tree(&folder)
}

fn record(integrity: &Sha512) -> Digest {
    Digest::of(integrity.to_string().as_bytes())
}

fn stored(store: &Store, integrity: &Sha512) -> Result<Option<Content>, crate::Error> {
    let bytes = store.record(TARBALL, &record(integrity))?;
    let content = bytes.and_then(|bytes| postcard::from_bytes::<Content>(&bytes).ok());
    Ok(content.filter(|content| store.has(content)))
}

fn wanted(tarball: &Tarball) -> Wanted {
    // `@scope/name@version`; an address stays whole.
    let split =
        tarball.request.rsplit_once('@').filter(|(name, _)| !name.is_empty() && !name.contains("://"));
    let (name, version) = split.unwrap_or((&tarball.request, ""));
    Wanted {
        kind: Kind::NpmTarball,
        name: name.to_owned(),
        version: version.to_owned(),
        id: tarball.integrity.to_string(),
    }
}

/// The same files as npm would leave them, from what was vendored.
fn supplied(
    build: &str,
    missing: &[&Tarball],
    supply: &dyn Supply,
    store: &Store,
) -> Result<PathBuf, crate::Error> {
    let mut layout = Layout::new(build, supply, store)?;
    for tarball in missing {
        layout.place(&wanted(tarball), &place(tarball))?;
    }
    layout.done()
}

/// Where npm's cache has a tarball.
fn place(tarball: &Tarball) -> String {
    let hex = tarball.integrity.hex();
    format!("cache/_cacache/content-v2/sha512/{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..])
}

/// What brings `missing`: npm itself, with the project's own settings; nothing of the project is run, and platforms
/// don't matter.
fn fetch(name: &str, missing: &[&Tarball], input: &Input<'_>) -> Result<Fetch, crate::Error> {
    let source = input.source.map(|tree| (String::from("/src"), Mounted { what: "source".into(), tree }));
    let requests: BTreeSet<&str> = missing.iter().map(|tarball| tarball.request.as_str()).collect();
    let requests: Vec<&str> = requests.into_iter().collect();
    let steps = requests.chunks(BATCH).map(|batch| recipe::fetch(input, batch)).collect();
    input.fetch(name, source.into_iter().collect(), steps)
}

/// Takes a tarball from what npm left below `fetched`, if it is what the lock says.
pub(super) fn accept(fetched: &Path, tarball: &Tarball, store: &Store) -> Result<Content, crate::Error> {
    let path = fetched.join(place(tarball));
    // Only files: a link could name any file of the machine.
    if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return Err(Error::NotFetched {
            package: tarball.request.clone(),
            integrity: tarball.integrity.to_string(),
        }
        .into());
    }
    // In memory, so that what is stored is what was hashed.
    let bytes = read_bounded(fs::File::open(path)?, MAX_TARBALL)?;
    let found = Sha512::of(&bytes);
    if found != tarball.integrity {
        return Err(Error::Checksum {
            package: tarball.request.clone(),
            expected: tarball.integrity.to_string(),
            found: found.to_string(),
        }
        .into());
    }
    let content = store.put(&bytes)?;
    // Two numbers can always be written.
    let bytes = postcard::to_stdvec(&content).unwrap_or_default();
    store.put_record(TARBALL, &record(&tarball.integrity), &bytes, [content])?;
    Ok(content)
}
