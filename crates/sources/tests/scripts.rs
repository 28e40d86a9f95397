//! What the scripts of real packages would have done, as people read it.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod debs;

use longshore_sources::deb::archive::{Deb, Limits};
use longshore_sources::deb::scripts;
use proptest::prelude::*;

fn skipped(suite: &str, package: &str) -> String {
    let path = &debs::download(suite, &[package])[0];
    let file = fs_err::File::open(path).unwrap();
    let control = Deb::open(package, file, Limits::default()).unwrap().control().unwrap();
    scripts::skipped(&control).join("\n")
}

#[test]
fn real_packages() {
    let packages = [
        ("trixie", "nginx-common"),
        ("trixie", "nginx"),
        ("trixie", "ca-certificates"),
        ("trixie", "mawk"),
        ("trixie", "postgresql-common"),
        ("trixie", "postgresql-17"),
        ("trixie", "openjdk-21-jre-headless"),
        ("trixie", "base-passwd"),
        ("trixie", "base-files"),
        ("trixie", "prometheus"),
        ("trixie", "docker.io"),
        ("trixie", "tzdata"),
        ("trixie", "libc6"),
        ("trixie", "passwd"),
        ("trixie", "python3-minimal"),
        ("trixie", "python3-yaml"),
        ("bookworm", "iputils-ping"),
        ("bookworm", "dash"),
        ("bookworm", "redis-server"),
    ];
    let said: Vec<String> =
        packages.iter().map(|(suite, name)| format!("# {name}\n{}\n", skipped(suite, name))).collect();
    insta::assert_snapshot!(said.join("\n"));
}

fn one(script: &str) -> Vec<String> {
    scripts::skipped(&[("postinst".to_owned(), script.as_bytes().to_vec())].into())
}

#[test]
fn the_grammar_that_matters() {
    let check = |script: &str, expected: &[&str]| {
        assert_eq!(one(&format!("#!/bin/sh\n{script}")), expected, "{script}")
    };
    check("DIR=/var/x; mkdir -p \"$DIR/y\" # z\n", &["would make the folder /var/x/y (mkdir)"]);
    check(
        "case \"$1\" in\n upgrade|purge) frob;;\n configure) touch /a ;;\nesac\nfrob\n",
        &["would make the file /a (touch)", "would run 1 other command: `frob`"],
    );
    check("cat <<EOF\nfrob\nEOF\nif ! frob 2>/dev/null; then :; fi", &["would run 1 other command: `frob`"]);
    check("f() { touch /a; }\nf", &["would make the file /a (touch)"]);
    check(
        "for i in a b; do ln -s /x/$i /y/$i; done",
        &["would link /y/a → /x/a (ln)", "would link /y/b → /x/b (ln)"],
    );
    check("# Automatically added by dh_x\nfrob\n# End automatically added section\n", &[]);
    check("chown \"$(id -u)\" /x", &["would run 1 other command: `chown`"]);
    check("mkdir -m 0700 \\\n  /x\n", &["would make the folder /x with mode 0700 (mkdir)"]);
    assert_eq!(
        scripts::skipped(&[("preinst".to_owned(), b"\x7fELF".to_vec())].into()),
        ["has a `preinst` that is no shell script and was not read"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_text_is_read(text in r#"([a-z$"'`\\(){}<>|;&# \n\t\x0c\u{a0}=é]|case |esac|for i in |<<EOF|\$\{a|;;){0,200}"#) {
        one(&format!("#!/bin/sh\n{text}"));
    }
}
