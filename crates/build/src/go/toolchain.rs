//! Go releases from the module proxy, for modules that want a newer one than is locked.
//!
//! No `go.sum` has their sums, and Go itself takes a changed one without a word once the checksum database is off. So
//! one is a pin like any other: its sum is locked, its zip held to it and unpacked here.

use std::io::{BufReader, Read as _};
use std::path::PathBuf;

use longshore_oci::{Content, Entry, Platform, Store, Tree, TreePath};
use longshore_stack::model::Cgo;
use serde::{Deserialize, Serialize};

use super::client::{self, Client};
use super::collect;
use super::dirhash::{self, ZipError};
use super::error::GoError;
use super::fetch;
use super::gomod::GoMod;
use super::gosum::{GoSum, Part};
use super::module::ModuleVersion;
use super::supply;
use super::version::GoVersion;
use crate::{Error, Input, Mounted};

/// The module that every release is a version of.
pub const PATH: &str = "golang.org/toolchain";
/// Kind of the store's records; a new number whenever its form or meaning changes.
const RECORD: &str = "go-toolchain-1";
/// Most bytes of one of its files.
const MAX_FILE: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Unpacked {
    /// `bin/go`, whose absence from the store shows that it was cleaned.
    program: Content,
    tree: Tree,
    sums: GoSum,
}

/// The release that `file` wants, where it is newer than `locked`: its `go` line is the least it takes, its
/// `toolchain` line what its authors build it with.
pub fn wanted(file: &GoMod, locked: Option<&GoVersion>) -> Option<GoVersion> {
    let least = file.go.as_deref().and_then(GoVersion::parse);
    let preferred = file.toolchain.as_deref().and_then(GoVersion::of_toolchain);
    least.max(preferred).filter(|wanted| locked.is_some_and(|locked| wanted > locked))
}

/// The module version of a release for a machine.
pub fn module(version: &GoVersion, host: &Platform) -> Result<ModuleVersion, GoError> {
    let version = format!("v0.0.1-{}.{}-{}", version.release(), host.os, host.architecture);
    ModuleVersion::new(PATH, &version)
        .map_err(|error| GoError::NoModule { build: "toolchain".to_owned(), module: error.name })
}

/// The release `version`, fetched by `locked` and held to `pins` or the checksum database. Also gives its sums.
pub fn fetch(
    build: &str,
    version: GoVersion,
    locked: &Client,
    pins: &GoSum,
    input: &Input<'_>,
) -> Result<(Client, GoSum), Error> {
    let module = module(&version, &input.host)?;
    let store = input.executor.store();
    let mut known = GoSum::default();
    if let Some(sum) = pins.get(&module, Part::Zip) {
        known.insert(&module, Part::Zip, sum.to_owned());
    }
    let key = |sums: &GoSum| fetch::key(&(module.to_string(), sums.to_string()));
    let unpacked = match fetch::recall::<Unpacked>(input, RECORD, &key(&known))? {
        // Whoever wants the zip itself can't do with what was unpacked of it.
        Some(unpacked)
            if store.has(&unpacked.program)
                && (input.executor.witness().is_none() || zip(&module, &unpacked.sums, store)?.is_some()) =>
        {
            unpacked
        }
        _ => {
            let unpacked = bring(build, &module, &known, locked, input)?;
            let files: Vec<_> = unpacked.tree.contents().collect();
            fetch::remember(input, RECORD, &[key(&known), key(&unpacked.sums)], &unpacked, &files)?;
            unpacked
        }
    };
    if let Some(witness) = input.executor.witness()
        && let Some(content) = zip(&module, &unpacked.sums, store)?
        && let Some(sum) = unpacked.sums.get(&module, Part::Zip)
    {
        witness.takes(build, supply::wanted(&module, Part::Zip, sum), content);
    }
    let mount = Mounted { what: version.release(), tree: input.executor.put_tree(&unpacked.tree)? };
    Ok((Client::mounted(version, mount), unpacked.sums))
}

fn bring(
    build: &str,
    module: &ModuleVersion,
    known: &GoSum,
    locked: &Client,
    input: &Input<'_>,
) -> Result<Unpacked, Error> {
    let store = input.executor.store();
    let folder = match input.executor.supply() {
        Some(files) => supply::parts(build, module, known, &[(Part::Zip, "zip")], files, store)?,
        None => download(build, module, locked, input)?,
    };
    let path = folder.join("zip");
    let (sum, content) = collect::measure(&path, module, Part::Zip, store)?;
    if let Some(expected) = known.get(module, Part::Zip) {
        collect::check(module, Part::Zip, expected, "the stack's pins", sum.clone())?;
    }
    let mut sums = GoSum::default();
    collect::keep(module, Part::Zip, &sum, &content, store)?;
    sums.insert(module, Part::Zip, sum);
    let tree = unpack(store, &content, module)?;
    fetch::done(&folder)?;
    let missing = || GoError::NotFetched { module: module.to_string(), part: "`bin/go`" };
    let program =
        TreePath::new("bin/go").ok().and_then(|path| tree.get(&path).cloned()).ok_or_else(missing)?;
    match program.node {
        longshore_oci::Node::File(program) => Ok(Unpacked { program, tree, sums }),
        _ => Err(missing().into()),
    }
}

/// The zip of the release with these sums, where it is in the store.
fn zip(module: &ModuleVersion, sums: &GoSum, store: &Store) -> Result<Option<Content>, Error> {
    sums.get(module, Part::Zip).map_or(Ok(None), |sum| collect::kept(module, Part::Zip, sum, store))
}

/// Has Go bring a release: the folder has its file, `zip`.
fn download(
    build: &str,
    module: &ModuleVersion,
    locked: &Client,
    input: &Input<'_>,
) -> Result<PathBuf, Error> {
    // A release is public: whatever is private here, the checksum database is asked.
    let script = format!(
        "unset GOPRIVATE GONOSUMDB GONOSUMCHECK\n\
         printf '%s\\n' 'module longshore.invalid/fetch' 'go 1.21' >go.mod\n\
         {go} mod download '{module}'\n\
         mv '/out/gm/cache/download/{cached}.zip' /out/zip",
        go = locked.shell(),
        cached = module.cached(),
    );
    let env = client::fetch_env(&input.host, Cgo::Off, "");
    let step = locked.script(format!("go mod download {module}"), script, env, "/build");
    fetch::run(build, &format!("build `{build}`"), vec![step], Default::default(), locked, input)
}

/// The files of a verified toolchain zip.
fn unpack(store: &Store, zip: &Content, module: &ModuleVersion) -> Result<Tree, Error> {
    let refuse = |error: ZipError| Error::from(GoError::Zip { module: module.to_string(), error });
    let mut archive = dirhash::open(BufReader::new(store.open_blob(zip)?)).map_err(refuse)?;
    let prefix = format!("{module}/");
    let mut tree = Tree::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| refuse(error.into()))?;
        let raw = entry.name_raw().to_vec();
        let Some(name) = raw.strip_prefix(prefix.as_bytes()) else { continue };
        if name.is_empty() || name.ends_with(b"/") {
            continue;
        }
        let path = TreePath::new(name).map_err(|error| Error::Tree { what: module.to_string(), error })?;
        // Modes in module zips count for nothing; Go, too, makes these executable by where they are.
        let program = name.starts_with(b"bin/")
            || name.starts_with(b"pkg/tool/")
            || entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        let mut bytes = Vec::new();
        entry.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(refuse(ZipError::TooLarge));
        }
        tree.insert(path, Entry::file(if program { 0o755 } else { 0o644 }, store.put(&bytes)?));
    }
    tree.check().map_err(|error| Error::Tree { what: module.to_string(), error })?;
    Ok(tree)
}
