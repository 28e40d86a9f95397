//! Whether what was vendored has all that the locks want, and every byte of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use longshore_build::{Wanted, Witness};
use longshore_oci::Content;
use longshore_stack::lock::{Lock, LockedManifest};
use longshore_vendor::{Kind, Place, Vendored};
use serde_json::json;

use super::gather;
use crate::args::Global;
use crate::builds::Builds;
use crate::commands::lock::for_build;
use crate::inputs::Loader;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, in_profile, plural, print, print_json};
use crate::vendored::{kind, package, reason};

pub fn run(global: &Global, projects: &[Project], machine: &Machine, place: &Place) -> Result<(), Failure> {
    let [first, ..] = projects else { return Ok(()) };
    let Some(vendored) = machine.vendored(first)? else { return Ok(()) };
    let mut lacks = Vec::new();
    for project in projects {
        let lock = for_build(global, project, machine)?;
        lacks.extend(of_lock(project, &lock, machine, vendored)?);
    }
    lacks.extend(vendored.damages()?);
    let inputs = vendored.inventory().inputs().count();
    if !lacks.is_empty() {
        let again = format!("longshore vendor --to {place}");
        let again = match (&projects, &first.stack.profile) {
            ([_], Some(name)) => in_profile(&again, name),
            ([_], None) => again,
            _ => format!("{again} --all-profiles"),
        };
        return Err(Failure::Incomplete { place: place.to_string(), lacks, again });
    }
    if global.json {
        print_json(&json!({ "place": place.to_string(), "complete": true, "inputs": inputs }));
    } else {
        print(&format!("{place} has all that is locked: {}", plural(inputs, "input")));
    }
    Ok(())
}

/// What of `lock` is not vendored.
fn of_lock(
    project: &Project,
    lock: &Lock,
    machine: &Machine,
    vendored: &Vendored,
) -> Result<BTreeSet<String>, Failure> {
    let wanting = Wanting { vendored, missing: Mutex::default() };
    for (id, locked) in &lock.packages {
        let why = reason(lock, id).map(|why| format!(", for {why}")).unwrap_or_default();
        wanting.file(Kind::Deb, &locked.content, format!("{}{why}", package(id)));
    }
    for pin in &lock.urls {
        wanting.file(Kind::Url, &pin.content, format!("url `{}`", pin.name));
    }
    for (name, image) in &lock.images {
        for blob in image.platforms.values().flat_map(LockedManifest::blobs) {
            wanting.file(Kind::ImageBlob, blob, format!("blob {} of image `{name}`", blob.digest));
        }
    }
    for (path, locked) in &lock.store_paths {
        wanting.file(Kind::Nar, &locked.nar, format!("store path `{}`", path.base_name()));
    }
    let loader = Loader::new(project, lock, machine);
    let builds = Builds::watched(project, lock, machine, &loader, Some(&wanting));
    for name in gather::fetching(project) {
        match gather::prepare(project, &builds, name) {
            Err(Failure::Build(longshore_build::Error::NotSupplied { build, missing })) => {
                missing.iter().for_each(|what| wanting.lacks(format!("{what}, for build `{build}`")));
            }
            // Packages of a toolchain, which were looked for above.
            Err(Failure::NotVendored { .. }) => {}
            Err(Failure::Because { failure, .. }) if matches!(*failure, Failure::NotVendored { .. }) => {}
            other => other?,
        }
    }
    drop(builds);
    Ok(wanting.missing.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Notes what is wanted and not vendored.
struct Wanting<'a> {
    vendored: &'a Vendored,
    missing: Mutex<BTreeSet<String>>,
}

impl Wanting<'_> {
    fn file(&self, kind: Kind, content: &Content, what: String) {
        self.known(kind, &content.digest.to_string(), content, what);
    }

    fn known(&self, kind: Kind, id: &str, content: &Content, what: String) {
        let listed = self.vendored.inventory().get(kind, id);
        if listed.is_none_or(|listed| listed.input.content != *content) {
            self.lacks(what);
        }
    }

    fn lacks(&self, what: String) {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
    }
}

impl Witness for Wanting<'_> {
    fn takes(&self, build: &str, wanted: Wanted, content: Content) {
        self.known(kind(wanted.kind), &wanted.id, &content, format!("{wanted}, for build `{build}`"));
    }
}
