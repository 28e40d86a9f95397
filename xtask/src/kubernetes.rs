//! Kubernetes' own programs and schemas, for tests: kept in `target/test-tools`, nothing of them is installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Result, root, run, say};

/// The release whose programs are built: `crates/testkit/kubernetes/go.mod` pins all of their source.
const KUBERNETES: &str = "1.37.2";
const HELM: &str = "3.22.0";
/// Programs and their packages.
const PROGRAMS: [(&str, &str); 3] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
];

/// The validator that holds the published schemas of several releases, and all that it needs.
const VALIDATOR: &str = "1.37.0";
const NEEDED: [&str; 8] = [
    "attrs==26.1.0",
    "importlib_resources==7.1.0",
    "jsonschema==4.26.0",
    "jsonschema-specifications==2025.9.1",
    "packaging==26.4",
    "PyYAML==6.0.4",
    "referencing==0.37.0",
    "typing_extensions==4.16.0",
];

/// Fetches the schemas and what reads them.
pub fn schemas() -> Result {
    let folder = root().join(format!("target/test-tools/kubernetes-validate-{VALIDATOR}"));
    fresh(&folder, |folder| {
        say("fetching Kubernetes' schemas into target/test-tools");
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let validator = format!("kubernetes-validate=={VALIDATOR}");
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", &validator]);
        run(pip.args(NEEDED))
    })
}

/// Builds an API server, its database, its client, and Helm: twelve minutes of processor time, once.
pub fn programs() -> Result {
    let tools = root().join("target/test-tools");
    fresh(&tools.join(format!("kubernetes-{KUBERNETES}")), |folder| {
        say(&format!("building Kubernetes {KUBERNETES} into target/test-tools"));
        let version = "k8s.io/component-base/version";
        let flags = format!(
            "-s -w -X {version}.gitVersion=v{KUBERNETES} -X {version}.gitMajor=1 -X {version}.gitMinor=37"
        );
        for (program, package) in PROGRAMS {
            let mut go = go("build");
            go.args(["-ldflags", &flags, "-o"]).arg(folder.join(program)).arg(package);
            run(go.current_dir(root().join("crates/testkit/kubernetes")))?;
        }
        Ok(())
    })?;
    fresh(&tools.join(format!("helm-{HELM}")), |folder| {
        say(&format!("building Helm {HELM} into target/test-tools"));
        let package = format!("helm.sh/helm/v3/cmd/helm@v{HELM}");
        run(go("install").args(["-ldflags", "-s -w"]).arg(package).env("GOBIN", folder))
    })
}

/// Go, for one of its own commands; it fetches a newer one of itself when it must.
pub fn go(command: &str) -> Command {
    let mut go = Command::new("go");
    // One package at a time: some take two gigabytes of memory.
    go.args([command, "-p", "1", "-trimpath"]).env("GOFLAGS", "").env("CGO_ENABLED", "0");
    go
}

/// Makes a folder with `make`, unless it is there; one that is half done is not.
pub fn fresh(folder: &Path, make: impl FnOnce(&Path) -> Result) -> Result {
    let done = folder.join("done");
    if done.exists() {
        return Ok(());
    }
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(said)?;
    }
    fs::create_dir_all(folder).map_err(said)?;
    make(folder)?;
    fs::write(done, "").map_err(said)
}
