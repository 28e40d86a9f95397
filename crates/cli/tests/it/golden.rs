//! One example whose outputs are kept: readable first, digests last.

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::{Sandbox, layout, tree};
use serde_json::Value;

use crate::common;

const IMAGES: &str = r#"
[image.app]
contents = [
  "hello",
  { package = "toolbox", from = "/usr/bin/wrench", to = "/opt/bin/" },
  { file = "app.conf", to = "/etc/app/", mode = "0640", owner = "app" },
  { text = "ä\n", to = "/srv/a-directory-whose-name-is-long-enough-that-the-path-does-not-fit/into-one-hundred-bytes-of-a-tar-header/größe.txt" },
  { symlink = "../usr/bin/hello", to = "/opt/hello" },
]
user = { name = "app", uid = 10001 }
users = [{ name = "log", uid = 10009, gid = 10010, home = "/var/log" }]
command = ["/usr/bin/hello", "--port", "8080"]
env = { GREETING = "hello", TZ = "UTC" }
workdir = "/srv"
ports = { http = 8080, dns = "53/udp" }
writable = ["/var/lib/app", { path = "/var/log/app", owner = "log", mode = "0755" }]
stop-signal = "SIGINT"
labels = { "org.example.kind" = "golden" }

[image.tool]
contents = [{ package = "toolbox", from = "/usr/bin/wrench" }]
command = ["/usr/bin/wrench"]
"#;

fn packages() -> Vec<Package> {
    vec![
        Package::new("hello", "2.10-3")
            .depends("libgreet1 (>= 1.0), hello-data")
            .executable("usr/bin/hello", "program")
            .file("usr/share/doc/hello/copyright", "Licence: none\n")
            .file("usr/share/doc/hello/README", "dropped\n")
            .file("usr/share/man/man1/hello.1.gz", "dropped\n")
            .file("etc/hello.conf", "greeting = hello\n")
            .script("conffiles", "/etc/hello.conf\n")
            .script("postinst", "#!/bin/sh\nadduser --system hello\n"),
        Package::new("libgreet1", "1:1.0+b2")
            .file("usr/lib/x86_64-linux-gnu/libgreet.so.1.0", "library")
            .symlink("usr/lib/x86_64-linux-gnu/libgreet.so.1", "libgreet.so.1.0")
            .file("usr/share/doc/libgreet1/copyright", "Licence: none\n"),
        Package::new("hello-data", "2.10-3")
            .architecture("all")
            .file("usr/share/hello/a", "same")
            .hard_link("usr/share/hello/b", "usr/share/hello/a")
            .directory("var/lib/hello", 0o755)
            .file("usr/share/doc/hello-data/copyright", "Licence: none\n"),
        Package::new("toolbox", "0~rc1-1")
            .executable("usr/bin/wrench", "wrench")
            .executable("usr/bin/hammer", "hammer")
            .file("usr/share/doc/toolbox/copyright", "Licence: none\n"),
    ]
}

fn build() -> (Repository, Sandbox) {
    let repository = Repository::new(&packages());
    let sandbox = common::sandbox(&repository, IMAGES);
    sandbox.write("app.conf", "answer = 42\n");
    sandbox.ok(&["build", "-o", "out"]);
    (repository, sandbox)
}

fn blob(sandbox: &Sandbox, digest: &Value) -> Value {
    let hex = digest.as_str().unwrap().trim_start_matches("sha256:");
    serde_json::from_str(&sandbox.read(&format!("out/blobs/sha256/{hex}"))).unwrap()
}

#[test]
fn outputs_are_what_they_were() {
    let (_repository, sandbox) = build();
    insta::assert_snapshot!("files", sandbox.ok(&["show", "app", "--files"]));
    insta::assert_snapshot!("plan", sandbox.ok(&["plan"]));
    insta::assert_snapshot!("scripts", sandbox.ok(&["show", "app", "--scripts"]));

    let out = sandbox.work().join("out");
    let names = layout::names(&out);
    assert_eq!(names.len(), 2, "{names:?}");
    let app = names.iter().find(|name| name.contains("app")).unwrap();
    let bundle = tempfile::tempdir().unwrap();
    let unpacked = tree::dump(&layout::umoci_unpack(&out, app, &bundle.path().join("app")));
    let lines: Vec<_> = unpacked.iter().map(|(path, said)| format!("{path} {said}")).collect();
    insta::assert_snapshot!("unpacked", lines.join("\n"));

    let index: Value = serde_json::from_str(&sandbox.read("out/index.json")).unwrap();
    let mut manifest = index["manifests"][0]["digest"].clone();
    let first = blob(&sandbox, &manifest);
    if first["manifests"].is_array() {
        manifest = first["manifests"][0]["digest"].clone();
    }
    let manifest = blob(&sandbox, &manifest);
    let config = blob(&sandbox, &manifest["config"]["digest"]);
    insta::assert_snapshot!("config", serde_json::to_string_pretty(&config).unwrap());
    insta::assert_snapshot!("manifest", serde_json::to_string_pretty(&manifest).unwrap());
    // Last: when this alone changes, bytes changed that nothing above shows (tar headers, compression). Either way a
    // change here gives every user other digests from the same lock: raise the assembler's number and say so in the
    // changelog.
    insta::assert_snapshot!("digests", serde_json::to_string_pretty(&index).unwrap());
}

#[test]
fn every_image_satisfies_skopeo_and_umoci() {
    let (_repository, sandbox) = build();
    let out = sandbox.work().join("out");
    for name in layout::names(&out) {
        let said = layout::skopeo_inspect(&out, &name);
        assert_eq!(said["Os"], "linux", "{said}");
        assert_eq!(said["Architecture"], "amd64", "{said}");
        let bundle = tempfile::tempdir().unwrap();
        let unpacked = layout::umoci_unpack(&out, &name, &bundle.path().join("bundle"));
        assert!(tree::dump(&unpacked).keys().any(|path| path.ends_with("/wrench")), "{name}");
    }
}

#[test]
fn why_names_the_package() {
    let (_repository, sandbox) = build();
    let said = sandbox.ok(&["why", "app", "/usr/share/hello/b"]);
    assert!(said.contains("hello-data"), "{said}");
    let said = sandbox.ok(&["why", "app", "libgreet1"]);
    assert!(said.contains("hello"), "{said}");
}
