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
use longshore_stack::model::{CargoBuild, Linkage};

pub use error::Error;
pub use git::{GitError, ObjectId};

use crate::source::Source;
use crate::{Input, Mounted, Recipe, Root};
use lock::CargoLock;
use manifest::Project;
use target::{Libc, Target};

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
    reads(&lock, input)?;
    let target = Target::of(platform, Libc::of(spec.linkage))?;
    has_std(target, platform, spec.linkage, input)?;
    let selection = bins::select(spec, &project, &lock, &source)?;
    let steps = recipe::build(spec, &selection, &lock, target, input)?;
    let mut mounts = BTreeMap::new();
    if let Some(tree) = input.source {
        mounts.insert(String::from("/src"), Mounted { what: String::from("source"), tree });
    }
    if let Some(tree) = vendor::folder(name, &lock, input)? {
        mounts.insert(String::from("/deps"), Mounted { what: String::from("crates"), tree });
    }
    input.recipe(name, platform, mounts, steps)
}

/// Fails when the locked toolchain's Cargo is too old for the form of the lock, or for what is in it.
fn reads(lock: &CargoLock, input: &Input<'_>) -> Result<(), Error> {
    let Some(found) = version(input) else { return Ok(()) };
    let mut numbers = found.split(['.', '+', '-', '~', ' ']).map(|part| part.parse::<u64>().unwrap_or(0));
    let numbers = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if !lock.git.is_empty() && numbers < SHALLOW.0 {
        return Err(GitError::OldToolchain { needed: SHALLOW.1, found }.into());
    }
    match FORMS.iter().find(|(form, ..)| *form == lock.form) {
        Some((form, first, needed)) if numbers < *first => {
            Err(Error::OldToolchain { form: *form, needed, found })
        }
        _ => Ok(()),
    }
}

/// The version of Cargo, where it can be known without running it: of a package, or of a tool with the file `version` that
/// Rust's own archives have.
fn version(input: &Input<'_>) -> Option<String> {
    if let Some((tool, _)) = input.tool_with("cargo") {
        return input.line(tool, "version").filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    }
    let Root::Packages(packages) = &input.root else { return None };
    packages.keys().find(|id| id.name == "cargo").map(|id| id.version.clone())
}

/// Fails when the toolchain, as far as it can be known, lacks Rust's standard library for `target`: the tree that `rustc`
/// is in, or Debian's packages.
fn has_std(target: Target, platform: &Platform, linkage: Linkage, input: &Input<'_>) -> Result<(), Error> {
    if let Some((tool, _)) = input.tool_with("rustc") {
        let triple = target.triple.to_owned();
        return match tool.has(&format!("lib/rustlib/{triple}")) {
            true => Ok(()),
            false => Err(Error::NoStdInTool { tool: tool.name.clone(), triple }),
        };
    }
    let Root::Packages(packages) = &input.root else { return Ok(()) };
    let has = |platform: &Platform| {
        let architecture = platform.debian_architecture();
        packages.keys().any(|id| id.name.starts_with("libstd-rust-") && id.architecture == architecture)
    };
    match linkage {
        // No package of Debian's has it.
        Linkage::Musl => Err(Error::NoMusl { triple: target.triple.to_owned() }),
        Linkage::Dynamic | Linkage::Static if has(&input.host) && !has(platform) => {
            Err(Error::NoStd { platform: platform.to_string() })
        }
        Linkage::Dynamic | Linkage::Static => Ok(()),
    }
}
