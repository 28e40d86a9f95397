//! A program from git repositories: with the real toolchain and git's own server, built without network.

use std::path::Path;
use std::process::Command;

use longshore_testkit::git::{commit, git, init};
use longshore_testkit::{GitServer, Sandbox, Tool, layout};

use crate::common::{LONGSHORE, root, with_update};

const STACK: &str = r#"
[stack]
name = "parts"
repository = "registry.example/parts"
platforms = ["linux/amd64"]

[sources.debian]
kind = "apt"
distribution = "debian"
suites = ["trixie", "trixie-updates", "trixie-security"]
keyring = "debian-archive"

[build.app]
kind = "cargo"
path = "app"
linkage = "static"

[image.app]
contents = [{ build = "app", from = "bin/app", to = "/bin/" }]
command = ["/bin/app"]
"#;

const MAIN: &str = r#"fn main() {
    println!("{} | {} | {}", greet::greet("world"), old_words::hello(), licence::TEXT);
    println!("{} {}", itoa::Buffer::new().format(7), our_itoa::NAME);
    println!("{}", greet::BUILT);
}
"#;

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// A workspace whose members inherit from it, use each other, and read a file beside them.
fn tools(folder: &Path) {
    init(folder);
    let inherit = "version.workspace = true\nedition.workspace = true\n";
    write(
        folder,
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n[workspace.package]\nversion = \"0.3.0\"\nedition = \"2021\"\n\
         [workspace.dependencies]\nwords = { path = \"crates/words\" }\n",
    );
    write(folder, "crates/words/Cargo.toml", &format!("[package]\nname = \"words\"\n{inherit}"));
    write(
        folder,
        "crates/words/src/lib.rs",
        "pub fn hello() -> &'static str { include_str!(\"../../../shared.txt\").trim() }\n",
    );
    let dependency = "[dependencies]\nwords.workspace = true\n";
    write(folder, "crates/greet/Cargo.toml", &format!("[package]\nname = \"greet\"\n{inherit}{dependency}"));
    // The time of its own file is what Cargo's checkout would give away.
    write(
        folder,
        "crates/greet/build.rs",
        "use std::time::UNIX_EPOCH;\nfn main() {\n    let time = std::fs::metadata(\"src/lib.rs\").unwrap().modified().unwrap();\n    \
         println!(\"cargo:rustc-env=BUILT={}\", time.duration_since(UNIX_EPOCH).unwrap().as_secs());\n}\n",
    );
    write(
        folder,
        "crates/greet/src/lib.rs",
        "pub const BUILT: &str = env!(\"BUILT\");\npub fn greet(name: &str) -> String { format!(\"{} {name}\", words::hello()) }\n",
    );
    // Other revisions in every run: the tests' store outlives them.
    write(folder, "run.txt", &folder.display().to_string());
    write(folder, "shared.txt", "hello of old\n");
    commit(folder);
    git(folder, &["tag", "v0.3.0"]);
    write(folder, "shared.txt", "hello\n");
    commit(folder);
    git(folder, &["branch", "release/1"]);
    write(folder, "shared.txt", "too new\n");
    commit(folder);
}

/// Everything in `folder`, a program that uses it, and its lock as Cargo makes it.
fn project(sandbox: &Sandbox, folder: &Path, server: &GitServer) -> String {
    tools(&folder.join("tools"));
    let texts = folder.join("texts");
    init(&texts);
    write(&texts, "licence.txt", "free\n");
    write(&texts, "run.txt", &folder.display().to_string());
    commit(&texts);
    // With a submodule, and a name and version that a registry has as well.
    let extra = folder.join("extra");
    init(&extra);
    write(
        &extra,
        "Cargo.toml",
        "[package]\nname = \"licence\"\nversion = \"1.0.0-alpha.1\"\nedition = \"2021\"\n",
    );
    write(&extra, "src/lib.rs", "pub const TEXT: &str = include_str!(\"../texts/licence.txt\");\n");
    write(
        &extra,
        "itoa/Cargo.toml",
        "[package]\nname = \"itoa\"\nversion = \"1.0.15\"\nedition = \"2021\"\n[workspace]\n",
    );
    write(&extra, "itoa/src/lib.rs", "pub const NAME: &str = \"ours\";\n");
    git(&extra, &["submodule", "--quiet", "add", &server.url("texts"), "texts"]);
    let revision = commit(&extra);

    sandbox.write("stack.toml", STACK);
    sandbox.write("app/src/main.rs", MAIN);
    let (tools, extra) = (server.url("tools"), server.url("extra"));
    sandbox.write(
        "app/Cargo.toml",
        format!(
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nitoa = \"=1.0.15\"\n\
             greet = {{ git = \"{tools}\", branch = \"release/1\" }}\n\
             old_words = {{ package = \"words\", git = \"{tools}\", tag = \"v0.3.0\" }}\n\
             licence = {{ git = \"{extra}\" }}\n\
             our_itoa = {{ package = \"itoa\", git = \"{extra}\", rev = \"{}\" }}\n",
            &revision[..8]
        ),
    );
    Tool::new("cargo")
        .args(["generate-lockfile", "--manifest-path"])
        .arg(sandbox.work().join("app/Cargo.toml"))
        .env("CARGO_HOME", sandbox.work().join("../home/cargo"))
        .run();
    init(&sandbox.work());
    commit(&sandbox.work());
    revision
}

#[test]
fn programs_are_built_from_git_repositories() {
    let sandbox = Sandbox::new(LONGSHORE).with_network().with_store(&root().join("target/test-store"));
    let folder = sandbox.work().join("../git");
    fs_err::create_dir(&folder).unwrap();
    let folder = fs_err::canonicalize(folder).unwrap();
    let server = GitServer::of(&folder);
    let revision = project(&sandbox, &folder, &server);

    with_update(&sandbox, &["build", "-o", "out"]);
    let bundle = sandbox.work().join("bundle");
    let files =
        layout::umoci_unpack(&sandbox.work().join("out"), "registry.example/parts/app:latest", &bundle);
    let output = Command::new(files.join("usr/bin/app")).env_clear().output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "hello world | hello of old | free\n\n7 ours\n315532800\n",
        "{output:?}"
    );

    // From here on nobody serves them: what is in the store is enough.
    let url = server.url("extra");
    drop(server);
    let again = sandbox.run(&["build"]);
    assert_eq!(again.code, 0, "{again}");
    assert!(!again.stderr.contains("Building") && !again.stderr.contains("Fetching"), "{again}");
    let same = sandbox.ok(&["rebuild", "app"]);
    assert!(same.contains("the same bytes"), "{same}");

    // Another revision of the same repositories.
    let lock = sandbox.read("app/Cargo.lock");
    let unknown = "1".repeat(40);
    sandbox.write("app/Cargo.lock", lock.replace(&revision, &unknown));
    let away = sandbox.run(&["build"]);
    assert_eq!(away.code, 1, "{away}");
    assert!(away.stderr.contains("` can't be fetched: failed to connect to 127.0.0.1"), "{away}");
    assert!(away.stderr.contains("hint: check its address in `Cargo.toml`"), "{away}");

    sandbox.write("app/Cargo.lock", lock.replace(&format!("#{revision}"), "#1111"));
    let short = sandbox.run(&["build"]);
    assert_eq!(short.code, 1, "{short}");
    assert!(short.stderr.contains("`itoa 1.0.15` comes from"), "{short}");
    assert!(short.stderr.contains(&url) && short.stderr.contains("which pins no revision"), "{short}");
}

#[test]
fn a_revision_that_a_repository_lost_is_named() {
    let sandbox = Sandbox::new(LONGSHORE).with_network().with_store(&root().join("target/test-store"));
    let folder = sandbox.work().join("../git");
    fs_err::create_dir(&folder).unwrap();
    let folder = fs_err::canonicalize(folder).unwrap();
    let server = GitServer::of(&folder);
    let revision = project(&sandbox, &folder, &server);
    // Logs are by the build's name, and the other test has one of this name.
    let stack = STACK.replace("build.app", "build.lost").replace("build = \"app\"", "build = \"lost\"");
    sandbox.write("stack.toml", stack);
    let lock = sandbox.read("app/Cargo.lock");
    sandbox.write("app/Cargo.lock", lock.replace(&format!("#{revision}"), &format!("#{}", "1".repeat(40))));
    let lost = sandbox.run(&["build"]);
    assert_eq!(lost.code, 1, "{lost}");
    assert!(lost.stderr.contains("#11111111` doesn't have the revision that `Cargo.lock` pins"), "{lost}");
    assert!(lost.stderr.contains("hint: its history was rewritten; run `cargo update` there"), "{lost}");
}
