//! Crates by their checksums: fetched once, unpacked once, and put side by side as a vendor folder; git sources beside it.
//!
//! Cargo reads such a folder as a directory source (the Cargo book, "Source Replacement"). Its own checksum file says
//! nothing here: what is in the folder was held to `Cargo.lock` before it was unpacked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::{Content, Digest, Entry, Store, Tree, TreePath, read_bounded};

use super::lock::{CargoLock, RegistryPackage};
use super::unpack::unpack;
use super::{Error, error, git, recipe};
use crate::supply::Layout;
use crate::{Fetch, Input, Kind, Mounted, Supply, Wanted, Witness};

/// Kind of the store's records of unpacked crates, by their checksum. The number is that of the rules of unpacking.
const CRATE: &str = "cargo-crate-1";
/// Kind of the store's records of `.crate` files, by their checksum: their content.
const FILE: &str = "cargo-file-1";
/// Kind of the store's records of vendor folders, by [`CargoLock::key`].
const FOLDER: &str = "cargo-vendor-1";
/// A `.crate` file is no larger; registries take a few megabytes.
const MAX_CRATE: u64 = 256 << 20;

/// What `lock` takes from elsewhere, as a kept tree: crates below `vendor/`, git sources below `git/`; none when it takes
/// nothing. Fetches what the store lacks.
pub(super) fn folder(
    name: &str,
    lock: &CargoLock,
    input: &Input<'_>,
) -> Result<Option<Digest>, crate::Error> {
    if lock.registry.is_empty() && lock.git.is_empty() {
        return Ok(None);
    }
    let store = input.executor.store();
    let key = lock.key();
    let witness = input.executor.witness();
    if witness.is_none()
        && let Some(tree) = known(store, &key)?
        && input.executor.tree(&tree).is_ok_and(|tree| store.has_all(&tree))
    {
        return Ok(Some(tree));
    }
    let mut crates = BTreeMap::new();
    let mut missing = Vec::new();
    for package in &lock.registry {
        match unpacked(store, &package.checksum)? {
            // Whoever wants the files themselves can't do with what was unpacked of them.
            Some(tree) if store.has_all(&tree) && (witness.is_none() || file(store, package)?.is_some()) => {
                drop(crates.insert(package.folder(), (package, tree)))
            }
            _ => missing.push(package),
        }
    }
    let mut revisions = Vec::new();
    let mut unknown = Vec::new();
    for source in &lock.git {
        match git::kept(source, store)? {
            Some(taken) => revisions.push((source, taken)),
            None => unknown.push(source),
        }
    }
    if !missing.is_empty() || !unknown.is_empty() {
        let fetched = match input.executor.supply() {
            Some(supply) => supplied(name, &missing, &unknown, supply, store)?,
            None => input.executor.fetch(&fetch(name, input)?).map_err(error::explain)?,
        };
        for package in missing {
            let tree = accept(&fetched, package, store)?;
            crates.insert(package.folder(), (package, tree));
        }
        let objects = git::Objects::below(&fetched.join("git"))?;
        for source in unknown {
            revisions.push((source, git::accept(&objects, source, store)?));
        }
        // What is left of it is of no use, and gone with the process at the latest.
        let _ = fs::remove_dir_all(&fetched);
    }
    if let Some(witness) = witness {
        tell(name, lock, &revisions, witness, store)?;
    }
    let mut folder = Tree::new();
    for (name, (package, tree)) in crates {
        place(&mut folder, &name, package, &tree, store)?;
    }
    git::place(&mut folder, revisions.iter().map(|(_, taken)| taken), store)?;
    let digest = input.executor.put_tree(&folder)?;
    store.put_record(FOLDER, &key, digest.as_bytes(), [])?;
    Ok(Some(digest))
}

fn known(store: &Store, key: &Digest) -> Result<Option<Digest>, crate::Error> {
    let bytes = store.record(FOLDER, key)?;
    Ok(bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Digest::from_bytes))
}

fn unpacked(store: &Store, checksum: &Digest) -> Result<Option<Tree>, crate::Error> {
    Ok(store.record(CRATE, checksum)?.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

/// The `.crate` file of `package`, where it is in the store.
fn file(store: &Store, package: &RegistryPackage) -> Result<Option<Content>, crate::Error> {
    let content = store.record(FILE, &package.checksum)?.and_then(|bytes| postcard::from_bytes(&bytes).ok());
    Ok(content.filter(|content| store.has(content)))
}

fn wanted(package: &RegistryPackage) -> Wanted {
    Wanted {
        kind: Kind::Crate,
        name: package.name.clone(),
        version: package.version.to_string(),
        id: package.checksum.to_string(),
    }
}

/// Tells `witness` of every file that `lock` takes from elsewhere.
fn tell(
    build: &str,
    lock: &CargoLock,
    revisions: &[(&git::GitSource, git::Taken)],
    witness: &dyn Witness,
    store: &Store,
) -> Result<(), crate::Error> {
    for package in &lock.registry {
        if let Some(content) = file(store, package)? {
            witness.takes(build, wanted(package), content);
        }
    }
    for (source, taken) in revisions {
        witness.takes(build, git::wanted(source), git::pack(taken, store)?);
    }
    Ok(())
}

/// The same files as Cargo would leave them, from what was vendored.
fn supplied(
    build: &str,
    crates: &[&RegistryPackage],
    revisions: &[&git::GitSource],
    supply: &dyn Supply,
    store: &Store,
) -> Result<PathBuf, crate::Error> {
    let mut layout = Layout::new(build, supply, store)?;
    for package in crates {
        layout.place(&wanted(package), &format!("registry/cache/vendored/{}.crate", package.folder()))?;
    }
    for source in revisions {
        if let Some(content) = layout.find(&git::wanted(source))? {
            git::unpack(source, &content, layout.folder(), store)?;
        }
    }
    layout.done()
}

/// What brings the crates: Cargo itself, with the project's own registries.
fn fetch(name: &str, input: &Input<'_>) -> Result<Fetch, crate::Error> {
    let source = input.source.map(|tree| (String::from("/src"), Mounted { what: "source".into(), tree }));
    input.fetch(name, source.into_iter().collect(), vec![recipe::fetch(input)])
}

/// Takes the file of `package` from what Cargo left in its home `fetched`, if it is what the lock says; unpacks it.
pub(super) fn accept(fetched: &Path, package: &RegistryPackage, store: &Store) -> Result<Tree, crate::Error> {
    let name = package.folder();
    let mut found = None;
    for path in candidates(fetched, &name)? {
        // In memory, so that what is unpacked is what was hashed.
        let bytes = read_bounded(fs::File::open(path)?, MAX_CRATE)?;
        let digest = Digest::of(&bytes);
        if digest == package.checksum {
            let tree = unpack(&name, bytes.as_slice(), store)?;
            let content = store.put(&bytes)?;
            // Two numbers can always be written.
            let bytes = postcard::to_stdvec(&content).unwrap_or_default();
            store.put_record(FILE, &package.checksum, &bytes, [content])?;
            // A tree holds nothing that postcard can't.
            let bytes = postcard::to_stdvec(&tree).unwrap_or_default();
            store.put_record(CRATE, &package.checksum, &bytes, tree.contents())?;
            return Ok(tree);
        }
        found = Some(digest);
    }
    Err(match found {
        Some(found) => Error::Checksum { package: name, expected: package.checksum, found },
        None => Error::NotFetched { package: name },
    }
    .into())
}

/// `registry/cache/*/NAME-VERSION.crate`, one folder a registry.
fn candidates(home: &Path, name: &str) -> Result<Vec<PathBuf>, crate::Error> {
    let cache = home.join("registry/cache");
    if !cache.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(cache)? {
        let path = entry?.path().join(format!("{name}.crate"));
        // Only files: a link could name any file of the machine.
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Puts an unpacked crate into the vendor folder, with the file that Cargo wants beside it.
pub(super) fn place(
    folder: &mut Tree,
    name: &str,
    package: &RegistryPackage,
    files: &Tree,
    store: &Store,
) -> Result<(), crate::Error> {
    let problem = |error| crate::Error::Tree { what: format!("crate {name}"), error };
    let checksum = format!("{{\"files\":{{}},\"package\":\"{}\"}}", package.checksum.hex());
    let root = TreePath::new(format!("vendor/{name}")).map_err(problem)?;
    for (path, entry) in files.iter() {
        folder.insert(root.join(path.as_bytes()).map_err(problem)?, entry.clone());
    }
    let checksum = Entry::file(0o644, store.put(checksum.as_bytes())?);
    folder.insert(root.join(".cargo-checksum.json").map_err(problem)?, checksum);
    Ok(())
}
