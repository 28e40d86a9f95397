//! Cargo packages: crates by the checksums of `Cargo.lock`, git sources by its revisions, built frozen.
//!
//! ```text
//! Cargo.lock ─→ checksums ─→ crates: fetched by Cargo, each held to its checksum, unpacked by us ─→ /deps/vendor
//!            └→ revisions ─→ git objects: fetched by Cargo, each held to its name ─→ /deps/git
//! Cargo.toml ─→ is the lock theirs? which programs? ─→ cargo build --frozen … ─→ /out/bin
//! ```

mod bins;
mod error;
mod git;
mod lock;
mod manifest;
mod recipe;
mod target;
#[cfg(test)]
mod tests;
mod unpack;
mod vendor;

use std::collections::BTreeMap;

use longshore_oci::Platform;
use longshore_stack::model::CargoBuild;

pub use error::Error;
pub use git::{GitError, ObjectId};

use crate::source::Source;
use crate::{Input, Mounted, Recipe, Root, SANDBOX_VERSION};
use lock::CargoLock;
use manifest::Project;

/// Bytes of a `Cargo.lock` that are read.
const MAX_LOCK: u64 = 16 << 20;
/// From which Cargo on lock forms are read (Cargo's changelog).
const FORMS: [(u32, (u64, u64), &str); 2] = [(3, (1, 53), "1.53"), (4, (1, 78), "1.78")];

/// From which Cargo on a repository without its history can be read (libgit2 1.7).
const SHALLOW: ((u64, u64), &str) = ((1, 74), "1.74");

/// How the build `name` is made for `platform`. Checks the lock file and its manifests, and fetches the crates that the
/// store lacks; with all of them there, neither network nor process is used.
pub fn prepare(
    name: &str,
    spec: &CargoBuild,
    platform: &Platform,
    input: &Input<'_>,
) -> Result<Recipe, crate::Error> {
    let source = Source::open(input)?;
    let project = Project::read(&source)?;
    let Some(text) = source.read("Cargo.lock", MAX_LOCK)? else {
        return Err(Error::Missing { file: String::from("Cargo.lock") }.into());
    };
    let lock = CargoLock::parse(&text)?;
    project.check(&lock)?;
    reads(&lock, &input.root)?;
    has_std(platform, input)?;
    let selection = bins::select(spec, &project, &lock, &source)?;
    let steps = recipe::build(spec, &selection, &lock, (platform, &input.host), &input.root, &input.env)?;
    let mut mounts = BTreeMap::new();
    if let Some(tree) = input.source {
        mounts.insert(String::from("/src"), Mounted { what: String::from("source"), tree });
    }
    if let Some(tree) = vendor::folder(name, &lock, input)? {
        mounts.insert(String::from("/deps"), Mounted { what: String::from("crates"), tree });
    }
    Ok(Recipe {
        name: name.to_owned(),
        sandbox: SANDBOX_VERSION,
        platform: platform.clone(),
        root: input.root.clone(),
        mounts,
        steps,
        output: String::from("/out"),
        caches: BTreeMap::new(),
    })
}

/// Fails when the locked toolchain's Cargo is too old for the form of the lock, or for what is in it.
fn reads(lock: &CargoLock, root: &Root) -> Result<(), Error> {
    let Root::Packages(packages) = root else { return Ok(()) };
    let Some(cargo) = packages.keys().find(|id| id.name == "cargo") else { return Ok(()) };
    let mut numbers = cargo.version.split(['.', '+', '-', '~']).map(|part| part.parse::<u64>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if !lock.git.is_empty() && found < SHALLOW.0 {
        return Err(GitError::OldToolchain { needed: SHALLOW.1, found: cargo.version.clone() }.into());
    }
    match FORMS.iter().find(|(form, ..)| *form == lock.form) {
        Some((form, first, needed)) if found < *first => {
            Err(Error::OldToolchain { form: *form, needed, found: cargo.version.clone() })
        }
        _ => Ok(()),
    }
}

/// Fails when the toolchain is Debian's, and has the standard library of its own platform but not of `platform`.
fn has_std(platform: &Platform, input: &Input<'_>) -> Result<(), Error> {
    let Root::Packages(packages) = &input.root else { return Ok(()) };
    let has = |platform: &Platform| {
        let architecture = platform.debian_architecture();
        packages.keys().any(|id| id.name.starts_with("libstd-rust-") && id.architecture == architecture)
    };
    if has(&input.host) && !has(platform) {
        return Err(Error::NoStd { platform: platform.to_string() });
    }
    Ok(())
}
