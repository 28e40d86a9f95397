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
    settings.add_filter("[0-9a-f]{64}", "[DIGEST]");
    settings.add_filter(r"\b[0-9a-df-np-sv-z]{32}\b", "[HASH]");
    settings.add_filter("urn:uuid:[0-9a-f-]{36}", "[NAME]");
    settings
}

#[test]
fn documents_say_what_makers_say() {
    let (_folder, sandbox) = stack();
    assert_eq!(
        locked(&sandbox.read("stack.lock")),
        [
            "busybox-static",
            "hello-2.12 → busybox-static, libgreeting-1.4.2: MIT AND Apache-2.0, cpe:2.3:a:gnu:hello:2.12:*:*:*:*:*:*:*, CVE-2024-1234",
            "libgreeting-1.4.2: CVE-2023-1000, CVE-2023-1001",
            "plain-0.1 → busybox-static",
        ]
    );
    for format in ["spdx", "cyclonedx", "openvex"] {
        sandbox.ok(&["sbom", "--stack", "-o", "out/", "--format", format]);
    }
    let document = sandbox.ok(&["sbom", "app", "--format", "openvex"]);
    settled().bind(|| {
        insta::assert_snapshot!("openvex", document);
        let cyclonedx = read(&sandbox, "out/app.linux-amd64.cdx.json");
        insta::assert_snapshot!("cyclonedx", of_the_store(&cyclonedx["components"], "properties"));
        let spdx = read(&sandbox, "out/app.linux-amd64.spdx.json");
        insta::assert_snapshot!("spdx", of_the_store(&spdx["packages"], "annotations"));
    });
    let out = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| sandbox.work().join("out").join(name)).collect()
    };
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

/// What a lock says of each store path, by its name: `NAME → REFERENCES: LICENCE, CPE, VULNERABILITIES`.
fn locked(lock: &str) -> Vec<String> {
    let lock: toml::Table = lock.parse().unwrap();
    let name = |path: &toml::Value| path.as_str().unwrap()[33..].to_owned();
    let list =
        |value: Option<&toml::Value>| value.and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let line = |path: &toml::Value| {
        let mut references: Vec<_> = list(path.get("references")).iter().map(name).collect();
        references.sort();
        let mut said: Vec<_> = ["license", "cpe"].iter().filter_map(|key| path.get(key)).map(text).collect();
        said.extend(list(path.get("patched")).iter().map(text));
        let mut line = name(&path["path"]);
        for (sign, all) in [(" → ", references), (": ", said)] {
            if !all.is_empty() {
                line += &format!("{sign}{}", all.join(", "));
            }
        }
        line
    };
    let mut lines: Vec<_> = lock["store-path"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

/// The components that are store paths, by name, without their names in the document and the layers they are in.
fn of_the_store(components: &Value, places: &str) -> String {
    let is_ours = |one: &&Value| one.to_string().contains("/nix/store/");
    let mut ours: Vec<Value> = components.as_array().unwrap().iter().filter(is_ours).cloned().collect();
    ours.sort_by_key(|one| one["name"].to_string());
    let text = |mut one: Value| {
        let object = one.as_object_mut().unwrap();
        object.remove("SPDXID");
        if let Some(Value::Array(all)) = object.get_mut(places) {
            all.retain(|place| !place.to_string().contains("layer sha256:"));
        }
        serde_json::to_string_pretty(&one).unwrap() + "\n"
    };
    ours.into_iter().map(text).collect()
}

#[test]
fn there_is_no_document_of_nothing() {
    let (_folder, sandbox) = stack();
    let answer = sandbox.run(&["--quiet", "sbom", "tool", "--format", "openvex"]);
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
