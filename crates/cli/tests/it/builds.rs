//! The example that is built from source: real toolchains, real registries, no network inside, two platforms.

use std::path::Path;
use std::process::Command;

use longshore_testkit::{Sandbox, layout};

use crate::common::{real, with_update};

/// `e_machine` of ELF for AArch64 (ELF for the Arm 64-bit architecture, "ELF header").
const AARCH64: [u8; 2] = [0xb7, 0];

fn unpacked(sandbox: &Sandbox, out: &str, name: &str) -> std::path::PathBuf {
    let bundle = sandbox.work().join(format!("{out}-{name}"));
    layout::umoci_unpack(&sandbox.work().join(out), &format!("from-source/{name}:latest"), &bundle)
}

fn said(program: &Path) -> String {
    let output = Command::new(program).env_clear().output().unwrap();
    assert!(output.status.success(), "{}: {output:?}", program.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn programs_are_built_from_source_for_two_platforms() {
    let sandbox = real("examples/from-source");
    with_update(&sandbox, &["build", "--platform", "linux/amd64", "-o", "amd64"]);
    sandbox.ok(&["build", "--platform", "linux/arm64", "-o", "arm64"]);

    let hello = unpacked(&sandbox, "amd64", "hello");
    assert!(said(&hello.join("usr/bin/hello")).trim_end().ends_with("amd64"));
    let answer = unpacked(&sandbox, "amd64", "answer");
    assert_eq!(said(&answer.join("usr/bin/answer")).trim_end(), r#"{"answer":42,"architecture":"x86_64"}"#);
    let page = fs_err::read_to_string(unpacked(&sandbox, "amd64", "page").join("srv/index.html")).unwrap();
    assert!(page.contains("/assets/index-"), "Vite wrote no assets: {page}");

    for name in ["hello", "answer"] {
        let program = unpacked(&sandbox, "arm64", name).join("usr/bin").join(name);
        assert_eq!(fs_err::read(&program).unwrap()[18..20], AARCH64, "{name}");
    }

    // Nothing is left to do, and nothing is done.
    let again = sandbox.run(&["build"]);
    assert_eq!(again.code, 0, "{again}");
    assert!(!again.stderr.contains("Building") && !again.stderr.contains("Fetching"), "{again}");
    let why = sandbox.ok(&["build", "--explain", "hello"]);
    assert!(why.contains("is as it was built last"), "{why}");

    let same = sandbox.ok(&["rebuild", "--all"]);
    assert_eq!(same.matches("the same bytes").count(), 3 * 2, "{same}");

    // A change is named, before anything is built.
    let main = sandbox.work().join("hello/main.go");
    let text = fs_err::read_to_string(&main).unwrap();
    fs_err::write(&main, text.replace("quote.Go()", "quote.Hello()")).unwrap();
    let why = sandbox.ok(&["build", "--explain", "hello"]);
    assert!(why.contains("`main.go`"), "{why}");
}

#[test]
#[ignore = "builds Prometheus and Caddy: ./x test --long"]
fn published_modules_are_built_for_two_platforms() {
    let sandbox = real("examples/go-modules");
    with_update(&sandbox, &["--hermetic", "build", "--platform", "linux/amd64", "-o", "amd64"]);
    sandbox.ok(&["--hermetic", "build", "--platform", "linux/arm64", "-o", "arm64"]);
    let program = |out: &str, name: &str| {
        let image = format!("go-modules/{name}:latest");
        let bundle = sandbox.work().join(format!("{out}-{name}"));
        let root = layout::umoci_unpack(&sandbox.work().join(out), &image, &bundle);
        root.join("usr/bin").join(name)
    };
    for (name, argument, answer) in [
        ("caddy", "list-modules", "http.handlers.file_server"),
        ("prometheus", "--version", "version 3.16.0"),
    ] {
        let output = Command::new(program("amd64", name)).arg(argument).env_clear().output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success() && said.contains(answer), "{name}: {said}");
        assert_eq!(fs_err::read(program("arm64", name)).unwrap()[18..20], AARCH64, "{name}");
    }
    let same = sandbox.ok(&["rebuild", "--all"]);
    assert_eq!(same.matches("the same bytes").count(), 2 * 2, "{same}");
}
