//! Services that are not kept apart from the machine: only their end is seen to.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use longshore_sandbox::{Error, Signal, Status};

use crate::world::{Service, World, eventually, native, processes};

/// A shell with a child that left its session and ignores signals, and a grandchild that lost its parent.
fn stubborn(marker: &str) -> String {
    let deaf = format!("trap \"\" TERM HUP INT; while :; do sleep 1; done; : {marker}");
    format!("(setsid sh -c '{deaf}' &); (sh -c \"sh -c '{deaf}' & exec sleep 0.01\" &)")
}

#[test]
fn it_is_the_callers_own_and_alone_in_its_session() {
    let script = "id -u; readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/user; pwd; echo $COLOUR; \
                  grep -E 'NoNewPrivs|^Seccomp:' /proc/self/status; ls /proc/self/fd | wc -l; cat; echo end >&2; exit 3";
    let mut service = Service::start_native(&native(script)).unwrap();
    let (mut said, mut err) = (String::new(), String::new());
    service.stdout.read_to_string(&mut said).unwrap();
    service.stderr.read_to_string(&mut err).unwrap();
    let own = |name: &str| fs_err::read_link(format!("/proc/self/ns/{name}")).unwrap().display().to_string();
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let expected = [
        rustix::process::geteuid().as_raw().to_string(),
        own("mnt"),
        own("pid"),
        own("user"),
        "/".to_owned(),
        "green".to_owned(),
        line("NoNewPrivs:"),
        line("Seccomp:"),
        // Three, and the one by which they are listed.
        "4".to_owned(),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    assert_eq!(err, "end\n");
    assert_eq!(service.running.wait().unwrap().status, Status::Code(3));
}

#[test]
fn it_stops_and_takes_its_processes_along() {
    let script = format!(
        "{}; trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done",
        stubborn("mark-native-stop")
    );
    let mut service = Service::start_native(&native(&script)).unwrap();
    service.has_said("up\n");
    eventually("all of it runs", || processes("mark-native-stop").len() >= 3);
    let used = service.running.usage().unwrap();
    assert!(used.processes >= 3 && used.memory > 100_000, "{used:?}");
    assert!(service.running.process().is_alive());
    service.running.signal(Signal::TERM).unwrap();
    assert_eq!(service.running.wait().unwrap().status, Status::Code(4));
    assert_eq!(processes("mark-native-stop"), Vec::<String>::new());
}

#[test]
fn dropping_or_killing_it_leaves_nothing() {
    let script = format!("{}; while :; do sleep 1; done", stubborn("mark-native-drop"));
    let service = Service::start_native(&native(&script)).unwrap();
    eventually("all of it runs", || processes("mark-native-drop").len() >= 3);
    drop(service);
    assert_eq!(processes("mark-native-drop"), Vec::<String>::new());
    let mut service = Service::start_native(&native(&script)).unwrap();
    eventually("all of it runs", || processes("mark-native-drop").len() >= 3);
    service.running.kill();
    assert_eq!(service.running.wait().unwrap().status, Status::Signal(9));
    assert_eq!(processes("mark-native-drop"), Vec::<String>::new());
}

#[test]
fn nothing_outlives_a_killed_caller() {
    let world = World::new();
    // The marker must not be in the helper's own command line: it is in its environment.
    let script = format!("{}; while :; do sleep 1; done; : mark-native-main", stubborn("mark-native-killed"));
    let mut helper = world.helper(None, &script);
    helper.env("SANDBOX_MODE", "native").stderr(Stdio::null()).stdout(Stdio::null());
    let mut helper = helper.spawn().unwrap();
    eventually("all of it runs", || processes("mark-native-killed").len() >= 3);
    helper.kill().unwrap();
    helper.wait().unwrap();
    eventually("all of it is gone", || processes("mark-native-killed").is_empty());
    let helper = world.path("helper").display().to_string();
    eventually("its first process is gone", || processes(&helper).is_empty());
}

#[test]
fn another_command_runs_beside_it() {
    let service = Service::start_native(&native("exec sleep 1000")).unwrap();
    let mut log = Vec::new();
    let process = service.running.process();
    let exit = process.run(&native("id -u; readlink /proc/self/ns/mnt"), Duration::from_secs(20), &mut log);
    assert!(exit.unwrap().status.success());
    let own = fs_err::read_link("/proc/self/ns/mnt").unwrap().display().to_string();
    let user = rustix::process::geteuid().as_raw();
    assert_eq!(String::from_utf8(log).unwrap(), format!("{user}\n{own}\n"));
}

#[test]
fn what_can_not_be_started_is_said_at_once() {
    let mut command = native("");
    command.argv = vec!["/no/such/program".to_owned()];
    let error = Service::start_native(&command).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Start { program, .. } if program == "/no/such/program"), "{error:?}");
    command = native("");
    command.cwd = "/no/such/folder".into();
    let error = Service::start_native(&command).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("`/no/such/folder`"), "{error}");
}
