//! The commands: what fetches crates, and what builds with them.

use std::collections::{BTreeMap, BTreeSet};

use longshore_stack::model::{CargoBuild, DefaultFeatures, Linkage};

use super::Error;
use super::bins::Selection;
use super::git;
use super::lock::CargoLock;
use super::target::{Libc, Target};
use crate::{Input, Root, Step};

/// Where Cargo writes.
const TARGET: &str = "/build/target";

/// Gives all checkouts below `/build/ch` the time that every other file has: some programs keep the times of files that
/// they were built with. In `sh`, since the toolchain has no `find`.
const TIMES: &str = r#"reset() {
  for at in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -d "$at" ] && [ ! -L "$at" ]; then reset "$at"; fi
  done
  touch -c -h -d "@$SOURCE_DATE_EPOCH" "$1"/* "$1"/.[!.]* "$1"/..?*
}
reset /build/ch/git/checkouts"#;

/// Brings every crate of the lock, for all platforms, into `/out/registry/cache`, and git's objects into `/out/git`.
pub(super) fn fetch(input: &Input<'_>) -> Step {
    let mut argv = input.command("cargo");
    argv.extend(["fetch", "--locked"].map(str::to_owned));
    let mut env = quiet();
    env.insert(String::from("CARGO_HOME"), String::from("/out"));
    // The user's settings are seen there; a compiler's wrapper that they name isn't.
    for wrapper in ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        env.insert(wrapper.to_owned(), String::new());
    }
    Step { what: String::from("cargo fetch"), argv, env, cwd: String::from("/src") }
}

/// Builds the selected programs for `target`, and puts them into `/out/bin`.
pub(super) fn build(
    spec: &CargoBuild,
    selection: &Selection,
    lock: &CargoLock,
    target: Target,
    input: &Input<'_>,
) -> Result<Vec<Step>, Error> {
    let host = Target::of(&input.host, Libc::Gnu)?;
    let mut argv = input.command("cargo");
    let mut say = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    // Always with a target, so that its flags stay away from build scripts and procedural macros.
    say(&["build", "--frozen", "--profile", &spec.profile, "--target", target.triple]);
    match &selection.package {
        Some(package) => say(&["--package", package]),
        None => say(&["--workspace"]),
    }
    for bin in &selection.bins {
        say(&["--bin", bin]);
    }
    if !spec.features.is_empty() {
        say(&["--features", &spec.features.join(",")]);
    }
    if spec.default_features == DefaultFeatures::Off {
        say(&["--no-default-features"]);
    }
    say(&["--config", &format!("profile.{}.strip=\"symbols\"", spec.profile)]);
    let sources: Vec<String> =
        sources(lock).into_iter().flat_map(|line| ["--config".to_owned(), line]).collect();
    argv.extend(sources.iter().cloned());
    let mut env = environment(target, host, spec.linkage, &input.root);
    env.extend(input.env.clone());
    let what = format!("cargo build {}", selection.bins.join(" "));
    let mut steps = Vec::new();
    if !lock.git.is_empty() {
        steps.extend(check_out(input, sources, env.clone()));
    }
    steps.push(Step { what, argv, env, cwd: String::from("/src") });
    steps.push(install(target, &spec.profile, &selection.bins));
    Ok(steps)
}

/// Makes Cargo's checkouts from `/deps/git`. Only a command that may fetch does so, if only from there.
fn check_out(input: &Input<'_>, sources: Vec<String>, mut env: BTreeMap<String, String>) -> [Step; 2] {
    let mut argv = input.command("cargo");
    argv.extend(["fetch", "--locked"].map(str::to_owned));
    argv.extend(sources);
    env.insert(String::from("XDG_CONFIG_HOME"), git::SETTINGS.to_owned());
    // Git's own program, which a project may prefer, may be none of the toolchain's.
    env.insert(String::from("CARGO_NET_GIT_FETCH_WITH_CLI"), String::from("false"));
    let fetch = Step { what: String::from("cargo fetch from /deps"), argv, env, cwd: String::from("/src") };
    let argv = ["/bin/sh", "-euc", TIMES].map(str::to_owned).into();
    let times = Step {
        what: String::from("reset times of checkouts"),
        argv,
        env: BTreeMap::new(),
        cwd: String::from("/build"),
    };
    [fetch, times]
}

fn quiet() -> BTreeMap<String, String> {
    [("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Every registry of the lock replaced by the vendor folder and every git source by ours, without a word in the project's files (the Cargo book,
/// "Source Replacement").
fn sources(lock: &CargoLock) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for package in &lock.registry {
        let source = &package.source;
        // How locks call Cargo's default registry, whatever mirror it is fetched from. It may not be defined again.
        if source.ends_with("/crates.io-index") {
            lines.insert(String::from("source.crates-io.replace-with=\"longshore\""));
            continue;
        }
        let index = source.strip_prefix("registry+").unwrap_or(source).to_owned();
        let (name, index) = (toml::Value::String(source.clone()), toml::Value::String(index));
        lines.insert(format!("source.{name}.registry={index}"));
        lines.insert(format!("source.{name}.replace-with=\"longshore\""));
    }
    if !lines.is_empty() {
        lines.insert(String::from("source.longshore.directory=\"/deps/vendor\""));
    }
    lines.extend(lock.git.iter().flat_map(git::GitSource::settings));
    lines.into_iter().collect()
}

fn environment(target: Target, host: Target, linkage: Linkage, root: &Root) -> BTreeMap<String, String> {
    let mut env = quiet();
    let mut set = |key: String, value: &str| drop(env.insert(key, value.to_owned()));
    set(String::from("CARGO_HOME"), "/build/ch");
    set(String::from("CARGO_TARGET_DIR"), TARGET);
    // A profile may ask for it, and how it cuts a crate up depends on what was built before.
    set(String::from("CARGO_INCREMENTAL"), "0");
    match linkage {
        Linkage::Dynamic => {}
        Linkage::Static => set(target.variable("RUSTFLAGS"), "-Ctarget-feature=+crt-static"),
        // Rust brings musl's start-up files and library along, and GCC only puts them together (the rustc book,
        // `link-self-contained`). Both are the default of most of these targets, and here of all.
        Linkage::Musl => {
            set(target.variable("RUSTFLAGS"), "-Ctarget-feature=+crt-static -Clink-self-contained=yes");
        }
    }
    let packages = matches!(root, Root::Packages(_));
    if target.gnu != host.gnu {
        set(target.variable("LINKER"), &format!("{}-gcc", target.gnu));
        // Debian's C compilers are for its own C library.
        if linkage != Linkage::Musl {
            set(target.variable_of("CC"), &format!("{}-gcc", target.gnu));
        }
    } else if packages {
        set(target.variable("LINKER"), "gcc");
    }
    if packages {
        // `cc` is an alternative, which no package holds.
        set(host.variable("LINKER"), "gcc");
        set(host.variable_of("CC"), "gcc");
    }
    env
}

/// Copies the programs out.
fn install(target: Target, profile: &str, bins: &[String]) -> Step {
    // Cargo's own names of folders (the Cargo book, "Build Cache").
    let folder = match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    };
    let mut argv: Vec<String> =
        ["/usr/bin/install", "-D", "-m", "0755", "-t", "/out/bin"].map(str::to_owned).into();
    argv.extend(bins.iter().map(|bin| format!("{TARGET}/{}/{folder}/{bin}", target.triple)));
    Step {
        what: format!("install {}", bins.join(" ")),
        argv,
        env: BTreeMap::new(),
        cwd: String::from("/build"),
    }
}
