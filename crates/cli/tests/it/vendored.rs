//! Inputs in a folder or a registry of one's own: builds of nothing else, and what is said of what is wrong there.

use std::path::{Path, PathBuf};

use longshore_oci::Content;
use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::http::Server;
use longshore_testkit::proxy::{Proxy, Repeat, Trouble};
use longshore_testkit::registry::{Kind, Registry, crane};
use longshore_testkit::sandbox::Answer;
use longshore_testkit::{Sandbox, Tool};
use serde_json::Value;

use crate::common::{hello, real, sandbox, with_update};

/// A stack with a package, a file from the network and a folder beside it, locked; what its inputs come from goes with the
/// first two.
fn ready() -> (Repository, Server, tempfile::TempDir, Sandbox) {
    let repository = Repository::new(&[hello().depends("libgreet1"), library("1.0-1")]);
    let folder = tempfile::tempdir().unwrap();
    // Large enough to be a layer of its own.
    fs_err::write(folder.path().join("data.bin"), vec![7; 3 << 20]).unwrap();
    let server = Server::new(folder.path());
    let images = format!(
        "[url.data]\nurl = \"{}/data.bin\"\n\n[image.app]\ncontents = [\"hello\", {{ url = \"data\", to = \"/srv/\" }}, \
         {{ directory = \"site\", to = \"/srv/site/\" }}]\ncommand = [\"/usr/bin/hello\"]\n",
        server.url()
    );
    let sandbox = sandbox(&repository, &images);
    sandbox.write("site/index.html", "<p>hello</p>");
    (repository, server, folder, sandbox)
}

fn library(version: &str) -> Package {
    Package::new("libgreet1", version).file("usr/lib/greet", version)
}

/// The ids of all images, built with these arguments and a store of its own.
fn ids(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let answer = fresh(sandbox, &[&["--json", "build"], arguments].concat());
    assert_eq!(answer.code, 0, "{answer}");
    let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
    let ids: Vec<_> = answer["images"].as_array().unwrap().iter().map(|image| image["id"].clone()).collect();
    assert!(!ids.is_empty());
    ids
}

/// Runs a command with an empty store, and without the machine's ways to the network.
fn fresh(sandbox: &Sandbox, arguments: &[&str]) -> Answer {
    let store = tempfile::tempdir().unwrap();
    let mut command = sandbox.command(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, "http://127.0.0.1:1").env_remove(name.to_uppercase());
    }
    // What the test serves itself is near.
    command.env("no_proxy", "127.0.0.1");
    Answer::of(command.env("LONGSHORE_STORE", store.path()))
}

/// The first layer of the vendored folder whose title begins so.
fn blob(sandbox: &Sandbox, title: &str) -> PathBuf {
    let layout = sandbox.work().join("stack.vendor");
    let at = |digest: &str| layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let index: Value = serde_json::from_slice(&fs_err::read(layout.join("index.json")).unwrap()).unwrap();
    let manifest = fs_err::read(at(index["manifests"][0]["digest"].as_str().unwrap())).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let titled = |layer: &&Value| {
        layer["annotations"]["org.opencontainers.image.title"].as_str().unwrap().starts_with(title)
    };
    at(layers.iter().find(titled).unwrap()["digest"].as_str().unwrap())
}

fn flip_last(path: &Path, from_end: usize) {
    let mut bytes = fs_err::read(path).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    fs_err::write(path, bytes).unwrap();
}

#[test]
fn images_are_the_same_when_nothing_is_left_but_what_was_vendored() {
    let (repository, server, folder, sandbox) = ready();
    let expected = ids(&sandbox, &[]);
    let first = sandbox.ok(&["vendor"]);
    assert!(first.contains("vendored 3 inputs: "), "{first}");
    // The same bytes in another place, and from another store.
    let digest = first.split_whitespace().next().unwrap();
    let again = fresh(&sandbox, &["vendor", "--to", "again"]);
    assert!(again.stdout.starts_with(digest), "{again}");
    drop((repository, server, folder));

    let refused = fresh(&sandbox, &["build"]);
    assert_ne!(refused.code, 0, "its sources are still there");
    assert_eq!(ids(&sandbox, &["--vendored"]), expected);
    assert_eq!(ids(&sandbox, &["--vendored=again", "--offline", "--locked"]), expected);
    let saved = fresh(&sandbox, &["save", "--vendored", "-o", "app.tar"]);
    assert_eq!(saved.code, 0, "{saved}");
    let checked = fresh(&sandbox, &["vendor", "--check"]);
    assert_eq!(checked.code, 0, "{checked}");
    assert!(checked.stdout.contains("has all that is locked: 3 inputs"), "{checked}");
    // From one place to another, where the sources are gone.
    let carried = fresh(&sandbox, &["vendor", "--vendored", "--to", "third"]);
    assert!(carried.stdout.starts_with(digest), "{carried}");
    let third = format!("oci:{}:inputs", sandbox.work().join("third").display());
    let skopeo = Tool::new("skopeo").args(["inspect", "--raw", &third]).run();
    assert!(skopeo.contains("application/vnd.longshore.inputs.v1"), "{skopeo}");
}

#[test]
fn images_of_others_are_vendored_with_their_layers() {
    let registry = Registry::start(Kind::Docker);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs_err::create_dir(at("bin")).unwrap();
    fs_err::copy("/bin/busybox", at("bin/busybox")).unwrap();
    Tool::new("tar").arg("-cf").arg(at("layer.tar")).arg("-C").arg(folder.path()).arg("bin").run();
    let name = format!("{}/org/base:1", registry.host());
    let append = crane().args(["append", "--insecure", "--platform", "linux/amd64", "-t", &name, "-f"]);
    append.arg(at("layer.tar")).run();
    crane().args(["mutate", "--insecure", "--set-platform", "linux/amd64", "-t", &name, &name]).run();
    let sandbox = Sandbox::new(crate::common::LONGSHORE);
    sandbox.write(
        "stack.toml",
        format!(
            "[stack]\nname = \"test\"\n[image.app]\nbase = \"{name}\"\nuser = {{ name = \"app\", uid = 10001 }}\n\
             command = [\"/bin/busybox\"]\n[image.part]\ncontents = [{{ image = \"{name}\", from = \"/bin/busybox\" }}]\n\
             user = {{ name = \"app\", uid = 10001 }}\ncommand = [\"/bin/busybox\"]\n"
        ),
    );
    let expected = ids(&sandbox, &[]);
    let said = sandbox.ok(&["vendor"]);
    assert!(said.contains("vendored 2 inputs: "), "{said}");
    drop(registry);
    assert_ne!(fresh(&sandbox, &["build"]).code, 0, "its sources are still there");
    assert_eq!(ids(&sandbox, &["--vendored"]), expected);
    // With the base's layers as they are.
    let saved = fresh(&sandbox, &["build", "--vendored", "-o", "layout"]);
    assert_eq!(saved.code, 0, "{saved}");
    let problems = longshore_publish::validate(&sandbox.work().join("layout"));
    assert!(problems.is_empty(), "{problems:?}");
    let checked = fresh(&sandbox, &["vendor", "--check"]);
    assert!(checked.code == 0 && checked.stdout.contains("2 inputs"), "{checked}");
}

#[test]
fn a_byte_that_has_changed_and_a_file_that_is_gone_are_told() {
    let (_repository, _server, _folder, sandbox) = ready();
    sandbox.ok(&["vendor"]);
    let data = blob(&sandbox, "url/");
    flip_last(&data, 1);
    let changed = fresh(&sandbox, &["build", "--vendored"]);
    assert_eq!(changed.code, 1, "{changed}");
    for words in [
        "error: the vendored inputs at `",
        "are damaged: url `data` is another file: expected sha256:",
        "hint: run `longshore vendor --to ",
    ] {
        assert!(changed.stderr.contains(words), "{changed}");
    }
    let check = fresh(&sandbox, &["vendor", "--check"]);
    assert_eq!(check.code, 1, "{check}");
    assert!(check.stderr.contains("are not complete") && check.stderr.contains("layer sha256:"), "{check}");

    fs_err::remove_file(&data).unwrap();
    let gone = fresh(&sandbox, &["build", "--vendored"]);
    assert!(gone.stderr.contains("are damaged: url `data` is missing: there is no sha256:"), "{gone}");

    // What the hint says mends both.
    sandbox.ok(&["vendor"]);
    let pack = blob(&sandbox, "deb-");
    let mut bytes = fs_err::read(&pack).unwrap();
    bytes[600] ^= 1;
    fs_err::write(&pack, bytes).unwrap();
    let changed = fresh(&sandbox, &["build", "--vendored"]);
    assert!(changed.stderr.contains("are damaged: deb `"), "{changed}");
    sandbox.ok(&["vendor"]);
    ids(&sandbox, &["--vendored"]);

    let none = fresh(&sandbox, &["build", "--vendored=nowhere"]);
    assert!(none.stderr.contains("there are no vendored inputs at `nowhere`"), "{none}");
    let other = fresh(&sandbox, &["build", "--vendored=site"]);
    assert!(
        other.stderr.contains("`site` does not hold vendored inputs: it is no OCI image layout"),
        "{other}"
    );
    let wrong = fresh(&sandbox, &["build", "--vendored=oci://inputs"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("it names no registry"), "{wrong}");
}

#[test]
fn a_lock_that_is_newer_says_what_is_missing_and_why() {
    let (repository, _server, _folder, sandbox) = ready();
    let unlocked = sandbox.run(&["build", "--vendored"]);
    assert!(
        unlocked.stderr.contains("there is no `stack.lock`, and vendored inputs are those of a lock"),
        "{unlocked}"
    );
    sandbox.ok(&["vendor"]);
    repository.publish(&[hello().depends("libgreet1"), library("1.1-1")]);
    sandbox.ok(&["update"]);
    let missing = fresh(&sandbox, &["build", "--vendored"]);
    assert_eq!(missing.code, 1, "{missing}");
    for words in [
        "error: deb `libgreet1` 1.1-1 (amd64) is not among the vendored inputs at `",
        "why: image `app` → `hello` → `libgreet1`",
        "hint: run `longshore vendor` where there is network",
    ] {
        assert!(missing.stderr.contains(words), "{words}\n{missing}");
    }
    let check = fresh(&sandbox, &["vendor", "--check"]);
    let line = "deb `libgreet1` 1.1-1 (amd64), for image `app` → `hello` → `libgreet1`";
    assert!(check.code == 1 && check.stderr.contains(line), "{check}");
    sandbox.ok(&["vendor"]);
    ids(&sandbox, &["--vendored"]);
    // What is no longer locked is not kept.
    let count = fs_err::read_dir(sandbox.work().join("stack.vendor/blobs/sha256")).unwrap().count();
    assert_eq!(count, 5, "manifest, list, a file and two packs");
}

#[test]
fn a_list_that_lies_changes_no_image() {
    let (_repository, _server, _folder, sandbox) = ready();
    sandbox.ok(&["vendor"]);
    let layout = sandbox.work().join("stack.vendor");
    let read = |path: &Path| serde_json::from_slice::<Value>(&fs_err::read(path).unwrap()).unwrap();
    let blob = |digest: &Value| {
        layout.join("blobs/sha256").join(digest.as_str().unwrap().trim_start_matches("sha256:"))
    };
    let put = |document: &Value| {
        let content = Content::of(&serde_json::to_vec(document).unwrap());
        fs_err::write(layout.join("blobs/sha256").join(content.digest.hex()), document.to_string()).unwrap();
        content
    };
    let mut index = read(&layout.join("index.json"));
    let mut manifest = read(&blob(&index["manifests"][0]["digest"]));
    let mut list = read(&blob(&manifest["config"]["digest"]));
    // Under the id of `hello` there is now the other package, and every digest of the artifact fits.
    let inputs = list["inputs"].as_array_mut().unwrap();
    let of = |name: &str, inputs: &[Value]| inputs.iter().position(|input| input["name"] == name).unwrap();
    let (hello, other) = (of("hello", inputs), of("libgreet1", inputs));
    for key in ["digest", "size", "layer", "offset"] {
        inputs[hello][key] = inputs[other][key].clone();
    }
    let config = put(&list);
    manifest["config"]["digest"] = config.digest.to_string().into();
    manifest["config"]["size"] = config.size.into();
    let changed = put(&manifest);
    index["manifests"][0]["digest"] = changed.digest.to_string().into();
    index["manifests"][0]["size"] = changed.size.into();
    fs_err::write(layout.join("index.json"), index.to_string()).unwrap();

    let refused = fresh(&sandbox, &["build", "--vendored"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.contains("error: deb `hello` 1.0-1 (amd64) is not among the vendored"),
        "{refused}"
    );
    let check = fresh(&sandbox, &["vendor", "--check"]);
    assert!(check.stderr.contains("deb `hello` 1.0-1 (amd64), for image `app` → `hello`"), "{check}");
}

#[test]
fn a_folder_in_a_source_is_warned_of() {
    let (_repository, _server, _folder, sandbox) = ready();
    let answer = sandbox.run(&["vendor", "--to", "site/inputs"]);
    assert!(
        answer.code == 0
            && answer.stderr.contains("`site/inputs` lies in `site`, which image `app` takes in"),
        "{answer}"
    );
    let answer = sandbox.run(&["vendor"]);
    assert!(answer.code == 0 && !answer.stderr.contains("lies in"), "{answer}");
}

#[test]
fn a_set_goes_into_every_registry_and_back() {
    let (repository, server, folder, sandbox) = ready();
    let expected = ids(&sandbox, &[]);
    let registries = Kind::ALL.map(Registry::start);
    let place = |registry: &Registry| format!("oci://{}/org/inputs:1", registry.host());
    for registry in &registries {
        sandbox.ok(&["vendor", "--to", &place(registry)]);
        let again: Value =
            serde_json::from_str(&sandbox.ok(&["--json", "vendor", "--to", &place(registry)])).unwrap();
        assert_eq!(again["bytes_sent"], 0, "{:?}: {again}", registry.kind());
    }
    drop((repository, server, folder));
    for registry in &registries {
        let from = format!("--vendored={}", place(registry));
        assert_eq!(ids(&sandbox, &[&from]), expected, "{:?}", registry.kind());
        let offline = fresh(&sandbox, &["build", &from, "--offline"]);
        assert!(offline.stderr.contains("is needed, and the network may not be used"), "{offline}");
        let check = fresh(&sandbox, &["vendor", "--check", "--to", &place(registry)]);
        assert_eq!(check.code, 0, "{check}");
        let none = fresh(&sandbox, &["build", &format!("--vendored=oci://{}/org/other", registry.host())]);
        assert!(none.stderr.contains("there are no vendored inputs at `oci://"), "{none}");
    }
}

#[test]
fn a_push_that_broke_off_goes_on_and_the_tag_comes_last() {
    let (_repository, _server, _folder, sandbox) = ready();
    sandbox.ok(&["lock"]);
    let registry = Registry::start(Kind::Distribution);
    let proxy = Proxy::new(&registry.host());
    let place = format!("oci://{}/org/inputs:1", proxy.host());
    let vendor = ["-j", "1", "vendor", "--to", &place];
    // To the end once, to know its requests.
    let other = Registry::start(Kind::Distribution);
    let counting = Proxy::new(&other.host());
    sandbox.ok(&["-j", "1", "vendor", "--to", &format!("oci://{}/org/inputs:1", counting.host())]);
    let whole = counting.seen();
    let sent = |seen: &[longshore_testkit::proxy::Seen]| seen.iter().map(|seen| seen.sent).sum::<u64>();
    assert!(whole.last().unwrap().path.ends_with("/manifests/1"), "{whole:?}");

    proxy.trouble(whole.len() - 2, Trouble::Fails, Repeat::Always);
    let failed = sandbox.run(&vendor);
    assert_eq!(failed.code, 1, "{failed}");
    let none = fresh(&sandbox, &["build", &format!("--vendored={place}")]);
    assert_ne!(none.code, 0, "{none}");
    proxy.heal();
    sandbox.ok(&vendor);
    assert!(sent(&proxy.seen()) < sent(&whole) / 10, "{} of {}", sent(&proxy.seen()), sent(&whole));
    ids(&sandbox, &[&format!("--vendored={place}")]);
}

/// The real example: Go, Cargo and npm with the real toolchains.
#[test]
#[ignore = "builds with an empty store: ./x test --long"]
fn what_go_cargo_and_npm_brought_is_vendored() {
    let sandbox = real("examples/from-source");
    let amd64 = ["build", "--platform", "linux/amd64"];
    with_update(&sandbox, &amd64);
    let expected: Value = serde_json::from_str(&sandbox.ok(&[&["--json"], &amd64[..]].concat())).unwrap();
    let vendored: Value = serde_json::from_str(&sandbox.ok(&["--json", "vendor"])).unwrap();
    for kind in ["deb", "crate", "go-module", "go-mod", "go-modules", "npm-tarball"] {
        let has = vendored["inputs"].as_array().unwrap().iter().any(|input| input["kind"] == kind);
        assert!(has, "{kind}: {vendored}");
    }
    let built = fresh(&sandbox, &[&["--json"], &amd64[..], &["--vendored"]].concat());
    assert_eq!(built.code, 0, "{built}");
    let built: Value = serde_json::from_str(&built.stdout).unwrap();
    assert_eq!(built["images"], expected["images"]);

    // A project's lock that wants more than is there.
    let lock = sandbox.work().join("answer/Cargo.lock");
    let text = fs_err::read_to_string(&lock).unwrap();
    let (before, after) = text.split_once("checksum = \"").unwrap();
    let other = format!("{before}checksum = \"{}{}", "0".repeat(64), &after[64..]);
    fs_err::write(&lock, other).unwrap();
    let check = fresh(&sandbox, &["vendor", "--check"]);
    assert!(check.code == 1 && check.stderr.contains(", for build `answer`"), "{check}");
}
