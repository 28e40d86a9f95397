//! Go builds: a module in the tree, or a published one.
//!
//! ```text
//! go.mod, go.sum ─ fetch (network) → files, each held to its h1: sum ─ collect → a module proxy's tree ─ mount → go build
//! ```
//!
//! The build gets a proxy's files rather than an unpacked module cache, which Go never checks: so Go itself holds each
//! module to `go.sum` once more when it unpacks it. A published module is built in a wrapper of its own.

mod client;
mod collect;
mod dirhash;
mod error;
mod fetch;
mod gomod;
mod gosum;
mod module;
mod supply;
#[cfg(test)]
mod tests;
mod toolchain;
mod version;
mod wrapper;

use std::collections::BTreeMap;

use longshore_oci::{Digest, Entry, Platform, Tree, TreePath};
use longshore_stack::model::{GoBuild, GoSource};

pub use dirhash::ZipError;
pub(crate) use dirhash::licence_texts;
pub use error::GoError;
pub use gomod::{GoMod, GoModError, Relation, Replace, Replacement, Require};
pub use gosum::{GoSum, GoSumError, Part};
pub use module::{ModuleError, ModuleVersion};

use crate::source::{self, Source};
use crate::{Error, Input, Mounted, Recipe};
use client::Client;
use fetch::{Dependencies, Request, Scope};

/// A Go build, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What is run.
    pub recipe: Recipe,
    /// What no `go.sum` says, as lines of one: the published module itself, modules that its authors have in folders,
    /// the Go release. They belong into the stack's lock, and come back as `pins`.
    pub pins: GoSum,
}

/// Fetches what the build `name` needs, unless it is in the store, and makes its recipe. `pins` are those of an
/// earlier [`Prepared`]; what they say is what is taken, and for the rest the checksum database is asked.
pub fn prepare(
    name: &str,
    spec: &GoBuild,
    platform: &Platform,
    input: &Input<'_>,
    pins: &GoSum,
) -> Result<Prepared, Error> {
    let main = match &spec.source {
        GoSource::Path(path) => of_path(name, path, spec, input, pins)?,
        GoSource::Module { path, version, sums } => {
            let module = ModuleVersion::new(path, version)
                .map_err(|error| GoError::NoModule { build: name.to_owned(), module: error.name })?;
            let mut known = pins.clone();
            if let Some(sums) = sums {
                known.insert(&module, Part::Zip, sums.zip.clone());
                known.insert(&module, Part::GoMod, sums.go_mod.clone());
            }
            of_module(name, &module, spec, platform, input, &known)?
        }
    };
    let executor = input.executor;
    let mut mounts = BTreeMap::from([
        (client::SOURCE.to_owned(), Mounted { what: "source".to_owned(), tree: main.source }),
        (
            client::MODULES.to_owned(),
            Mounted { what: "modules".to_owned(), tree: executor.put_tree(&main.modules)? },
        ),
    ]);
    mounts.extend(main.client.mount.clone().map(|mount| (client::TOOLCHAIN.to_owned(), mount)));
    let mut env = input.env.clone();
    env.extend(client::build_env(platform, spec.cgo));
    let what = format!("go build {}", main.packages.join(" "));
    let step = main.client.step(what, arguments(spec, main.packages), env, client::SOURCE);
    let recipe = input.recipe(name, platform, mounts, vec![step])?;
    let recipe = Recipe { caches: client::caches(&input.root), ..recipe };
    Ok(Prepared { recipe, pins: main.pins })
}

/// What the two kinds of source come down to.
struct Main {
    client: Client,
    source: Digest,
    modules: Tree,
    packages: Vec<String>,
    pins: GoSum,
}

fn of_path(build: &str, path: &str, spec: &GoBuild, input: &Input<'_>, pins: &GoSum) -> Result<Main, Error> {
    let of = format!("`{path}`");
    let folder = Source::open(input)?;
    let read = |file: &'static str, limit| match folder.read(file, limit)? {
        Some(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Error::from(GoError::Text { file, of: of.clone() })),
        None => Ok(None),
    };
    let missing = |file| GoError::NoFile { build: build.to_owned(), file };
    let text = read("go.mod", gomod::MAX_SIZE)?.ok_or_else(|| missing("go.mod"))?;
    let file = GoMod::parse(&text).map_err(|error| GoError::GoMod { of: of.clone(), error })?;
    let sums = match read("go.sum", gosum::MAX_SIZE)? {
        Some(text) => GoSum::parse(&text).map_err(|error| GoError::GoSum { of: of.clone(), error })?,
        None if file.require.is_empty() => GoSum::default(),
        None => return Err(missing("go.sum").into()),
    };
    check_path(&of, &file, &sums, &folder)?;
    let (client, pins) = client_for(build, &file, pins, input)?;
    let source = input.source.ok_or_else(|| missing("go.mod"))?;
    let dependencies = match file.require.is_empty() {
        true => Dependencies { tree: Tree::new(), sums },
        false => {
            let request = Request {
                of: &of,
                build,
                go_mod: &text,
                published: &sums,
                sums: &sums,
                source,
                scope: Scope::Modules,
                platform: &input.host,
                cgo: spec.cgo,
            };
            fetch::dependencies(&request, &client, input)?
        }
    };
    let packages = spec.packages.clone();
    Ok(Main { client, source, modules: dependencies.tree, packages, pins })
}

/// Fails where `go.mod` and `go.sum` can't make a build: what can be known before anything is fetched.
fn check_path(of: &str, file: &GoMod, sums: &GoSum, folder: &Source) -> Result<(), GoError> {
    for replace in &file.replace {
        let Replacement::Folder(new) = &replace.new else { continue };
        let refuse = |problem| GoError::Folder {
            of: of.to_owned(),
            old: replace.old.clone(),
            folder: new.clone(),
            problem,
        };
        let inside = source::resolve("", new).ok_or_else(|| refuse("is outside the build's `path`"))?;
        if folder.file(&source::join(&inside, "go.mod")).is_none() {
            return Err(refuse("has no `go.mod`"));
        }
    }
    for require in &file.require {
        let module = match file.replacement(&require.module) {
            Some(Replacement::Folder(_)) => continue,
            Some(Replacement::Module(new)) => new,
            None => &require.module,
        };
        if require.relation == Relation::Direct && sums.get(module, Part::Zip).is_none() {
            return Err(GoError::MissingSum { of: of.to_owned(), module: module.to_string() });
        }
    }
    Ok(())
}

fn of_module(
    build: &str,
    module: &ModuleVersion,
    spec: &GoBuild,
    platform: &Platform,
    input: &Input<'_>,
    pins: &GoSum,
) -> Result<Main, Error> {
    let of = format!("`{module}`");
    let store = input.executor.store();
    let packages = spec
        .packages
        .iter()
        .map(|package| package_of(module, package))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| GoError::Package { build: build.to_owned(), package: spec.packages.join(" ") })?;
    let locked = Client::of(input, build)?;
    let fetched = fetch::module(build, module, pins, &locked, input)?;
    let text = |file, bytes| {
        String::from_utf8(bytes).map_err(|_| Error::from(GoError::Text { file, of: of.clone() }))
    };
    let go_mod = text("go.mod", store.read_blob(&fetched.go_mod)?)?;
    let file = GoMod::parse(&go_mod).map_err(|error| GoError::GoMod { of: of.clone(), error })?;
    let zip = std::io::BufReader::new(store.open_blob(&fetched.zip)?);
    let go_sum = dirhash::member(zip, module, "go.sum", gosum::MAX_SIZE)
        .map_err(|error| GoError::Zip { module: module.to_string(), error })?;
    let published = GoSum::parse(&text("go.sum", go_sum.unwrap_or_default())?)
        .map_err(|error| GoError::GoSum { of: of.clone(), error })?;
    let (client, toolchain) = client_for(build, &file, pins, input)?;

    let go_mod = wrapper::go_mod(module, &file)?;
    let (_, mut known) = pins.split(toolchain::PATH);
    known.extend(&published);
    known.extend(&fetched.sums);
    let request = Request {
        of: &of,
        build,
        go_mod: &go_mod,
        published: &published,
        sums: &known,
        source: wrapper_tree(&go_mod, &known, input)?,
        scope: Scope::Packages(&packages, &spec.tags),
        platform,
        cgo: spec.cgo,
    };
    let dependencies = fetch::dependencies(&request, &client, input)?;
    let mut pins = dependencies.sums.without(&published);
    pins.extend(&toolchain);
    let source = wrapper_tree(&go_mod, &dependencies.sums, input)?;
    Ok(Main { client, source, modules: dependencies.tree, packages, pins })
}

/// The locked Go, or the newer release that `file` wants; with the release's sum.
fn client_for(build: &str, file: &GoMod, pins: &GoSum, input: &Input<'_>) -> Result<(Client, GoSum), Error> {
    let locked = Client::of(input, build)?;
    match toolchain::wanted(file, locked.version.as_ref()) {
        Some(version) => toolchain::fetch(build, version, &locked, pins, input),
        None => Ok((locked, GoSum::default())),
    }
}

/// The wrapper module's folder.
fn wrapper_tree(go_mod: &str, sums: &GoSum, input: &Input<'_>) -> Result<Digest, Error> {
    let store = input.executor.store();
    let mut tree = Tree::new();
    for (name, text) in [("go.mod", go_mod), ("go.sum", &sums.to_string())] {
        let path =
            TreePath::new(name).map_err(|error| Error::Tree { what: "the wrapper".to_owned(), error })?;
        tree.insert(path, Entry::file(0o644, store.put(text.as_bytes())?));
    }
    input.executor.put_tree(&tree)
}

/// The whole name of a package that the stack file gives as a folder of the module, `./cmd/loki`.
fn package_of(module: &ModuleVersion, package: &str) -> Option<String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._~/+".contains(c);
    if package.split('/').any(|part| part == "..") || !package.chars().all(safe) {
        return None;
    }
    match package.strip_prefix("./") {
        Some(folder) => Some(format!("{}/{}", module.path(), folder.trim_end_matches('/'))),
        None if package == "." => Some(module.path().to_owned()),
        None => package.starts_with(module.path()).then(|| package.to_owned()),
    }
}

/// The arguments of `go build`. No path, time, revision or identifier of the build reaches the program.
fn arguments(spec: &GoBuild, packages: Vec<String>) -> Vec<String> {
    let mut ldflags = vec!["-s -w -buildid=".to_owned()];
    ldflags.extend(spec.ldflags.iter().cloned());
    let mut arguments: Vec<String> = ["build", "-trimpath", "-buildvcs=false"].map(str::to_owned).into();
    arguments.push(format!("-ldflags={}", ldflags.join(" ")));
    if !spec.tags.is_empty() {
        arguments.push(format!("-tags={}", spec.tags.join(",")));
    }
    // With the slash, Go makes the folder and names each program by its package.
    arguments.extend(["-o".to_owned(), "/out/bin/".to_owned()]);
    arguments.extend(packages);
    arguments
}
