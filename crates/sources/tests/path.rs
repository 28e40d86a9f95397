//! Files and folders beside a stack file, in and out of git.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::Mutex;

use fs_err as fs;
use longshore_oci::{Component, FileFacts, Origin, Progress, Silent, Step, Store};
use longshore_sources::path::{self, PathError};

struct World {
    _folder: tempfile::TempDir,
    root: std::path::PathBuf,
    store: Store,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("stack");
        fs::create_dir(&root).unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Self { root, store, _folder: folder }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.root.join(path), PermissionsExt::from_mode(mode)).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "protocol.file.allow=always",
        ]);
        let output = command
            .args(arguments)
            .output()
            .expect("`git` is needed by this test; run `apt-get install git`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn directory(&self, relative: &str) -> Result<Component, PathError> {
        path::directory(&self.root, relative, &search_path(), &self.store, &Silent)
    }

    /// Makes all files old enough to be remembered: their inodes change no more.
    fn rest(&self) {
        std::thread::sleep(std::time::Duration::from_millis(2100));
    }
}

#[allow(clippy::disallowed_methods, reason = "a test is the caller that has an environment")]
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap()
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _: &'static str, _: &str, _: Option<u64>) -> Box<dyn Step> {
        Box::new(Silent)
    }

    fn note(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

#[test]
fn a_folder_is_the_same_whatever_its_modes_and_times() {
    let (one, two) = (World::new(), World::new());
    for world in [&one, &two] {
        world.write("app/b/run", "#!/bin/sh -e\n");
        world.write("app/doc", "#!/bin/sh\n");
        world.write("app/.git/config", "no file of ours");
        fs::create_dir(world.root.join("app/empty")).unwrap();
        symlink("b/run", world.root.join("app/link")).unwrap();
        symlink("/dev/stdout", world.root.join("app/log")).unwrap();
        fs::write(world.root.join("app").join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
        // The folder's own `.git` would make it a work tree.
        fs::remove_dir_all(world.root.join("app/.git")).unwrap();
    }
    one.mode("app/b/run", 0o700);
    one.mode("app/doc", 0o600);
    two.mode("app/b/run", 0o775);
    two.mode("app/doc", 0o664);
    let (a, b) = (one.directory("app").unwrap(), two.directory("app").unwrap());
    assert_eq!(a, b);
    assert_eq!(a.origin, Origin::Path("app".to_owned()));
    insta::assert_snapshot!(a.tree.dump());
    let facts: Vec<_> = a.facts.iter().map(|(path, facts)| (path.to_string(), facts.clone())).collect();
    let script = FileFacts::Script { interpreter: b"/bin/sh".to_vec(), argument: Some(b"-e".to_vec()) };
    assert_eq!(facts, [("/b/run".to_owned(), script)]);
}

#[test]
fn in_git_what_is_tracked_counts() {
    let world = World::new();
    world.git(&["init", "-q"]);
    world.write("app/tracked", "1");
    world.write("app/deleted", "1");
    world.write("app/forgotten", "1");
    world.write("app/node_modules/x", "1");
    world.write("app/.gitignore", "node_modules\n");
    world.write("outside", "1");
    world.git(&["add", "app/tracked", "app/deleted", "app/.gitignore"]);
    fs::remove_file(world.root.join("app/deleted")).unwrap();
    world.write("app/tracked", "as it is in the work tree");
    let notes = Notes::default();
    let component = path::directory(&world.root, "app", &search_path(), &world.store, &notes).unwrap();
    let names: Vec<String> = component.tree.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(names, ["/.gitignore", "/tracked"]);
    assert_eq!(component.tree.size(), 38);
    assert_eq!(
        notes.0.into_inner().unwrap(),
        ["`app`: left out `forgotten`, which git does not track; `git add` takes it in"]
    );
    let error = path::directory(&world.root, "app", "/nowhere".as_ref(), &world.store, &Silent).unwrap_err();
    assert!(matches!(error, PathError::NoGit { .. }), "{error}");
    assert_eq!(error.hint().unwrap(), "install git: `apt-get install git`");
}

#[test]
fn submodules_are_part_of_it() {
    let (world, other) = (World::new(), World::new());
    other.git(&["init", "-q"]);
    other.write("lib/file", "1");
    other.git(&["add", "."]);
    other.git(&["commit", "-q", "-m", "x"]);
    world.git(&["init", "-q"]);
    world.git(&["submodule", "-q", "add", other.root.to_str().unwrap(), "sub"]);
    let component = world.directory("").unwrap();
    let names: Vec<String> = component.tree.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(names, ["/.gitmodules", "/sub/lib/file"]);
    fs::remove_dir_all(world.root.join("sub")).unwrap();
    fs::create_dir(world.root.join("sub")).unwrap();
    let error = world.directory("").unwrap_err();
    assert_eq!(error.hint().unwrap(), "run `git submodule update --init sub`");
}

#[test]
fn unchanged_files_are_not_read_and_changed_ones_are() {
    let world = World::new();
    world.write("app/a", "first");
    world.write("app/b", &"other".repeat(200_000));
    world.rest();
    let before = bytes_read();
    let first = world.directory("app").unwrap();
    assert!(bytes_read() - before > 1_000_000);
    let before = bytes_read();
    let second = world.directory("app").unwrap();
    assert_eq!(first, second);
    let read = bytes_read() - before;
    assert!(read < 100_000, "{read} bytes were read again");
    // Same size, and its times set back: only the inode's own change time tells.
    let old = fs::metadata(world.root.join("app/a")).unwrap().modified().unwrap();
    world.write("app/a", "secon");
    std::fs::File::options().write(true).open(world.root.join("app/a")).unwrap().set_modified(old).unwrap();
    let third = world.directory("app").unwrap();
    assert_ne!(third, second);
    // And right after a write nothing is trusted, however often it is asked.
    for text in ["aaaaa", "bbbbb", "ccccc"] {
        world.write("app/a", text);
        let component = world.directory("app").unwrap();
        let entry = component.tree.get(&longshore_oci::TreePath::new("a").unwrap()).unwrap();
        assert!(
            matches!(entry.node, longshore_oci::Node::File(content) if content == longshore_oci::Content::of(text.as_bytes()))
        );
    }
    // A blob that was lost is made anew.
    world.rest();
    let component = world.directory("app").unwrap();
    fs::remove_dir_all(world.store.root().join("blobs")).unwrap();
    assert_eq!(world.directory("app").unwrap(), component);
    for (_, entry) in component.tree.iter() {
        assert!(matches!(entry.node, longshore_oci::Node::File(content) if world.store.has(&content)));
    }
}

/// Bytes that this thread has read so far, by the kernel's count.
fn bytes_read() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/io").unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[test]
fn one_file() {
    let world = World::new();
    world.write("config/x.yaml", "a: 1\n");
    let component = path::file(&world.root, "config/x.yaml", &world.store).unwrap();
    assert_eq!(component.tree.dump().split(" /").nth(1).unwrap().split(' ').next(), Some("x.yaml"));
    symlink("config/x.yaml", world.root.join("link.yaml")).unwrap();
    let linked = path::file(&world.root, "./link.yaml", &world.store).unwrap();
    assert_eq!(linked.tree.iter().next().unwrap().0.to_string(), "/link.yaml");
    assert_eq!(linked.tree.iter().next().unwrap().1, component.tree.iter().next().unwrap().1);
}

#[test]
fn what_leads_outside_or_is_no_file_is_refused() {
    let world = World::new();
    fs::write(world.root.join("../secret"), "1").unwrap();
    symlink("../secret", world.root.join("out")).unwrap();
    world.write("app/file", "1");
    world.write("pipes/file", "1");
    world.write("links/file", "1");
    symlink("../../secret", world.root.join("links/up")).unwrap();
    let status = Command::new("mkfifo").arg(world.root.join("pipes/p")).status().unwrap();
    assert!(status.success());
    let file = |relative: &str| path::file(&world.root, relative, &world.store).unwrap_err().to_string();
    let directory = |relative: &str| world.directory(relative).unwrap_err().to_string();
    let said = [
        file("out"),
        file("../secret"),
        file("/etc/passwd"),
        file("nothing"),
        file("app"),
        directory("app/file"),
        directory(".."),
        directory("links"),
        directory("pipes"),
    ];
    let root = fs::canonicalize(&world.root).unwrap();
    insta::assert_snapshot!(said.join("\n").replace(root.to_str().unwrap(), "[ROOT]"));
}
