//! What Go fetched, file by file, held to its sums: the one way from a module cache into a build.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fs_err as fs;
use longshore_oci::{Content, Digest, Entry, Sha256, Store, Tree, TreePath, read_bounded};

use super::dirhash;
use super::error::GoError;
use super::gomod;
use super::gosum::{GoSum, Part};
use super::module::ModuleVersion;
use crate::Error;

/// Kind of the store's records of a module's zip or `go.mod`, by its name and sum: its content.
const FILE: &str = "go-file-1";
/// Deepest folder of a module cache that is looked into.
const MAX_DEPTH: usize = 40;

/// The files of the module cache `download` that `sums` has a sum for, in the store, as a tree that Go takes as a
/// module proxy (Go modules reference, "GOPROXY protocol"). Files without a sum stay behind; one with another sum is
/// an error. `by` says where the sums come from.
pub fn collect(download: &Path, sums: &GoSum, by: &str, store: &Store, jobs: usize) -> Result<Tree, Error> {
    let mut files = Vec::new();
    list(download, String::new(), 0, &mut files)?;
    files.sort();
    let next = AtomicUsize::new(0);
    let taken = Mutex::new(Vec::new());
    let work = || -> Result<(), Error> {
        while let Some((name, path)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(entry) = take(name, path, sums, by, store)? {
                taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(entry);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut tree = Tree::new();
    for (module, part, content) in taken.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        put(&mut tree, &module, part, content, store)?;
    }
    Ok(tree)
}

/// Puts a part of `module` where Go looks for it; with its `go.mod` comes what a proxy says of a version, less the
/// time, which nothing vouches for.
pub fn put(
    tree: &mut Tree,
    module: &ModuleVersion,
    part: Part,
    content: Content,
    store: &Store,
) -> Result<(), Error> {
    insert(tree, &format!("{}.{}", module.cached(), part.ending()), content)?;
    if part == Part::GoMod {
        let info = store.put(format!("{{\"Version\":\"{}\"}}", module.version()).as_bytes())?;
        insert(tree, &format!("{}.info", module.cached()), info)?;
    }
    Ok(())
}

fn insert(tree: &mut Tree, name: &str, content: Content) -> Result<(), Error> {
    let path =
        TreePath::new(name).map_err(|error| Error::Tree { what: String::from("the Go modules"), error })?;
    tree.insert(path, Entry::file(0o644, content));
    Ok(())
}

/// The sum and the content of a file that is a module's zip or `go.mod`, now in the store.
pub fn measure(
    path: &Path,
    module: &ModuleVersion,
    part: Part,
    store: &Store,
) -> Result<(String, Content), Error> {
    match part {
        Part::GoMod => {
            let bytes = read_bounded(fs::File::open(path)?, gomod::MAX_SIZE)?;
            Ok((dirhash::go_mod(&bytes), store.put(&bytes)?))
        }
        Part::Zip => {
            let sum = dirhash::zip(BufReader::new(fs::File::open(path)?), module)
                .map_err(|error| GoError::Zip { module: module.to_string(), error })?;
            let mut hash = Sha256::new();
            std::io::copy(&mut fs::File::open(path)?, &mut hash)?;
            let content = hash.finish();
            store.adopt(path, &content)?;
            Ok((sum, content))
        }
    }
}

fn take(
    name: &str,
    path: &Path,
    sums: &GoSum,
    by: &str,
    store: &Store,
) -> Result<Option<(ModuleVersion, Part, Content)>, Error> {
    let (name, part) = match (name.strip_suffix(".zip"), name.strip_suffix(".mod")) {
        (Some(name), _) => (name, Part::Zip),
        (None, Some(name)) => (name, Part::GoMod),
        (None, None) => return Ok(None),
    };
    let Some(module) = ModuleVersion::from_cached(name) else { return Ok(None) };
    let Some(expected) = sums.get(&module, part) else { return Ok(None) };
    let (found, content) = measure(path, &module, part, store)?;
    check(&module, part, expected, by, found)?;
    keep(&module, part, expected, &content, store)?;
    Ok(Some((module, part, content)))
}

/// Keeps in mind which content was held to that sum.
pub fn keep(
    module: &ModuleVersion,
    part: Part,
    sum: &str,
    content: &Content,
    store: &Store,
) -> Result<(), Error> {
    // Two numbers can always be written.
    let bytes = postcard::to_stdvec(content).unwrap_or_default();
    Ok(store.put_record(FILE, &file_key(module, part, sum), &bytes, [*content])?)
}

/// What the store has that was held to that sum.
pub fn kept(module: &ModuleVersion, part: Part, sum: &str, store: &Store) -> Result<Option<Content>, Error> {
    let bytes = store.record(FILE, &file_key(module, part, sum))?;
    Ok(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()).filter(|content| store.has(content)))
}

/// What the store has of the files that `sums` has a sum for, each once held to that sum, as a module proxy's tree.
pub fn known(sums: &GoSum, store: &Store) -> Result<Tree, Error> {
    let mut tree = Tree::new();
    for (module, part, sum) in sums.iter() {
        if let Some(content) = kept(&module, part, sum, store)? {
            put(&mut tree, &module, part, content, store)?;
        }
    }
    Ok(tree)
}

fn file_key(module: &ModuleVersion, part: Part, sum: &str) -> Digest {
    Digest::of(format!("{module} {} {sum}", part.ending()).as_bytes())
}

/// Fails unless `found` is `expected`.
pub fn check(
    module: &ModuleVersion,
    part: Part,
    expected: &str,
    by: &str,
    found: String,
) -> Result<(), GoError> {
    if found == expected {
        return Ok(());
    }
    let part = match part {
        Part::Zip => "its zip",
        Part::GoMod => "its go.mod",
    };
    Err(GoError::Checksum {
        module: module.to_string(),
        part,
        expected: expected.to_owned(),
        by: by.to_owned(),
        found,
    })
}

/// Every plain file below `folder`, by its name relative to it; links are not followed.
fn list(
    folder: &Path,
    prefix: String,
    depth: usize,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // No module has a name that isn't UTF-8.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), format!("{prefix}{name}/"), depth + 1, files)?;
        } else if kind.is_file() {
            files.push((format!("{prefix}{name}"), entry.path()));
        }
    }
    Ok(())
}
