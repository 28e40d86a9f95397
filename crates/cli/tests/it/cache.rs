//! `longshore cache`: a store that is kept within bounds, is whole, and goes to other machines.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use longshore_oci::Content;
use longshore_testkit::Sandbox;
use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::sandbox::Answer;
use serde_json::Value;

use crate::common::{HELLO, hello, sandbox, signal};
use crate::run;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a build of everything comes to.
fn ids(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let answer = sandbox.ok(&[&["--json", "build"], arguments].concat());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["images"].as_array().unwrap().iter().map(|image| image["id"].clone()).collect()
}

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&sandbox.ok(&[&["--json", "cache"], arguments].concat())).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let inside = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Makes everything in the store so many days older.
fn age(store: &Path, days: u32) {
    for folder in ["blobs", "records", "indexes"] {
        for path in files(&store.join(folder)) {
            let file = fs_err::File::options().write(true).open(&path).unwrap();
            file.file().set_modified(SystemTime::now() - DAY * days).unwrap();
        }
    }
}

/// Another stack in the same store.
fn beside(other: &Sandbox, repository: &Repository, images: &str) -> Sandbox {
    sandbox(repository, images).with_store(&other.store())
}

const BYE: &str = "[image.bye]\ncontents = [\"bye\"]\ncommand = [\"/usr/bin/bye\"]\n";

fn bye() -> Package {
    Package::new("bye", "1.0-1").executable("usr/bin/bye", vec![b'b'; 300_000])
}

fn flip(path: &Path) {
    let mut bytes = fs_err::read(path).unwrap();
    bytes[0] ^= 1;
    fs_err::write(path, bytes).unwrap();
}

fn blob(store: &Path, bytes: &[u8]) -> PathBuf {
    let hex = Content::of(bytes).digest.hex();
    store.join("blobs/sha256").join(&hex[..2]).join(hex)
}

#[test]
fn what_was_not_used_for_long_goes_and_only_that_is_made_again() {
    let repository = Repository::new(&[hello(), bye()]);
    let one = sandbox(&repository, HELLO);
    let two = beside(&one, &repository, BYE);
    let expected = (ids(&one, &["-o", "out"]), ids(&two, &["-o", "out"]));
    let before = json(&one, &["size"]);
    let parts = before["parts"].as_object().unwrap();
    for part in ["archives", "files", "layers", "records"] {
        assert!(parts[part]["bytes"].as_u64().unwrap() > 0, "{part} of {before:#}");
    }
    let sum: u64 = parts.values().map(|part| part["bytes"].as_u64().unwrap()).sum();
    assert_eq!(Some(sum), before["bytes"].as_u64());

    age(&one.store(), 40);
    let would = one.ok(&["cache", "gc", "--dry-run", "--older-than", "41d"]);
    assert!(would.starts_with("nothing to remove"), "{would}");
    // What is used is young again.
    ids(&one, &["-o", "out"]);
    let would = json(&one, &["gc", "--dry-run"]);
    let freed = json(&one, &["gc"]);
    assert_eq!((&would["bytes"], &would["blobs"]), (&freed["bytes"], &freed["blobs"]));
    assert!(freed["bytes"].as_u64().unwrap() > 300_000, "{freed:#}");
    assert_eq!(json(&one, &["size"])["bytes"], freed["left"]);

    let gone = two.run(&["--offline", "build"]);
    assert_eq!(gone.code, 1, "{gone}");
    let asked = repository.total_requests();
    let still = one.run(&["--offline", "build", "-o", "again"]);
    assert!(
        still.code == 0 && !still.stderr.contains("Unpacking") && !still.stderr.contains("Compressing"),
        "{still}"
    );
    assert_eq!(repository.total_requests(), asked);
    assert_eq!((ids(&one, &[]), ids(&two, &["-o", "out"])), expected);
    assert!(repository.total_requests() > asked);
    one.ok(&["cache", "verify"]);
}

#[test]
fn a_store_goes_down_to_a_size_and_to_nothing() {
    let repository = Repository::new(&[hello(), bye()]);
    let sandbox = sandbox(&repository, &format!("{HELLO}\n{BYE}"));
    let expected = ids(&sandbox, &["-o", "out"]);
    let left = json(&sandbox, &["gc", "--max-size", "200kB"])["left"].as_u64().unwrap();
    assert!(left <= 200_000, "{left}");
    assert_eq!(ids(&sandbox, &["-o", "out"]), expected);
    assert_eq!(json(&sandbox, &["gc", "--max-size", "0"])["left"], 0);
    assert!(
        files(&sandbox.store().join("blobs")).is_empty()
            && files(&sandbox.store().join("records")).is_empty()
    );
    assert_eq!(ids(&sandbox, &["-o", "out"]), expected);
    let wrong = sandbox.run(&["cache", "gc", "--max-size", "10 apples"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("a size such as `10GB`"), "{wrong}");
}

#[test]
fn a_flipped_byte_is_found_and_healed() {
    let repository = Repository::new(&[hello()]);
    let sandbox = sandbox(&repository, HELLO);
    let expected = ids(&sandbox, &["-o", "out"]);
    let store = sandbox.store();
    let program = blob(&store, b"program");
    flip(&program);
    let found = sandbox.run(&["cache", "verify", "--dry-run"]);
    assert!(found.code == 1 && found.stderr.contains("1 thing in the store is damaged"), "{found}");
    assert!(found.stderr.contains(&Content::of(b"program").digest.to_string()), "{found}");
    assert!(program.exists());
    let found = sandbox.run(&["--json", "cache", "verify"]);
    let said: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(
        (found.code, &said["ok"], said["exit_code"].as_i64()),
        (1, &Value::Bool(false), Some(1)),
        "{found}"
    );
    assert!(!program.exists());
    sandbox.ok(&["cache", "verify"]);
    // The package is still there, so nothing need be fetched.
    assert_eq!(ids(&sandbox, &["--offline", "-o", "again"]), expected);
    assert_eq!(fs_err::read(&program).unwrap(), b"program");

    // All of it, each on its own.
    let all = files(&store.join("blobs")).into_iter().chain(files(&store.join("records")));
    for path in all {
        flip(&path);
    }
    assert_eq!(sandbox.run(&["cache", "verify"]).code, 1);
    sandbox.ok(&["cache", "verify"]);
    assert_eq!(ids(&sandbox, &["-o", "out"]), expected);
}

#[test]
fn a_store_is_carried_to_a_machine_without_network() {
    let repository = Repository::new(&[hello(), bye()]);
    let sandbox = sandbox(&repository, &format!("{HELLO}\n{BYE}"));
    let expected = ids(&sandbox, &["-o", "out"]);
    sandbox.ok(&["cache", "export", "store.tar"]);
    let there = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], from: Option<&str>| {
        let mut command = sandbox.command(arguments);
        if let Some(from) = from {
            command.stdin(Stdio::from(fs_err::File::open(sandbox.work().join(from)).unwrap().into_parts().0));
        }
        Answer::of(command.env("LONGSHORE_STORE", there.path()))
    };
    // Half of it is nothing.
    let whole = fs_err::read(sandbox.work().join("store.tar")).unwrap();
    sandbox.write("half.tar", &whole[..whole.len() / 2]);
    let half = run(&["cache", "import", "half.tar"], None);
    assert!(half.code == 1 && half.stderr.contains("nothing of it was taken"), "{half}");
    assert!(files(&there.path().join("blobs")).is_empty());
    let mut wrong = whole.clone();
    wrong[600] ^= 1;
    sandbox.write("wrong.tar", &wrong);
    let wrong = run(&["cache", "import", "wrong.tar"], None);
    assert!(wrong.code == 1 && wrong.stderr.contains("does not hold what it is called after"), "{wrong}");
    assert!(files(&there.path().join("blobs")).is_empty());

    let took = run(&["cache", "import", "-"], Some("store.tar"));
    assert_eq!(took.code, 0, "{took}");
    let built = run(&["--json", "--offline", "build", "-o", "there"], None);
    assert_eq!(built.code, 0, "{built}");
    let built: Value = serde_json::from_str(&built.stdout).unwrap();
    let built: Value = built["images"].as_array().unwrap().iter().map(|image| image["id"].clone()).collect();
    assert_eq!(built, expected);
    assert_eq!(run(&["cache", "verify"], None).code, 0);

    // Through a pipe, and into a folder.
    let mut command = sandbox.command(&["cache", "export", "-"]);
    let piped = command.output().unwrap();
    assert!(piped.status.success() && piped.stdout.len() > 300_000, "{piped:?}");
    fs_err::create_dir(sandbox.work().join("folder")).unwrap();
    sandbox.ok(&["cache", "export", "folder", "--max-size", "100kB"]);
    let some = fs_err::metadata(sandbox.work().join("folder/longshore-store.tar")).unwrap().len();
    assert!(some < 150_000, "{some}");
}

#[test]
fn a_limit_is_held_after_each_command_that_made_the_store_larger() {
    let repository = Repository::new(&[hello(), bye()]);
    let one = sandbox(&repository, HELLO).env("LONGSHORE_STORE_LIMIT", "500kB");
    let two = beside(&one, &repository, BYE).env("LONGSHORE_STORE_LIMIT", "500kB");
    let first = one.run(&["build"]);
    assert!(first.code == 0 && !first.stderr.contains("LONGSHORE_STORE_LIMIT"), "{first}");
    let over = two.run(&["build", "-o", "out"]);
    assert_eq!(over.code, 0, "{over}");
    assert_eq!(over.stderr.matches("more than LONGSHORE_STORE_LIMIT").count(), 1, "{over}");
    let size = json(&one, &["size"]);
    assert!(size["bytes"].as_u64().unwrap() <= 400_000 && size["limit"] == 500_000, "{size:#}");
    two.ok(&["cache", "verify"]);
    two.ok(&["build"]);
    let wrong = sandbox(&repository, HELLO).env("LONGSHORE_STORE_LIMIT", "plenty").run(&["build"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("LONGSHORE_STORE_LIMIT is no size"), "{wrong}");
}

#[test]
fn a_collection_waits_for_builds_and_an_automatic_one_does_not() {
    use longshore_testkit::http::{Fault, Times};
    let repository = Repository::new(&[hello(), bye()]);
    let one = sandbox(&repository, HELLO).env("LONGSHORE_STORE_LIMIT", "1kB");
    let two = beside(&one, &repository, BYE);
    one.ok(&["lock"]);
    two.ok(&["lock"]);
    repository.fault(&bye().pool_path(), Fault::Delay(Duration::from_secs(3)), Times::First(1));
    let mut slow = spawn(&two, &["build"]);
    until("the package is asked for", || repository.requests(&bye().pool_path()) > 0);
    let quick = one.run(&["build"]);
    assert!(quick.code == 0 && !quick.stderr.contains("more than LONGSHORE_STORE_LIMIT"), "{quick}");
    let waited = two.run(&["--verbose", "cache", "gc", "--max-size", "0"]);
    assert!(
        waited.code == 0 && waited.stderr.contains("until no other longshore uses the store"),
        "{waited}"
    );
    assert!(slow.wait().unwrap().success());
}

fn spawn(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    sandbox.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn many_build_and_collect_at_once_and_some_are_killed() {
    let packages: Vec<_> = (0..6)
        .map(|n: u8| {
            let file = |k: usize| format!("usr/share/p{n}/{k}");
            let package = Package::new(&format!("p{n}"), "1.0-1").executable(&format!("usr/bin/p{n}"), [n]);
            (0..40).fold(package, |package, k| package.file(&file(k), vec![n; 3000 + k * 100]))
        })
        .collect();
    let repository = Repository::new(&packages);
    let image = |from: u8| {
        let names: Vec<_> = (from..from + 3).map(|n| format!("\"p{n}\"")).collect();
        format!("[image.app]\ncontents = [{}]\ncommand = [\"/usr/bin/p{from}\"]\n", names.join(", "))
    };
    let first = sandbox(&repository, &image(0));
    let mut stacks: Vec<_> = (1..4).map(|n| beside(&first, &repository, &image(n))).collect();
    stacks.push(first);
    let expected: Vec<_> = stacks.iter().map(|stack| ids(stack, &["-o", "out"])).collect();
    let stacks = &stacks;
    std::thread::scope(|scope| {
        for (n, (stack, expected)) in stacks.iter().zip(&expected).enumerate() {
            scope.spawn(move || {
                for round in 0..8_u64 {
                    // Whatever is under way then; not the same in any two.
                    let killed = spawn(stack, &["build", "-o", "killed"]);
                    kill_after(killed, 7 * round * (n as u64 + 1));
                    assert_eq!(ids(stack, &["-o", "out"]), *expected, "stack {n}, round {round}");
                }
            });
        }
        scope.spawn(move || {
            for round in 0..12_u64 {
                let size = format!("{}kB", round % 4 * 200);
                kill_after(spawn(&stacks[0], &["cache", "gc", "--max-size", &size]), 11 * round);
                let done = stacks[0].run(&["cache", "gc", "--max-size", &size]);
                assert_eq!(done.code, 0, "{done}");
            }
        });
        scope.spawn(move || {
            for _ in 0..4 {
                let done = stacks[1].run(&["cache", "verify"]);
                assert_eq!(done.code, 0, "{done}");
            }
        });
    });
    stacks[0].ok(&["cache", "verify"]);
    for (stack, expected) in stacks.iter().zip(&expected) {
        assert_eq!(ids(stack, &["-o", "out"]), *expected);
    }
    stacks[0].ok(&["cache", "verify"]);
    assert!(!stacks[0].store().join("tmp").read_dir().unwrap().any(|_| true));
}

fn kill_after(mut child: Child, milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
    if child.try_wait().unwrap().is_none() {
        signal(child.id(), "KILL");
    }
    child.wait().unwrap();
}

#[test]
fn what_is_served_stays_and_keeps_nobody_from_tidying() {
    let repository = Repository::new(&[hello()]);
    let sandbox = sandbox(&repository, HELLO);
    let server = sandbox.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn();
    let mut server = Server(server.unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.find(|line| line.contains("/app@")).unwrap();
    lines.find(|line| line.starts_with("serving on ")).unwrap();
    let collected = json(&sandbox, &["gc", "--max-size", "0"]);
    assert!(files(&sandbox.store().join("blobs")).is_empty(), "{collected:#}");
    let (name, _) = first.split_once("  ").unwrap();
    sandbox.ok(&["copy", name, "oci:copied"]);
    drop(server);
    assert_eq!(json(&sandbox, &["gc", "--max-size", "0"])["left"], 0);
}

/// Ended however the test does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_runs_stays_and_keeps_nobody_from_tidying() {
    let stack = run::stack("[service.box]\nimage = \"box\"\n");
    stack.ok(&["up", "--detach"]);
    let freed = json(&stack, &["gc", "--max-size", "0"]);
    assert!(freed["blobs"].as_u64().unwrap() > 0 && freed["folders"] == 0, "{freed:#}");
    stack.ok(&["exec", "box", "/bin/busybox", "true"]);
    stack.ok(&["restart", "box"]);
    stack.ok(&["exec", "box", "/bin/busybox", "true"]);
    // It is changed and goes on with another root.
    let text = stack.read("stack.toml").replace("/srv", "/other");
    stack.write("stack.toml", text);
    stack.ok(&["up", "--detach"]);
    stack.ok(&["exec", "box", "/bin/sh", "-c", "busybox test -d /other"]);
    until("the old root is free", || json(&stack, &["gc", "--max-size", "0"])["folders"] == 1);
    stack.ok(&["exec", "box", "/bin/sh", "-c", "busybox test -d /other"]);
    stack.ok(&["down"]);
    assert_eq!(json(&stack, &["gc", "--max-size", "0"])["left"], 0);
}
