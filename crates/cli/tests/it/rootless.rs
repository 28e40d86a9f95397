//! Building takes no rights: an ordinary user without capabilities, in a kernel that gives it no namespaces.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use longshore_testkit::apt::Repository;
use longshore_testkit::sandbox::Answer;

use crate::common::{HELLO, LONGSHORE, hello, stack_file};

#[test]
fn an_ordinary_user_builds_without_namespaces() {
    // Owners other than the user's own are what rootless builds usually need namespaces for.
    let repository = Repository::new(&[hello().directory("var/spool/hello", 0o2775)]);
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    longshore_testkit::install(LONGSHORE, at.join("longshore"));
    fs_err::write(at.join("stack.toml"), stack_file(&repository.url(), HELLO)).unwrap();
    fs_err::copy(repository.key().public(), at.join("test.gpg")).unwrap();
    fs_err::set_permissions(at, PermissionsExt::from_mode(0o755)).unwrap();
    assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(at).status().unwrap().success());
    // The inner user namespace may make no further ones: any attempt fails with ENOSPC.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --no-new-privs \"$@\"";
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.args(["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]);
    command.arg(at.join("longshore")).args(["build", "-o", "out"]).current_dir(at).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", at);
    let answer = Answer::of(&mut command);
    assert_eq!(answer.code, 0, "{answer}");
    assert!(at.join("out/index.json").exists(), "{answer}");
    assert!(at.join(".cache/longshore").is_dir(), "the store is not in the user's cache folder");
}
