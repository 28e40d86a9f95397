//! The flake, evaluated and built by a real Nix in its sandbox, with what stands for nixpkgs in tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use longshore_testkit::apt::Repository;
use longshore_testkit::engine::Docker;
use longshore_testkit::nix::{NixStore, SYSTEM};
use longshore_testkit::registry::{Kind, Registry, crane};
use longshore_testkit::{Nix, Sandbox, Tool, layout, tree};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{LONGSHORE, hello, root, stack_file};

/// A flake in a git repository, a store at `/nix`, and longshore with both.
struct World {
    store: NixStore,
    sandbox: Sandbox,
    folder: TempDir,
}

impl World {
    /// Around the flake that `files` are, by their paths.
    fn new(files: &[(String, String)]) -> Self {
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
        let nixpkgs = format!("path:{}", world.folder.path().join("nixpkgs").display());
        world.nix(&["flake", "lock", "--override-input", "nixpkgs", &nixpkgs]);
        world.git(&["add", "--all"]);
        world
    }

    /// Around this repository's flake.
    fn repository() -> Self {
        Self::new(&flake_files())
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

    /// Writes a Flox environment that installs what `installables` are, for both systems the same.
    fn with_flox(&self, installables: &[&str]) {
        let build = [&["build", "--no-link", "--print-out-paths"], installables].concat();
        let paths = self.nix(&build);
        let package = |(n, path): (usize, &str), system: &str| {
            let outputs = serde_json::json!({ "out": path, "other": "/nix/store/none" });
            serde_json::json!({
                "install_id": format!("p{n}"), "system": system, "group": "toplevel", "priority": 5, "attr_path": "p",
                "derivation": "d", "outputs": outputs, "outputs_to_install": ["out"], "locked_url": "u", "rev": "r",
            })
        };
        let manifest = serde_json::json!({ "version": 1, "install": {} });
        let systems = ["x86_64-linux", "aarch64-linux"];
        let packages: Vec<_> = systems
            .iter()
            .flat_map(|system| paths.lines().enumerate().map(|path| package(path, system)))
            .collect();
        let lock = serde_json::json!({ "lockfile-version": 1, "manifest": manifest, "packages": packages });
        self.sandbox.write("env/.flox/env.json", r#"{"name": "env", "version": 1}"#);
        self.sandbox.write("env/.flox/env/manifest.toml", "version = 1\n");
        self.sandbox.write("env/.flox/env/manifest.lock", lock.to_string());
        self.git(&["add", "--all"]);
    }

    /// Runs an app of the flake in the flake's folder.
    fn app(&self, name: &str, arguments: &[&str]) -> String {
        let at = |name: &str| self.folder.path().join(name);
        let work = self.sandbox.work().display().to_string();
        let run = self.store.tool("env").args(["-C", &work, "nix", "run", &format!(".#{name}"), "--"]);
        let run = run.args(arguments).env("HOME", self.folder.path()).env("COSIGN_PASSWORD", "secret");
        run.env("LONGSHORE_STORE", at("content")).env("XDG_STATE_HOME", at("state")).run()
    }

    /// Whether Nix, building it once more, gets the same bytes.
    fn builds_again(&self, name: &str) {
        self.nix(&["build", "--no-link", "--rebuild", &format!(".#{name}")]);
    }
}

/// The files that this repository's flake reads, without its lock; all are text but for pictures, which nothing needs here.
fn flake_files() -> Vec<(String, String)> {
    let git = Tool::new("git").arg("-C").arg(root());
    let git = git.args(["ls-files", "--cached", "--others", "--exclude-standard", "--"]);
    let listed = git.args(["flake.nix", "nix", "Cargo.toml", "Cargo.lock", "stacks/betrace"]).run();
    let read = |name: &str| Some((name.to_owned(), fs_err::read_to_string(root().join(name)).ok()?));
    listed.lines().filter_map(read).collect()
}

/// Writes this repository's flake into `folder`, to be an input of others.
fn write_flake(folder: &Path) {
    for (name, text) in flake_files() {
        let file = folder.join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
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
    world.app("cosign-keygen", &[]);
    let keys = tree::dump(&work);
    assert!(keys["/cosign.key"].starts_with("file 0600 "), "{}", keys["/cosign.key"]);
    assert!(keys.contains_key("/cosign.pub"));
    let stored = tree::dump(&world.store.on_disk("/nix/store"));
    let keys: Vec<_> = stored.keys().filter(|path| path.ends_with(".key")).collect();
    assert!(keys.is_empty(), "{keys:?}");
}

#[test]
fn apps_work_on_the_users_folder_with_the_images_of_the_flake() {
    let registry = Registry::start(Kind::Distribution);
    let world = World::repository();
    let expected = digests(&world.build("backend-layout"));
    let to = format!("{}/betrace", registry.host());
    world.app("cosign-keygen", &[]);
    world.app("push", &["--to", &to, "--tag", "v1"]);
    assert!(world.sandbox.work().join("stacks/betrace/stack.nix.published").is_file());
    let pushed = crane().args(["digest", "--insecure", &format!("{to}/backend:v1")]).run();
    assert_eq!(pushed.trim(), expected["ghcr.io/betrace-hq/backend:latest"]);
    world.app("sign", &["--key", "cosign.key"]);
    let said = world.app("verify", &["--key", "cosign.pub"]);
    assert!(said.contains("backend"), "{said}");
    let said = world.app("up", &["--dry-run"]);
    assert!(said.contains("/bin/betrace-backend"), "{said}");
}

/// The manifests that an archive lists, by name.
fn archived(archive: &Path) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    Tool::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder.path()).arg("index.json").run();
    digests(folder.path())
}

#[test]
fn images_of_the_flake_are_those_of_the_command() {
    let world = World::repository();
    let stack = ["-C", "stacks/betrace", "--profile", "nix"];
    let ran = |more: &[&str]| world.sandbox.ok(&[&stack, more].concat());
    ran(&["build", "--platform", PLATFORM, "--output", "out"]);
    let expected = digests(&world.sandbox.work().join("out"));
    assert_eq!(expected.len(), 9, "{expected:?}");

    let layout = world.build("containers-layout");
    assert_eq!(digests(&layout), expected);
    let problems = longshore_publish::validate(&layout);
    assert!(problems.is_empty(), "{problems:?}");

    let name = "ghcr.io/betrace-hq/backend:latest";
    let one = world.build("backend-layout");
    assert_eq!(digests(&one), [(name.to_owned(), expected[name].clone())].into());
    assert_eq!(layout::skopeo_inspect(&one, name)["Architecture"], "amd64");

    let archive = world.build("container-backend");
    let listed = archived(&archive);
    assert_eq!(listed[name], expected[name]);
    let all = world.build("containers-all");
    let index = json(&all.join("index.json"));
    let rows = index["images"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        let name = row["names"][0].as_str().unwrap();
        assert_eq!(row["digest"], expected[name].as_str());
        assert_eq!(archived(&all.join(row["archive"].as_str().unwrap()))[name], expected[name]);
    }
    assert_eq!(fs_err::read(all.join("backend.tar")).unwrap(), fs_err::read(&archive).unwrap());
    for output in
        ["container-backend", "containers-all", "containers-layout", "docker-compose", "kubernetes", "sbom"]
    {
        world.build(output);
        world.builds_again(output);
    }
    // An archive is whole: whoever has it needs nothing of the store.
    let archive = format!("/nix/store/{}", archive.file_name().unwrap().to_str().unwrap());
    assert_eq!(world.store.tool("nix-store").args(["-q", "--references", &archive]).run(), "");

    // What services need to be run, by the files of the flake.
    let compose = world.build("docker-compose");
    let folder = world.folder.path().join("compose");
    ran(&["generate", "compose", "--output", &folder.display().to_string()]);
    let (ours, theirs) = (tree::files(&folder), tree::files(&compose));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let images = |files: &BTreeMap<String, Vec<u8>>| {
        let text = String::from_utf8(files["/compose.yaml"].clone()).unwrap();
        let images = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("image: "));
        images.map(|name| name.trim_matches('"').to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(images(&ours), images(&theirs));
    let docker = Docker::start();
    for row in rows {
        docker.load(&all.join(row["archive"].as_str().unwrap()));
    }
    for image in images(&theirs) {
        assert_eq!(docker.inspect(&image)["Os"], "linux", "{image}");
    }
}

/// This machine, as stacks call it.
const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };

/// A stack of all kinds of things that Nix can be asked for.
const STACK: &str = r#"[stack]
name = "kinds"
platforms = ["linux/amd64", "linux/arm64"]

[image-defaults]
contents = [{ nix = "nixpkgs#tzdata", from = "share/zoneinfo", to = "/usr/share/zoneinfo" }]

[image.app]
command = ["/bin/hello"]
contents = [
  { nix = " .#app " },
  { nix = "nixpkgs#nested.tools.hello" },
  { nix = ".#split^data", to = "/data" },
  { nix = "tool.nix", attr = "inner.tool" },
  { directory = "files", to = "/files" },
  { flox = "./env" },
]
"#;

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "nixpkgs";
  inputs.longshore.url = "path:LONGSHORE";
  inputs.longshore.inputs.nixpkgs.follows = "nixpkgs";
  outputs = { self, nixpkgs, longshore }:
    let
      pkgs = nixpkgs.legacyPackages.SYSTEM;
      stack = longshore.lib.mkStack { inherit pkgs; stack = ./.; packages = self.packages.SYSTEM; };
      image = longshore.lib.mkImage {
        inherit pkgs;
        name = "hello";
        contents = [ pkgs.hello { nix = pkgs.tzdata; from = "share/zoneinfo"; to = "/usr/share/zoneinfo"; } ];
        command = [ "/bin/hello" "it's \"quoted\"" ];
        user = { name = "hello"; uid = 10042; };
        env.LANG = "C.UTF-8";
        ports.http = 8080;
        writable = [ "/var/lib/hello" ];
      };
      apps = system: { app = nixpkgs.legacyPackages.${system}.hello; inherit (nixpkgs.legacyPackages.${system}) split; };
    in
    {
      packages.aarch64-linux = apps "aarch64-linux";
      packages.SYSTEM = apps "SYSTEM" // stack.packages // { inherit image; inherit (image) layout sbom; };
      apps.SYSTEM = stack.apps;
    };
}
"#;

const TOOL: &str = "{ pkgs ? (builtins.getFlake \"nixpkgs\").legacyPackages.${builtins.currentSystem} }:\n{ inner.tool = pkgs.caddy; }\n";

#[test]
fn everything_that_nix_can_be_asked_for_is_resolved_as_the_command_does() {
    let longshore = tempfile::tempdir().unwrap();
    write_flake(longshore.path());
    let flake = FLAKE.replace("LONGSHORE", &longshore.path().display().to_string()).replace("SYSTEM", SYSTEM);
    let files = [("flake.nix", &*flake), ("stack.toml", STACK), ("tool.nix", TOOL), ("files/one", "1\n")];
    let world = World::new(&files.map(|(name, text)| (name.to_owned(), text.to_owned())));
    world.with_flox(&["nixpkgs#pyroscope", "nixpkgs#split^data"]);
    world.sandbox.ok(&["build", "--platform", PLATFORM, "--output", "out"]);
    let expected = digests(&world.sandbox.work().join("out"));
    let layout = world.build("app-layout");
    assert_eq!(digests(&layout), expected);
    let bundle = tempfile::tempdir().unwrap();
    let unpacked = layout::umoci_unpack(&layout, "kinds/app:latest", &bundle.path().join("bundle"));
    for path in [
        "bin/hello",
        "bin/nested-hello",
        "bin/caddy",
        "bin/pyroscope",
        "data/share/split",
        "files/one",
        "usr/share/zoneinfo",
    ] {
        assert!(unpacked.join(path).symlink_metadata().is_ok(), "{path}");
    }
    assert!(unpacked.join("bin/split").symlink_metadata().is_err(), "an output that nobody asked for");

    let image = world.build("layout");
    let said = layout::skopeo_inspect(&image, "hello/hello:latest");
    assert!(said["Env"].as_array().unwrap().contains(&Value::from("LANG=C.UTF-8")), "{said}");
    let docker = Docker::start();
    docker.load(&world.build("image"));
    let config = &docker.inspect("hello/hello:latest")["Config"];
    assert_eq!(config["Cmd"][1], "it's \"quoted\"");
    assert_eq!(config["User"], "10042:10042");
    let said =
        docker.cli().args(["run", "--rm", "--read-only", "--network", "none", "hello/hello:latest"]).run();
    assert_eq!(said, "hello 2.12.2 it's \"quoted\"\n");
    let sbom = tree::files(&world.build("sbom"));
    assert!(sbom.keys().any(|name| name.ends_with(".spdx.json")), "{:?}", sbom.keys());
}

/// What a stack takes from elsewhere than Nix is brought along, since builds of Nix have no network.
#[test]
fn packages_come_from_vendored_inputs() {
    let repository = Repository::new(&[hello()]);
    let longshore = tempfile::tempdir().unwrap();
    write_flake(longshore.path());
    let flake =
        VENDORED.replace("LONGSHORE", &longshore.path().display().to_string()).replace("SYSTEM", SYSTEM);
    let images =
        "[image.app]\ncontents = [\"hello\", { nix = \"nixpkgs#caddy\" }]\ncommand = [\"/bin/caddy\"]\n";
    let stack = stack_file(&repository.url(), images);
    let world = World::new(&[(String::from("flake.nix"), flake), (String::from("stack.toml"), stack)]);
    world.sandbox.write("test.gpg", fs_err::read(repository.key().public()).unwrap());
    world.sandbox.ok(&["build", "--output", "out"]);
    let expected = digests(&world.sandbox.work().join("out"));
    world.sandbox.ok(&["vendor"]);
    fs_err::remove_dir_all(world.sandbox.work().join("out")).unwrap();
    world.git(&["add", "--all"]);
    drop(repository);
    let layout = world.build("app-layout");
    assert_eq!(digests(&layout), expected);
    let bundle = tempfile::tempdir().unwrap();
    let unpacked = layout::umoci_unpack(&layout, "test/app:latest", &bundle.path().join("bundle"));
    assert_eq!(fs_err::read_to_string(unpacked.join("usr/bin/hello")).unwrap(), "program");
}

const VENDORED: &str = r#"{
  inputs.nixpkgs.url = "nixpkgs";
  inputs.longshore.url = "path:LONGSHORE";
  inputs.longshore.inputs.nixpkgs.follows = "nixpkgs";
  outputs = { nixpkgs, longshore, ... }: {
    packages.SYSTEM = (longshore.lib.mkStack {
      pkgs = nixpkgs.legacyPackages.SYSTEM;
      stack = ./.;
      vendored = ./stack.vendor;
    }).packages;
  };
}
"#;
