//! cosign, and the servers of a private Sigstore, for tests: kept in `target/test-tools`, nothing of them is installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::kubernetes::{fresh, go};
use crate::run::{Result, root, run, say};
use crate::test::Length;

/// Raised with what is built, so that what was built before is built anew.
const FOLDER: &str = "target/test-tools/sigstore-1";

const COSIGN: &str = "github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3";
/// Of the versions that this cosign is made of itself.
const SERVERS: [&str; 5] = [
    "github.com/sigstore/fulcio@v1.8.8",
    "github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server@v2.1.2",
    // Rekor 2 with its log in files; it is called `posix`.
    "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix@v2.3.0",
    "github.com/sigstore/rekor/cmd/rekor-server@v1.5.3",
    "github.com/google/certificate-transparency-go/trillian/ctfe/ct_server@v1.3.3",
];

/// Builds cosign, and for the longer tests the servers: five minutes of processor time each, once.
pub fn setup(length: Length) -> Result {
    let folder = root().join(FOLDER);
    fresh(&folder, |folder| {
        say("building cosign into target/test-tools");
        build(folder, [install(COSIGN)])
    })?;
    if length == Length::Short {
        return Ok(());
    }
    fresh(&folder.join("servers"), |folder| {
        say("building a private Sigstore's servers into target/test-tools");
        // What Rekor 1 and the certificate log write to.
        let mut trillian = go("build");
        trillian.args(["-ldflags", "-s -w", "-o"]).arg(folder.join("trillian")).arg("./trillian");
        trillian.current_dir(root().join("crates/testkit/sigstore"));
        build(folder, SERVERS.map(install).into_iter().chain([trillian]))
    })
}

/// Go, for a package of a module that is not ours.
fn install(package: &str) -> Command {
    let mut go = go("install");
    go.args(["-ldflags", "-s -w", package]);
    go
}

/// Runs commands of Go's that put programs into `folder`. What they compile on the way is used nowhere else, and goes.
fn build(folder: &Path, commands: impl IntoIterator<Item = Command>) -> Result {
    let cache = folder.join("cache");
    for mut command in commands {
        run(command.env("GOBIN", folder).env("GOCACHE", &cache))?;
    }
    fs::remove_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))
}
