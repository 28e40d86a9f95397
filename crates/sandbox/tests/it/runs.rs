//! What the caller learns: output, how it ended, what was wrong.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use longshore_sandbox::{Access, Error, Mount, Stage, Status, probe};

use crate::world::{World, run, shell};

#[test]
fn this_machine_can() {
    probe().unwrap();
}

#[test]
fn ends_are_told() {
    let world = World::new();
    let ends = |script: &str| run(&world.sandbox(), script).unwrap().exit.status;
    assert_eq!(ends("exit 0"), Status::Code(0));
    assert_eq!(ends("exit 7"), Status::Code(7));
    assert_eq!(ends("exit 255"), Status::Code(255));
    assert_eq!(ends("kill -TERM $$"), Status::Signal(15));
    assert_eq!(ends("kill -KILL $$"), Status::Signal(9));
    // What kills the group or everybody doesn't reach the first process.
    assert_eq!(ends("trap '' TERM; kill -TERM -1; kill -TERM 0; exit 3"), Status::Code(3));
}

#[test]
fn what_was_used_is_told() {
    let world = World::new();
    let ran =
        run(&world.sandbox(), "dd if=/dev/zero of=/dev/null bs=64M count=20 2>/dev/null; sleep 0.2").unwrap();
    assert!(ran.exit.memory > 64 << 20, "{:?}", ran.exit);
    assert!(ran.exit.cpu > Duration::from_millis(1), "{:?}", ran.exit);
    assert!(ran.exit.time > Duration::from_millis(200), "{:?}", ran.exit);
}

#[test]
fn both_streams_in_order_without_loss() {
    let world = World::new();
    let log = world.script("i=0; while [ $i -lt 5000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done");
    let expected: String = (0..5000).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert!(log == expected, "{} bytes instead of {}", log.len(), expected.len());
    let log = world.script("dd if=/dev/zero bs=1M count=30 2>/dev/null");
    assert_eq!(log.len(), 30 << 20);
    // What is written right before the end is not lost, also by a process that nobody waits for.
    assert!(world.script("(while :; do echo more; done) & sleep 0.1; echo last").contains("last\n"));
}

#[test]
fn files_have_a_limit() {
    let world = World::new();
    let mut sandbox = world.sandbox();
    sandbox.limits.file = Some(1 << 20);
    let ran = run(&sandbox, "dd if=/dev/zero of=/build/big bs=64k count=100 2>/dev/null; echo $?").unwrap();
    assert_eq!(ran.log.lines().last(), Some("153"), "128 + SIGXFSZ: {}", ran.log);
    assert_eq!(fs_err::metadata(world.path("build/big")).unwrap().len(), 1 << 20);
}

#[test]
fn memory_has_a_limit() {
    let world = World::new();
    let mut sandbox = world.sandbox();
    sandbox.limits.memory = Some(64 << 20);
    let ran = run(&sandbox, "dd if=/dev/zero of=/dev/null bs=100M count=1 2>&1 || echo refused").unwrap();
    assert!(ran.log.ends_with("refused\n"), "{}", ran.log);
}

#[test]
fn many_at_once() {
    let world = World::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let world = &world;
                scope.spawn(move || {
                    for round in 0..10 {
                        let script = format!("echo {thread}.{round}; echo /proc/[0-9]*; exit {round}");
                        let ran = run(&world.sandbox(), &script).unwrap();
                        assert_eq!(ran.log, format!("{thread}.{round}\n/proc/2\n"));
                        assert_eq!(ran.exit.status, Status::Code(round));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn errors_name_what_failed() {
    let world = World::new();
    let mut sandbox = world.sandbox();
    let mut command = shell("");
    command.argv = vec![String::from("/bin/nothing")];
    let error = sandbox.run(&command, &mut io::sink()).unwrap_err();
    assert!(matches!(&error, Error::Start { program, .. } if program == "/bin/nothing"), "{error:?}");
    assert!(error.hint().unwrap().contains("not in the sandbox"));

    command.argv = vec![String::from("sh")];
    let error = sandbox.run(&command, &mut io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "program `sh` is not an absolute path");

    command = shell("");
    command.cwd = PathBuf::from("/nowhere");
    let error = sandbox.run(&command, &mut io::sink()).unwrap_err();
    assert!(error.to_string().contains("chdir") && error.to_string().contains("`/nowhere`"), "{error}");

    let mount = |from: PathBuf, to: &str| vec![Mount { from, to: PathBuf::from(to), access: Access::Read }];
    sandbox.mounts = mount(world.path("src"), "/absent");
    let error = run(&sandbox, "").unwrap_err();
    assert!(matches!(&error, Error::Setup { stage: Stage::Mount, .. }), "{error:?}");
    assert!(error.to_string().contains("`/absent`"), "{error}");
    assert!(error.hint().unwrap().contains("root folder has no such"));

    sandbox.mounts = mount(world.path("gone"), "/src");
    let error = run(&sandbox, "").unwrap_err();
    assert!(error.to_string().contains("gone`"), "{error}");
    assert!(matches!(&error, Error::Setup { stage: Stage::Open, .. }), "{error:?}");
}

#[test]
fn a_log_that_takes_no_more_ends_it() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let world = World::new();
    let error = world.sandbox().run(&shell("while :; do echo more; done"), &mut Full).unwrap_err();
    assert!(matches!(error, Error::Log { .. }), "{error:?}");
}
