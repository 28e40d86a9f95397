//! How layers are compressed, when they are, and how much of a layer that changed is made again.

use std::collections::BTreeSet;

use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::{Sandbox, Tool};
use serde_json::Value;

use crate::common::LONGSHORE;
use crate::registries::{digest, two};

/// A stack of one image with two files of 6 MiB.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE);
    sandbox.write(
        "stack.toml",
        "[stack]\nname = \"test\"\n\n[image.app]\ncontents = [{ file = \"a\", to = \"/srv/\" }, { file = \"b\", to = \"/srv/\" }]\n",
    );
    sandbox.write("a", text(1, 6 << 20));
    sandbox.write("b", text(2, 6 << 20));
    sandbox
}

/// Numbers in lines, other ones for every seed.
fn text(seed: u64, size: usize) -> String {
    let mut state = seed;
    let mut text = String::new();
    while text.len() < size {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text += &format!("{}\n", state >> 40);
    }
    text
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The only image's id, and the blobs that the store has besides it.
fn built(sandbox: &Sandbox, arguments: &[&str]) -> (String, BTreeSet<String>) {
    let answer = json(&sandbox.ok(&[&["--json", "build"], arguments].concat()));
    let blobs = longshore_testkit::tree::files(&sandbox.store().join("blobs"));
    (answer["images"][0]["id"].as_str().unwrap().to_owned(), blobs.into_keys().collect())
}

#[test]
fn every_compression_gives_the_same_image() {
    let sandbox = sandbox();
    let (id, plain) = built(&sandbox, &[]);
    for (compression, ending) in [("default", "gzip"), ("fast", "gzip"), ("zstd", "zstd")] {
        let (same, blobs) = built(&sandbox, &["-o", compression, "--compression", compression]);
        assert_eq!(same, id);
        assert!(blobs.len() > plain.len(), "without `-o` nothing was compressed");
        let from = format!("oci:{}:test/app:latest", sandbox.work().join(compression).display());
        let manifest = json(&Tool::new("skopeo").args(["inspect", "--raw", &from]).run());
        for layer in manifest["layers"].as_array().unwrap() {
            let expected = format!("application/vnd.oci.image.layer.v1.tar+{ending}");
            assert_eq!(layer["mediaType"], expected.as_str());
        }
        assert_eq!(manifest["config"]["digest"], id.as_str());
    }
}

#[test]
fn objects_name_images_by_the_digests_that_a_push_gives_them() {
    let registry = Registry::start(Kind::Distribution);
    let (_repository, sandbox) = two();
    let file = sandbox.read("stack.toml");
    sandbox.write("stack.toml", format!("{file}\n[service.web]\nimage = \"web\"\n"));
    let mut digests = BTreeSet::new();
    for compression in ["default", "fast", "zstd"] {
        let to = format!("{}/{compression}", registry.host());
        let compressed = ["--compression", compression];
        sandbox.ok(&[&["generate", "kube"], &compressed[..]].concat());
        sandbox.ok(&[&["push", "--to", &to], &compressed[..]].concat());
        let digest = digest(&format!("{to}/web:1.2.3"));
        let objects = sandbox.read("deploy/kube/kube.yaml");
        assert!(objects.contains(&format!("web@{digest}")), "{compression}: {digest}\n{objects}");
        // How it was called is in the command that is told where the files are no longer right.
        sandbox.ok(&[&["generate", "kube", "--check"], &compressed[..]].concat());
        let other = if compression == "zstd" { "fast" } else { "zstd" };
        let outdated = sandbox.run(&["generate", "kube", "--check", "--compression", other]);
        assert_eq!(outdated.code, 1, "{outdated}");
        assert!(outdated.stderr.contains(&format!("--compression {other}")), "{outdated}");
        digests.insert(digest);
    }
    assert_eq!(digests.len(), 3, "{digests:?}");
}

#[test]
fn who_asks_for_zstd_is_told_who_can_not_read_it() {
    let sandbox = sandbox();
    let warning = "warning: Docker before 23 can't read layers that are compressed with zstd";
    let answer = sandbox.run(&["build", "-o", "layout", "--compression", "zstd"]);
    assert_eq!(answer.code, 0, "{answer}");
    assert!(answer.stderr.contains(warning), "{answer}");
    // Nothing is compressed here, so there is nothing to be told of.
    let answer = sandbox.run(&["build", "--compression", "zstd"]);
    assert!(!answer.stderr.contains(warning), "{answer}");
    // Archives are for engines, whichever they are.
    let answer = sandbox.run(&["save", "-o", "app.tar", "--compression", "zstd"]);
    assert_eq!(answer.code, 2, "{answer}");
}

#[test]
fn a_layer_that_changed_in_part_is_as_from_a_new_store() {
    let changed = sandbox();
    built(&changed, &["-o", "layout"]);
    changed.write("b", text(3, 6 << 20));
    let fresh = sandbox();
    fresh.write("b", text(3, 6 << 20));
    let (one, other) = (built(&changed, &["-o", "layout"]).0, built(&fresh, &["-o", "layout"]).0);
    assert_eq!(one, other);
    let digest = |sandbox: &Sandbox| {
        let from = format!("oci:{}:test/app:latest", sandbox.work().join("layout").display());
        Tool::new("skopeo").args(["inspect", "--raw", &from]).run()
    };
    assert_eq!(digest(&changed), digest(&fresh));
}
