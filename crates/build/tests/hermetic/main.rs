//! Builds in real sandboxes, of a root that holds one program: Debian's static busybox.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests fail loudly")]

mod command;
mod kept;
mod network;
mod scene;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fs_err as fs;
use longshore_build::explain::explain;
use longshore_build::rebuild::rebuild;
use longshore_build::{Error, Failed, Leftovers, Limits, Mounted, Root};
use longshore_oci::{Node, TreePath};
use scene::{Machine, sh, tree};

fn text(machine: &Machine, output: &longshore_build::Output, path: &str) -> String {
    let entry = output.tree.get(&TreePath::new(path).unwrap());
    let Some(Node::File(content)) = entry.map(|entry| &entry.node) else { panic!("no {path}: {output:?}") };
    String::from_utf8(machine.store.read_blob(content).unwrap()).unwrap()
}

#[test]
fn what_is_left_in_out_is_the_output() {
    let machine = Machine::new();
    let executor = machine.executor();
    let recipe = sh("echo hello > /out/greeting; mkdir -m 700 /out/bin; cp /usr/bin/busybox /out/bin/tool
         ln -s bin/tool /out/link; ln /out/greeting /out/hard; chmod 600 /out/greeting");
    let output = executor.run(&recipe).unwrap();
    assert_eq!(text(&machine, &output, "greeting"), "hello\n");
    let dump = output.tree.dump();
    let lines: Vec<_> = dump.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let modes: Vec<_> = lines.iter().map(|line| (line[0], line[1], line[2], line[4])).collect();
    let expected = [
        ("d", "0755", "0:0", "/bin"),
        ("f", "0755", "0:0", "/bin/tool"),
        ("f", "0644", "0:0", "/greeting"),
        ("h", "0644", "0:0", "/hard"),
        ("l", "0777", "0:0", "/link"),
    ];
    assert_eq!(modes, expected, "{dump}");
    assert!(output.facts.contains_key(&TreePath::new("bin/tool").unwrap()));
    assert_eq!(output.references, Vec::<String>::new(), "a static program needs nothing");
    assert_eq!(output.component("tool").origin.to_string(), "build tool");
}

#[test]
fn everything_that_a_build_sees_is_the_same_everywhere() {
    let machine = Machine::new();
    let recipe = sh(
        "{ id -u; id -g; hostname; pwd; umask; env | sort; ls /; ls -A /build /tmp; ls -A / /etc; } > /out/seen",
    );
    let seen = text(&machine, &machine.executor().run(&recipe).unwrap(), "seen");
    let start = "1000\n1000\nlongshore\n/build\n0022\nHOME=/homeless\nLC_ALL=C.UTF-8\n";
    assert!(seen.starts_with(start), "{seen}");
    assert!(seen.contains("\nSOURCE_DATE_EPOCH=315532800\n") && seen.contains("\nTZ=UTC\n"), "{seen}");
    assert!(!seen.contains("CARGO") && !seen.contains("USER="), "{seen}");
    assert_eq!(
        rebuild(
            &machine.executor(),
            &sh("id > /out/a; stat -c %Y /usr/bin/busybox > /out/b"),
            &Limits::default()
        )
        .unwrap()
        .unwrap()
        .path
        .to_string(),
        "/a"
    );
}

#[test]
fn a_build_reaches_no_network_no_file_of_the_machine_and_writes_only_where_it_may() {
    let machine = Machine::new();
    let secret = machine.folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let script = format!(
        "for place in / /usr /etc /src /deps /homeless /usr/bin/busybox; do
             if touch $place/x 2>/dev/null || echo x >> $place 2>/dev/null; then echo $place; fi
         done > /out/written
         cat {} > /out/secret 2>/dev/null || true
         ls /root /home /var/lib/dpkg > /out/host 2>/dev/null || true
         ls /sys/class/net > /out/devices 2>/dev/null; cat /proc/net/route >> /out/devices
         ls /proc | grep -c '^[0-9]' > /out/processes",
        secret.display()
    );
    let mut recipe = sh(&script);
    let source = tree(&machine.store, &[("main.c", "int main;")]);
    let source = machine.executor().put_tree(&source).unwrap();
    recipe.mounts.insert(String::from("/src"), Mounted { what: String::from("source"), tree: source });
    let output = machine.executor().run(&recipe).unwrap();
    for empty in ["written", "secret", "host"] {
        assert_eq!(text(&machine, &output, empty), "", "{empty}");
    }
    assert!(text(&machine, &output, "devices").lines().count() <= 1, "no route");
    let processes: usize = text(&machine, &output, "processes").trim().parse().unwrap();
    assert!(processes <= 5, "{processes} processes are seen");
}

#[test]
fn a_recipe_is_run_once_and_again_only_when_it_differs() {
    let machine = Machine::new();
    let executor = machine.executor();
    let recipe = sh("cat /proc/sys/kernel/random/uuid > /out/id");
    let first = executor.run(&recipe).unwrap();
    let logs = executor.logs(&recipe);
    fs::remove_dir_all(&logs).unwrap();
    let second = machine.executor().run(&recipe).unwrap();
    assert_eq!(first, second);
    assert!(!logs.exists(), "no command was run");

    let mut changed = recipe.clone();
    changed.steps[0].env.insert(String::from("A"), String::from("1"));
    assert_ne!(executor.run(&changed).unwrap(), first);
    // The name is for people.
    let renamed = longshore_build::Recipe { name: String::from("other"), ..recipe.clone() };
    assert_eq!(executor.run(&renamed).unwrap(), first);
    // Lost bytes are made anew.
    let Some(Node::File(content)) = first.tree.get(&TreePath::new("id").unwrap()).map(|e| e.node.clone())
    else {
        panic!()
    };
    fs::remove_file(machine.store.blob_path(&content.digest)).unwrap();
    assert_ne!(executor.run(&recipe).unwrap(), first);
}

#[test]
fn every_part_of_a_recipe_but_its_name_is_in_its_key() {
    let machine = Machine::new();
    let base = sh("true");
    let tree = machine.executor().put_tree(&tree(&machine.store, &[("a", "b")])).unwrap();
    let mut keys = vec![base.key()];
    let mut change = |alter: &dyn Fn(&mut longshore_build::Recipe)| {
        let mut recipe = base.clone();
        alter(&mut recipe);
        keys.push(recipe.key());
    };
    change(&|r| r.sandbox += 1);
    change(&|r| r.platform = "linux/arm64".parse().unwrap());
    change(&|r| r.root = Root::Host);
    change(&|r| r.root = Root::Packages(BTreeMap::new()));
    change(&|r| drop(r.mounts.insert(String::from("/src"), Mounted { what: String::from("s"), tree })));
    change(&|r| r.steps[0].argv.push(String::from("x")));
    change(&|r| drop(r.steps[0].env.insert(String::from("A"), String::from("x"))));
    change(&|r| r.steps[0].cwd = String::from("/src"));
    change(&|r| r.output = String::from("/build"));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(longshore_build::Recipe { name: String::from("x"), ..base.clone() }.key(), base.key());
}

#[test]
fn a_failure_says_what_failed_and_keeps_its_folder_when_asked() {
    let machine = Machine::new();
    let recipe = sh("echo half > left; i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; done; exit 7");
    let error = machine.executor().run(&recipe).unwrap_err();
    let Error::Failed(failed) = &error else { panic!("{error}") };
    let Failed { how, tail, log, kept, .. } = &**failed;
    assert_eq!((how.as_str(), tail.len(), kept), ("failed: exit code 7", 30, &None));
    assert_eq!((tail[0].as_str(), tail[29].as_str()), ("line 11", "line 40"));
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 40);
    let message = error.to_string();
    assert!(message.starts_with("build `test`: `sh` failed: exit code 7\n  | line 11\n"), "{message}");
    assert!(message.contains(&log.display().to_string()), "{message}");
    assert!(error.hint().unwrap().contains("--keep-failed"));

    let mut settings = machine.settings();
    settings.leftovers = Leftovers::Kept;
    let error = longshore_build::Executor::new(settings).run(&recipe).unwrap_err();
    let Error::Failed(failed) = error else { panic!("{error}") };
    let kept = failed.kept.unwrap();
    assert_eq!(fs::read_to_string(kept.join("build/left")).unwrap(), "half\n");
}

#[test]
fn limits_end_a_build() {
    let machine = Machine::new();
    let executor = machine.executor();
    let limits = Limits { time: Duration::from_millis(500), memory: None, output: 1 << 20 };
    let began = Instant::now();
    let error = executor.run_within(&sh("sleep 60 & sleep 60"), &limits).unwrap_err().to_string();
    assert!(error.contains("took longer than 0.5 s"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20));
    let limits = Limits { time: Duration::from_secs(60), ..limits };
    let error = executor.run_within(&sh("cat /dev/zero > /out/disk"), &limits).unwrap_err();
    assert!(matches!(error, Error::Failed(_)), "one file: {error}");
    let many = sh("for i in 1 2 3; do head -c 500000 /dev/zero > /out/$i; done");
    assert!(matches!(executor.run_within(&many, &limits), Err(Error::TooLarge { limit: 1_048_576, .. })));
}

#[test]
fn outputs_that_lead_elsewhere_are_refused() {
    let machine = Machine::new();
    let executor = machine.executor();
    let check = |script: &str, expected: &str| {
        let error = executor.run(&sh(script)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("ln -s ../../etc/passwd /out/up", "`/out/up` is a link to `../../etc/passwd`, which leads out");
    check("ln -s /build/x /out/gone", "which only the build had");
    check("mkfifo /out/pipe", "`/out/pipe` is a device, pipe or socket");
    check("true", "`/out` is empty");
    let mut outside = sh("ln -s / /build/dist");
    outside.output = String::from("/build/dist/etc");
    let error = executor.run(&outside).unwrap_err().to_string();
    assert!(error.contains("`/build/dist/etc`"), "{error}");
}

#[test]
fn a_rebuild_names_the_first_byte_that_differs() {
    let machine = Machine::new();
    let executor = machine.executor();
    let same = sh("echo hello > /out/a; uname -n >> /out/a; stat -c %Y /usr/bin/busybox >> /out/a");
    assert_eq!(rebuild(&executor, &same, &Limits::default()).unwrap(), None);
    let chance =
        sh("echo same > /out/a; echo \"chance $(cat /proc/sys/kernel/random/uuid)\" > /out/b; touch /out/c");
    let difference = rebuild(&executor, &chance, &Limits::default()).unwrap().unwrap();
    let shown = difference.to_string();
    assert!(shown.starts_with("`/b` differs at byte "), "{shown}");
    assert!(shown.contains("first ") && shown.contains("second "), "{shown}");
    let user = sh("[ $(id -u) = 1000 ] && touch /out/extra; touch /out/always");
    let difference = rebuild(&executor, &user, &Limits::default()).unwrap().unwrap();
    assert_eq!(difference.to_string(), "`/extra` is there only the first time");
}

#[test]
fn why_a_build_is_made_again_is_said_in_words() {
    let machine = Machine::new();
    let executor = machine.executor();
    let mounted = |files: &[(&str, &str)]| Mounted {
        what: String::from("path src"),
        tree: executor.put_tree(&tree(&machine.store, files)).unwrap(),
    };
    let mut old = sh("cat /src/* > /out/all");
    old.mounts.insert(String::from("/src"), mounted(&[("a", "1"), ("b", "2")]));
    assert_eq!(executor.last("test", &old.platform).unwrap(), None);
    executor.run(&old).unwrap();
    assert_eq!(executor.last("test", &old.platform).unwrap(), Some(old.clone()));

    let mut new = old.clone();
    new.mounts.insert(String::from("/src"), mounted(&[("a", "one"), ("c", "3")]));
    new.steps[0].env.insert(String::from("LEVEL"), String::from("2"));
    if let Root::Packages(packages) = &mut new.root {
        let (mut id, deb) = packages.pop_first().unwrap();
        id.version = String::from("2");
        packages.insert(id, deb);
    }
    let lines = explain(&executor, &old, &new).unwrap();
    let starts = [
        "toolchain package `busybox-static:amd64`: 1 → 2",
        "path src: `a`: 1 bytes 0644 ",
        "path src: `b` is gone",
        "path src: `c` is new",
        "command 1: `LEVEL=2` is new",
    ];
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(explain(&executor, &old, &old).unwrap(), Vec::<String>::new());
}
