//! What is said while builds run: lines, a terminal's bars, events.

use std::collections::BTreeMap;
use std::process::Command;

use longshore_testkit::Sandbox;
use longshore_testkit::sandbox::Answer;
use serde_json::Value;

use crate::common::LONGSHORE;

/// Builds on the machine's own tools, of which `app` needs two others, one of them slow.
const STACK: &str = r#"
[stack]
name = "test"

[build.slow]
kind = "command"
toolchain = "host"
run = [["sh", "-c", "echo Compiling serde v1; sleep 2.5; echo slow > /out/slow"]]

[build.quick]
kind = "command"
toolchain = "host"
run = [["sh", "-c", "echo quick > /out/quick"]]

[build.app]
kind = "command"
toolchain = "host"
run = [["sh", "-c", "cat /deps/slow /deps/quick > /out/app; chmod +x /out/app"]]
inputs = [{ build = "slow", to = "/deps" }, { build = "quick", to = "/deps" }]

[image.app]
contents = [{ build = "app", to = "/srv/" }]
command = ["/srv/app"]
"#;

fn sandbox(stack: &str) -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE);
    sandbox.write("stack.toml", stack);
    sandbox
}

/// The lines of standard error, each of which must be an event.
fn events(answer: &Answer) -> Vec<Value> {
    let event = |line: &str| -> Value {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert!(event["event"].is_string(), "{event}");
        event
    };
    answer.stderr.lines().map(event).collect()
}

#[test]
fn a_line_when_a_step_begins_one_when_a_long_one_ends_and_one_for_who_waits() {
    let sandbox = sandbox(STACK);
    let answer = sandbox.run(&["build", "-j", "4"]);
    assert_eq!(answer.code, 0, "{answer}");
    let slow = "slow: sh -c echo Compiling serde v1; sleep 2.5; echo slow > /out/slow";
    let count = |line: &str| answer.stderr.lines().filter(|found| found.starts_with(line)).count();
    assert_eq!(count("     Waiting app for quick, slow"), 1, "{answer}");
    assert_eq!(count(&format!("       Built {slow} in ")), 1, "{answer}");
    let short =
        |line: &str| line.starts_with("       Built") && (line.ends_with(" 0 s") || line.ends_with(" 1 s"));
    assert!(!answer.stderr.lines().any(short), "short steps end in silence: {answer}");
    // The build that waited is the last to begin.
    let last = answer.stderr.lines().rfind(|line| line.starts_with("    Building ")).unwrap();
    assert_eq!(
        last, "    Building app: sh -c cat /deps/slow /deps/quick > /out/app; chmod +x /out/app",
        "{answer}"
    );

    let again = sandbox.run(&["build"]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "nothing is left to do, and nothing is said");
}

#[test]
fn a_step_that_fails_is_not_said_to_be_done() {
    let sandbox = sandbox(&STACK.replace("echo slow > /out/slow", "exit 3"));
    let answer = sandbox.run(&["build"]);
    assert_eq!(answer.code, 1, "{answer}");
    let slow = "slow: sh -c echo Compiling serde v1; sleep 2.5; exit 3";
    assert!(answer.stderr.contains(&format!("\n      Failed {slow} after ")), "{answer}");
    assert!(!answer.stderr.contains("Built slow"), "{answer}");
    assert!(answer.stderr.contains("error: build `slow`: "), "{answer}");
}

#[test]
fn a_terminal_shows_time_and_what_a_step_does_now() {
    let sandbox = sandbox(STACK);
    let mut script = Command::new("script");
    let command = format!("exec {LONGSHORE} build -j 4");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(sandbox.work());
    script.env_clear().envs(sandbox.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").stdin(std::process::Stdio::null());
    let answer = Answer::of(&mut script);
    assert_eq!(answer.code, 0, "{answer}");
    // A terminal of unknown size has 80 columns.
    for line in [
        "    Building slow: sh -c echo Compiling serde v1…  1 s  Compiling serde v1",
        "     Waiting app for quick, slow  1 s",
        "    Building app: sh -c cat /deps/slow /deps/quick",
    ] {
        assert!(answer.stdout.contains(line), "{line}: {:?}", answer.stdout);
    }
}

#[test]
fn events_are_one_object_a_line_and_results_stay_apart() {
    // With something to warn of.
    let sandbox = sandbox(&STACK.replace("command = [\"/srv/app\"]\n", ""));
    let answer = sandbox.run(&["--json", "build", "-j", "4"]);
    assert_eq!(answer.code, 0, "{answer}");
    let result: Value =
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(result["images"][0]["image"], "app");

    let events = events(&answer);
    let warning = &events[0];
    assert_eq!(
        (&warning["event"], &warning["message"]),
        (&"warning".into(), &"image `app` starts nothing".into())
    );
    let place = (&warning["diagnostic"]["code"], warning["diagnostic"]["line"].as_u64());
    assert_eq!(place, (&"stack::no-command".into(), Some(21)));
    let (mut begun, mut ended) = (BTreeMap::new(), BTreeMap::new());
    for event in events.into_iter().skip(1) {
        match event["event"].as_str().unwrap() {
            "begin" | "waiting" => assert!(begun.insert(event["id"].as_u64().unwrap(), event).is_none()),
            "end" => assert!(ended.insert(event["id"].as_u64().unwrap(), event).is_none()),
            "note" => assert!(event["message"].is_string()),
            other => panic!("`{other}`: {answer}"),
        }
    }
    assert_eq!(begun.keys().collect::<Vec<_>>(), ended.keys().collect::<Vec<_>>(), "{answer}");
    let slow = begun.values().find(|event| event["what"].as_str().unwrap().starts_with("slow: ")).unwrap();
    assert_eq!((slow["event"].as_str(), slow["verb"].as_str()), (Some("begin"), Some("Building")));
    assert!(slow["bytes"].is_null(), "{slow}");
    let end = &ended[&slow["id"].as_u64().unwrap()];
    assert!((2.5..60.0).contains(&end["seconds"].as_f64().unwrap()), "{end}");
    assert_eq!(end["failed"], false);
    let waiting = begun.values().find(|event| event["event"] == "waiting").unwrap();
    assert_eq!(waiting["what"], "app");
    assert_eq!(waiting["for"], serde_json::json!(["quick", "slow"]));
}

#[test]
fn failures_end_their_step_and_are_the_result() {
    let sandbox = sandbox(&STACK.replace("sleep 2.5; echo slow > /out/slow", "exit 3"));
    let answer = sandbox.run(&["--json", "build"]);
    assert_eq!(answer.code, 1, "{answer}");
    let result: Value =
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!((&result["ok"], &result["exit_code"]), (&Value::from(false), &Value::from(1)), "{answer}");
    let failed: Vec<_> = events(&answer).into_iter().filter(|event| event["failed"] == true).collect();
    assert_eq!(failed.len(), 1, "{answer}");

    let quiet = sandbox.run(&["--json", "-q", "build"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (1, ""));
    assert!(serde_json::from_str::<Value>(&quiet.stdout).is_ok(), "{quiet}");
}
