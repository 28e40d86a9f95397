//! Bills of materials of paths of a Nix store: what their makers say of them, and what other people's programs make of that.

use std::collections::BTreeSet;

use longshore_testkit::{Nix, Sandbox, sbom};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::LONGSHORE;

const STACK: &str = "[stack]\nname = \"bills\"\nepoch = 1700000000\n\n\
    [image.app]\ncontents = [{ nix = \"path:flake#hello\" }]\ncommand = [\"/bin/hello\"]\n\
    labels = { \"org.opencontainers.image.vendor\" = \"Example\" }\n\n\
    [image.tool]\ncontents = [{ nix = \"path:flake#plain\" }]\ncommand = [\"/bin/plain\"]\n";

/// A stack of two images, and the Nix that builds what is in them.
fn stack() -> (TempDir, Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    let nix = Nix::installed();
    let store = nix.store(&folder.path().join("store"));
    let path = std::env::var("PATH").unwrap_or_default();
    let sandbox = Sandbox::new(LONGSHORE);
    let sandbox =
        store.environment(&path).into_iter().fold(sandbox, |all, (name, value)| all.env(name, &value));
    nix.bills_flake(&sandbox.work().join("flake"));
    sandbox.write("stack.toml", STACK);
    sandbox.ok(&["lock"]);
    (folder, sandbox)
}

fn read(sandbox: &Sandbox, path: &str) -> Value {
    serde_json::from_str(&sandbox.read(path)).unwrap()
}

/// Store paths follow the bytes of busybox, and so do digests and what documents are called.
fn settled() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[0-9a-df-np-sv-z]{32}(-|\\b)", "[HASH]$1");
    settings.add_filter("[0-9a-f]{64}", "[DIGEST]");
    settings.add_filter("urn:uuid:[0-9a-f-]{36}", "[NAME]");
    settings.add_filter("size = \\d+", "size = [SIZE]");
    settings
}

#[test]
fn documents_say_what_makers_say() {
    let (_folder, sandbox) = stack();
    for format in ["spdx", "cyclonedx", "openvex"] {
        sandbox.ok(&["sbom", "--stack", "-o", "out/", "--format", format]);
    }
    let lock = sandbox.read("stack.lock");
    let (_, store_paths) = lock.split_once("\n\n[[store-path]]").unwrap();
    let document = sandbox.ok(&["sbom", "app", "--format", "openvex"]);
    settled().bind(|| {
        insta::assert_snapshot!("store_paths", store_paths);
        insta::assert_snapshot!("openvex", document);
        insta::assert_snapshot!("cyclonedx", components(&read(&sandbox, "out/app.linux-amd64.cdx.json")));
        insta::assert_snapshot!("spdx", packages(&read(&sandbox, "out/app.linux-amd64.spdx.json")));
    });
    let out =
        |names: &[&str]| names.iter().map(|name| sandbox.work().join("out").join(name)).collect::<Vec<_>>();
    let spdx = out(&["app.linux-amd64.spdx.json", "tool.linux-amd64.spdx.json", "bills.stack.spdx.json"]);
    sbom::valid_spdx(&spdx);
    spdx.iter().for_each(|file| sbom::has_minimum_elements(file));
    sbom::valid_cyclonedx(&out(&[
        "app.linux-amd64.cdx.json",
        "tool.linux-amd64.cdx.json",
        "bills.stack.cdx.json",
    ]));
    sbom::valid_openvex(&out(&["app.linux-amd64.openvex.json", "bills.stack.openvex.json"]));
}

/// The components of a store, in a form to read.
fn components(document: &Value) -> String {
    let all = document["components"].as_array().unwrap().iter();
    let ours = all.filter(|one| one["bom-ref"].as_str().unwrap().starts_with("nix:")).map(|one| {
        let mut one = one.clone();
        let properties = one["properties"].as_array_mut().unwrap();
        properties.retain(|property| property["name"] != "longshore:place");
        serde_json::to_string_pretty(&one).unwrap() + "\n"
    });
    ours.collect()
}

fn packages(document: &Value) -> String {
    let all = document["packages"].as_array().unwrap().iter();
    let ours = all.filter(|one| one["SPDXID"].as_str().unwrap().starts_with("SPDXRef-nix-")).map(|one| {
        let mut one = one.clone();
        let object = one.as_object_mut().unwrap();
        // They have hashes of the whole in them.
        object.remove("annotations");
        object.remove("SPDXID");
        serde_json::to_string_pretty(&one).unwrap() + "\n"
    });
    ours.collect()
}

#[test]
fn there_is_no_document_of_nothing() {
    let (_folder, sandbox) = stack();
    let answer = sandbox.run(&["sbom", "tool", "--format", "openvex"]);
    insta::assert_snapshot!(sandbox.snapshot(&answer));
    // Where some have something to say, the others are passed over.
    sandbox.ok(&["sbom", "-o", "out/", "--format", "openvex"]);
    let names: Vec<_> = fs_err::read_dir(sandbox.work().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["app.linux-amd64.openvex.json"]);
}

#[test]
#[ignore = "needs a scanner, and OpenVEX's own library: ./x test --long"]
fn a_scanner_finds_the_same_and_knows_what_is_patched() {
    let (_folder, sandbox) = stack();
    sandbox.ok(&["sbom", "app", "-o", "app.cdx.json", "--format", "cyclonedx"]);
    sandbox.ok(&["sbom", "app", "-o", "app.openvex.json", "--format", "openvex"]);
    sandbox.ok(&["build", "app", "-o", "layout"]);
    let of_nix = |purls: BTreeSet<String>| -> BTreeSet<String> {
        purls.into_iter().filter(|purl| purl.starts_with("pkg:nix/")).collect()
    };
    let document = read(&sandbox, "app.cdx.json");
    let purls =
        document["components"].as_array().unwrap().iter().map(|one| one["purl"].as_str().unwrap().to_owned());
    let ours = of_nix(purls.collect());
    let theirs = of_nix(sbom::found(&sandbox.work().join("layout")));
    assert_eq!(theirs.len(), 2, "{theirs:?}");
    // What has no version in its name they pass over.
    assert!(theirs.is_subset(&ours), "{theirs:?} {ours:?}");
    let image = document["metadata"]["component"]["purl"].as_str().unwrap();
    let said = sbom::vexed(&sandbox.work().join("app.openvex.json"), image, &theirs);
    let names: Vec<_> = said.iter().map(|line| line.split("?outputhash=").next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "CVE-2023-1000 fixed pkg:nix/libgreeting@1.4.2",
            "CVE-2023-1001 fixed pkg:nix/libgreeting@1.4.2",
            "CVE-2024-1234 fixed pkg:nix/hello@2.12",
        ]
    );
    // Another build of the same version is not said to be patched, nor is another image.
    let other = theirs
        .iter()
        .map(|purl| purl.split_once('=').unwrap().0.to_owned() + "=0i6fy063875f9zm83jl4qfj694lzg4ay");
    assert!(sbom::vexed(&sandbox.work().join("app.openvex.json"), image, &other.collect()).is_empty());
    assert!(sbom::vexed(&sandbox.work().join("app.openvex.json"), "pkg:oci/other", &theirs).is_empty());
}
