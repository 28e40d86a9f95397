//! The flake, evaluated and built by a real Nix in its sandbox, with what stands for nixpkgs in tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use longshore_testkit::engine::Docker;
use longshore_testkit::nix::{NixStore, SYSTEM};
use longshore_testkit::{Nix, Sandbox, Tool, layout, tree};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{LONGSHORE, root};

/// A flake in a git repository, a store at `/nix`, and longshore with both.
struct World {
    store: NixStore,
    sandbox: Sandbox,
    folder: TempDir,
}

impl World {
    /// Around the flake that `files` are, by their paths.
    fn new(files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Nix::installed().mounted_store(&folder.path().join("store"));
        store.stub_nixpkgs(Path::new(LONGSHORE), &folder.path().join("nixpkgs"));
        let path = std::env::var("PATH").unwrap_or_default();
        let sandbox = Sandbox::new(LONGSHORE).through(store.through());
        let sandbox =
            store.environment(&path).iter().fold(sandbox, |all, (name, value)| all.env(name, value));
        for (name, text) in files {
            sandbox.write(name, text);
        }
        let world = Self { store, sandbox, folder };
        world.git(&["init", "--quiet"]);
        world.git(&["add", "--all"]);
        world.nix(&["flake", "lock"]);
        world.git(&["add", "--all"]);
        world
    }

    /// Around this repository's flake.
    fn repository() -> Self {
        let listed = Tool::new("git").arg("-C").arg(root()).args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
        ]);
        let listed = listed.args(["flake.nix", "nix", "Cargo.toml", "Cargo.lock", "stacks/betrace"]).run();
        let read = |name| (name, fs_err::read_to_string(root().join(name)));
        // All of them are text, but for one picture.
        let files = listed.lines().map(read).filter_map(|(name, text)| Some((name, text.ok()?)));
        Self::new(&files.filter(|(name, _)| *name != "flake.lock").collect::<Vec<_>>())
    }

    fn git(&self, arguments: &[&str]) {
        Tool::new("git").arg("-C").arg(self.sandbox.work()).args(arguments).run();
    }

    /// Runs `nix` in the flake's folder.
    fn nix(&self, arguments: &[&str]) -> String {
        let work = self.sandbox.work().display().to_string();
        self.store
            .tool("env")
            .args(["-C", &work, "nix"])
            .args(arguments)
            .env("HOME", self.folder.path())
            .run()
    }

    /// Builds an output of the flake: where it is for whoever is not in the store's namespace.
    fn build(&self, name: &str) -> PathBuf {
        let built = self.nix(&["build", "--no-link", "--print-out-paths", &format!(".#{name}")]);
        self.store.on_disk(built.trim())
    }

    /// Whether Nix, building it once more, gets the same bytes.
    fn builds_again(&self, name: &str) {
        self.nix(&["build", "--no-link", "--rebuild", &format!(".#{name}")]);
    }
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(file).unwrap()).unwrap()
}

/// Image names and manifest digests of a layout.
fn digests(layout: &Path) -> BTreeMap<String, String> {
    let index = json(&layout.join("index.json"));
    let row = |entry: &Value| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
        (name.to_owned(), entry["digest"].as_str().unwrap().to_owned())
    };
    index["manifests"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn the_flake_has_its_outputs_for_both_systems() {
    let world = World::repository();
    let shown: Value =
        serde_json::from_str(&world.nix(&["flake", "show", "--json", "--all-systems"])).unwrap();
    for system in ["x86_64-linux", "aarch64-linux"] {
        let packages = &shown["packages"][system];
        for image in
            ["alloy", "backend", "frontend", "grafana", "loadgen", "loki", "prometheus", "pyroscope", "tempo"]
        {
            for name in [format!("container-{image}"), format!("{image}-layout")] {
                assert_eq!(packages[&name]["type"], "derivation", "{system} {name}");
            }
        }
        for name in [
            "containers-all",
            "cosign-keygen",
            "default",
            "docker-compose",
            "kubernetes",
            "longshore",
            "sbom",
        ] {
            assert_eq!(packages[name]["type"], "derivation", "{system} {name}");
        }
        for name in ["cosign-keygen", "default", "push", "sign", "up", "verify"] {
            assert_eq!(shown["apps"][system][name]["type"], "app", "{system} {name}");
        }
    }
    // The applications are flakes of their own.
    for (folder, name) in
        [("backend", "betrace-backend"), ("frontend", "betrace-frontend"), ("grafana-app", "betrace-app")]
    {
        let nixpkgs = world.folder.path().join("nixpkgs");
        let path = format!("path:{}/stacks/betrace/apps/{folder}", world.sandbox.work().display());
        let input = format!("path:{}", nixpkgs.display());
        let built = world.nix(&[
            "eval",
            "--raw",
            "--no-write-lock-file",
            "--override-input",
            "nixpkgs",
            &input,
            &format!("{path}#packages.{SYSTEM}.default.pname"),
        ]);
        assert_eq!(built, name);
    }
}

#[test]
fn keys_are_made_in_the_users_folder_and_not_in_the_store() {
    let world = World::repository();
    let work = world.sandbox.work();
    // What the predecessor made a key with gives a program.
    let program = world.build("cosign-keygen").join("bin/cosign-keygen");
    assert!(program.is_file(), "{}", program.display());
    assert!(!work.join("cosign.key").exists());
    let run = world.store.tool("env").arg("-C").arg(&work).args(["nix", "run", ".#cosign-keygen"]);
    run.env("HOME", world.folder.path()).env("COSIGN_PASSWORD", "secret").run();
    let keys = tree::dump(&work);
    assert!(keys["/cosign.key"].starts_with("file 0600 "), "{}", keys["/cosign.key"]);
    assert!(keys.contains_key("/cosign.pub"));
    let stored = tree::dump(&world.store.on_disk("/nix/store"));
    let keys: Vec<_> = stored.keys().filter(|path| path.ends_with(".key")).collect();
    assert!(keys.is_empty(), "{keys:?}");
}
