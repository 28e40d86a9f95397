//! npm packages: tarballs by the sums of `package-lock.json`, installed offline, and a script's output.
//!
//! ```text
//! package-lock.json ─→ what this machine installs ─→ tarballs: fetched by npm, each held to its sum ─→ /deps/tgz
//!                   └→ the same lock with a file for each tarball ─→ npm ci --offline ─→ npm run build ─→ /out
//! ```

mod error;
mod integrity;
mod lock;
mod project;
mod recipe;
mod rewrite;
mod select;
mod tarballs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use longshore_oci::Platform;
use longshore_stack::model::NpmBuild;

pub use error::Error;

use crate::source::Source;
use crate::{Input, Mounted, Recipe};
use lock::NpmLock;
use select::Machine;

/// Lock files in the order in which npm looks for them.
const LOCKS: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];
/// Lock files of other programs.
const OTHERS: [&str; 5] = ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock"];
/// Bytes of a lock file that are read.
const MAX_LOCK: u64 = 64 << 20;

/// How the build `name` is made for `platform`; what it leaves is the same for all. Checks the lock file and its
/// manifests, and fetches the tarballs that the store lacks; with all of them there, neither network nor process is used.
pub fn prepare(
    name: &str,
    spec: &NpmBuild,
    platform: &Platform,
    input: &Input<'_>,
) -> Result<Recipe, crate::Error> {
    let source = Source::open(input)?;
    let lock = read(&source)?;
    let selection = project::select(spec, &lock, &source)?;
    let machine = Machine::of(&input.host);
    let selected = select::select(&lock, machine);
    select::has_own_parts(&selected, machine)?;
    let mut mounts = BTreeMap::new();
    if let Some(tree) = input.source {
        mounts.insert(String::from("/src"), Mounted { what: String::from("source"), tree });
    }
    let tree = tarballs::folder(name, &selected, input)?;
    mounts.insert(String::from("/deps"), Mounted { what: String::from("npm packages"), tree });
    input.recipe(name, platform, mounts, recipe::build(spec, &selection, &lock.file, input))
}

/// The lock that npm would use.
fn read(source: &Source) -> Result<NpmLock, crate::Error> {
    for file in LOCKS {
        if let Some(bytes) = source.read(file, MAX_LOCK)? {
            return Ok(NpmLock::parse(file, &bytes)?);
        }
    }
    Err(match OTHERS.into_iter().find(|file| source.file(file).is_some()) {
        Some(found) => Error::OtherLock { found: found.to_owned() },
        None => Error::Missing { file: String::from("package-lock.json") },
    }
    .into())
}
