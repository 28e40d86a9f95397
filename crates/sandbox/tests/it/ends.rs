//! Nothing is left behind, however it ends.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use longshore_sandbox::Status;

use crate::world::{World, eventually, processes, run};

/// A grandchild in a session of its own that ignores signals, and that the machine's process list shows.
fn stubborn(marker: &str) -> String {
    format!("(setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done; : {marker}' &) ; echo started")
}

#[test]
fn children_end_with_the_command() {
    let world = World::new();
    assert_eq!(world.script(&stubborn("mark-orphan")), "started\n");
    assert_eq!(processes("mark-orphan"), Vec::<String>::new());
}

#[test]
fn time_is_limited() {
    let world = World::new();
    let mut sandbox = world.sandbox();
    sandbox.limits.time = Some(Duration::from_secs(2));
    let started = Instant::now();
    let ran = run(&sandbox, &format!("{}; while :; do sleep 1; done", stubborn("mark-late"))).unwrap();
    assert_eq!(ran.exit.status, Status::TimedOut);
    assert_eq!(ran.log, "started\n");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(processes("mark-late"), Vec::<String>::new());
    // Also while it prints without end.
    let ran = run(&sandbox, "while :; do echo more; done").unwrap();
    assert_eq!(ran.exit.status, Status::TimedOut);
}

#[test]
fn nothing_outlives_a_killed_caller() {
    let world = World::new();
    let script = format!("{}; while :; do sleep 1; done; : mark-killed-main", stubborn("mark-killed"));
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::INT] {
        // The marker must not be in the helper's own command line: it is in its environment.
        let mut helper =
            world.helper(None, &script).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        eventually("the sandbox runs", || processes("mark-killed").len() >= 2);
        let pid = rustix::process::Pid::from_child(&helper);
        rustix::process::kill_process(pid, signal).unwrap();
        assert_eq!(helper.wait().unwrap().signal(), Some(signal.as_raw()));
        eventually("all of it is gone", || processes("mark-killed").is_empty());
    }
    let helper = world.path("helper").display().to_string();
    eventually("its first process is gone", || processes(&helper).is_empty());
}

#[test]
fn nothing_outlives_a_killed_caller_of_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        // Then the test above was that of an ordinary user.
        return;
    }
    let world = World::new();
    let script = format!("{}; while :; do sleep 1; done", stubborn("mark-user"));
    let mut helper =
        world.helper(Some(12_345), &script).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    eventually("the sandbox runs", || processes("mark-user").len() >= 2);
    helper.kill().unwrap();
    helper.wait().unwrap();
    eventually("all of it is gone", || processes("mark-user").is_empty());
}

#[test]
fn a_caller_that_ignores_signals_learns_the_end() {
    let world = World::new();
    let helper = world.helper(None, "sh -c 'exit 3'; echo $?; kill -PIPE $$");
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' CHLD PIPE; exec \"$0\" \"$@\""])
        .arg(helper.get_program())
        .args(helper.get_args());
    shell.envs(helper.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("3\n") && said.contains("ended by signal 13"), "{said}");
}
