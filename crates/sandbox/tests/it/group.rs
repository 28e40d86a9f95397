//! Control groups: bounds that hold, usage, what is left behind. They are tried where this machine lets its user make groups;
//! where it doesn't, the reason is what is tried.

use std::io::Read;
use std::time::Duration;

use longshore_sandbox::{Bounds, Groups, NoGroups, Status};

use crate::world::{Service, World, shell};

/// Groups of one test; none where there can't be any, which must be said with a reason then.
fn groups(name: &str) -> Option<Groups> {
    match Groups::find(&format!("longshore-test-{name}-{}", std::process::id())) {
        Ok(groups) => Some(groups),
        Err(error) => {
            assert!(!rustix::process::geteuid().is_root(), "root can make groups: {error}");
            assert!(error.to_string().contains("control groups"), "{error}");
            None
        }
    }
}

#[test]
fn memory_is_bounded_and_its_end_is_told() {
    let Some(groups) = groups("memory") else { return };
    let world = World::new();
    let bounds = Bounds { memory: Some(48 << 20), ..Bounds::default() };
    let run = |script: &str| {
        let group = groups.make("service", bounds).unwrap();
        let mut service = Service::start_in(&world.service(10_001), &shell(script), Some(group)).unwrap();
        (service.running.wait().unwrap().status, service.running.usage().unwrap())
    };
    // `dd` holds one block, and touches all of it.
    let (status, usage) = run("exec dd if=/dev/zero of=/dev/null bs=200M count=1");
    assert_eq!((status, usage.out_of_memory), (Status::OutOfMemory, 1));
    assert_eq!(status.to_string(), "killed when it had used up its memory");
    let (status, usage) = run("dd if=/dev/zero of=/dev/null bs=200M count=1; exit 5");
    assert_eq!((status, usage.out_of_memory), (Status::Code(5), 1));
    let (status, usage) = run("dd if=/dev/zero of=/dev/null bs=8M count=1; exit 6");
    assert_eq!((status, usage.out_of_memory), (Status::Code(6), 0));
}

#[test]
fn processes_and_processors_are_bounded_and_counted() {
    let Some(groups) = groups("all") else { return };
    let world = World::new();
    let bounds = Bounds { memory: None, cpu: Some(200), processes: Some(8) };
    let group = groups.make("service", bounds).unwrap();
    let script = "i=0; while [ $i -lt 20 ]; do sleep 1000 & i=$((i+1)); echo $i; done";
    let sandbox = world.service(10_001);
    let mut service = Service::start_in(&sandbox, &shell(script), Some(group)).unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    service.stdout.read_to_string(&mut out).unwrap();
    service.stderr.read_to_string(&mut err).unwrap();
    // Besides the shell.
    assert!(out.ends_with("\n7\n") && err.contains("can't fork"), "{out}{err}");
    drop(service);

    let group = groups.make("service", bounds).unwrap();
    let service = Service::start_in(&sandbox, &shell("while :; do :; done"), Some(group)).unwrap();
    let before = service.running.usage().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let after = service.running.usage().unwrap();
    // A fifth of a processor, with the periods that have begun.
    let used = after.cpu - before.cpu;
    assert!(used < Duration::from_millis(500) && used > Duration::from_millis(1), "{used:?}");
    assert!(after.memory > 0 && after.memory < 64 << 20, "{after:?}");
}

#[test]
fn another_command_is_counted_with_the_service() {
    let Some(groups) = groups("beside") else { return };
    let world = World::new();
    let group = groups.make("service", Bounds { memory: Some(48 << 20), ..Bounds::default() }).unwrap();
    let script = "while :; do sleep 1; done";
    let service = Service::start_in(&world.service(10_001), &shell(script), Some(group)).unwrap();
    let hungry = shell("exec dd if=/dev/zero of=/dev/null bs=200M count=1");
    let beside = |command| {
        service.running.process().run(command, Duration::from_secs(20), &mut std::io::sink()).unwrap().status
    };
    assert_eq!(beside(&hungry), Status::Signal(9));
    assert_eq!(beside(&shell("exit 3")), Status::Code(3));
    assert_eq!(service.running.usage().unwrap().out_of_memory, 1);
}

#[test]
fn what_is_left_is_found_by_name() {
    let Some(groups) = groups("left") else { return };
    // What a killed program leaves: nobody drops it.
    std::mem::forget(groups.make("one", Bounds::default()).unwrap());
    std::mem::forget(groups.make("two", Bounds::default()).unwrap());
    let world = World::new();
    let group = groups.make("one", Bounds::default()).unwrap();
    let service = Service::start_in(&world.service(10_001), &shell("sleep 1000"), Some(group)).unwrap();
    let name = |it: &str| format!("longshore-test-left-{}.{it}", std::process::id());
    // Not the one in use.
    assert_eq!(groups.sweep().unwrap(), [name("two")]);
    drop(service);
    assert_eq!(groups.sweep().unwrap(), Vec::<String>::new());
    let error = groups.make("a/b", Bounds::default()).unwrap_err();
    assert!(error.to_string().contains("is not made of letters"), "{error}");
}

#[test]
fn an_ordinary_user_is_told_why_there_are_none() {
    let said =
        NoGroups::NotOurs { path: "/sys/fs/cgroup".into(), source: std::io::Error::from_raw_os_error(13) };
    assert_eq!(said.to_string(), "the control groups in `/sys/fs/cgroup` are not this user's to divide");
    assert!(said.hint().unwrap().contains("systemd-run --user --scope"));
}
