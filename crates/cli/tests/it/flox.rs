//! Flox environments: this repository's own, a stack file made of one, and an image of one without Flox and without Nix.

use std::process::Command;

use longshore_testkit::apt::Repository;
use longshore_testkit::flox::{valid_lock, valid_manifest};
use longshore_testkit::http::Server;
use longshore_testkit::nix::{NixKey, NixStore};
use longshore_testkit::{Nix, Sandbox, layout};
use serde_json::{Value, json};

use crate::common::{HELLO, LONGSHORE, hello, root, sandbox};

/// Flox would take the environment of this repository, and it has the services and commands that the guide speaks of.
#[test]
fn the_environment_of_this_repository() {
    let read = |path: &str| fs_err::read_to_string(root().join(path)).unwrap();
    let manifest = read(".flox/env/manifest.toml");
    valid_manifest(&manifest);
    for service in ["backend", "frontend"] {
        assert!(manifest.contains(&format!("[services.{service}]")), "{service}");
    }
    let descriptor: Value = serde_json::from_str(&read(".flox/env.json")).unwrap();
    assert_eq!(descriptor, json!({ "name": "longshore", "version": 1 }));

    // What Bash makes of its scripts.
    for section in manifest.split("'''").skip(1).step_by(2) {
        let checked = Command::new("bash").args(["-n", "-c", section]).output().unwrap();
        assert!(checked.status.success(), "{section}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn scripts_of_containers() {
    let repository = Repository::new(&[hello()]);
    let sandbox = sandbox(&repository, HELLO);
    let stub = sandbox.work().join("stub");
    fs_err::write(&stub, "#!/bin/sh\necho \"$@\"\n").unwrap();
    Command::new("chmod").arg("755").arg(&stub).status().unwrap();
    let work = sandbox.work().display().to_string();
    let said = |script: &str, program: &str| {
        let script = Sandbox::new(root().join("scripts").join(script));
        script.env("LONGSHORE", program).env("STACK", &work).run(&["--quiet"])
    };
    let stub = stub.display().to_string();
    for (script, words) in [
        ("containers-build", "build --quiet"),
        ("containers-load", "load --quiet"),
        ("containers-up", "up --detach --quiet"),
        ("containers-down", "down --quiet"),
    ] {
        assert_eq!(said(script, &stub).stdout, format!("-C {work} {words}\n"));
    }
    let built = said("containers-build", LONGSHORE);
    assert_eq!(built.code, 0, "{built}");
    assert!(sandbox.work().join("stack.lock").is_file());
}

/// Writes an environment `web` into `folder` of the sandbox.
fn environment(sandbox: &Sandbox, folder: &str, lock: &Value) {
    let text = serde_json::to_string_pretty(lock).unwrap();
    valid_lock(&text);
    sandbox.write(&format!("{folder}/.flox/env.json"), r#"{ "name": "web", "version": 1 }"#);
    sandbox.write(&format!("{folder}/.flox/env/manifest.lock"), text);
}

/// A package of the catalog at `path`.
fn package(id: &str, path: &str, priority: u64) -> Value {
    json!({
        "attr_path": id, "derivation": "/nix/store/0i6fy063875f9zm83jl4qfj694lzg4ay-x.drv", "install_id": id,
        "locked_url": "https://github.com/flox/nixpkgs?rev=1", "name": id, "pname": id, "rev": "1", "rev_count": 1,
        "rev_date": "2026-01-02T18:37:51Z", "scrape_date": "2026-01-04T02:56:53Z", "version": "1",
        "outputs": { "out": path }, "outputs_to_install": ["out"], "system": "x86_64-linux", "group": "toplevel",
        "priority": priority,
    })
}

/// A manifest with variables, a hook and services.
fn manifest() -> Value {
    json!({
        "version": 1,
        "install": { "caddy": { "pkg-path": "caddy" } },
        "vars": { "PORT": "8080", "ROOT": "/srv/${PORT}" },
        "hook": { "on-activate": "export MODE=production\n" },
        "services": { "web": { "command": "tool0 --port $PORT", "vars": { "LEVEL": "info" } } },
        "containerize": { "config": { "exposed-ports": ["8080/tcp"], "user": "1000" } },
        "options": { "systems": ["x86_64-linux"] },
    })
}

#[test]
fn a_stack_file_of_an_environment() {
    let sandbox = Sandbox::new(LONGSHORE);
    let said = |arguments: &[&str]| sandbox.snapshot(&sandbox.run(arguments));
    insta::assert_snapshot!("init_without_environment", said(&["init", "--from-flox"]));
    insta::assert_snapshot!("init_outside", said(&["init", "--from-flox", "../web"]));
    let path = "/nix/store/0i6fy063875f9zm83jl4qfj694lzg4ay-caddy-2.8";
    let mut lock =
        json!({ "lockfile-version": 1, "manifest": manifest(), "packages": [package("caddy", path, 5)] });
    lock["manifest"]["services"]["db"] = json!({ "command": "initdb && postgres" });
    environment(&sandbox, ".", &lock);
    environment(&sandbox, "env/web", &lock);
    insta::assert_snapshot!("init_from_flox", said(&["init", "shop", "--from-flox", "./env/web"]));
    insta::assert_snapshot!("init_from_flox_stack", sandbox.read("stack.toml"));
    insta::assert_snapshot!("init_from_flox_check", said(&["check"]));
    insta::assert_snapshot!("init_over_a_stack_file", said(&["init", "--from-flox"]));
    fs_err::remove_file(sandbox.work().join("stack.toml")).unwrap();
    sandbox.ok(&["init", "--from-flox"]);
    assert!(sandbox.read("stack.toml").contains("name = \"web\""));
    sandbox.ok(&["check"]);
}

/// A binary cache on loopback with what testkit's flake makes.
struct Cache {
    server: Server,
    key: NixKey,
    store: NixStore,
    flake: String,
    _folder: tempfile::TempDir,
}

impl Cache {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let nix = Nix::installed();
        let store = nix.store(&folder.path().join("store"));
        nix.closure_flake(&folder.path().join("flake"));
        let flake = format!("path:{}", folder.path().join("flake").display());
        let key = store.key("test-1", folder.path());
        let stack = store.build(&[&format!("{flake}#stack")]);
        store.cache(&folder.path().join("cache"), "zstd", Some(&key), &stack);
        Self { server: Server::new(folder.path().join("cache")), key, store, flake, _folder: folder }
    }

    fn path(&self, name: &str) -> String {
        self.store.build(&[&format!("{}#{name}", self.flake)]).remove(0)
    }
}

/// An environment whose lock names real store paths becomes an image: its closure from a signed binary cache, its variables, and
/// of two packages with the same program the one with the smaller priority.
#[test]
fn an_environment_becomes_an_image_without_flox_and_without_nix() {
    let cache = Cache::new();
    let (stack, tool) = (cache.path("stack"), cache.path("tool0"));
    let sandbox = Sandbox::new(LONGSHORE).env("LONGSHORE_NIX", "none").hide(cache.server.url(), "[CACHE]");
    let stack_file = format!(
        "[stack]\nname = \"test\"\n[nix]\ncaches = [\"{}\"]\ntrusted-public-keys = [\"{}\"]\n\
         [image.web]\ncontents = [{{ flox = \"env\" }}]\nenv = {{ MODE = \"test\" }}\ncommand = [\"tool0\"]\nallow = [\"shell\"]\n",
        cache.server.url(),
        cache.key.public
    );
    sandbox.write("stack.toml", &stack_file);
    let locked = |first: u64| {
        let packages = [package("stack", &stack, 5), package("tool0", &tool, first)];
        json!({ "lockfile-version": 1, "manifest": manifest(), "packages": packages })
    };
    let link = |sandbox: &Sandbox, out: &str| {
        let bundle = sandbox.work().join(format!("{out}-web"));
        let root = layout::umoci_unpack(&sandbox.work().join(out), "test/web:latest", &bundle);
        let to = fs_err::read_link(root.join("bin/tool0")).unwrap().display().to_string();
        assert!(root.join(tool.trim_start_matches('/')).join("bin/tool0").is_file());
        assert!(root.join("bin/service0").symlink_metadata().is_ok());
        to
    };

    environment(&sandbox, "env", &locked(1));
    sandbox.ok(&["build", "-o", "first"]);
    assert_eq!(link(&sandbox, "first"), format!("{tool}/bin/tool0"));
    let config = layout::skopeo_inspect(&sandbox.work().join("first"), "test/web:latest");
    let env: Vec<&str> = config["Env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for expected in ["PORT=8080", "ROOT=/srv/8080", "MODE=test"] {
        assert!(env.contains(&expected), "{env:?}");
    }
    // The lock holds every path of the closure, and the same lock gives the same image.
    assert_eq!(sandbox.read("stack.lock").matches("[[store-path]]").count(), 30);
    sandbox.ok(&["build", "--locked", "-o", "again"]);
    let index = |out: &str| fs_err::read(sandbox.work().join(out).join("index.json")).unwrap();
    assert_eq!(index("first"), index("again"));

    // Another order of the same packages, another link.
    environment(&sandbox, "env", &locked(9));
    sandbox.ok(&["build", "-o", "second"]);
    assert_eq!(link(&sandbox, "second"), format!("{stack}/bin/tool0"));

    // Nobody whose key is not trusted can fill the image.
    let other = cache.store.key("other-1", &sandbox.work());
    sandbox.write("stack.toml", stack_file.replace(&cache.key.public, &other.public));
    let untrusted = Sandbox::new(LONGSHORE).env("LONGSHORE_NIX", "none");
    untrusted.write("stack.toml", sandbox.read("stack.toml"));
    environment(&untrusted, "env", &locked(1));
    let refused = untrusted.run(&["build"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("it is signed by `test-1`"), "{refused}");
}
