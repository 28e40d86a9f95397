//! What services may ask of the kernel.

use std::io::Read;
use std::process::Command;

use longshore_sandbox::{Filter, Status};

use crate::world::{Service, World, shell};

const EPERM: i32 = 1;
const ENOSYS: i32 = 38;

/// What `calls.c` prints in a service.
fn calls(filter: Filter) -> Vec<(String, i32)> {
    let world = World::new();
    let program = world.path("build/calls");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/calls.c");
    let made = Command::new("cc").args(["-static", "-pthread", "-o"]).arg(&program).arg(source).status();
    assert!(made.expect("no C compiler: `apt-get install gcc libc6-dev`").success());
    let mut sandbox = world.service(10_001);
    sandbox.filter = filter;
    let mut command = shell("");
    command.argv = vec![String::from("/build/calls")];
    let mut service = Service::try_start(&sandbox, &command).unwrap();
    let mut out = String::new();
    service.stdout.read_to_string(&mut out).unwrap();
    assert_eq!(service.running.wait().unwrap().status, Status::Code(0), "{out}");
    let pairs = out.lines().map(|line| line.rsplit_once(' ').unwrap());
    pairs.map(|(name, errno)| (name.to_owned(), errno.parse().unwrap())).collect()
}

#[test]
fn services_do_without_dangerous_calls() {
    let expected = [
        ("clone3", ENOSYS),
        ("a call of the future", ENOSYS),
        ("clone", 0),
        ("clone newuser", EPERM),
        ("clone newnet", EPERM),
        ("unshare", EPERM),
        ("setns", EPERM),
        ("ptrace", EPERM),
        ("process_vm_readv", EPERM),
        ("bpf", EPERM),
        ("keyctl", EPERM),
        ("perf_event_open", EPERM),
        ("io_uring_setup", EPERM),
        ("userfaultfd", EPERM),
        ("open_by_handle_at", EPERM),
        ("socket alg", EPERM),
        ("socket vsock", EPERM),
        ("socket inet", 0),
        ("socket netlink", 0),
        ("personality", 0),
        ("personality svr4", EPERM),
        ("ioctl tiocsti", EPERM),
        ("thread", 0),
    ];
    let expected: Vec<_> = expected.map(|(name, errno)| (name.to_owned(), errno)).into();
    assert_eq!(calls(Filter::Services), expected);
    // Without it, the same program gets other answers.
    let bare = calls(Filter::None);
    let answer = |name: &str| bare.iter().find(|(it, _)| it == name).unwrap().1;
    assert_eq!((answer("clone newuser"), answer("unshare"), answer("ptrace")), (0, 0, 0));
    assert_ne!(answer("clone3"), ENOSYS);
}

#[test]
fn a_shell_and_its_programs_run() {
    let world = World::new();
    let script = "grep -E '^Seccomp:' /proc/self/status; mount -t tmpfs x /tmp 2>&1; unshare -Ur true 2>&1; \
                  (sleep 0.01; echo later) & wait; seq 3 | sed 's/2/two/' | tr '\\n' ' '; ls /build | wc -l; nproc >/dev/null && echo end";
    let mut service = Service::start(&world.service(10_001), script);
    let mut out = String::new();
    service.stdout.read_to_string(&mut out).unwrap();
    let expected = "Seccomp:\t2\nmount: permission denied (are you root?)\nunshare: unshare(0x10000000): Operation not permitted\n\
                    later\n1 two 3 0\nend\n";
    assert_eq!(out, expected);
}
