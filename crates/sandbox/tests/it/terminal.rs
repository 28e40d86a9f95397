//! A person at the terminal of a sandbox.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::world::World;

/// Runs a script on a terminal of its own, answers `ready` with `keys`, and gives all that the terminal showed.
fn at_a_terminal(mode: &str, script: &str, keys: &[u8]) -> String {
    let world = World::new();
    let helper = world.helper(None, script);
    let line = std::iter::once(helper.get_program()).chain(helper.get_args());
    // Without a shell between, which Ctrl-C would end.
    let line: Vec<_> = line.map(|word| word.to_str().unwrap()).collect();
    let mut command = Command::new("script");
    command
        .args(["-q", "-e", "-c", &format!("exec {}", line.join(" ")), "/dev/null"])
        .envs(helper.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.env("SANDBOX_MODE", mode).env("SHELL", "/bin/sh").current_dir("/");
    let mut terminal = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    let mut shown = String::new();
    for line in BufReader::new(terminal.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("ready") {
            keyboard.write_all(keys).unwrap();
        }
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    let status = terminal.wait().unwrap();
    assert!(status.success(), "{status}\n{shown}");
    shown
}

#[test]
fn reads_and_writes_it() {
    let script = "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo ready; read line; echo got $line; id -u; exit 5";
    let shown = at_a_terminal("terminal", script, b"words\n");
    assert!(shown.contains("got words\n1000\ntold: exit code 5\n"), "{shown}");
    let shown = at_a_terminal("terminal beside", script, b"words\n");
    assert!(shown.contains("got words\n10001\ntold: exit code 5\n"), "{shown}");
}

#[test]
fn interrupts_are_for_the_command() {
    let script = "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 1; done";
    for mode in ["terminal", "terminal beside"] {
        let shown = at_a_terminal(mode, script, b"\x03");
        assert!(shown.contains("caught\ntold: exit code 6\n"), "{shown}");
    }
}
