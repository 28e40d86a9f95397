//! Those who hold images to policies, for tests: `crates/testkit/policies` pins all of their source.

use std::fs;
use std::path::Path;

use crate::kubernetes::{fresh, go};
use crate::run::{Result, root, run, say};
use crate::test::Length;

/// Raised with what is built, so that what was built before is built anew.
const FOLDER: &str = "target/test-tools/policies-1";
/// A program, the module that it is built in, its package, and what is left out of it.
type Program = (&'static str, &'static str, &'static str, &'static str);

/// The library of podman and skopeo.
const SHORT: [Program; 1] = [("allowed", "containers", ".", "containers_image_openpgp")];
const LONG: [Program; 2] = [
    ("policy-tester", "controller", "github.com/sigstore/policy-controller/cmd/tester", ""),
    ("kyverno", "kyverno", "github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno", ""),
];

/// Builds them: for the longer tests eight minutes of processor time, once.
pub fn programs(length: Length) -> Result {
    let folder = root().join(FOLDER);
    fresh(&folder, |folder| {
        say("building the library of podman's policies into target/test-tools");
        build(folder, &SHORT)
    })?;
    if length == Length::Short {
        return Ok(());
    }
    fresh(&folder.join("cluster"), |folder| {
        say("building policy-controller's tester and Kyverno into target/test-tools");
        build(folder, &LONG)
    })
}

/// Builds `programs`. What they compile on the way is used nowhere else, and goes.
fn build(folder: &Path, programs: &[Program]) -> Result {
    let cache = folder.join("cache");
    for (program, module, package, tags) in programs {
        let mut go = go("build");
        go.args(["-ldflags", "-s -w", "-tags", tags, "-o"]).arg(folder.join(program)).arg(package);
        run(go.env("GOCACHE", &cache).current_dir(root().join("crates/testkit/policies").join(module)))?;
    }
    fs::remove_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))
}
