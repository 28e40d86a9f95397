//! Services of root and of ordinary users, found again by another program of theirs.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::geteuid;

use crate::world::{World, eventually, processes};

/// A helper that has started a service, and which process that is.
struct Started {
    helper: Child,
    said: BufReader<ChildStderr>,
    /// Lines that nobody has asked for yet: the helper and its service share a stream.
    heard: Vec<String>,
    process: String,
}

fn start(world: &World, user: Option<u32>, script: &str) -> Started {
    let mut helper = world.helper(user, script);
    helper.env("SANDBOX_MODE", "service").stderr(Stdio::piped()).stdout(Stdio::null());
    let mut helper = helper.spawn().unwrap();
    let mut started = Started {
        said: BufReader::new(helper.stderr.take().unwrap()),
        heard: Vec::new(),
        helper,
        process: String::new(),
    };
    started.process = started.line("process ");
    started
}

impl Started {
    /// The rest of a line that begins so.
    fn line(&mut self, begin: &str) -> String {
        loop {
            if let Some(at) = self.heard.iter().position(|line| line.starts_with(begin)) {
                return self.heard.remove(at)[begin.len()..].trim_end().to_owned();
            }
            let mut line = String::new();
            let read = self.said.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without `{begin}`: {:?}", self.heard);
            self.heard.push(line);
        }
    }

    fn beside(&self, world: &World, user: Option<u32>, script: &str) -> String {
        let mut helper = world.helper(user, script);
        let output = helper.env("SANDBOX_MODE", format!("beside {}", self.process)).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    }
}

/// Root, where the tests are run by root, and an ordinary user.
fn users() -> Vec<Option<u32>> {
    if geteuid().is_root() { vec![None, Some(12_345)] } else { vec![None] }
}

#[test]
fn a_service_is_entered_from_another_program() {
    for user in users() {
        let world = World::new();
        let script = "echo mine >/tmp/file; echo data >/build/data; grep Seccomp: /proc/self/status; sleep 1000; : service";
        let mut started = start(&world, user, script);
        assert_eq!(started.line("Seccomp:"), "\t2");
        let seen = "id -u; id -g; cat /tmp/file; tr '\\0' ' ' </proc/2/cmdline | grep -c service; \
                    grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t'; echo more >>/build/data; \
                    unshare -Ur true 2>&1; exit 9";
        let expected = "10001\n10001\nmine\n1\nCapBnd:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n\
                        unshare: unshare(0x10000000): Operation not permitted\ntold: exit code 9\n";
        assert_eq!(started.beside(&world, user, seen), expected);
        assert_eq!(fs_err::read_to_string(world.path("build/data")).unwrap(), "data\nmore\n");
        let owner = std::os::unix::fs::MetadataExt::uid(&fs_err::metadata(world.path("build/data")).unwrap());
        let outside = user.unwrap_or(if geteuid().is_root() { 10_001 } else { geteuid().as_raw() });
        assert_eq!(owner, outside);
        if user.is_some() {
            // Root may go there too, and is nobody else there; other users may not.
            assert_eq!(
                started.beside(&world, None, &seen.replace("data", "tmp")),
                expected.replace("data", "tmp")
            );
            let refused = started.beside(&world, Some(12_346), "id");
            assert!(refused.starts_with("told: could not"), "{refused}");
        }
        started.helper.kill().unwrap();
        started.helper.wait().unwrap();
        eventually("the service is gone", || processes(": service").is_empty());
        let gone = format!("told: process {} has ended\n", started.process.split(' ').next().unwrap());
        assert_eq!(started.beside(&world, user, "id"), gone);
    }
}

#[test]
fn services_end_with_a_killed_program() {
    for user in users() {
        let world = World::new();
        let script = "(setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done; : mark-supervised' &); \
                      while :; do sleep 1; done; : mark-supervised";
        let mut started = start(&world, user, script);
        eventually("all of it runs", || processes("mark-supervised").len() >= 2);
        started.helper.kill().unwrap();
        started.helper.wait().unwrap();
        eventually("all of it is gone", || processes("mark-supervised").is_empty());
        let helper = world.path("helper").display().to_string();
        eventually("its first process is gone", || processes(&helper).is_empty());
    }
}

#[test]
fn ordinary_users_have_no_groups_but_delegated_ones() {
    let world = World::new();
    let mut started = start(&world, geteuid().is_root().then_some(12_345), "sleep 1; exit 2");
    // Nobody has delegated any to this one.
    assert_eq!(started.line("groups "), "false");
    assert_eq!(started.line("processes "), "2, with memory: true");
    assert_eq!(started.line("told: "), "exit code 2");
    assert!(started.helper.wait().unwrap().success());
}
