//! Which packages of a lock an install on the building machine takes, and whether the lock has all of them.

use std::collections::BTreeSet;

use longshore_oci::Platform;

use super::Error;
use super::lock::{NpmLock, Package, Words, own_name};

/// A platform in Node's words (Node.js, `process.platform` and `process.arch`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// `process.arch`.
    pub cpu: &'static str,
}

/// `process.platform` of every platform that builds.
const OS: &str = "linux";
/// The C library of every toolchain.
const LIBC: &str = "glibc";

impl Machine {
    /// The one that Node sees on `platform`.
    pub fn of(platform: &Platform) -> Self {
        let cpu = match platform.architecture.as_str() {
            "386" => "ia32",
            "arm" => "arm",
            "arm64" => "arm64",
            "ppc64le" => "ppc64",
            "riscv64" => "riscv64",
            "s390x" => "s390x",
            _ => "x64",
        };
        Self { cpu }
    }

    /// Whether npm installs `package` here.
    pub fn fits(&self, package: &Package) -> bool {
        [(&package.os, OS), (&package.cpu, self.cpu), (&package.libc, LIBC)]
            .iter()
            .all(|(words, own)| allows(words, own))
    }

    /// Whether `name` is that of a package's part for this machine: `@esbuild/linux-x64`, `lightningcss-linux-x64-gnu`.
    fn is_own_part(&self, name: &str) -> bool {
        let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        words.contains(&OS) && words.contains(&self.cpu) && !words.contains(&"musl")
    }
}

/// Whether a list of words, `!` before those that are out, allows `own` (npm documentation, "package.json", `os`).
fn allows(words: &Words, own: &str) -> bool {
    let (out, within): (Vec<&str>, Vec<&str>) =
        words.0.iter().map(String::as_str).partition(|word| word.starts_with('!'));
    if out.iter().any(|word| &word[1..] == own) {
        return false;
    }
    within.is_empty() || within.contains(&own) || within == ["any"]
}

/// The part of `lock` that an install on `machine` looks at: without optional packages for other platforms and what
/// lies in their folders. Those that the project itself asks for stay, since its manifests name them; npm leaves them out by itself.
pub(super) fn select(lock: &NpmLock, machine: Machine) -> NpmLock {
    let mut asked = BTreeSet::new();
    for (place, package) in lock.packages.iter().filter(|(place, _)| is_own(place)) {
        asked.extend(package.optional_dependencies.keys().filter_map(|name| lock.find(place, name)));
    }
    let dropped: BTreeSet<&String> = lock
        .packages
        .iter()
        .filter(|(place, package)| {
            (package.optional || package.dev_optional) && !machine.fits(package) && !asked.contains(*place)
        })
        .map(|(place, _)| place)
        .collect();
    let mut selected = lock.clone();
    selected.packages.retain(|place, _| !lies_in(place, &dropped));
    selected
}

/// Whether `place` is one of `folders` or below one.
fn lies_in(place: &str, folders: &BTreeSet<&String>) -> bool {
    let ends = place.match_indices("/node_modules/").map(|(at, _)| at).chain([place.len()]);
    ends.into_iter().any(|end| folders.contains(&place[..end].to_owned()))
}

/// Whether the entry is one of the project's own packages: its root or a workspace.
pub(super) fn is_own(place: &str) -> bool {
    !place.contains("node_modules/")
}

/// Fails when a package that has a part for each platform lacks the one for `machine`: npm leaves such parts out of
/// locks without a word when it can't get them, and the build would fail for want of them.
pub(super) fn has_own_parts(lock: &NpmLock, machine: Machine) -> Result<(), Error> {
    for (place, package) in &lock.packages {
        let mut parts =
            package.optional_dependencies.keys().filter(|name| machine.is_own_part(name)).peekable();
        let Some(first) = parts.peek().map(|name| (*name).clone()) else { continue };
        if parts.all(|name| lock.find(place, name).is_none()) {
            let package = match is_own(place) {
                true => package.name.clone().unwrap_or_else(|| String::from("package.json")),
                false => format!("{}@{}", own_name(place), package.version.as_deref().unwrap_or("?")),
            };
            return Err(Error::NoVariant { package, variant: first, file: lock.file.clone() });
        }
    }
    Ok(())
}
