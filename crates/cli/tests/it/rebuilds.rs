//! `rebuild` under other conditions, those of the caller too; `show` of what builds made, and of images that need none.

use std::process::Command;

use longshore_testkit::Sandbox;
use longshore_testkit::sandbox::Answer;
use serde_json::Value;

use crate::common::LONGSHORE;

/// A stack of one build on the machine's own tools, whose script is `run`.
fn sandbox(run: &str) -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE);
    sandbox.write("notes/a", "a\n");
    sandbox.write(
        "stack.toml",
        format!(
            "[stack]\nname = \"test\"\n\n[build.app]\nkind = \"command\"\ntoolchain = \"host\"\nrun = [[\"sh\", \"-ec\", '''{run}''']]\n\
             inputs = [{{ path = \"notes\", to = \"/src/\" }}]\n\n\
             [image.app]\ncontents = [{{ build = \"app\", to = \"/srv/\" }}]\n"
        ),
    );
    sandbox
}

#[test]
fn nothing_of_the_callers_surroundings_reaches_a_build() {
    // All that a program could take from its caller, but for the user ids, which `rebuild` changes itself.
    let sandbox = sandbox(
        "env | sort > /out/env; umask > /out/umask; touch /out/file; mkdir /out/folder; stat -c %A /out/* > /out/modes
         stat -c '%a %n' / /build /out /tmp /deps /etc /etc/passwd /src /src/a > /out/seen; date +%Z > /out/zone; ls -1 / /tmp /build > /out/folders; printf 'I\\ni\\nß\\nZ\\nä\\n' | sort > /out/order
         pwd > /out/place; echo ~ > /out/home; ulimit -c > /out/core; ps -o tty= > /out/terminal 2> /dev/null || true",
    );
    sandbox.ok(&["build"]);
    let home = tempfile::tempdir().unwrap();
    let mut elsewhere = Command::new("sh");
    elsewhere.args(["-c", "umask 077; exec \"$@\"", "sh", LONGSHORE, "-C"]).arg(sandbox.work());
    elsewhere.args(["rebuild", "--all"]).current_dir(home.path()).env_clear();
    elsewhere.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.path());
    elsewhere.env("LONGSHORE_STORE", sandbox.store()).env("TZ", "Pacific/Kiritimati");
    elsewhere.env("LC_ALL", "tr_TR.UTF-8").env("SOURCE_DATE_EPOCH", "1").env("TMPDIR", home.path());
    let answer = Answer::of(&mut elsewhere);
    assert_eq!(answer.code, 0, "{answer}");
    assert_eq!(answer.stdout, "app (linux/amd64): the same bytes\n", "{answer}");
    let how =
        "  Rebuilding app in another folder, as another user and group, on one CPU, with nothing kept\n";
    assert!(answer.stderr.contains(how), "{answer}");
}

#[test]
fn a_difference_is_shown_as_a_line_of_text() {
    let sandbox = sandbox(
        "echo same > /out/a; { echo first line; echo made by user $(id -u); } > /out/b; date > /out/c",
    );
    let answer = sandbox.run(&["rebuild", "app"]);
    assert_eq!(answer.code, 1, "{answer}");
    let expected = "error: 1 build not reproducible
  caused by: `app (linux/amd64)`: `/b` differs at byte 24, in line 2 (29 bytes both times):
  first  made by user 1000
  second made by user 4242\n";
    assert!(answer.stderr.contains(expected), "{answer}");
    let data = sandbox.run(&["--json", "rebuild"]);
    let result: Value = serde_json::from_str(&data.stdout).unwrap_or_else(|error| panic!("{error}: {data}"));
    assert_eq!(result["diagnostics"][0]["build"], "app (linux/amd64)");
    assert!(result["diagnostics"][0]["difference"].as_str().unwrap().contains("made by user 4242"), "{data}");
}

#[test]
fn all_builds_are_rebuilt_or_those_named() {
    let sandbox = sandbox("echo same > /out/a");
    let answer = sandbox.run(&["rebuild", "--all", "app"]);
    assert_eq!(answer.code, 2, "{answer}");
    assert!(answer.stderr.contains("'--all' cannot be used with '[BUILD]...'"), "{answer}");
    for arguments in [&["rebuild"][..], &["rebuild", "--all"], &["rebuild", "app"]] {
        assert_eq!(sandbox.ok(arguments), "app (linux/amd64): the same bytes\n");
    }
}

#[test]
fn what_a_build_made_and_needs_to_run_is_shown() {
    let sandbox = sandbox(
        "mkdir /out/bin; cp -L \"$(command -v ls)\" /out/bin/; printf '#!/opt/run\\n' > /out/bin/tool; printf 12345 > /out/five",
    );
    let answer = sandbox.run(&["show"]);
    assert_eq!(answer.code, 0, "{answer}");
    let line = answer.stdout.lines().find(|line| line.starts_with("    output of 3 files, ")).unwrap();
    let (_, needs) = line.split_once("; needs to run: ").unwrap();
    let needs: Vec<_> = needs.split(", ").collect();
    assert!(needs.contains(&"/opt/run") && needs.contains(&"libc.so.6"), "{answer}");

    let rows: Value = serde_json::from_str(&sandbox.ok(&["--json", "show"])).unwrap();
    let build = &rows[0]["builds"][0];
    assert_eq!((build["build"].as_str(), build["files"].as_u64()), (Some("app"), Some(3)), "{rows}");
    assert_eq!(build["references"], serde_json::json!(needs));
    let program = fs_err::metadata("/bin/ls").unwrap().len();
    assert_eq!(build["bytes"].as_u64(), Some(program + 11 + 5));
}

#[test]
fn images_are_looked_at_without_what_others_are_made_of() {
    let sandbox = sandbox("exit 7");
    let text = sandbox.read("stack.toml");
    sandbox.write(
        "stack.toml",
        format!("{text}\n[image.other]\ncontents = [{{ directory = \"notes\", to = \"/srv/\" }}]\n"),
    );
    assert!(sandbox.ok(&["show", "other"]).starts_with("other (linux/amd64): "));
    assert!(sandbox.ok(&["why", "other", "/srv/notes/a"]).starts_with("/srv/notes/a (linux/amd64): "));
    assert_eq!(sandbox.run(&["why", "app", "/srv/a"]).code, 1);
    assert_eq!(sandbox.run(&["show"]).code, 1);
}
