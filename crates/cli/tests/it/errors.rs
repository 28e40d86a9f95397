//! What people read when something is wrong: the important messages, word for word, with their exit codes.

use std::time::Duration;

use longshore_testkit::Sandbox;
use longshore_testkit::apt::{Key, Package, Repository, Suite};
use longshore_testkit::http::{Fault, Times};

use crate::common::{HELLO, LONGSHORE, hello, sandbox, stack_file};

/// A repository with the package that the stack asks for.
fn ready() -> (Repository, Sandbox) {
    let repository = Repository::new(&[hello()]);
    let sandbox = sandbox(&repository, HELLO);
    (repository, sandbox)
}

/// What a command answers, as a snapshot.
fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.snapshot(&sandbox.run(arguments))
}

#[test]
fn no_stack_file() {
    insta::assert_snapshot!(said(&Sandbox::new(LONGSHORE), &["check"]));
}

#[test]
fn a_key_with_a_typo() {
    let (_repository, sandbox) = ready();
    sandbox.write("stack.toml", stack_file("http://127.0.0.1:9", &HELLO.replace("command", "comand")));
    insta::assert_snapshot!(said(&sandbox, &["check"]));
}

#[test]
fn an_image_that_the_stack_lacks() {
    let (_repository, sandbox) = ready();
    insta::assert_snapshot!(said(&sandbox, &["build", "ap"]));
}

#[test]
fn a_package_that_nobody_has() {
    let (_repository, sandbox) = ready();
    let url =
        sandbox.read("stack.toml").lines().find_map(|l| l.strip_prefix("url = ").map(str::to_owned)).unwrap();
    sandbox.write("stack.toml", stack_file(url.trim_matches('"'), &HELLO.replace("\"hello\"", "\"helo\"")));
    insta::assert_snapshot!(said(&sandbox, &["lock"]));
}

#[test]
fn a_dependency_that_cannot_be_met() {
    let packages = [hello().depends("libgreet1 (>= 2)"), Package::new("libgreet1", "1.0")];
    let repository = Repository::new(&packages);
    insta::assert_snapshot!(said(&sandbox(&repository, HELLO), &["lock"]));
}

#[test]
fn a_mirror_that_lies() {
    let (repository, sandbox) = ready();
    sandbox.ok(&["lock"]);
    let mut bytes = hello().deb();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    repository.fault(&hello().pool_path(), Fault::Replace(bytes), Times::Always);
    insta::assert_snapshot!(said(&sandbox, &["build"]));
    repository.heal();
    sandbox.ok(&["build"]);
}

#[test]
fn a_mirror_that_breaks_off_is_asked_again() {
    let (repository, sandbox) = ready();
    repository.fault(&hello().pool_path(), Fault::Truncate(100), Times::First(1));
    sandbox.ok(&["build"]);
    assert!(repository.requests(&hello().pool_path()) >= 2);
}

#[test]
fn a_mirror_that_is_overloaded_for_a_moment_is_asked_again() {
    let (repository, sandbox) = ready();
    repository.fault(&hello().pool_path(), Fault::Unavailable, Times::First(1));
    sandbox.ok(&["build"]);
}

#[test]
fn a_key_that_nobody_trusts() {
    let (repository, sandbox) = ready();
    let other = Key::new();
    let sandbox = sandbox.hide(other.fingerprint(), "[OTHER KEY]");
    sandbox.write("test.gpg", fs_err::read(other.public()).unwrap());
    let fingerprint = repository.key().fingerprint();
    let mut text = said(&sandbox, &["lock"]);
    for case in [fingerprint.clone(), fingerprint.to_lowercase()] {
        text = text.replace(&case, "[KEY]").replace(&case[24..], "[KEY ID]");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_archive_that_has_expired() {
    let until = Some(String::from("Sun, 23 Nov 2025 12:00:00 UTC"));
    let repository = Repository::with_suite(&[hello()], Suite { valid_until: until, ..Suite::default() });
    let sandbox = sandbox(&repository, HELLO);
    insta::with_settings!({ filters => vec![(r"\d+ (days|hours|months|years)( ago)?", "[TIME]")] }, {
        insta::assert_snapshot!(said(&sandbox, &["lock"]));
    });
}

#[test]
fn nothing_answers() {
    let (repository, sandbox) = ready();
    drop(repository);
    insta::assert_snapshot!(said(&sandbox, &["lock"]));
}

#[test]
fn offline_without_a_store() {
    let (repository, sandbox) = ready();
    sandbox.ok(&["lock"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let before = repository.total_requests();
    let hidden = sandbox.hide(elsewhere.path().display().to_string(), "[EMPTY]");
    let fresh = hidden.with_store(&elsewhere.path().join("store"));
    insta::assert_snapshot!(said(&fresh, &["--offline", "build"]));
    assert_eq!(repository.total_requests(), before, "--offline asked the mirror");
}

#[test]
fn offline_with_a_store() {
    let (repository, sandbox) = ready();
    sandbox.ok(&["build"]);
    drop(repository);
    sandbox.ok(&["--offline", "build"]);
}

#[test]
fn locked_without_a_lock() {
    let (_repository, sandbox) = ready();
    insta::assert_snapshot!(said(&sandbox, &["--locked", "build"]));
}

#[test]
fn a_lock_that_no_longer_fits() {
    let (repository, sandbox) = ready();
    sandbox.ok(&["lock"]);
    sandbox.write(
        "stack.toml",
        stack_file(&repository.url(), &HELLO.replace("\"hello\"", "\"hello\", \"more\"")),
    );
    repository.publish(&[hello(), Package::new("more", "1")]);
    insta::assert_snapshot!(said(&sandbox, &["build"]));
}

#[test]
fn a_pinned_package_that_left_the_archive() {
    let (repository, sandbox) = ready();
    sandbox.ok(&["lock"]);
    let newer = Package::new("hello", "1.0-2").executable("usr/bin/hello", "newer");
    repository.publish(&[newer]);
    insta::assert_snapshot!(said(&sandbox, &["build"]));
    sandbox.ok(&["update", "hello"]);
    sandbox.ok(&["build"]);
}

#[test]
fn two_owners_of_one_path() {
    let other = Package::new("other", "1").executable("usr/bin/hello", "another program");
    let repository = Repository::new(&[hello(), other]);
    let sandbox = sandbox(&repository, &HELLO.replace("\"hello\"", "\"hello\", \"other\""));
    sandbox.ok(&["lock"]);
    let text = said(&sandbox, &["build"]);
    // Packages are fetched at once, in any order.
    let lines =
        text.lines().filter(|line| !line.starts_with("    Fetching") && !line.starts_with("   Unpacking"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_file_of_ones_own_replaces_a_package_s() {
    let (repository, sandbox) = ready();
    let mine = "\"hello\", { text = \"mine\", to = \"/usr/bin/hello\", mode = \"0755\" }";
    sandbox.write("stack.toml", stack_file(&repository.url(), &HELLO.replace("\"hello\"", mine)));
    sandbox.ok(&["build"]);
    let said = sandbox.ok(&["why", "app", "/usr/bin/hello"]);
    assert!(said.contains("inline"), "{said}");
}

#[test]
fn a_command_that_nothing_brings() {
    let (repository, sandbox) = ready();
    sandbox.write(
        "stack.toml",
        stack_file(&repository.url(), &HELLO.replace("/usr/bin/hello", "/usr/bin/helo")),
    );
    insta::assert_snapshot!(said(&sandbox, &["build"]));
}

#[test]
fn errors_are_data_too() {
    let (_repository, sandbox) = ready();
    let answer = sandbox.run(&["--json", "--locked", "build"]);
    assert_eq!(answer.code, 3, "{answer}");
    let line = if answer.stdout.trim().is_empty() { &answer.stderr } else { &answer.stdout };
    let value: serde_json::Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert!(value.is_object(), "{answer}");
}

#[test]
fn a_slow_mirror_is_waited_for() {
    let (repository, sandbox) = ready();
    repository.fault(&hello().pool_path(), Fault::Delay(Duration::from_secs(2)), Times::First(1));
    sandbox.ok(&["build"]);
}
