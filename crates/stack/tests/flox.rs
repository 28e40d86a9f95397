//! Flox environments as contents: what an image has of one, and what a wrong one is told.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::BTreeSet;

use common::said;
use insta::assert_snapshot;
use longshore_stack::flox::{Environment, draft};
use longshore_stack::model::{ContentSpec, Installable, Stack};
use longshore_stack::{Diagnostics, ReadError};
use serde_json::{Value, json};
use tempfile::TempDir;

const HASH: &str = "0i6fy063875f9zm83jl4qfj694lzg4ay";

fn path(name: &str) -> String {
    format!("/nix/store/{HASH}-{name}")
}

/// A package of the catalog.
fn package(id: &str, system: &str, outputs: Value, install: Value, priority: u64) -> Value {
    json!({
        "attr_path": id, "broken": false, "derivation": path("x.drv"), "description": "a package", "install_id": id,
        "license": "MIT", "locked_url": "https://github.com/flox/nixpkgs?rev=1", "name": "x-1", "pname": "x", "rev": "1",
        "rev_count": 1, "rev_date": "2026-01-02T18:37:51Z", "scrape_date": "2026-01-04T02:56:53Z", "stabilities": null,
        "unfree": null, "version": "1", "outputs_to_install": install, "outputs": outputs, "system": system,
        "group": "toplevel", "priority": priority,
    })
}

/// A lock of one package for both Linux systems, with this manifest.
fn lock(manifest: Value) -> Value {
    let caddy =
        |system: &str| package("caddy", system, json!({ "out": path("caddy-2.8") }), json!(["out"]), 5);
    json!({ "lockfile-version": 1, "manifest": manifest, "packages": [caddy("x86_64-linux"), caddy("aarch64-linux")] })
}

/// A folder with an environment `env` of this lock, and `rest` in its stack file.
fn folder(lock: &Value, rest: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let stack = format!("[stack]\nname = \"demo\"\n{rest}");
    for (path, text) in [
        ("stack.toml", stack.as_str()),
        ("env/.flox/env.json", r#"{"name":"web","version":1}"#),
        ("env/.flox/env/manifest.lock", &lock.to_string()),
        ("plain/file", ""),
    ] {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}

fn complaints(folder: &TempDir) -> String {
    match longshore_stack::read(&folder.path().join("stack.toml"), None) {
        Ok(read) => said(&read.warnings),
        Err(ReadError::Stack(Diagnostics(all))) => said(&all),
        Err(ReadError::Profile(error)) => panic!("{error}"),
    }
}

fn read(lock: &Value, rest: &str) -> Stack {
    let folder = folder(lock, rest);
    assert_eq!(complaints(&folder), "");
    longshore_stack::read(&folder.path().join("stack.toml"), None).unwrap().stack
}

/// The names of what image `a` takes of an environment for `platform`, in order.
fn outputs(stack: &Stack, platform: &str) -> Vec<String> {
    let request = stack.images["a"].nix().next().unwrap();
    let Installable::Flox { folder, outputs } = &request.installable else { panic!("{request:?}") };
    assert_eq!(folder, "env");
    outputs[&platform.parse().unwrap()].iter().map(|path| path.name().to_owned()).collect()
}

const IMAGE: &str = "[image.a]\ncontents = [{ flox = \"env\" }]\ncommand = [\"/bin/caddy\"]\n";

#[test]
fn packages_of_every_kind_are_taken_by_priority() {
    let system = "x86_64-linux";
    let lock = json!({
        "lockfile-version": 1,
        "manifest": {
            "schema-version": "1.10.0",
            "install": {
                "all": { "pkg-path": "all", "outputs": "all" },
                "some": { "pkg-path": "some", "outputs": ["man"] },
                "ours": { "store-path": path("ours"), "priority": 1 },
            },
            "options": {},
        },
        "packages": [
            package("usual", system, json!({ "bin": path("usual-bin"), "dev": path("usual-dev"), "man": path("usual-man") }), json!(["man", "bin", "man"]), 5),
            package("usual", "aarch64-darwin", json!({ "bin": path("mac") }), json!(["bin"]), 5),
            package("every", system, json!({ "out": path("every"), "lib": path("every-lib") }), Value::Null, 6),
            package("all", system, json!({ "out": path("all"), "dev": path("all-dev") }), json!(["out"]), 5),
            package("some", system, json!({ "out": path("some"), "man": path("some-man") }), json!(["out"]), 5),
            json!({ "install_id": "ours", "store_path": path("ours"), "system": system, "priority": 1 }),
            json!({
                "install_id": "flake", "locked-url": "github:x/y/1", "locked-flake-attr-path": "packages.x86_64-linux.default",
                "derivation": path("flake.drv"), "outputs": { "out": path("flake"), "doc": path("flake-doc") },
                "output-names": ["out", "doc"], "outputs-to-install": ["out"], "requested-outputs-to-install": ["doc"],
                "package-system": system, "system": system, "name": "flake-1",
            }),
        ],
    });
    let stack = read(&lock, IMAGE);
    let expected =
        ["ours", "all-dev", "all", "flake-doc", "some-man", "usual-man", "usual-bin", "every-lib", "every"];
    assert_eq!(outputs(&stack, "linux/amd64"), expected);
}

#[test]
fn an_image_has_what_its_environment_says_where_it_says_nothing() {
    let manifest = json!({
        "version": 1,
        "install": { "caddy": { "pkg-path": "caddy" } },
        "vars": { "ROOT": "/srv", "CADDY_DATA": "${ROOT}/data", "OWN": "theirs" },
        "hook": { "on-activate": "export PORT=\"${PORT:-8080}\"\n" },
        "profile": { "common": "alias x=y\n$(date)" },
        "services": { "web": { "command": "caddy run" } },
        "containerize": { "config": {
            "user": "1000:100", "exposed-ports": ["8080/tcp", "53/udp", "9000"], "cmd": ["caddy", "run"],
            "volumes": ["/srv/data"], "working-dir": "/srv", "labels": { "team": "web" }, "stop-signal": "SIGQUIT",
        } },
    });
    let stack = read(
        &lock(manifest.clone()),
        "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[image.a]\ncontents = [{ flox = \"env\" }]\nenv = { OWN = \"ours\" }\nports = { admin = 9000 }\n\
         [image.b]\ncontents = [{ flox = \"./env\", from = \"bin/caddy\", to = \"/opt/\", exclude = [\"gcc-*\"] }]\nuser = { name = \"b\", uid = 5 }\ncommand = [\"/b\"]\nworkdir = \"/\"\nstop-signal = \"SIGINT\"\n\
         [image.c]\ncontents = [{ flox = \"env\" }, { flox = \"env\", to = \"/opt/env/\" }]\nuser = { name = \"c\", uid = 5 }\n",
    );
    assert_eq!(outputs(&stack, "linux/arm64"), ["caddy-2.8"]);
    let [a, b, c] = ["a", "b", "c"].map(|name| &stack.images[name]);
    let env: Vec<String> = a.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["CADDY_DATA=/srv/data", "OWN=ours", "PORT=8080", "ROOT=/srv"]);
    assert_eq!((a.user.name.as_str(), a.user.uid, a.user.gid), ("app", 1000, 100));
    let ports: Vec<String> = a.ports.iter().map(|(name, port)| format!("{name}={}", port.number)).collect();
    assert_eq!(ports, ["admin=9000", "tcp-8080=8080", "udp-53=53"]);
    assert_eq!(a.command, ["caddy", "run"]);
    assert_eq!(a.workdir.as_ref().unwrap().to_string(), "/srv");
    assert_eq!((a.stop_signal.as_deref(), a.labels["team"].as_str()), (Some("SIGQUIT"), "web"));
    assert_eq!((a.writable[0].path.to_string(), a.writable[0].owner), ("/srv/data".to_owned(), (1000, 100)));
    assert_eq!(
        (b.user.uid, &b.command, b.stop_signal.as_deref()),
        (5, &vec!["/b".to_owned()], Some("SIGINT"))
    );
    assert!(matches!(&b.contents[..], [ContentSpec::Nix(request)] if request.exclude == ["gcc-*"]));
    assert_eq!((c.contents.len(), c.env["FLOX_ENV"].as_str()), (2, "/opt/env"));
}

#[test]
fn folders_without_a_locked_environment() {
    let folder = folder(
        &lock(json!({ "version": 1 })),
        "[image.a]\ncontents = [{ flox = \".\" }, { flox = \"no\" }, { flox = \"plain\" }, { flox = \"env/.flox\" }, { flox = \"../x\" }, { flox = \"hub\" }, { flox = \"unlocked\" }, { flox = \"odd\" }, { flox = \"env\", attr = \"x\" }]\ncommand = [\"/a\"]\n",
    );
    for (path, text) in [
        (
            "hub/.flox/env.json",
            r#"{"name":"web","owner":"me","floxhub_url":"https://hub.flox.dev","version":1}"#,
        ),
        ("unlocked/.flox/env.json", r#"{"name":"api","version":1}"#),
        ("unlocked/.flox/env/manifest.toml", "version = 1\n"),
        ("odd/.flox/env.json", "{"),
    ] {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    assert_snapshot!(complaints(&folder), @r#"
    stack.toml:4:22: stack::flox: there is no Flox environment in `.`: it has no `.flox/env.json`
      at: "."
      help: name the folder that holds `.flox`; `flox init -d .` makes an environment there
    stack.toml:4:38: stack::path: there is no folder `no` beside the stack file
      at: "no"
    stack.toml:4:55: stack::flox: there is no Flox environment in `plain`: it has no `.flox/env.json`
      at: "plain"
      help: name the folder that holds `.flox`; `flox init -d plain` makes an environment there
    stack.toml:4:75: stack::flox: `env/.flox` is the inside of a Flox environment
      at: "env/.flox"
      help: write `env`, the folder that holds it
    stack.toml:4:99: stack::path: `../x` leads out of the stack file's folder
      at: "../x"
      help: name a path inside the folder of the stack file, so that the stack can be moved as one
    stack.toml:4:118: stack::flox: the Flox environment in `hub` is `me/web` of FloxHub, and its lock is there and not here
      at: "hub"
      help: take a copy into a folder of its own: `flox pull --copy -d hub-copy me/web`
    stack.toml:4:136: stack::flox: Flox environment `api` in `unlocked` is not locked: there is no `.flox/env/manifest.lock`
      at: "unlocked"
      help: only Flox's service knows which builds the names of its base catalog stand for: run `flox list -d unlocked` once where flox is, and keep `.flox/env/manifest.lock` in git
    stack.toml:4:159: stack::flox: `odd/.flox/env.json` is not as Flox writes it: EOF while parsing an object at line 1 column 1
      at: "odd"
      help: take it from git again; or remove `.flox/env/manifest.lock`, and `flox list` makes a new one
    stack.toml:4:184: stack::unknown-key: unknown key `attr` in `image.a.contents[8]`
      at: attr
      help: known here: `flox`, `from`, `to`, `exclude`
    "#);
}

/// What is said of a stack for two platforms with an environment of this lock.
fn of_lock(lock: &Value) -> String {
    complaints(&folder(lock, &format!("platforms = [\"linux/amd64\", \"linux/arm64\"]\n{IMAGE}")))
}

#[test]
fn locks_that_are_not_for_this() {
    let manifest = json!({ "version": 1 });
    let of = |packages: Value| {
        of_lock(&json!({ "lockfile-version": 1, "manifest": manifest, "packages": packages }))
    };
    let one = |outputs, install| json!([package("caddy", "x86_64-linux", outputs, install, 5)]);
    assert_snapshot!(of(one(json!({ "out": path("caddy") }), json!(["out"]))), @r#"
    stack.toml:5:22: stack::flox: the lock of Flox environment `web` has nothing for linux/arm64 (`aarch64-linux`); it has packages for `x86_64-linux`
      at: "env"
      help: add "aarch64-linux" to `options.systems` of `.flox/env/manifest.toml` (`flox edit -d env`); then `flox list -d env` locks it
    "#);
    assert_snapshot!(of(json!([])), @r#"
    stack.toml:5:22: stack::flox: the lock of Flox environment `web` has nothing for linux/amd64 (`x86_64-linux`); it has packages for no system at all
      at: "env"
      help: add "x86_64-linux" to `options.systems` of `.flox/env/manifest.toml` (`flox edit -d env`); then `flox list -d env` locks it
    stack.toml:5:22: stack::flox: the lock of Flox environment `web` has nothing for linux/arm64 (`aarch64-linux`); it has packages for no system at all
      at: "env"
      help: add "aarch64-linux" to `options.systems` of `.flox/env/manifest.toml` (`flox edit -d env`); then `flox list -d env` locks it
    "#);
    assert_snapshot!(of(one(json!({ "out": path("caddy") }), json!(["man"]))), @r#"
    stack.toml:5:22: stack::flox: package `caddy` of Flox environment `web` for x86_64-linux has no output `man`
      at: "env"
      help: take it from git again; or remove `.flox/env/manifest.lock`, and `flox list` makes a new one
    stack.toml:5:22: stack::flox: the lock of Flox environment `web` has nothing for linux/arm64 (`aarch64-linux`); it has packages for `x86_64-linux`
      at: "env"
      help: add "aarch64-linux" to `options.systems` of `.flox/env/manifest.toml` (`flox edit -d env`); then `flox list -d env` locks it
    "#);
    assert_snapshot!(of(one(json!({ "out": "/nix/store/caddy" }), json!(["out"]))), @r#"
    stack.toml:5:22: stack::flox: package `caddy` of Flox environment `web` for x86_64-linux: `caddy` is no store path: it is too short
      at: "env"
      help: take it from git again; or remove `.flox/env/manifest.lock`, and `flox list` makes a new one
    stack.toml:5:22: stack::flox: the lock of Flox environment `web` has nothing for linux/arm64 (`aarch64-linux`); it has packages for `x86_64-linux`
      at: "env"
      help: add "aarch64-linux" to `options.systems` of `.flox/env/manifest.toml` (`flox edit -d env`); then `flox list -d env` locks it
    "#);
    assert_snapshot!(of(json!([{ "install_id": "x", "system": "x86_64-linux" }])), @r#"
    stack.toml:5:22: stack::flox: `env/.flox/env/manifest.lock` is not as Flox writes it: package `x` has neither `outputs` nor a `store_path`
      at: "env"
      help: take it from git again; or remove `.flox/env/manifest.lock`, and `flox list` makes a new one
    "#);
    assert_snapshot!(of_lock(&json!({ "lockfile-version": 2 })), @r#"
    stack.toml:5:22: stack::flox: `env/.flox/env/manifest.lock` has lock file version 2; longshore reads version 1
      at: "env"
      help: a newer longshore may know it: `longshore --version`
    "#);
    assert_snapshot!(of_lock(&json!({ "lockfile-version": 1, "packages": [] })), @r#"
    stack.toml:5:22: stack::flox: `env/.flox/env/manifest.lock` is not as Flox writes it: missing field `manifest` at line 1 column 36
      at: "env"
      help: take it from git again; or remove `.flox/env/manifest.lock`, and `flox list` makes a new one
    "#);
    assert_snapshot!(of_lock(&lock(json!({ "version": 1, "hook": { "on-boot": "x" } }))), @r#"
    stack.toml:5:22: stack::flox: the manifest in `env/.flox/env/manifest.lock` is none that longshore can take: unknown field `on-boot`, expected `on-activate` or `on-deactivate`
      at: "env"
      help: a newer longshore may know it: `longshore --version`
    "#);
    assert_snapshot!(complaints(&folder(&lock(manifest.clone()), &format!("platforms = [\"linux/s390x\"]\n{IMAGE}"))), @r#"
    stack.toml:5:22: stack::flox: Flox environment `web` can't be for linux/s390x: Flox has no such system
      at: "env"
      help: leave the platform out of `stack.platforms`, or give it an image of its own
    "#);
}

#[test]
fn what_a_machine_would_decide() {
    let say = |manifest| complaints(&folder(&lock(manifest), IMAGE));
    assert_snapshot!(say(json!({ "version": 1, "hook": { "on-activate": "export A=1\nnpm install --silent\n" } })), @r#"
    stack.toml:4:22: stack::flox-hook: the hook of Flox environment `web` runs `npm`, and nothing runs when an image is made: `npm install --silent`
      at: "env"
      help: move what it sets into `[vars]` of the manifest; or say it as `env` of the image and add `allow = ["flox-hook"]`, which leaves the hook out
    "#);
    assert_snapshot!(say(json!({ "version": 1, "vars": { "DATA": "${HOME}/data", "LIB": "${FLOX_ENV}/lib", "A": "${A}" } })), @r#"
    stack.toml:4:22: stack::flox: variable `A` of Flox environment `web` needs its own value: `A` → `A`
      at: "env"
      help: say in the image what it is: `env = { A = "…" }`
    stack.toml:4:22: stack::flox: variable `DATA` of Flox environment `web` needs `$HOME`, which only the machine knows that activates it
      at: "env"
      help: say in the image what it is: `env = { DATA = "…" }`
    stack.toml:4:22: stack::flox: variable `LIB` of Flox environment `web` needs `$FLOX_ENV`, the folder with everything of the environment, and the image has none
      at: "env"
      help: give the environment a folder: `to = "/opt/env/"` in an entry of its own; or say in the image what it is: `env = { LIB = "…" }`
    "#);
    assert_snapshot!(say(json!({ "version": 1, "vars": { "API_TOKEN": "x" }, "containerize": { "config": { "user": "alice", "exposed-ports": ["http"], "stop-signal": "TERM" } } })), @r#"
    stack.toml:4:22: stack::port: port `tcp-http` is not a number from 1 to 65535
      at: "env"
      help: write 8080, "53/udp" or { number = 53, protocol = "udp" }
    stack.toml:4:22: stack::unknown-name: there is no signal `TERM` to stop a program with
      at: "env"
      help: known here: `SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGHUP`, `SIGKILL`, `SIGUSR1`, `SIGUSR2`, `SIGWINCH`, `SIGABRT`, `SIGPWR`, `SIGRTMIN+3`
    stack.toml:4:22: warning: stack::flox: the user `alice` of Flox environment `web` has no number, and is not taken
      at: "env"
      help: say who runs the image: `user = { name = "app", uid = 10001 }`
    stack.toml:4:22: warning: stack::secret: `API_TOKEN` of image `a` looks like a secret: its name is that of a secret
      at: "env"
      help: give it to the container when it starts; if it is none, add `allow = ["secret:API_TOKEN"]`
    "#);
    let root = json!({ "version": 1, "containerize": { "config": { "user": "root" } } });
    assert_snapshot!(say(root), @r#"
    stack.toml:4:22: stack::root-user: image `a` runs as root
      at: "env"
      help: give it a number of its own; if it must be root, add `allow = ["root-user"]`
    "#);
}

#[test]
fn a_hook_is_left_out_when_that_is_accepted() {
    let manifest =
        json!({ "version": 1, "vars": { "A": "a" }, "hook": { "on-activate": "export B=b\nnpm install\n" } });
    for allow in ["flox-hook", "flox-hook:env"] {
        let stack =
            read(&lock(manifest.clone()), &format!("{IMAGE}allow = [\"{allow}\"]\nenv = {{ C = \"c\" }}\n"));
        let env: Vec<&String> = stack.images["a"].env.keys().collect();
        assert_eq!(env, ["A", "C"], "what the hook sets before it does more is not taken either");
    }
}

#[test]
fn a_manifest_that_was_changed_since() {
    let locked = json!({ "version": 1, "install": { "caddy": { "pkg-path": "caddy", "priority": null } }, "vars": {}, "options": { "systems": ["x86_64-linux"], "allow": { "licenses": [] } } });
    let same = "version = 1\n# a comment\n[install]\ncaddy.pkg-path = \"caddy\"\n[hook]\n[options]\nsystems = [\"x86_64-linux\"]\n";
    let say = |lock: &Value, manifest: &str| {
        let folder = folder(lock, IMAGE);
        fs_err::write(folder.path().join("env/.flox/env/manifest.toml"), manifest).unwrap();
        complaints(&folder)
    };
    assert_eq!(say(&lock(locked.clone()), same), "");
    // One that includes others was locked together with them.
    let mut composed = lock(json!({ "version": 1, "vars": { "FROM": "included" } }));
    composed["compose"] = json!({ "composer": locked, "include": [], "warnings": [] });
    assert_eq!(say(&composed, same), "");
    assert_snapshot!(say(&lock(locked), &format!("{same}[vars]\nA = \"1\"\n")), @r#"
    stack.toml:4:22: warning: stack::flox: the manifest of Flox environment `web` has been changed since it was locked; the lock counts
      at: "env"
      help: `flox list -d env` locks it again
    "#);
}

/// The stack file that is drafted for a manifest, and what could not be taken; it has to be one that can be read.
fn drafted(lock: &Value) -> String {
    let folder = folder(lock, "");
    let environment = Environment::read(&folder.path().join("env"), "env").unwrap();
    let draft = draft(&environment, "shop", "env").unwrap();
    fs_err::write(folder.path().join("stack.toml"), &draft.text).unwrap();
    let complaints = complaints(&folder);
    let images = longshore_stack::read(&folder.path().join("stack.toml"), None).map(|read| read.stack.images);
    let images = images.unwrap_or_else(|_| panic!("{}\n{complaints}", draft.text));
    assert_eq!(images.keys().collect::<BTreeSet<_>>(), draft.images.iter().collect());
    format!("{}---\n{complaints}{}", draft.text, draft.left_out.join("\n"))
}

#[test]
fn a_stack_file_for_an_environment_without_services() {
    assert_snapshot!(drafted(&lock(json!({ "version": 1, "containerize": { "config": { "user": "alice", "cmd": ["caddy"] } } }))), @r#"
    # Made of the Flox environment `web`. `longshore schema` prints what may stand here.

    [stack]
    name = "shop"
    platforms = ["linux/amd64", "linux/arm64"]

    # What the environment installs is in every image; images share its layers.
    [image-defaults]
    contents = [{ flox = "env" }]
    user = { name = "alice", uid = 10001 }

    [image.shop]
    # `cmd` of the environment's `[containerize.config]` is its command.
    ---
    "#);
}

#[test]
fn a_stack_file_for_services() {
    let manifest = json!({
        "version": 1,
        "vars": { "PORT": "8080", "DATA": "${HOME}/x" },
        "hook": { "on-activate": "export MODE=dev\nmkdir -p x\n" },
        "services": {
            "API_server": { "command": "exec api --port \"$PORT\" --name '{{x}}'", "vars": { "FORMAT": "{{.Name}} {%" } },
            "files": { "command": "$FLOX_ENV/bin/caddy run" },
            "db": { "command": "initdb\npg_ctl start", "is-daemon": true, "shutdown": { "command": "pg_ctl stop" } },
            "mac": { "command": "launchd", "systems": ["aarch64-darwin"] },
        },
    });
    assert_snapshot!("without_a_shell", drafted(&lock(manifest.clone())));
    let mut with_shell = lock(manifest);
    with_shell["packages"].as_array_mut().unwrap().push(package(
        "bash",
        "x86_64-linux",
        json!({ "out": path("bash-5.3p3") }),
        json!(["out"]),
        5,
    ));
    assert_snapshot!("with_a_shell", drafted(&with_shell));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever services are called and run, the stack file that is drafted can be read.
    #[test]
    fn every_draft_can_be_read(services in proptest::collection::btree_map("\\PC{0,12}|[Aa-]{1,3}|self|stack", ("([a-z$'\"\\\\{}%#\n ]|\\PC){1,30}", "[A-Z =]{1,4}", "[{}%#a ]{0,8}"), 1..4)) {
        let all: serde_json::Map<String, Value> = services
            .into_iter()
            .map(|(name, (command, key, value))| (name, json!({ "command": command, "vars": { key: value } })))
            .collect();
        drafted(&lock(json!({ "version": 1, "services": all })));
    }
}
