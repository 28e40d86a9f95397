//! Registries and clients of registries, for tests: `crates/testkit/registries/go.mod` pins all of their source.

use std::path::{Path, PathBuf};

use crate::kubernetes::{fresh, go};
use crate::run::{Result, root, run, say};

/// Raised with what is built, so that what was built before is built anew.
const FOLDER: &str = "target/test-tools/registries-1";
/// What tests need.
const SHORT: [&str; 3] =
    ["./distribution", "./referrers", "github.com/google/go-containerregistry/cmd/crane"];

/// Builds those that tests need.
pub fn programs() -> Result {
    fresh(&root().join(FOLDER), |folder| {
        say("building registries into target/test-tools");
        build(folder, &SHORT)
    })
}

/// What benchmarks compare with besides.
const BENCH: &str = "github.com/regclient/regclient/cmd/regctl";

/// Builds those that benchmarks need.
pub fn clients() -> Result {
    programs()?;
    let folder = root().join(FOLDER);
    if folder.join("regctl").exists() { Ok(()) } else { build(&folder, &[BENCH]) }
}

/// crane, once built.
pub fn crane() -> PathBuf {
    root().join(FOLDER).join("crane")
}

fn build(folder: &Path, packages: &[&str]) -> Result {
    let mut go = go("build");
    // With the separator, so that what is built goes into the folder under its own name.
    go.args(["-ldflags", "-s -w", "-o"]).arg(folder.join("")).args(packages);
    run(go.current_dir(root().join("crates/testkit/registries")))
}
