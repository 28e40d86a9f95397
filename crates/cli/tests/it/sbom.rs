//! Bills of materials: what they say, and what other people's validators say of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::http::Server;
use longshore_testkit::registry::{Kind as RegistryKind, Registry};
use longshore_testkit::{Sandbox, Tool, layout, sbom};
use serde_json::Value;

use crate::common::{self, real, with_update};

const IMAGES: &str = r#"
[image.app]
contents = [
  "hello",
  { file = "app.conf", to = "/etc/app.conf" },
  { text = "text\n", to = "/etc/text" },
]
command = ["/usr/bin/hello"]

[image.tool]
contents = [{ package = "toolbox", from = "/usr/bin/wrench" }]
command = ["/usr/bin/wrench"]
labels = { "org.opencontainers.image.vendor" = "Example" }
"#;

const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
    Files: *\nCopyright: 2020 A\nLicense: GPL-2+ or Artistic\n\n\
    Files: debian/*\nCopyright: 2021 B\nLicense: Odd-1\n Do as you like.\n\n\
    License: GPL-2+ or Artistic\n See elsewhere.\n";

fn packages() -> Vec<Package> {
    vec![
        Package::new("hello", "1:2.10-3+b1")
            .depends("libgreet1 (>= 1.0), hello-data")
            .field("Source", "hello (1:2.10-3)")
            .field("Homepage", "https://hello.example.org/")
            .executable("usr/bin/hello", "program")
            .file("usr/share/doc/hello/copyright", COPYRIGHT),
        // Its documents are those of another package.
        Package::new("libgreet1", "2.0~rc1")
            .depends("hello-data")
            .file("usr/lib/libgreet.so.1", "library")
            .symlink("usr/share/doc/libgreet1", "hello-data"),
        Package::new("hello-data", "2.10-3")
            .architecture("all")
            .file("usr/share/hello/a", "data")
            .file("usr/share/doc/hello-data/copyright", COPYRIGHT.replace("Odd-1", "Expat")),
        Package::new("toolbox", "0.1-1")
            .depends("hello-data")
            .executable("usr/bin/wrench", "wrench")
            .executable("usr/bin/hammer", "hammer")
            .file("usr/share/doc/toolbox/copyright", "Free.\n"),
    ]
}

fn stack() -> (Repository, Sandbox) {
    let repository = Repository::new(&packages());
    let sandbox = common::sandbox(&repository, IMAGES);
    sandbox.write("app.conf", "answer = 42\n");
    (repository, sandbox)
}

fn documents(sandbox: &Sandbox, folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(sandbox.work().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "{folder} has no file that ends in {ending}");
    files
}

/// The values of a field of every package or component.
fn all<'a>(document: &'a Value, list: &str, field: &str) -> BTreeSet<&'a str> {
    document[list].as_array().unwrap().iter().filter_map(|one| one[field].as_str()).collect()
}

fn read(sandbox: &Sandbox, path: &str) -> Value {
    serde_json::from_str(&sandbox.read(path)).unwrap()
}

#[test]
fn documents_are_what_they_were() {
    let (repository, sandbox) = stack();
    sandbox.ok(&["sbom", "--stack", "-o", "out/"]);
    sandbox.ok(&["sbom", "--stack", "-o", "out/", "--format", "cyclonedx"]);
    let mut settings = insta::Settings::clone_current();
    // The address is that of this run, and the document's name is made of it too.
    settings.add_filter(&regex_escape(&repository.url()), "[MIRROR]");
    settings.add_filter("urn:uuid:[0-9a-f-]{36}", "[NAME]");
    settings.bind(|| {
        insta::assert_snapshot!("spdx", sandbox.read("out/app.linux-amd64.spdx.json"));
        insta::assert_snapshot!("cyclonedx", sandbox.read("out/tool.linux-amd64.cdx.json"));
    });
    let spdx = documents(&sandbox, "out", ".spdx.json");
    sbom::valid_spdx(&spdx);
    spdx.iter().for_each(|file| sbom::has_minimum_elements(file));
    sbom::valid_cyclonedx(&documents(&sandbox, "out", ".cdx.json"));
}

fn regex_escape(text: &str) -> String {
    text.replace('.', "\\.")
}

#[test]
fn every_file_is_listed_when_that_is_asked_for() {
    let (_repository, sandbox) = stack();
    sandbox.ok(&["build", "app", "-o", "layout"]);
    let bundle = sandbox.work().join("bundle");
    let root = layout::umoci_unpack(&sandbox.work().join("layout"), "test/app:latest", &bundle);
    let found = Tool::new("find").arg(&root).args(["-type", "f", "-exec", "sha256sum", "{}", "+"]).run();
    let expected: BTreeSet<String> = found
        .lines()
        .map(|line| {
            let (digest, path) = line.split_once("  ").unwrap();
            format!("{digest} {}", path.strip_prefix(root.to_str().unwrap()).unwrap())
        })
        .collect();
    assert!(expected.iter().any(|line| line.ends_with(" /usr/bin/hello")), "{expected:?}");
    sandbox.ok(&["sbom", "app", "--files", "-o", "app.spdx.json"]);
    sandbox.ok(&["sbom", "app", "--files", "-o", "app.cdx.json", "--format", "cyclonedx"]);
    sbom::valid_spdx(&[sandbox.work().join("app.spdx.json")]);
    sbom::has_minimum_elements(&sandbox.work().join("app.spdx.json"));
    sbom::valid_cyclonedx(&[sandbox.work().join("app.cdx.json")]);
    let listed = |document: &Value, list: &str, digest: &dyn Fn(&Value) -> String| -> BTreeSet<String> {
        let all = document[list].as_array().unwrap().iter();
        let files = all.filter(|one| one["name"].as_str().unwrap().starts_with('/'));
        files.map(|one| format!("{} {}", digest(one), one["name"].as_str().unwrap())).collect()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let spdx = read(&sandbox, "app.spdx.json");
    let spdx = listed(&spdx, "packages", &|one| text(&one["checksums"][0]["checksumValue"]));
    assert!(spdx.is_superset(&expected), "{:?}", expected.difference(&spdx));
    let cyclonedx = read(&sandbox, "app.cdx.json");
    let cyclonedx = listed(&cyclonedx, "components", &|one| text(&one["hashes"][0]["content"]));
    assert!(cyclonedx.is_superset(&expected), "{:?}", expected.difference(&cyclonedx));
    assert!(!sandbox.ok(&["sbom", "app"]).contains("/usr/share/hello/a"));
}

#[test]
fn the_same_stack_gives_the_same_bytes() {
    let (_repository, sandbox) = stack();
    for format in ["spdx", "cyclonedx"] {
        let first = sandbox.ok(&["sbom", "app", "--format", format]);
        sandbox.ok(&["sbom", "app", "--format", format, "-o", "once"]);
        assert_eq!(sandbox.read("once"), first);
        // Another folder, another user, another store.
        let other = Sandbox::new(common::LONGSHORE).env("HOME", "/nonexistent").env("USER", "somebody");
        common::copy(&sandbox.work(), &other.work());
        assert_eq!(other.ok(&["sbom", "app", "--format", format]), first);
        for text in [sandbox.work().display().to_string(), "somebody".to_owned()] {
            assert!(!first.contains(&text), "{text}");
        }
    }
}

#[test]
fn a_document_is_about_what_is_asked_for() {
    let (_repository, sandbox) = stack();
    let answer = sandbox.run(&["sbom"]);
    assert!(answer.code == 2 && answer.stderr.contains("`--stack`"), "{answer}");
    let app: Value = serde_json::from_str(&sandbox.ok(&["sbom", "app"])).unwrap();
    let names = all(&app, "packages", "name");
    assert!(names.contains("hello") && !names.contains("toolbox"), "{names:?}");
    let tool: Value = serde_json::from_str(&sandbox.ok(&["sbom", "tool"])).unwrap();
    let names = all(&tool, "packages", "name");
    // A slice does not bring what its package depends on.
    assert!(names.contains("toolbox") && !names.contains("hello-data"), "{names:?}");
    let whole: Value = serde_json::from_str(&sandbox.ok(&["sbom", "--stack"])).unwrap();
    let names = all(&whole, "packages", "name");
    assert!(["hello", "toolbox", "test", "test/app", "test/tool"].iter().all(|name| names.contains(name)));
    let said = sandbox.ok(&["--json", "sbom", "-o", "some/new/folder/"]);
    assert!(
        said.contains("app.linux-amd64.spdx.json") && said.contains("tool.linux-amd64.spdx.json"),
        "{said}"
    );
}

#[test]
fn real_images_are_complete() {
    let sandbox = real("examples/nginx");
    with_update(&sandbox, &["sbom", "-o", "web.spdx.json"]);
    sandbox.ok(&["sbom", "-o", "web.cdx.json", "--format", "cyclonedx"]);
    sbom::valid_spdx(&[sandbox.work().join("web.spdx.json")]);
    sbom::valid_cyclonedx(&[sandbox.work().join("web.cdx.json")]);
    sbom::has_minimum_elements(&sandbox.work().join("web.spdx.json"));
    let document = read(&sandbox, "web.spdx.json");
    let known = |reference: &Value| {
        reference["referenceType"] == "cpe23Type"
            && reference["referenceLocator"].as_str().unwrap().starts_with("cpe:2.3:a:f5:nginx:1.")
    };
    let packages = document["packages"].as_array().unwrap().iter();
    let references = packages.filter_map(|one| one["externalRefs"].as_array());
    assert!(references.flatten().any(known), "nginx has no CPE");
    let names = all(&document, "packages", "name");
    let shown: Value = serde_json::from_str(&sandbox.ok(&["--json", "show"])).unwrap();
    for package in shown[0]["packages"].as_array().unwrap() {
        assert!(names.contains(package["id"]["name"].as_str().unwrap()), "{package}");
    }
}

#[test]
fn modules_of_builds_are_in_it() {
    let sandbox = real("examples/from-source");
    with_update(&sandbox, &["sbom", "--stack", "-o", "out/"]);
    sandbox.ok(&["sbom", "--stack", "-o", "out/", "--format", "cyclonedx"]);
    let files = documents(&sandbox, "out", ".spdx.json");
    // Three images on two platforms and on both, and the stack.
    assert_eq!(files.len(), 3 * 3 + 1);
    sbom::valid_spdx(&files);
    files.iter().for_each(|file| sbom::has_minimum_elements(file));
    sbom::valid_cyclonedx(&documents(&sandbox, "out", ".cdx.json"));
    for (image, purls) in [
        ("hello", &["pkg:golang/rsc.io/quote@v1.5.2", "pkg:golang/stdlib@"][..]),
        ("answer", &["pkg:cargo/serde_json@1.", "pkg:deb/debian/libc6-dev@"]),
        ("page", &["pkg:npm/vite@", "pkg:npm/%40rollup/", "pkg:deb/debian/caddy@"]),
    ] {
        let document = read(&sandbox, &format!("out/{image}.linux-amd64.cdx.json"));
        let found = all(&document, "components", "purl");
        for purl in purls {
            assert!(found.iter().any(|found| found.starts_with(purl)), "{image} has no {purl}: {found:?}");
        }
    }
    let document = read(&sandbox, "out/answer.linux-amd64.cdx.json");
    let serde = document["components"].as_array().unwrap().iter().find(|one| one["name"] == "serde").unwrap();
    assert_eq!(serde["licenses"][0]["expression"], "MIT OR Apache-2.0");
    // A module of Go's has a text and no name.
    let document = read(&sandbox, "out/hello.linux-amd64.cdx.json");
    let quote =
        document["components"].as_array().unwrap().iter().find(|one| one["name"] == "rsc.io/quote").unwrap();
    assert_eq!(quote["licenses"][0]["expression"], "BSD-3-Clause");
}

/// What a scanner finds and a bill has not under that name, and why.
const EXPLAINED: [(&str, &str, &str); 4] = [
    ("hello", "pkg:golang/example.com/hello", "the program itself: in the bill it is the build"),
    ("collector", "pkg:golang/betrace.dev/collector", "the program itself: in the bill it is the build"),
    (
        "page",
        "pkg:golang/github.com/caddyserver/caddy/v2/cmd/caddy",
        "Debian's: in the bill it is the package caddy",
    ),
    (
        "frontend",
        "pkg:golang/github.com/caddyserver/caddy/v2/cmd/caddy",
        "Debian's: in the bill it is the package caddy",
    ),
];
/// Go's library in a program that Debian compiled is Debian's to mend, and its advisories are about the package.
const LIBRARY: &str = "pkg:golang/stdlib@";

#[test]
#[ignore = "needs a scanner, and builds the whole stack: ./x test --long"]
fn what_a_scanner_finds_is_in_the_bill() {
    let mut explained = BTreeSet::new();
    for stack in ["examples/nginx", "examples/python", "examples/from-source", "stacks/betrace"] {
        let sandbox = match stack {
            "stacks/betrace" => real(stack).env("LONGSHORE_PROFILE", "source"),
            stack => real(stack),
        };
        let to = ["--platform", "linux/amd64"];
        with_update(&sandbox, &[&["sbom", "-o", "out/", "--format", "cyclonedx"][..], &to].concat());
        for file in documents(&sandbox, "out", ".cdx.json") {
            let name = file.file_name().unwrap().to_str().unwrap();
            let image = name.split('.').next().unwrap();
            let document = read(&sandbox, &format!("out/{name}"));
            let ours: BTreeSet<String> =
                all(&document, "components", "purl").into_iter().map(sbom::plain).collect();
            let layout = format!("layouts/{image}");
            sandbox.ok(&[&["build", image, "-o", &layout][..], &to].concat());
            let theirs = sbom::scanned(&sandbox.work().join(layout));
            // A scanner that finds nothing shows nothing; static programs of Rust it can't look into.
            assert!(image == "answer" || theirs.len() >= 5, "{stack} {image}: {theirs:?}");
            let of_debian = explained_for(image).any(|(_, _, why)| why.starts_with("Debian's"));
            for missing in theirs.difference(&ours).filter(|purl| !(of_debian && purl.starts_with(LIBRARY))) {
                let known = explained_for(image).find(|(_, purl, _)| purl == missing);
                let known =
                    known.unwrap_or_else(|| panic!("{stack}: {missing} is not in the bill of {image}"));
                explained.insert(known);
            }
        }
    }
    assert_eq!(explained.len(), EXPLAINED.len(), "only these are still needed: {explained:?}");
}

fn explained_for(image: &str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    EXPLAINED.into_iter().filter(move |(of, ..)| *of == image)
}

#[test]
fn bases_archives_and_inputs_of_builds_are_in_it() {
    let (repository, below) = stack();
    let registry = Registry::start(RegistryKind::Distribution);
    let pushed = format!("{}/org", registry.host());
    let named =
        below.read("stack.toml").replace("[stack]\n", &format!("[stack]\nrepository = \"{pushed}\"\n"));
    below.write("stack.toml", named);
    below.ok(&["push"]);

    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("data.bin"), "data").unwrap();
    let server = Server::new(folder.path());
    let images = format!(
        "[url.data]\nurl = \"{}/data.bin\"\n\n\
         [build.first]\nkind = \"command\"\ntoolchain = \"host\"\ninputs = [{{ path = \"page\", to = \"/src/page\" }}]\n\
         run = [[\"sh\", \"-ec\", \"cat /src/page/text > /out/first\"]]\n\n\
         [build.second]\nkind = \"command\"\ntoolchain = \"host\"\n\
         inputs = [{{ build = \"first\", to = \"/deps\" }}, {{ url = \"data\", to = \"/src/data\" }}]\n\
         run = [[\"sh\", \"-ec\", \"cat /deps/first > /out/second\"]]\n\n\
         [image.above]\nbase = \"{pushed}/app:latest\"\ncontents = [{{ build = \"second\", to = \"/srv/\" }}, {{ url = \"data\", to = \"/srv/\" }}]\n\n\
         [image.part]\ncontents = [\"hello\", {{ image = \"{pushed}/tool:latest\", from = \"/usr/bin/wrench\" }}]\ncommand = [\"/usr/bin/wrench\"]\n",
        server.url()
    );
    let sandbox = common::sandbox(&repository, &images);
    sandbox.write("page/text", "text\n");
    sandbox.ok(&["sbom", "-o", "out/"]);
    sandbox.ok(&["sbom", "-o", "out/", "--format", "cyclonedx"]);
    let files = documents(&sandbox, "out", ".spdx.json");
    sbom::valid_spdx(&files);
    files.iter().for_each(|file| sbom::has_minimum_elements(file));
    sbom::valid_cyclonedx(&documents(&sandbox, "out", ".cdx.json"));

    let document = read(&sandbox, "out/above.linux-amd64.cdx.json");
    let refs = |name: &str| {
        let all = document["components"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).map(|one| one["bom-ref"].as_str().unwrap())
    };
    let of = |reference: &str| {
        let all = document["dependencies"].as_array().unwrap();
        all.iter().find(|one| one["ref"] == reference).unwrap()["dependsOn"].to_string()
    };
    let base = refs(&format!("{pushed}/app")).unwrap();
    assert!(base.contains("@sha256:"), "{base}");
    let image = of("image:above:linux/amd64");
    for held in [base, refs("second").unwrap(), refs("data").unwrap()] {
        assert!(image.contains(held), "{held} is not in {image}");
    }
    // What a build was made from is below it, and not in the image.
    let second = of(refs("second").unwrap());
    assert!(second.contains("build:first:") && second.contains("url:data@"), "{second}");
    assert!(of(refs("first").unwrap()).contains("path:page@"));
    assert!(!image.contains("build:first:") && !image.contains("path:page"), "{image}");

    let document = read(&sandbox, "out/part.linux-amd64.cdx.json");
    let names = all(&document, "components", "name");
    assert!(names.contains("hello") && names.contains(format!("{pushed}/tool").as_str()), "{names:?}");
}
