//! The same lock gives the same bytes whoever builds it, where, when and how.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_testkit::apt::{Package, Repository};
use longshore_testkit::sandbox::Answer;
use longshore_testkit::tree;

use crate::common::{LONGSHORE, stack_file};

const IMAGES: &str = r#"
[image.one]
contents = ["big", { file = "run.sh", to = "/srv/" }, { text = "x", to = "/srv/text" }]
command = ["/usr/bin/big"]
writable = ["/var/lib/one"]

[image.two]
contents = ["small", "big"]
command = ["/usr/bin/small"]
"#;

/// How a build differs from the first.
struct Variant {
    name: &'static str,
    umask: &'static str,
    zone: &'static str,
    language: &'static str,
    jobs: &'static str,
    user: User,
}

#[derive(PartialEq, Eq)]
enum User {
    Root,
    Nobody,
}

/// Several megabytes that compress, but not to nothing, so that compression works in more than one piece.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"etaoin shrdlu\n01"[(state >> 32) as usize % 16]
    };
    (0..length).map(|_| next()).collect()
}

fn packages() -> Vec<Package> {
    let big = Package::new("big", "1").depends("small").executable("usr/bin/big", noise(6 << 20));
    let big = (0..200).fold(big, |big, n| big.file(&format!("usr/share/big/{n}"), format!("file {n}")));
    vec![
        big,
        Package::new("small", "1").executable("usr/bin/small", noise(3000)).symlink("usr/bin/s", "small"),
    ]
}

/// Builds in a fresh folder with a fresh store, and returns every byte that came out.
fn outputs(
    repository: &Repository,
    lock: Option<&str>,
    variant: &Variant,
) -> (String, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::Builder::new().prefix(variant.name).tempdir().unwrap();
    let at = folder.path();
    let program = at.join("longshore");
    longshore_testkit::install(LONGSHORE, &program);
    fs_err::write(at.join("stack.toml"), stack_file(&repository.url(), IMAGES)).unwrap();
    fs_err::copy(repository.key().public(), at.join("test.gpg")).unwrap();
    fs_err::write(at.join("run.sh"), "no script\n").unwrap();
    fs_err::set_permissions(at.join("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    if let Some(lock) = lock {
        fs_err::write(at.join("stack.lock"), lock).unwrap();
    }
    fs_err::set_permissions(at, PermissionsExt::from_mode(0o755)).unwrap();
    if variant.user == User::Nobody {
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(at).status().unwrap().success());
    }
    let run = |arguments: &[&str]| {
        let answer = Answer::of(&mut command(at, &program, variant, arguments));
        assert_eq!(answer.code, 0, "{}: {answer}", variant.name);
    };
    run(&["build", "-o", "layout"]);
    run(&["save", "-o", "dual.tar"]);
    run(&["save", "-o", "docker.tar", "--format", "docker"]);
    let mut all = tree::files(&at.join("layout"));
    for archive in ["dual.tar", "docker.tar"] {
        all.insert(archive.to_owned(), fs_err::read(at.join(archive)).unwrap());
    }
    (fs_err::read_to_string(at.join("stack.lock")).unwrap(), all)
}

fn command(at: &Path, program: &PathBuf, variant: &Variant, arguments: &[&str]) -> Command {
    let mut command = match variant.user {
        User::Root => Command::new("sh"),
        User::Nobody => {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "sh"]);
            setpriv
        }
    };
    command.args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", variant.umask]).arg(program);
    command.args(["--jobs", variant.jobs]).args(arguments).current_dir(at).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", at);
    command.env("LONGSHORE_STORE", at.join("store")).env("TZ", variant.zone).env("LC_ALL", variant.language);
    command
}

#[test]
fn every_byte_is_the_same() {
    let repository = Repository::new(&packages());
    let first =
        Variant { name: "first", umask: "022", zone: "UTC", language: "C", jobs: "1", user: User::Root };
    let (lock, expected) = outputs(&repository, None, &first);
    assert!(expected.len() > 5, "{:?}", expected.keys());
    let language = "tr_TR.UTF-8";
    let variants = [
        Variant { name: "again", umask: "022", zone: "UTC", language: "C", jobs: "1", user: User::Root },
        Variant {
            name: "closed",
            umask: "077",
            zone: "Asia/Kathmandu",
            language,
            jobs: "7",
            user: User::Root,
        },
        Variant {
            name: "open",
            umask: "000",
            zone: "America/St_Johns",
            language,
            jobs: "2",
            user: User::Nobody,
        },
    ];
    for variant in &variants {
        let (after, found) = outputs(&repository, Some(&lock), variant);
        assert_eq!(after, lock, "{}: the build changed the lock", variant.name);
        let names = |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&expected), names(&found), "{}", variant.name);
        for (path, bytes) in &expected {
            assert!(bytes == &found[path], "{}: `{path}` has other bytes", variant.name);
        }
    }
}
