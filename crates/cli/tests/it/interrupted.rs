//! Whatever happens in the middle, the next run works: Ctrl-C, SIGKILL, a full disk.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::http::{Fault, Times};
use longshore_testkit::{Sandbox, Tool};

use crate::common::{HELLO, hello, sandbox, signal};

/// Starts a build, waits until it asks for the package, and sends a signal.
fn interrupt(repository: &Repository, sandbox: &Sandbox, name: &str) -> std::process::ExitStatus {
    let path = hello().pool_path();
    repository.fault(&path, Fault::Delay(Duration::from_secs(3)), Times::First(1));
    let mut child = sandbox.command(&["build"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while repository.requests(&path) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "the build never asked for {path}");
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(child.id(), name);
    child.wait().unwrap()
}

#[test]
fn after_ctrl_c_the_next_build_works() {
    let repository = Repository::new(&[hello()]);
    let sandbox = sandbox(&repository, HELLO);
    let status = interrupt(&repository, &sandbox, "INT");
    assert!(!status.success(), "{status}");
    sandbox.ok(&["build", "-o", "out"]);
    assert!(scratch(&sandbox.store()).is_empty(), "left behind: {:?}", scratch(&sandbox.store()));
}

#[test]
fn after_a_kill_the_next_build_works() {
    let repository = Repository::new(&[hello()]);
    let sandbox = sandbox(&repository, HELLO);
    let status = interrupt(&repository, &sandbox, "KILL");
    assert!(!status.success(), "{status}");
    sandbox.ok(&["build", "-o", "out"]);
}

/// Unfinished files: whatever lies in folders of the store that are not for finished things.
fn scratch(store: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["tmp", "scratch"] {
        if let Ok(entries) = fs_err::read_dir(store.join(folder)) {
            found.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    found
}

/// A file system of a given size; unmounted when dropped.
pub struct Small(pub tempfile::TempDir);

impl Small {
    pub fn new(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Tool::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={size}"))
            .arg("tmpfs")
            .arg(folder.path())
            .run();
        Self(folder)
    }

    pub fn resize(&self, size: &str) {
        Tool::new("mount").args(["-o"]).arg(format!("remount,size={size}")).arg(self.0.path()).run();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Tool::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let big = Package::new("hello", "1.0-1").executable("usr/bin/hello", vec![b'x'; 6 << 20]);
    let repository = Repository::new(&[big]);
    let disk = Small::new("4m");
    let sandbox = sandbox(&repository, HELLO).with_store(&disk.0.path().join("store"));
    let answer = sandbox.run(&["build", "-o", "out"]);
    assert_eq!(answer.code, 1, "{answer}");
    assert!(answer.stderr.to_lowercase().contains("no space left"), "{answer}");
    disk.resize("64m");
    sandbox.ok(&["build", "-o", "out"]);
}
