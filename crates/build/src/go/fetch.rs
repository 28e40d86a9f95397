//! The fetch steps of Go builds: one module, or all that a main module needs. Each is made once for what it is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_oci::{Content, Digest, Node, Platform, Tree, read_bounded};
use longshore_stack::model::Cgo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::client::{self, Client};
use super::collect;
use super::error::GoError;
use super::gomod::{self, GoMod};
use super::gosum::{self, GoSum, Part};
use super::module::ModuleVersion;
use super::supply;
use crate::{Error, Fetch, Input, Mounted, Step};

/// Kinds of the store's records; new numbers whenever their form or meaning changes.
const MODULE: &str = "go-module-1";
const DEPENDENCIES: &str = "go-dependencies-2";

/// One published module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its zip, in the store.
    pub zip: Content,
    /// Its `go.mod`, in the store.
    pub go_mod: Content,
    /// What both are.
    pub sums: GoSum,
}

/// All modules that a main module needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependencies {
    /// A module proxy's files.
    pub tree: Tree,
    /// The whole `go.sum`.
    pub sums: GoSum,
}

/// What decides the dependencies of a main module.
pub struct Request<'a> {
    /// For people.
    pub of: &'a str,
    /// The build.
    pub build: &'a str,
    /// Its `go.mod`.
    pub go_mod: &'a str,
    /// The `go.sum` that its authors gave it.
    pub published: &'a GoSum,
    /// Its `go.sum` as far as it is known, with the stack's pins.
    pub sums: &'a GoSum,
    /// The folder of both.
    pub source: Digest,
    /// What is fetched.
    pub scope: Scope<'a>,
    /// What it is built for.
    pub platform: &'a Platform,
    /// Whether C is linked in.
    pub cgo: Cgo,
}

/// How much is fetched.
pub enum Scope<'a> {
    /// All that `go.mod` says: right whatever the sources import, which change more often than it does.
    Modules,
    /// What these packages with these tags need: of a published module, whose sources never change. `go.sum` lines
    /// that its authors did not need, because of replacements by folders, are added by Go from the checksum database.
    Packages(&'a [String], &'a [String]),
}

/// A published module, held to what `pins` say of it, and else to what the checksum database says.
pub fn module(
    build: &str,
    module: &ModuleVersion,
    pins: &GoSum,
    client: &Client,
    input: &Input<'_>,
) -> Result<Module, Error> {
    let store = input.executor.store();
    let mut known = GoSum::default();
    for part in [Part::Zip, Part::GoMod] {
        if let Some(sum) = pins.get(module, part) {
            known.insert(module, part, sum.to_owned());
        }
    }
    let key = |sums: &GoSum| key(&(module.to_string(), sums.to_string()));
    if let Some(found) = recall::<Module>(input, MODULE, &key(&known))?
        && store.has(&found.zip)
        && store.has(&found.go_mod)
    {
        tell_module(build, module, &found, input);
        return Ok(found);
    }
    let folder = match input.executor.supply() {
        Some(files) => {
            supply::parts(build, module, &known, &[(Part::Zip, "zip"), (Part::GoMod, "mod")], files, store)?
        }
        None => fetch_module(build, module, &known, client, input)?,
    };
    let mut sums = GoSum::default();
    let mut take = |part, name: &str, what| {
        let path = folder.join(name);
        if !path.is_file() {
            return Err(GoError::NotFetched { module: module.to_string(), part: what }.into());
        }
        let (sum, content) = collect::measure(&path, module, part, store)?;
        if let Some(expected) = known.get(module, part) {
            collect::check(module, part, expected, "the stack's pins", sum.clone())?;
        }
        sums.insert(module, part, sum);
        Ok::<_, Error>(content)
    };
    let zip = take(Part::Zip, "zip", "zip")?;
    let go_mod = take(Part::GoMod, "mod", "go.mod")?;
    let fetched = Module { zip, go_mod, sums };
    done(&folder)?;
    // Asked again, its sums will be known.
    let files = [fetched.zip, fetched.go_mod];
    remember(input, MODULE, &[key(&known), key(&fetched.sums)], &fetched, &files)?;
    tell_module(build, module, &fetched, input);
    Ok(fetched)
}

/// Has Go bring a module: the folder has its files, `zip` and `mod`.
fn fetch_module(
    build: &str,
    module: &ModuleVersion,
    known: &GoSum,
    client: &Client,
    input: &Input<'_>,
) -> Result<PathBuf, Error> {
    let cached = module.cached();
    // A module that wants a newer Go than the one that fetches it ends Go with an error, after all of it was verified
    // and put down: only then is there a `.ziphash`.
    let script = format!(
        "printf '%s\\n' 'module longshore.invalid/fetch' 'go 1.21' >go.mod\n\
         printf '%s' '{known}' >go.sum\n\
         {go} mod download '{module}' || test -f '/out/gm/cache/download/{cached}.ziphash'\n\
         mv '/out/gm/cache/download/{cached}.zip' /out/zip\n\
         mv '/out/gm/cache/download/{cached}.mod' /out/mod",
        go = client.shell(),
    );
    let env = client::fetch_env(&input.host, Cgo::Off, "");
    let step = client.script(format!("go mod download {module}"), script, env, "/build");
    run(build, &format!("`{module}`"), vec![step], BTreeMap::new(), client, input)
}

fn tell_module(build: &str, module: &ModuleVersion, found: &Module, input: &Input<'_>) {
    let Some(witness) = input.executor.witness() else { return };
    for (part, content) in [(Part::Zip, found.zip), (Part::GoMod, found.go_mod)] {
        if let Some(sum) = found.sums.get(module, part) {
            witness.takes(build, supply::wanted(module, part, sum), content);
        }
    }
}

/// All that a main module needs, each file held to its line of `go.sum`.
pub fn dependencies(
    request: &Request<'_>,
    client: &Client,
    input: &Input<'_>,
) -> Result<Dependencies, Error> {
    let store = input.executor.store();
    let scope = match &request.scope {
        Scope::Modules => None,
        Scope::Packages(packages, tags) => Some((
            packages.to_vec(),
            tags.to_vec(),
            request.platform,
            request.cgo,
            client.version.as_ref().map(|version| version.release()),
        )),
    };
    // Not the pins: those of other builds don't matter, and its own are the answer.
    let key = key(&(request.go_mod, request.published.to_string(), &scope));
    let whole = |tree: &Tree| {
        tree.iter().all(|(_, entry)| matches!(&entry.node, Node::File(content) if store.has(content)))
    };
    if let Some(found) = recall::<Dependencies>(input, DEPENDENCIES, &key)?
        && found.sums.agrees(request.sums)
        && whole(&found.tree)
    {
        tell(request, &key, &found, input)?;
        return Ok(found);
    }
    let (folder, sums) = match input.executor.supply() {
        Some(files) => (supply::cache(request.build, request.of, &key, files, store)?, request.sums.clone()),
        None => fetch_dependencies(request, client, input)?,
    };
    let by = match request.scope {
        Scope::Modules => "go.sum",
        Scope::Packages(..) => "its go.sum, the stack's pins or the checksum database",
    };
    let tree = collect::collect(
        &folder.join(client::FETCHED).join("cache/download"),
        &sums,
        by,
        store,
        input.executor.jobs(),
    )?;
    done(&folder)?;
    let sums = match request.scope {
        Scope::Modules => sums,
        // Lines that nothing needs would make another recipe of the same build.
        Scope::Packages(..) => sums.within(&tree),
    };
    let found = Dependencies { tree, sums };
    remember(input, DEPENDENCIES, &[key], &found, &found.tree.contents().collect::<Vec<_>>())?;
    tell(request, &key, &found, input)?;
    Ok(found)
}

fn tell(request: &Request<'_>, key: &Digest, found: &Dependencies, input: &Input<'_>) -> Result<(), Error> {
    let Some(witness) = input.executor.witness() else { return Ok(()) };
    let store = input.executor.store();
    supply::tell(request.build, request.of, key, &found.tree, &found.sums, witness, store)
}

/// Has Go bring all that a main module needs, its module cache below the folder; and the sums that its files are held to.
fn fetch_dependencies(
    request: &Request<'_>,
    client: &Client,
    input: &Input<'_>,
) -> Result<(PathBuf, GoSum), Error> {
    let store = input.executor.store();
    let mounts = BTreeMap::from([(
        client::SOURCE.to_owned(),
        Mounted { what: "source".to_owned(), tree: request.source },
    )]);
    let known = collect::known(request.sums, store)?;
    let mut fetch = fetch_of(request.build, vec![step(request, client)], mounts, client, input)?;
    if !known.is_empty() {
        let tree = input.executor.put_tree(&known)?;
        fetch.known.insert(client::KNOWN.to_owned(), Mounted { what: "known modules".to_owned(), tree });
    }
    let folder = input.executor.fetch(&fetch).map_err(|error| client::explain(error, request.of))?;
    let mut sums = request.sums.clone();
    if let Scope::Packages(..) = request.scope {
        let text = text(&folder.join("go.sum"), gosum::MAX_SIZE, "go.sum", request.of)?;
        let added =
            GoSum::parse(&text).map_err(|error| GoError::GoSum { of: request.of.to_owned(), error })?;
        // What was known stays as it was.
        let mut all = added;
        all.extend(&sums);
        sums = all;
        let after = text_of_requirements(&folder.join("go.mod"), request.of)?;
        let before = GoMod::parse(request.go_mod)
            .map_err(|error| GoError::GoMod { of: request.of.to_owned(), error })?;
        let before: Vec<_> = before.require.into_iter().map(|require| require.module).collect();
        if let Some(new) = after.iter().find(|module| !before.contains(module)) {
            let problem = format!("its packages need `{new}`, which it does not require");
            return Err(GoError::Untidy { of: request.of.to_owned(), problem }.into());
        }
    }
    Ok((folder, sums))
}

fn step(request: &Request<'_>, client: &Client) -> Step {
    let go = client.shell();
    let copy = "cat /src/go.mod >go.mod; test ! -f /src/go.sum || cat /src/go.sum >go.sum";
    let (what, flags, script) = match request.scope {
        Scope::Modules => (
            "go mod download".to_owned(),
            "-modfile=/build/w/go.mod",
            format!("{copy}\ncd /src\n{go} mod download\ncd /build/w"),
        ),
        Scope::Packages(packages, tags) => {
            let arguments = [vec![format!("-tags={}", tags.join(","))], packages.to_vec()].concat();
            let quoted: Vec<_> = arguments.iter().map(|a| format!("'{}'", a.replace('\'', ""))).collect();
            (
                format!("go list -deps {}", packages.join(" ")),
                "-mod=mod",
                format!(
                    "{copy}\n{go} list -deps {} >/dev/null\ncat go.mod >/out/go.mod; cat go.sum >/out/go.sum",
                    quoted.join(" ")
                ),
            )
        }
    };
    let script = format!(
        "mkdir -p /build/w /out/{fetched}/cache/download\n\
         test ! -d {known} || export GOPROXY=\"file://{known},$({go} env GOPROXY)\"\n\
         cd /build/w\n{script}",
        fetched = client::FETCHED,
        known = client::KNOWN,
    );
    client.script(what, script, client::fetch_env(request.platform, request.cgo, flags), "/build")
}

/// Runs steps with network. The folder has what they left.
pub(super) fn run(
    build: &str,
    of: &str,
    steps: Vec<Step>,
    mounts: BTreeMap<String, Mounted>,
    client: &Client,
    input: &Input<'_>,
) -> Result<PathBuf, Error> {
    let fetch = fetch_of(build, steps, mounts, client, input)?;
    input.executor.fetch(&fetch).map_err(|error| client::explain(error, of))
}

fn fetch_of(
    build: &str,
    steps: Vec<Step>,
    mut mounts: BTreeMap<String, Mounted>,
    client: &Client,
    input: &Input<'_>,
) -> Result<Fetch, Error> {
    mounts.extend(client.mount.clone().map(|mount| (client::TOOLCHAIN.to_owned(), mount)));
    input.fetch(build, mounts, steps)
}

/// Takes away what a fetch left.
pub(super) fn done(folder: &Path) -> Result<(), Error> {
    Ok(fs::remove_dir_all(folder)?)
}

fn text(path: &Path, limit: u64, file: &'static str, of: &str) -> Result<String, Error> {
    let bytes = read_bounded(fs::File::open(path)?, limit)?;
    String::from_utf8(bytes).map_err(|_| GoError::Text { file, of: of.to_owned() }.into())
}

fn text_of_requirements(path: &Path, of: &str) -> Result<Vec<ModuleVersion>, Error> {
    let file = GoMod::parse(&text(path, gomod::MAX_SIZE, "go.mod", of)?)
        .map_err(|error| GoError::GoMod { of: of.to_owned(), error })?;
    Ok(file.require.into_iter().map(|require| require.module).collect())
}

/// What is made once for a request.
pub(super) fn key(request: &impl Serialize) -> Digest {
    // Requests hold nothing that postcard can't.
    Digest::of(&postcard::to_stdvec(request).unwrap_or_default())
}

pub(super) fn recall<T: DeserializeOwned>(
    input: &Input<'_>,
    kind: &str,
    key: &Digest,
) -> Result<Option<T>, Error> {
    let bytes = input.executor.store().record(kind, key)?;
    Ok(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

pub(super) fn remember<T: Serialize>(
    input: &Input<'_>,
    kind: &str,
    keys: &[Digest],
    value: &T,
    names: &[Content],
) -> Result<(), Error> {
    // They hold nothing that postcard can't.
    let bytes = postcard::to_stdvec(value).unwrap_or_default();
    let keep = |key| Ok(input.executor.store().put_record(kind, key, &bytes, names.iter().copied())?);
    keys.iter().try_for_each(keep)
}
