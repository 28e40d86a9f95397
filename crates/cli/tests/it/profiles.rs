//! One stack of different inputs: which profile commands are about, and that each has its own lock.

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::{Sandbox, layout};

use crate::common::{LONGSHORE, sandbox};

/// The same image of somebody's package or of one's own.
const TWO: &str = r#"[image.app]
command = ["/usr/bin/hello"]

[profile.upstream]
description = "programs as their makers publish them"
image.app.contents = ["hello"]

[profile.own]
description = "programs of our own"
image.app.contents = ["hello-own"]
"#;

fn packages() -> [Package; 2] {
    [
        Package::new("hello", "1.0-1").executable("usr/bin/hello", "theirs"),
        Package::new("hello-own", "2.0-1").executable("usr/bin/hello", "ours"),
    ]
}

/// A stack with profiles and, if it is named, a default one.
fn ready(default: Option<&str>) -> (Repository, Sandbox) {
    let repository = Repository::new(&packages());
    let sandbox = sandbox(&repository, TWO);
    if let Some(name) = default {
        let line = format!("name = \"test\"\ndefault-profile = \"{name}\"");
        sandbox.write("stack.toml", sandbox.read("stack.toml").replace("name = \"test\"", &line));
    }
    (repository, sandbox)
}

/// Changes what profile `own` asks for.
fn ask_for(sandbox: &Sandbox, own: &str) {
    sandbox.write("stack.toml", sandbox.read("stack.toml").replace("[\"hello-own\"]", own));
}

fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.snapshot(&sandbox.run(arguments))
}

/// What `usr/bin/hello` holds in the image `app` of a layout.
fn program(sandbox: &Sandbox, out: &str) -> String {
    let bundle = sandbox.work().join(format!("{out}-app"));
    let root = layout::umoci_unpack(&sandbox.work().join(out), "test/app:latest", &bundle);
    fs_err::read_to_string(root.join("usr/bin/hello")).unwrap()
}

#[test]
fn each_profile_has_its_own_lock_and_contents() {
    let (_repository, sandbox) = ready(Some("upstream"));
    sandbox.ok(&["build", "-o", "theirs"]);
    sandbox.ok(&["--profile", "own", "build", "-o", "ours"]);
    // Image names say nothing of profiles.
    assert_eq!((program(&sandbox, "theirs"), program(&sandbox, "ours")), ("theirs".into(), "ours".into()));

    let (upstream, own) = (sandbox.read("stack.upstream.lock"), sandbox.read("stack.own.lock"));
    assert!(upstream.contains("\nprofile = \"upstream\"\n") && own.contains("\nprofile = \"own\"\n"));
    assert!(upstream.contains("name = \"hello\"\n") && !upstream.contains("hello-own"), "{upstream}");
    assert!(own.contains("name = \"hello-own\"\n") && !own.contains("name = \"hello\"\n"), "{own}");
    let files = fs_err::read_dir(sandbox.work()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut locks: Vec<_> = files.filter(|name| name.to_string_lossy().contains("lock")).collect();
    locks.sort();
    assert_eq!(locks, ["stack.own.lock", "stack.upstream.lock"]);

    // Both are whole, and neither changes the other.
    for profile in ["own", "upstream"] {
        sandbox.ok(&["--locked", "--offline", "build", "--profile", profile]);
        sandbox.ok(&["lock", "--profile", profile]);
    }
    assert_eq!((sandbox.read("stack.upstream.lock"), sandbox.read("stack.own.lock")), (upstream, own));
}

#[test]
fn an_update_is_of_one_profile() {
    let (repository, sandbox) = ready(None);
    sandbox.ok(&["lock", "--profile", "upstream"]);
    sandbox.ok(&["lock", "--profile", "own"]);
    let upstream = sandbox.read("stack.upstream.lock");
    let newer = |name: &str| Package::new(name, "9.0-1").executable("usr/bin/hello", "newer");
    repository.publish(&[newer("hello"), newer("hello-own")]);
    let answer = said(&sandbox, &["update", "--profile", "own"]);
    assert!(answer.contains("~ hello-own 2.0-1 → 9.0-1") && answer.contains("stack.own.lock"), "{answer}");
    assert!(sandbox.read("stack.own.lock").contains("version = \"9.0-1\""));
    assert_eq!(sandbox.read("stack.upstream.lock"), upstream);
}

#[test]
fn the_environment_chooses_where_the_command_line_does_not() {
    let (_repository, sandbox) = ready(Some("upstream"));
    let sandbox = sandbox.env("LONGSHORE_PROFILE", "own");
    assert!(sandbox.ok(&["lock"]).contains("stack.own.lock"));
    assert!(sandbox.ok(&["lock", "--profile", "upstream"]).contains("stack.upstream.lock"));
    assert!(sandbox.ok(&["--profile", "upstream", "lock"]).contains("stack.upstream.lock"));
    let sandbox = sandbox.env("LONGSHORE_PROFILE", "");
    assert!(sandbox.ok(&["lock"]).contains("stack.upstream.lock"));
}

#[test]
fn a_profile_must_be_chosen_where_none_is_the_default() {
    let (_repository, sandbox) = ready(None);
    insta::assert_snapshot!(said(&sandbox, &["lock"]));
    let data: serde_json::Value = serde_json::from_str(&sandbox.run(&["--json", "build"]).stdout).unwrap();
    assert_eq!(data["exit_code"], 2);
    assert_eq!(data["profiles"][0]["name"], "own");
    assert_eq!(data["profiles"][1]["description"], "programs as their makers publish them");
    // What the hint names runs.
    sandbox.ok(&["build", "--profile", "own"]);
}

#[test]
fn a_profile_that_the_stack_lacks() {
    let (repository, with) = ready(None);
    insta::assert_snapshot!("near", said(&with, &["lock", "--profile", "upstraem"]));
    let without = sandbox(&repository, crate::common::HELLO);
    insta::assert_snapshot!("none_at_all", said(&without, &["lock", "--profile", "own"]));
    assert_eq!(Sandbox::new(LONGSHORE).run(&["check", "--profile", "own"]).code, 2);
}

#[test]
fn check_looks_at_every_profile() {
    let (_repository, sandbox) = ready(Some("upstream"));
    sandbox.ok(&["lock"]);
    insta::assert_snapshot!("one_locked", said(&sandbox, &["check"]));
    insta::assert_snapshot!("locked_check", said(&sandbox, &["--locked", "check"]));
    // The one that is asked for alone.
    let alone = sandbox.ok(&["check", "--profile", "upstream"]);
    assert!(alone.contains("profile `upstream`") && !alone.contains("own"), "{alone}");
    sandbox.ok(&["--locked", "check", "--profile", "upstream"]);

    sandbox.ok(&["lock", "--profile", "own"]);
    sandbox.ok(&["--locked", "check"]);
    ask_for(&sandbox, "[\"hello\", \"hello-own\"]");
    insta::assert_snapshot!("one_stale", said(&sandbox, &["check"]));
    let data: serde_json::Value = serde_json::from_str(&sandbox.ok(&["--json", "check"])).unwrap();
    let states: Vec<_> =
        data["profiles"].as_array().unwrap().iter().map(|one| (&one["profile"], &one["locked"])).collect();
    assert_eq!(format!("{states:?}"), r#"[(String("own"), Bool(false)), (String("upstream"), Bool(true))]"#);
}

#[test]
fn check_says_once_what_all_have_and_names_who_has_the_rest() {
    let (_repository, sandbox) = ready(None);
    ask_for(&sandbox, "[{ package = \"hello-own\", source = \"lokal\" }]");
    let text = sandbox.read("stack.toml").replace("[image.app]\n", "[image.app]\nworkdir = \"srv\"\n");
    sandbox.write("stack.toml", text);
    insta::assert_snapshot!(said(&sandbox, &["check"]));
    let data: serde_json::Value = serde_json::from_str(&sandbox.run(&["--json", "check"]).stdout).unwrap();
    let [all, own] = &data["diagnostics"].as_array().unwrap()[..] else { panic!("{data}") };
    assert_eq!((&all["profiles"], &own["profiles"]), (&serde_json::Value::Null, &serde_json::json!(["own"])));
}

#[test]
fn messages_name_the_profile_s_lock_and_hints_the_profile() {
    let (_repository, sandbox) = ready(Some("upstream"));
    insta::assert_snapshot!("locked_without", said(&sandbox, &["--locked", "build", "--profile", "own"]));
    insta::assert_snapshot!("locked_without_default", said(&sandbox, &["--locked", "build"]));
    sandbox.ok(&["lock", "--profile", "own"]);
    ask_for(&sandbox, "[\"hello\", \"hello-own\"]");
    insta::assert_snapshot!("stale", said(&sandbox, &["build", "--profile", "own"]));
    insta::assert_snapshot!("no_image", said(&sandbox, &["build", "ap", "--profile", "own"]));
    // Hints of what goes wrong far from here name it too.
    sandbox.write("stack.toml", sandbox.read("stack.toml").replace("\"hello-own\"", "\"helo\""));
    insta::assert_snapshot!("no_package", said(&sandbox, &["lock", "--profile", "own"]));
}

#[test]
fn a_lock_of_another_profile_is_refused() {
    let (_repository, sandbox) = ready(Some("upstream"));
    sandbox.ok(&["lock"]);
    fs_err::copy(sandbox.work().join("stack.upstream.lock"), sandbox.work().join("stack.own.lock")).unwrap();
    insta::assert_snapshot!(said(&sandbox, &["build", "--profile", "own"]));
    // What the hint says keeps its pins.
    let text = sandbox.read("stack.own.lock").replace("profile = \"upstream\"", "profile = \"own\"");
    sandbox.write("stack.own.lock", text);
    sandbox.ok(&["--profile", "own", "lock"]);
    sandbox.ok(&["--profile", "own", "--locked", "build"]);
}

#[test]
fn data_carries_the_profile() {
    let (repository, with) = ready(Some("upstream"));
    let without = sandbox(&repository, crate::common::HELLO);
    let data = |sandbox: &Sandbox, command: &str| -> serde_json::Value {
        serde_json::from_str(&sandbox.ok(&["--json", command])).unwrap()
    };
    for command in ["lock", "build", "update"] {
        assert_eq!(data(&with, command)["profile"], "upstream", "{command}");
        assert!(data(&without, command).get("profile").is_none(), "{command}");
    }
    assert!(data(&without, "check").get("profile").is_none());
    assert!(without.read("stack.lock").contains("\nrevision = 5\n"));
}
