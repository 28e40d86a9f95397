//! Sandboxes: on a test's own repository, and on the stacks of this repository with the real archive.

use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::{Sandbox, Tool};

/// The program under test.
pub const LONGSHORE: &str = env!("CARGO_BIN_EXE_longshore");

/// The repository that this test is in.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A sandbox whose stack takes packages from `repository`; its keyring is beside the stack file.
pub fn sandbox(repository: &Repository, images: &str) -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE).hide(repository.url(), "[MIRROR]");
    sandbox.write("stack.toml", stack_file(&repository.url(), images));
    sandbox.write("test.gpg", fs_err::read(repository.key().public()).unwrap());
    sandbox
}

/// A stack file called `test` with one source at `url`.
pub fn stack_file(url: &str, images: &str) -> String {
    format!(
        "[stack]\nname = \"test\"\n\n[sources.local]\nkind = \"apt\"\nurl = \"{url}\"\nsuites = [\"stable\"]\nkeyring = \"test.gpg\"\n\n{images}"
    )
}

/// An image with one package and one program.
pub const HELLO: &str = "[image.app]\ncontents = [\"hello\"]\ncommand = [\"/usr/bin/hello\"]\n";

/// The package that [`HELLO`] asks for.
pub fn hello() -> Package {
    Package::new("hello", "1.0-1").executable("usr/bin/hello", "program")
}

/// One of this repository's stacks, copied, with the store that all tests against the real archive share.
pub fn real(stack: &str) -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE).with_network().with_store(&root().join("target/test-store"));
    copy(&root().join(stack), &sandbox.work());
    // `directory` takes the files that git tracks.
    let git = |arguments: &[&str]| {
        Tool::new("git").arg("-C").arg(sandbox.work()).args(arguments).run();
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    sandbox
}

/// Runs `command` in `sandbox`; once more after `longshore update` when the archive has moved past the lock.
pub fn with_update(sandbox: &Sandbox, command: &[&str]) -> String {
    let first = sandbox.run(command);
    if first.code == 0 {
        return first.stdout;
    }
    eprintln!("the lock was refreshed, since the first try failed:\n{first}");
    sandbox.ok(&["update"]);
    sandbox.ok(command)
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), target).unwrap();
        }
    }
}

/// Sends a signal to a process that this test started.
pub fn signal(pid: u32, name: &str) {
    let done = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(done.success(), "signal {name} can't be sent to {pid}");
}

/// Held by whoever runs a stack whose ports are those of its stack file: one test at a time, also with those of Docker's
/// containers on the machine's network.
pub fn ports() -> std::sync::MutexGuard<'static, ()> {
    longshore_testkit::engine::ports()
}

/// Stops everything however the test ends.
pub struct Running<'a>(pub &'a Sandbox);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.run(&["down", "--volumes"]);
    }
}
