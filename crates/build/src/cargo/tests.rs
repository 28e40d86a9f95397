//! Locks, manifests, recipes; crates against Cargo's own vendor folder.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::{Compression, write::GzEncoder};
use fs_err as fs;
use longshore_oci::{Content, Digest, Node, Store, Tree, TreePath};
use longshore_stack::model::{CargoBuild, DefaultFeatures, Linkage};
use proptest::prelude::*;
use semver::Version;

use super::lock::{CargoLock, RegistryPackage};
use super::manifest::Project;
use super::unpack::unpack;
use super::{Error, bins, prepare, vendor};
use crate::fixture::{Fixture, platform};
use crate::source::Source;

const LOCK: &str = include_str!("testdata/lock.toml");
const MANIFEST: &str = include_str!("testdata/manifest.toml");
const MAIN: &str = "fn main() {}";
const CARGO: [(&str, &str); 1] = [("cargo", "1.85.1+dfsg1-1")];

pub(super) fn spec() -> CargoBuild {
    CargoBuild {
        path: String::from("app"),
        package: None,
        bins: Vec::new(),
        features: Vec::new(),
        default_features: DefaultFeatures::On,
        profile: String::from("release"),
        linkage: Linkage::Dynamic,
    }
}

/// What `prepare` says of a project; nothing can be fetched.
fn check(files: &[(&str, &str)], tools: &[(&str, &str)], spec: &CargoBuild) -> Error {
    let fixture = Fixture::new();
    match prepare("app", spec, &platform("linux/amd64"), &fixture.input(files, tools)) {
        Err(crate::Error::Cargo(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn locks_of_every_form_say_the_same() {
    let lock = CargoLock::parse(LOCK.as_bytes()).unwrap();
    assert_eq!(lock.form, 4);
    let folders: Vec<String> = lock.registry.iter().map(RegistryPackage::folder).collect();
    assert_eq!(folders, ["cfg-if-1.0.5", "itoa-1.0.19", "memchr-2.8.3"]);
    assert_eq!(lock.local[0].name, "tally");
    assert_eq!(lock.local[0].dependencies["itoa"], [Version::new(1, 0, 19)]);
    for (line, form) in [("version = 3\n", 3), ("", 2)] {
        let other = CargoLock::parse(LOCK.replace("version = 4\n", line).as_bytes()).unwrap();
        assert_eq!((other.form, other.key()), (form, lock.key()));
        assert_eq!(other.registry, lock.registry);
    }
}

#[test]
fn locks_that_pin_nothing_are_refused() {
    let checksum = LOCK.lines().find(|line| line.starts_with("checksum")).unwrap();
    let source = LOCK.lines().find(|line| line.starts_with("source")).unwrap();
    let git = "source = \"git+https://git.example/cfg-if?tag=1#012345\"";
    let table = [
        (LOCK.replace("version = 4\n", "version = 5\n"), "form 5"),
        (LOCK.replacen(checksum, "", 1), "`cfg-if 1.0.5` has no `checksum`"),
        (LOCK.replacen(checksum, "checksum = \"00\"", 1), "`cfg-if 1.0.5` has no `checksum`"),
        (
            LOCK.replacen(source, git, 1),
            "`cfg-if 1.0.5` comes from `git+https://git.example/cfg-if?tag=1#012345`, which",
        ),
        (LOCK.replacen(source, "source = \"directory+file:///x\"", 1), "comes from `directory+file:///x`"),
        (LOCK.replace("\"itoa\"\nv", "\"../itoa\"\nv"), "`../itoa` is no package name"),
        (LOCK.replace("\"1.0.19\"", "\"1.0.19/..\""), "is no version"),
        (String::from("[[package]\n"), "can't be read"),
    ];
    for (text, expected) in table {
        let error = CargoLock::parse(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} / {expected}");
        assert!(error.hint().is_some() || matches!(error, Error::Source { .. }), "{error}");
    }
    let other =
        LOCK.split("[[package]]").nth(1).unwrap().replace("registry+https://", "registry+https://my.");
    let twice = CargoLock::parse(format!("{LOCK}[[package]]{other}").as_bytes()).unwrap_err();
    assert_eq!(twice, Error::TwoSources { package: "cfg-if-1.0.5".into() });
}

#[test]
fn what_is_wrong_is_said_before_anything_is_fetched() {
    let two = MANIFEST.replace("itoa = \"1\"", "itoa = \"2\"");
    let more = format!("{MANIFEST}\n[build-dependencies]\ncc = \"1\"\n");
    let renamed = MANIFEST.replace("itoa = \"1\"", "numbers = { package = \"ryu\", version = \"1\" }");
    let outside = MANIFEST.replace("itoa = \"1\"", "itoa = { path = \"../itoa\" }");
    let table: [(&[(&str, &str)], &str); 9] = [
        (&[], "`Cargo.toml` is not in the build's `path`"),
        (&[("Cargo.toml", MANIFEST)], "`Cargo.lock` is not in the build's `path`"),
        (&[("Cargo.toml", "["), ("Cargo.lock", LOCK)], "`Cargo.toml` can't be read"),
        (&[("Cargo.toml", &two), ("Cargo.lock", LOCK)], "asks for `itoa 2`, the lock has 1.0.19"),
        (&[("Cargo.toml", &more), ("Cargo.lock", LOCK)], "asks for `cc 1`, the lock has none"),
        (&[("Cargo.toml", &renamed), ("Cargo.lock", LOCK)], "asks for `ryu 1`, the lock has none"),
        (&[("Cargo.toml", &outside), ("Cargo.lock", LOCK)], "`Cargo.toml` has `itoa` at `../itoa`, outside"),
        (
            &[("Cargo.toml", "[workspace]\n"), ("Cargo.lock", LOCK)],
            "`tally` is a package of the project that is not in",
        ),
        (&[("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK)], "package `tally` has no programs"),
    ];
    for (files, expected) in table {
        let error = check(files, &CARGO, &spec());
        assert!(error.to_string().contains(expected), "{error} / {expected}");
    }
    let files = [("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/main.rs", MAIN)];
    let error = check(&files, &[("cargo", "1.75.0-1")], &spec());
    assert_eq!(
        error.to_string(),
        "`Cargo.lock` has form 4, which Cargo reads from 1.78 on; the toolchain has 1.75.0-1"
    );
    let fixture = Fixture::new();
    let input = fixture.input(&files, &[("libstd-rust-dev", "1.85.1+dfsg1-1")]);
    let error = prepare("app", &spec(), &platform("linux/arm64"), &input).unwrap_err();
    assert_eq!(error.to_string(), "the toolchain has no Rust standard library for `linux/arm64`");
    let error = check(&files, &CARGO, &CargoBuild { package: Some("other".into()), ..spec() });
    assert!(error.to_string().contains("which has `tally`"), "{error}");
    let error = check(&files, &CARGO, &CargoBuild { bins: vec!["tal".into()], ..spec() });
    assert!(error.to_string().contains("`tal` is no program of the project's, which has `tally`"), "{error}");
}

/// A workspace without dependencies, so that its recipe needs no fetch.
const WORKSPACE: [(&str, &str); 7] = [
    ("Cargo.toml", "[workspace]\nmembers = [\"app\"]\n"),
    ("Cargo.lock", "version = 4\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\n"),
    (
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"1.0.0\"\n[features]\ndefault = [\"tools\"]\ntools = [\"more\"]\nmore = []\nrare = []\n\
         [[bin]]\nname = \"serve\"\npath = \"src/main.rs\"\n\
         [[bin]]\nname = \"odd\"\nrequired-features = [\"rare\"]\n\
         [[bin]]\nname = \"extra\"\nrequired-features = [\"more\"]\n",
    ),
    ("app/src/main.rs", MAIN),
    ("app/src/bin/odd.rs", MAIN),
    ("app/src/bin/extra.rs", MAIN),
    ("app/src/bin/batch/main.rs", MAIN),
];

#[test]
fn recipes_say_everything() {
    let fixture = Fixture::new();
    let mut input = fixture.input(&WORKSPACE, &CARGO);
    input.env.insert(String::from("APP_VERSION"), String::from("7"));
    let spec = CargoBuild { linkage: Linkage::Static, ..spec() };
    let recipe = prepare("app", &spec, &platform("linux/arm64"), &input).unwrap();
    assert_eq!(recipe.mounts.keys().collect::<Vec<_>>(), ["/src"]);
    assert_eq!(
        recipe.steps[0].argv.join(" "),
        "/usr/bin/cargo build --frozen --profile release --target aarch64-unknown-linux-gnu --workspace --bin batch \
         --bin extra --bin serve --config profile.release.strip=\"symbols\""
    );
    let expected = [
        ("APP_VERSION", "7"),
        ("CARGO_HOME", "/build/ch"),
        ("CARGO_INCREMENTAL", "0"),
        ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc"),
        ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-Ctarget-feature=+crt-static"),
        ("CARGO_TARGET_DIR", "/build/target"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "gcc"),
        ("CARGO_TERM_COLOR", "never"),
        ("CARGO_TERM_PROGRESS_WHEN", "never"),
        ("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc"),
        ("CC_x86_64_unknown_linux_gnu", "gcc"),
    ];
    let env: Vec<_> = recipe.steps[0].env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(env, expected);
    assert_eq!(
        recipe.steps[1].argv.join(" "),
        "/usr/bin/install -D -m 0755 -t /out/bin /build/target/aarch64-unknown-linux-gnu/release/batch \
         /build/target/aarch64-unknown-linux-gnu/release/extra /build/target/aarch64-unknown-linux-gnu/release/serve"
    );
    let spec = CargoBuild {
        package: Some("app".into()),
        features: vec!["rare".into()],
        default_features: DefaultFeatures::Off,
        profile: "dev".into(),
        ..spec
    };
    let recipe = prepare("app", &spec, &platform("linux/amd64"), &input).unwrap();
    assert_eq!(
        recipe.steps[0].argv.join(" "),
        "/usr/bin/cargo build --frozen --profile dev --target x86_64-unknown-linux-gnu --package app --bin batch --bin odd \
         --bin serve --features rare --no-default-features --config profile.dev.strip=\"symbols\""
    );
    assert!(recipe.steps[1].argv.contains(&"/build/target/x86_64-unknown-linux-gnu/debug/odd".to_owned()));
}

const HELLO: [(&str, &str); 3] = [
    ("Cargo.toml", "[package]\nname = \"hello\"\nversion = \"1.0.0\"\n"),
    ("Cargo.lock", "version = 4\n[[package]]\nname = \"hello\"\nversion = \"1.0.0\"\n"),
    ("src/main.rs", MAIN),
];

/// Rust as a tool, with the standard libraries for `triples`.
fn rust(fixture: &Fixture, triples: &[&str]) -> crate::Tool {
    let libraries: Vec<String> =
        triples.iter().map(|triple| format!("lib/rustlib/{triple}/lib/libstd.rlib")).collect();
    let mut files = vec![("bin/cargo", ""), ("bin/rustc", ""), ("version", "1.97.0 (abc 2026-07-09)\n")];
    files.extend(libraries.iter().map(|path| (path.as_str(), "")));
    fixture.tool("rust", &files)
}

#[test]
fn a_rust_that_is_no_package_is_used_and_looked_into() {
    let fixture = Fixture::new();
    let mut input = fixture.input(&HELLO, &[("gcc", "4:14.2.0-1")]);
    input.tools =
        vec![fixture.tool("other", &[("bin/make", "")]), rust(&fixture, &["x86_64-unknown-linux-gnu"])];
    let recipe = prepare("app", &spec(), &platform("linux/amd64"), &input).unwrap();
    assert_eq!(recipe.steps[0].argv[..2], ["/deps/tools/rust/bin/cargo", "build"]);
    for step in &recipe.steps {
        assert!(step.env["PATH"].starts_with("/deps/tools/other/bin:/deps/tools/rust/bin:/usr/"), "{step:?}");
    }
    assert_eq!(recipe.mounts.keys().collect::<Vec<_>>(), ["/deps/tools/other", "/deps/tools/rust", "/src"]);

    let error = prepare("app", &spec(), &platform("linux/arm64"), &input).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tool `rust` has no Rust standard library for `aarch64-unknown-linux-gnu`"
    );
    assert!(error.hint().unwrap().contains("lib/rustlib/aarch64-unknown-linux-gnu"));

    input.tools[1] = fixture.tool("rust", &[("bin/cargo", ""), ("version", "1.70.0 (abc)\n")]);
    let error = prepare("app", &spec(), &platform("linux/amd64"), &input).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Cargo.lock` has form 4, which Cargo reads from 1.78 on; the toolchain has 1.70.0 (abc)"
    );
    // What is asked of the build itself stands.
    input.tools[1] = rust(&fixture, &["x86_64-unknown-linux-gnu"]);
    input.env.insert(String::from("PATH"), String::from("/usr/bin"));
    let recipe = prepare("app", &spec(), &platform("linux/amd64"), &input).unwrap();
    assert_eq!(recipe.steps[0].env["PATH"], "/usr/bin");
}

#[test]
fn musl_is_for_toolchains_that_have_it() {
    let fixture = Fixture::new();
    let musl = CargoBuild { linkage: Linkage::Musl, ..spec() };
    let mut input = fixture.input(&HELLO, &CARGO);
    let error = prepare("app", &musl, &platform("linux/amd64"), &input).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`linkage = \"musl\"` needs Rust's standard library for `x86_64-unknown-linux-musl`, which none of the \
         toolchain's packages has"
    );
    assert!(error.hint().unwrap().contains("`bin/rustc` and `lib/rustlib/x86_64-unknown-linux-musl`"));
    input.tools = vec![rust(&fixture, &["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"])];
    let recipe = prepare("app", &musl, &platform("linux/amd64"), &input).unwrap();
    assert!(recipe.steps[0].argv.join(" ").contains("--target x86_64-unknown-linux-musl "));
    assert!(
        recipe.steps[1].argv.contains(&"/build/target/x86_64-unknown-linux-musl/release/hello".to_owned())
    );
    let flags = "-Ctarget-feature=+crt-static -Clink-self-contained=yes";
    let env = &recipe.steps[0].env;
    assert_eq!(env["CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER"], "gcc");
    assert_eq!(env["CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS"], flags);
    // Build scripts are linked as ever.
    assert_eq!(env["CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"], "gcc");
    assert!(!env.contains_key("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS"));
    assert!(!env.contains_key("CC_x86_64_unknown_linux_musl"));

    let error = prepare("app", &musl, &platform("linux/arm64"), &input).unwrap_err();
    assert!(error.to_string().ends_with("library for `aarch64-unknown-linux-musl`"), "{error}");
    input.tools = vec![rust(&fixture, &["aarch64-unknown-linux-musl"])];
    let env = &prepare("app", &musl, &platform("linux/arm64"), &input).unwrap().steps[0].env;
    assert_eq!(env["CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER"], "aarch64-linux-gnu-gcc");
    assert!(!env.contains_key("CC_aarch64_unknown_linux_musl"));
}

/// A crate of files; a link where the text begins with `->`, its type as tar has it where with `!`.
fn pack(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        let (kind, link, bytes) = match text.strip_prefix("->") {
            Some(link) => (tar::EntryType::Symlink, link, ""),
            None if text.starts_with('!') => {
                (tar::EntryType::new(text.as_bytes()[1]), "x-1.0.0/Cargo.toml", "")
            }
            None => (tar::EntryType::Regular, "", *text),
        };
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        // The library's own way refuses what is to be tried here.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes.as_bytes()).unwrap();
    }
    let mut encoder = builder.into_inner().unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

const TOML: (&str, &str) = ("x-1.0.0/Cargo.toml", "[package]");

#[test]
fn crates_that_leave_their_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let good = unpack("x-1.0.0", pack(&[TOML, ("x-1.0.0/.cargo-ok", "ok")]).as_slice(), &store).unwrap();
    assert_eq!(good.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["/Cargo.toml"]);
    let table: [(&[(&str, &str)], &str); 9] = [
        (&[TOML, ("x-1.0.0/../../etc/passwd", "x")], "lies outside"),
        (&[TOML, ("/etc/passwd", "x")], "lies outside"),
        (&[TOML, ("other-1.0.0/lib.rs", "x")], "lies outside"),
        (&[TOML, ("x-1.0.0", "x")], "lies outside"),
        (&[TOML, ("x-1.0.0/lib.rs", "->/etc/passwd")], "is neither file nor folder"),
        (&[TOML, ("x-1.0.0/lib.rs", "!1")], "is neither file nor folder"),
        (&[TOML, ("x-1.0.0/tty", "!3")], "is neither file nor folder"),
        (&[TOML, TOML], "is in it twice"),
        (&[("x-1.0.0/lib.rs", "x")], "has no `Cargo.toml`"),
    ];
    for (files, expected) in table {
        let error = unpack("x-1.0.0", pack(files).as_slice(), &store).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} / {expected}");
    }
    let whole = pack(&[TOML]);
    assert!(unpack("x-1.0.0", &whole[..whole.len() / 2], &store).is_err());
}

#[test]
fn only_the_file_that_the_lock_pins_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let home = folder.path().join("home");
    let bytes = pack(&[TOML]);
    let package = RegistryPackage {
        name: "x".into(),
        version: Version::new(1, 0, 0),
        source: "registry+https://registry.example/index".into(),
        checksum: Digest::of(&bytes),
    };
    let accept = || vendor::accept(&home, &package, &store);
    let missing = accept().unwrap_err().to_string();
    assert_eq!(missing, "crate `x-1.0.0` was not fetched");
    let cache = home.join("registry/cache/registry.example-0");
    fs::create_dir_all(&cache).unwrap();
    let file = cache.join("x-1.0.0.crate");
    let tampered = pack(&[TOML, ("x-1.0.0/build.rs", "fn main() {}")]);
    fs::write(&file, &tampered).unwrap();
    let error = accept().unwrap_err().to_string();
    let expected = format!(
        "checksum mismatch for crate `x-1.0.0`: expected {}, fetched {}",
        package.checksum,
        Digest::of(&tampered)
    );
    assert_eq!(error, expected);
    fs::write(&file, &bytes).unwrap();
    assert_eq!(accept().unwrap().len(), 1);
}

#[test]
fn what_cargo_says_of_a_fetch_is_understood() {
    for (said, expected) in [
        (
            "error: the lock file /src/Cargo.lock needs to be updated but --locked was passed to prevent this",
            "`Cargo.lock` is out of date: error: the lock file",
        ),
        (
            "  [6] Could not resolve hostname (Could not resolve host: x.example)",
            "can't be fetched: [6] Could not",
        ),
        (
            "  failed to get successful HTTP response from `https://x.example/a`, got 404",
            "can't be fetched: failed",
        ),
        ("error: something else", "something else"),
    ] {
        let failed = crate::error::Failed {
            build: "app".into(),
            step: "cargo fetch".into(),
            how: "failed: exit code 101".into(),
            tail: vec!["    Updating index".into(), said.into()],
            log: "log".into(),
            kept: None,
        };
        let error = super::error::explain(crate::Error::Failed(Box::new(failed)));
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_large_workspace_fits_its_lock() {
    // The nearest one is this.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![(String::from("Cargo.toml"), fs::read_to_string(root.join("Cargo.toml")).unwrap())];
    for member in fs::read_dir(root.join("crates")).unwrap() {
        let folder = format!("crates/{}", member.unwrap().file_name().to_str().unwrap());
        let text = fs::read_to_string(root.join(&folder).join("Cargo.toml")).unwrap();
        files.push((format!("{folder}/Cargo.toml"), text));
    }
    files.push(("xtask/Cargo.toml".into(), fs::read_to_string(root.join("xtask/Cargo.toml")).unwrap()));
    files.push(("crates/cli/src/main.rs".into(), MAIN.into()));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let fixture = Fixture::new();
    let source = Source::open(&fixture.input(&files, &CARGO)).unwrap();
    let lock = CargoLock::parse(&fs::read(root.join("Cargo.lock")).unwrap()).unwrap();
    assert!(lock.registry.len() > 100);
    let project = Project::read(&source).unwrap();
    project.check(&lock).unwrap();
    let spec = CargoBuild { package: Some("longshore".into()), ..spec() };
    assert_eq!(bins::select(&spec, &project, &lock, &source).unwrap().bins, ["longshore"]);
}

/// Cargo with a home of its own, which takes the registry's settings from nowhere but the machine's environment.
fn cargo(home: &Path, project: &Path, arguments: &[&str]) {
    let run = Command::new("cargo")
        .args(arguments)
        .current_dir(project)
        .env("CARGO_HOME", home)
        .output()
        .expect("these tests compare with Cargo: install it from https://rustup.rs");
    assert!(run.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

/// What `cargo vendor` leaves out, by the versions that were looked at.
const LEFT_OUT: [&str; 6] = [
    ".gitignore",
    ".gitattributes",
    ".github",
    ".cargo_vcs_info.json",
    "Cargo.toml.orig",
    ".cargo-checksum.json",
];

#[test]
fn the_vendor_folder_is_that_of_cargo() {
    let folder = tempfile::tempdir().unwrap();
    let (home, project) = (folder.path().join("home"), folder.path().join("project"));
    fs::create_dir_all(project.join("src")).unwrap();
    for (path, text) in [("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/main.rs", MAIN)] {
        fs::write(project.join(path), text).unwrap();
    }
    cargo(&home, &project, &["fetch", "--locked"]);
    cargo(&home, &project, &["vendor", "--locked", "--offline", "--versioned-dirs", "vendor"]);

    let fixture = Fixture::new();
    let store = fixture.executor.store();
    let lock = CargoLock::parse(LOCK.as_bytes()).unwrap();
    let mut ours = Tree::new();
    for package in &lock.registry {
        let files = vendor::accept(&home, package, store).unwrap();
        vendor::place(&mut ours, &package.folder(), package, &files, store).unwrap();
    }
    let mut theirs = 0;
    walk(&project, &project.join("vendor"), &mut |path, bytes| {
        if path.ends_with(".cargo-checksum.json") {
            return;
        }
        theirs += 1;
        let entry =
            ours.get(&TreePath::new(path).unwrap()).unwrap_or_else(|| panic!("{path} is only Cargo's"));
        assert_eq!(entry.node, Node::File(Content::of(bytes)), "{path}");
    });
    let only_ours = |path: &TreePath| {
        path.to_string().split('/').any(|part| LEFT_OUT.contains(&part))
            && !project.join(&path.to_string()[1..]).exists()
    };
    let checksums = lock.registry.len();
    assert_eq!(ours.iter().filter(|(path, _)| !only_ours(path)).count(), theirs + checksums);

    // With the crates in the store, a recipe needs neither network nor process.
    let files = [("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/main.rs", MAIN)];
    let recipe = prepare("app", &spec(), &platform("linux/amd64"), &fixture.input(&files, &CARGO)).unwrap();
    assert_eq!(fixture.executor.tree(&recipe.mounts["/deps"].tree).unwrap(), ours);
    let argv = recipe.steps[0].argv.join(" ");
    assert!(argv.contains("--config source.crates-io.replace-with=\"longshore\""), "{argv}");
    assert!(argv.contains("--config source.longshore.directory=\"/deps/vendor\""), "{argv}");
}

fn walk(root: &Path, folder: &Path, visit: &mut dyn FnMut(&str, &[u8])) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, visit);
        } else {
            visit(path.strip_prefix(root).unwrap().to_str().unwrap(), &fs::read(&path).unwrap());
        }
    }
}

proptest! {
    #[test]
    fn locks_never_panic(text in "\\PC{0,200}", at in 0..LOCK.len(), insert in any::<u8>()) {
        let _ = CargoLock::parse(text.as_bytes());
        let mut bytes = LOCK.as_bytes().to_vec();
        bytes[at] = insert;
        let _ = CargoLock::parse(&bytes);
    }

    #[test]
    fn crates_never_panic(at in 0_usize..2000, insert in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut bytes = pack(&[TOML, ("x-1.0.0/src/lib.rs", "pub fn x() {}")]);
        let at = at % bytes.len();
        bytes[at] = insert;
        let _ = unpack("x-1.0.0", bytes.as_slice(), &store);
    }
}
