//! Services: started, told to stop, looked at, joined.

use std::io::Read;
use std::time::Duration;

use longshore_sandbox::{Error, Identity, Mount, Signal, Status, Tmpfs};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::world::{Service, World, eventually, processes, shell};

#[test]
fn it_runs_until_it_is_told_to_stop() {
    let world = World::new();
    let sandbox = world.service(10_001);
    let service = Service::start(
        &sandbox,
        "trap 'echo stopping; exit 3' TERM; echo ready; while :; do sleep 0.05; done",
    );
    service.has_said("ready\n");
    let mut running = service.running;
    assert_eq!(running.try_wait().unwrap(), None);
    let status = fs_err::read_to_string(format!("/proc/{}/cmdline", running.process().pid)).unwrap();
    assert!(status.contains("echo stopping"), "{status}");
    assert!(running.process().is_alive());
    running.signal(Signal::TERM).unwrap();
    let exit = running.wait().unwrap();
    assert_eq!(exit.status, Status::Code(3));
    assert_eq!(running.try_wait().unwrap(), Some(exit));
    assert!(!running.process().is_alive());
    // There is nobody to tell any more.
    running.signal(Signal::TERM).unwrap();
    running.process().signal(Signal::KILL).unwrap();
}

#[test]
fn streams_stay_apart_and_end_with_it() {
    let world = World::new();
    let mut service = Service::start(&world.service(10_001), "cat; echo out; echo err >&2");
    let (mut out, mut err) = (String::new(), String::new());
    service.stdout.read_to_string(&mut out).unwrap();
    service.stderr.read_to_string(&mut err).unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
    assert_eq!(service.running.wait().unwrap().status, Status::Code(0));
}

#[test]
fn many_can_be_waited_for_at_once() {
    let world = World::new();
    let mut service = Service::start(&world.service(10_001), "sleep 0.2");
    let time = Timespec { tv_sec: 20, tv_nsec: 0 };
    let mut polled = [PollFd::new(&service.running, PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut polled, Some(&time)).unwrap(), 1);
    assert_eq!(service.running.try_wait().unwrap().unwrap().status, Status::Code(0));
}

#[test]
fn what_can_not_be_started_is_said_at_once() {
    let world = World::new();
    let sandbox = world.service(10_001);
    let start = |argv: &[&str], sandbox: &longshore_sandbox::Sandbox| {
        let mut command = shell("");
        command.argv = argv.iter().map(|it| (*it).to_owned()).collect();
        Service::try_start(sandbox, &command).map(|_| ()).unwrap_err()
    };
    let error = start(&["/bin/nothing"], &sandbox);
    assert!(matches!(&error, Error::Start { program, .. } if program == "/bin/nothing"), "{error:?}");
    assert!(error.hint().unwrap().contains("not in the sandbox"));
    fs_err::write(world.path("build/text"), "no program\n").unwrap();
    let error = start(&["/build/text"], &sandbox);
    assert_eq!(error.to_string(), "could not start `/build/text` in the sandbox");
    assert!(error.hint().unwrap().contains("not executable"), "{error:?}");
    let mut broken = sandbox.clone();
    broken.mounts.push(Mount { to: "/absent".into(), ..sandbox.mounts[0].clone() });
    let error = start(&["/bin/sh"], &broken);
    assert_eq!(error.to_string(), "could not set up the sandbox: mounting (move_mount): `/absent`");
}

#[test]
fn dropping_or_killing_it_leaves_nothing() {
    let world = World::new();
    let script = "(setsid sh -c 'while :; do sleep 1; done; : mark-dropped' &); while :; do sleep 1; done";
    let service = Service::start(&world.service(10_001), script);
    eventually("all of it runs", || processes("mark-dropped").len() >= 2);
    drop(service);
    assert_eq!(processes("mark-dropped"), Vec::<String>::new());
    let mut service = Service::start(&world.service(10_001), script);
    service.running.kill();
    assert_eq!(service.running.wait().unwrap().status, Status::Signal(9));
    assert_eq!(processes("mark-dropped"), Vec::<String>::new());
}

#[test]
fn the_thread_that_started_it_may_end() {
    let world = World::new();
    let sandbox = world.service(10_001);
    let thread = std::thread::spawn(move || Service::start(&sandbox, "echo up; sleep 0.3; exit 4"));
    let mut service = thread.join().unwrap();
    assert_eq!(service.running.wait().unwrap().status, Status::Code(4));
}

#[test]
fn the_user_is_the_same_outside_where_the_caller_is_root() {
    let root = rustix::process::geteuid().is_root();
    let world = World::new();
    let mut sandbox = world.service(10_001);
    sandbox.identity = Identity::Same;
    // Only root may go where the root folder is.
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs_err::set_permissions(world.path(""), mode(0o700)).unwrap();
    let service = Service::start(
        &sandbox,
        "id -u; id -g; grep -E 'Groups|CapEff|CapBnd|NoNewPrivs' /proc/self/status; echo x >/build/made; stat -c %u /build/made; sleep 1000",
    );
    let lines = format!(
        "10001\n10001\nGroups:\t{}\nCapEff:\t{:016}\nCapBnd:\t{:016}\nNoNewPrivs:\t1\n10001\n",
        if root { " " } else { "65534 " },
        0,
        0
    );
    if root {
        assert_eq!(service.said(lines.len()), lines);
        let made = fs_err::metadata(world.path("build/made")).unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), 10_001);
        let status =
            fs_err::read_to_string(format!("/proc/{}/status", service.running.process().pid)).unwrap();
        assert!(status.contains("Uid:\t10001\t10001\t10001\t10001\n"), "{status}");
        assert!(status.contains("Gid:\t10001\t10001\t10001\t10001\n"), "{status}");
    }
    fs_err::set_permissions(world.path(""), mode(0o755)).unwrap();
}

#[test]
fn folders_in_memory_are_the_user_s_and_of_a_size() {
    let world = World::new();
    let mut sandbox = world.service(10_001);
    fs_err::create_dir(world.path("root/run")).unwrap();
    fs_err::write(world.path("secret"), "hush\n").unwrap();
    sandbox.tmpfs.push(Tmpfs { to: "/run".into(), mode: 0o750, size: Some(1 << 20) });
    let secret =
        Mount { from: world.path("secret"), to: "/run/secrets/key".into(), ..sandbox.mounts[1].clone() };
    sandbox.mounts.push(secret);
    let mut service = Service::start(
        &sandbox,
        "stat -c '%a %u %g' /run; cat /run/secrets/key; dd if=/dev/zero of=/run/big bs=64k count=100 2>/dev/null; \
         stat -c %s /run/big; (echo x >/run/secrets/key) 2>/dev/null || echo kept",
    );
    let mut out = String::new();
    service.stdout.read_to_string(&mut out).unwrap();
    let (first, last) = out.split_once("hush\n").unwrap();
    assert_eq!(first, "750 10001 10001\n");
    let size: u64 = last.lines().next().unwrap().parse().unwrap();
    assert!((900_000..=1 << 20).contains(&size) && last.ends_with("kept\n"), "{out}");
}

#[test]
fn what_services_expect_is_there() {
    let world = World::new();
    let mut service = Service::start(
        &world.service(10_001),
        "ls /dev; ulimit -n; ulimit -c; grep -E ' /dev/(shm|mqueue) ' /proc/self/mountinfo | sed 's/.* - //'; \
         [ -d /sys ] || echo no sys; echo /proc/[0-9]*; touch /dev/mqueue/x && echo queue; sh -c 'exec 3<>/dev/ptmx; ls /dev/pts'",
    );
    let mut out = String::new();
    service.stdout.read_to_string(&mut out).unwrap();
    let expected =
        "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n";
    let rest = out.strip_prefix(expected).unwrap_or_else(|| panic!("{out}"));
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .maximum
        .unwrap_or(u64::MAX)
        .min(1 << 20);
    assert!(rest.starts_with(&format!("{most}\n0\n")), "{rest}");
    assert!(rest.contains("size=65536k") && rest.contains("mqueue"), "{rest}");
    assert!(rest.ends_with("no sys\n/proc/2\nqueue\n0\nptmx\n"), "{rest}");
}

#[test]
fn usage_is_that_of_all_processes() {
    let world = World::new();
    // 32 MiB in the shell's memory, and a child that computes.
    let script = "x=$(dd if=/dev/zero bs=1M count=32 2>/dev/null | tr '\\0' x); (while :; do :; done) & echo ready; wait";
    let service = Service::start(&world.service(10_001), script);
    service.has_said("ready\n");
    eventually("it has computed", || service.running.usage().unwrap().cpu > Duration::from_millis(100));
    let usage = service.running.usage().unwrap();
    assert!(usage.memory > 32 << 20 && usage.memory < 512 << 20, "{usage:?}");
    assert_eq!((usage.processes, usage.out_of_memory), (2, 0));
}

#[test]
fn another_command_sees_the_same() {
    let world = World::new();
    for identity in [Identity::Caller, Identity::Same] {
        let mut sandbox = world.service(10_001);
        sandbox.identity = identity;
        let service = Service::start(&sandbox, "echo mine >/tmp/file; sleep 1000; : the service");
        eventually("it runs", || service.running.process().is_alive());
        let beside = |script: &str| {
            let mut log = Vec::new();
            let exit =
                service.running.process().run(&shell(script), Duration::from_secs(20), &mut log).unwrap();
            (exit.status, String::from_utf8(log).unwrap())
        };
        eventually("it has written", || beside("cat /tmp/file").1 == "mine\n");
        let (status, seen) =
            beside("id -u; id -g; hostname; pwd; cat /proc/2/cmdline | grep -c 'the service'; umask; exit 7");
        assert_eq!((status, seen.as_str()), (Status::Code(7), "10001\n10001\nbox\n/build\n1\n0022\n"));
        let of =
            "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; ls -l /proc/self/ns | sed 's/.* //'";
        let expected = beside(&format!(
            "cat /proc/2/status | {}; ls -l /proc/2/ns | sed 's/.* //'",
            "grep -E '^(Cap|NoNewPrivs|Seccomp:)'"
        ));
        assert_eq!(beside(of), expected);
        assert_eq!(beside("ls /proc/self/fd").1, "0\n1\n2\n3\n", "3 is the folder being listed");
    }
}

#[test]
fn another_command_has_its_time() {
    let world = World::new();
    let service = Service::start(&world.service(10_001), "sleep 1000");
    let mut log = Vec::new();
    let script =
        "(while :; do sleep 1; done; : mark-beside) & echo started; while :; do sleep 1; done; : mark-beside";
    let exit = service.running.process().run(&shell(script), Duration::from_secs(2), &mut log).unwrap();
    assert_eq!((exit.status, log.as_slice()), (Status::TimedOut, &b"started\n"[..]));
    assert!(exit.time < Duration::from_secs(20));
    eventually("its children are gone", || processes("mark-beside").is_empty());
    assert!(service.running.process().is_alive());
}

#[test]
fn another_command_says_what_is_wrong() {
    let world = World::new();
    let mut service = Service::start(&world.service(10_001), "sleep 1000");
    let process = service.running.process();
    let beside = |argv: &str, cwd: &str| {
        let mut command = shell("");
        command.argv = vec![argv.to_owned()];
        command.cwd = cwd.into();
        process.run(&command, Duration::from_secs(20), &mut std::io::sink()).unwrap_err().to_string()
    };
    assert_eq!(beside("/bin/nothing", "/"), "could not start `/bin/nothing` in the sandbox");
    assert_eq!(
        beside("/bin/sh", "/nowhere"),
        "could not set up the sandbox: changing to the command's folder (chdir): `/nowhere`"
    );
    service.running.kill();
    service.running.wait().unwrap();
    let gone = format!("process {} has ended", process.pid);
    assert_eq!(beside("/bin/sh", "/"), gone);
    // Another process of the same number is another one.
    let me = longshore_sandbox::Process { pid: std::process::id(), born: process.born };
    assert!(!me.is_alive());
}
