//! What images are made of: facts of the pipeline, of the lock and of builds, gathered into a bill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use longshore_build::{About, Kind, Wanted, Witness};
use longshore_oci::{Component, Content, PackageId, Platform, Store};
use longshore_sbom::{
    Bill, Detail, Ecosystem, Gathering, Hash, Inputs, Made, Module, documented_by, tree_digest,
};
use longshore_sources::path;
use longshore_stack::lock::Lock;
use longshore_stack::model::{BuildInput, BuildKind, Consumer, Linkage, Tool, Toolchain};

use crate::builds::{self, Builds, source_folder};
use crate::inputs::{Loader, locals};
use crate::machine::Machine;
use crate::others;
use crate::pipeline::{Built, BuiltOn, Composed};
use crate::project::Project;
use crate::report::Failure;

/// The bill of the images called `names`, which were built.
pub fn bill(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    names: &BTreeSet<String>,
    built: &Built,
    detail: Detail,
) -> Result<Bill, Failure> {
    let mut gathering = Gathering::new(&project.stack, lock, detail);
    for (platform, BuiltOn { composed, images, .. }) in built {
        let project = &others::inherited(project, lock, machine, platform)?;
        let loader = Loader::new(project, lock, machine);
        let mut packages = packages(&loader, lock, composed, names, platform)?;
        let modules = modules(project, lock, machine, &loader, composed, names, platform)?;
        for built in modules.values() {
            packages.extend(built.linked.iter().cloned().zip(loader.load(&built.linked)?));
        }
        for image in images {
            let spec = &project.stack.images[&image.name];
            let Some(rootfs) = composed.rootfs.get(&image.name) else { continue };
            let locals = locals(project, machine, lock, platform, spec)?;
            let layers = composed.layers(&image.name).collect();
            let inputs =
                Inputs { packages: &packages, locals: &locals, builds: &modules, store: &machine.store };
            gathering.image(&Made { image, spec, rootfs, layers, manifest: None }, &inputs)?;
        }
    }
    Ok(gathering.finish())
}

/// The packages in those images, and those that say under which licence they are.
fn packages(
    loader: &Loader<'_>,
    lock: &Lock,
    composed: &Composed,
    names: &BTreeSet<String>,
    platform: &Platform,
) -> Result<BTreeMap<PackageId, Arc<Component>>, Failure> {
    let mut all = BTreeMap::new();
    for (name, rootfs) in composed.rootfs.iter().filter(|(name, _)| names.contains(*name)) {
        let used: Vec<_> = rootfs.packages().iter().map(|package| package.id.clone()).collect();
        let loaded = loader.load(&used)?;
        let closure = lock.closure(name, &platform.to_string());
        let elsewhere = used.iter().zip(&loaded).filter_map(|(id, unpacked)| {
            let name = documented_by(id, unpacked)?;
            closure?.packages.iter().find(|other| other.name == name && !used.contains(other)).cloned()
        });
        let elsewhere: Vec<_> = elsewhere.collect();
        all.extend(elsewhere.iter().cloned().zip(loader.load(&elsewhere)?));
        all.extend(used.into_iter().zip(loaded));
    }
    Ok(all)
}

/// Files by the build that takes them.
#[derive(Default)]
struct Told(Mutex<BTreeMap<String, Vec<(Wanted, Content)>>>);

impl Witness for Told {
    fn takes(&self, build: &str, wanted: Wanted, content: Content) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(build.to_owned()).or_default().push((wanted, content));
    }
}

/// The module that a file is; none of files that only say which there are.
fn module(wanted: Wanted, content: Content, store: &Store) -> Result<Option<Module>, Failure> {
    let about = longshore_build::about(&wanted, &content, store)?;
    let About { licence, author, repository, homepage, summary } = about;
    let about = longshore_sbom::About { licence, author, repository, homepage, summary };
    let Wanted { kind, name, version, id } = wanted;
    let sum = id.rsplit_once(' ').map(|(_, sum)| sum.to_owned());
    let new = |ecosystem| Module {
        ecosystem,
        name: name.clone(),
        version: version.clone(),
        content: Some(content),
        hashes: Vec::new(),
        go_sum: None,
        about: about.clone(),
    };
    Ok(match kind {
        Kind::Crate => Some(new(Ecosystem::Cargo)),
        // What is in the store are objects in a form of ours.
        Kind::GitRevision => Some(Module { content: None, ..new(Ecosystem::Git) }),
        Kind::GoModule if name == GO_RELEASES => {
            // `v0.0.1-go1.26.5.linux-amd64`: its library is in every program.
            let release = version.split_once("-go").map(|(_, release)| release).unwrap_or_default();
            let numbers = release.split('.').take_while(|part| part.bytes().all(|c| c.is_ascii_digit()));
            Some(go_library(&numbers.collect::<Vec<_>>().join(".")))
        }
        Kind::GoModule => Some(Module { go_sum: sum, ..new(Ecosystem::Go) }),
        Kind::GoMod | Kind::GoModules => None,
        Kind::NpmTarball => {
            Some(Module { hashes: Hash::from_integrity(&id).into_iter().collect(), ..new(Ecosystem::Npm) })
        }
    })
}

/// The module that Go's own releases are versions of (Go modules reference, "Go toolchains").
const GO_RELEASES: &str = "golang.org/toolchain";

/// Go's standard library, under the name that the vulnerability database and scanners have for it.
fn go_library(version: &str) -> Module {
    Module {
        ecosystem: Ecosystem::Go,
        name: String::from("stdlib"),
        version: version.to_owned(),
        content: None,
        hashes: Vec::new(),
        go_sum: None,
        about: longshore_sbom::About { licence: Some("BSD-3-Clause".to_owned()), ..Default::default() },
    }
}

/// The version of Go's package in a build's toolchain: of `golang-1.24-go`, `1.24.4-1` is 1.24.4.
fn go_package(project: &Project, lock: &Lock, build: &str) -> Option<String> {
    let is_go = |id: &&PackageId| {
        let between = id.name.strip_prefix("golang-").and_then(|rest| rest.strip_suffix("-go"));
        between.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    let found = closure(project, lock, build).iter().find(is_go)?;
    Some(found.version.split(['-', '~', '+']).next()?.to_owned())
}

/// The packages of a build's toolchain, for the platform that builds.
fn closure<'a>(project: &Project, lock: &'a Lock, build: &str) -> &'a [PackageId] {
    let host = project.stack.build_platform().to_string();
    let found = lock.closure_of(&Consumer::Build(build.to_owned()), &host);
    found.map(|closure| closure.packages.as_slice()).unwrap_or_default()
}

/// The packages whose C library is inside of static programs for `platform`.
fn linked(project: &Project, lock: &Lock, build: &str, platform: &Platform) -> Vec<PackageId> {
    match &project.stack.builds[build].kind {
        BuildKind::Cargo(cargo) if cargo.linkage == Linkage::Static => {}
        _ => return Vec::new(),
    }
    let architecture = platform.debian_architecture();
    let cross = format!("libc6-dev-{architecture}-cross");
    let native = *platform == project.stack.build_platform();
    let fits = |id: &&PackageId| match native {
        true => id.name == "libc6-dev" && id.architecture == architecture,
        false => id.name == cross,
    };
    closure(project, lock, build).iter().filter(fits).cloned().collect()
}

/// What a build runs on: `host`, or the packages and trees that the stack file asks for, with their locked versions.
fn toolchain(project: &Project, lock: &Lock, build: &str) -> String {
    let Toolchain::Locked { packages, tools } = &project.stack.builds[build].toolchain else {
        return "host".to_owned();
    };
    let locked = closure(project, lock, build);
    let package = |asked: &longshore_stack::model::PackageRequest| {
        let found = locked.iter().find(|id| id.name == asked.package);
        found.map_or_else(|| asked.package.clone(), |id| format!("{} {}", id.name, id.version))
    };
    let host = project.stack.build_platform().to_string();
    let tool = |tool: &Tool| match tool {
        Tool::Build(name) => format!("build {name}"),
        Tool::Url(name) => match lock.url(name, &host) {
            Some(pin) => format!("url {name} {}", pin.content.digest),
            None => format!("url {name}"),
        },
    };
    packages.iter().map(package).chain(tools.iter().map(tool)).collect::<Vec<_>>().join(", ")
}

/// What the builds made that those images take something from, and of what: of their inputs' builds, too.
fn modules(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    loader: &Loader<'_>,
    composed: &Composed,
    names: &BTreeSet<String>,
    platform: &Platform,
) -> Result<BTreeMap<String, longshore_sbom::Built>, Failure> {
    let told = Told::default();
    let mut outputs: BTreeMap<String, Arc<Component>> = BTreeMap::new();
    {
        let builds = Builds::watched(project, lock, machine, loader, Some(&told));
        for name in builds::wanted(project, names) {
            let needed = builds.needed(platform, &name)?;
            builds.prepare(&name, platform, &needed)?;
            let own = needed.into_iter().filter(|(job, _)| job.platform == *platform);
            outputs.extend(own.map(|(job, made)| (job.build, made)));
            outputs.extend(composed.built.get(&name).map(|made| (name.clone(), made.clone())));
        }
    }
    let mut told = told.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut all = BTreeMap::new();
    for (name, made) in outputs {
        let kind = &project.stack.builds[&name].kind;
        let mut modules = BTreeSet::new();
        for (wanted, content) in told.remove(&name).unwrap_or_default() {
            modules.extend(module(wanted, content, &machine.store)?);
        }
        let library = |module: &Module| module.ecosystem == Ecosystem::Go && module.name == "stdlib";
        if matches!(kind, BuildKind::Go(_)) && !modules.iter().any(library) {
            let version = go_package(project, lock, &name);
            modules.extend(version.map(|version| go_library(&version)));
        }
        let mut sources = BTreeMap::new();
        let paths: Vec<&str> = match kind {
            BuildKind::Command(command) => {
                let inputs = command.inputs.iter().filter_map(|input| match input {
                    BuildInput::Path { path, .. } => Some(path.as_str()),
                    BuildInput::Build { .. } | BuildInput::Url { .. } => None,
                });
                inputs.collect()
            }
            kind => source_folder(kind).into_iter().collect(),
        };
        for relative in paths {
            let component = match project.folder.join(relative).is_dir() {
                true => path::directory(
                    &project.folder,
                    relative,
                    &machine.settings.path,
                    &machine.store,
                    &*machine.progress,
                )?,
                false => path::file(&project.folder, relative, &machine.store)?,
            };
            sources.insert(relative.to_owned(), tree_digest(&component.tree));
        }
        let linked = linked(project, lock, &name, platform);
        let toolchain = toolchain(project, lock, &name);
        all.insert(
            name,
            longshore_sbom::Built { output: made.tree.clone(), modules, linked, toolchain, sources },
        );
    }
    Ok(all)
}
