//! What is in an image of whole packages is what dpkg-deb unpacks, less what is dropped, plus what is said here.

use std::path::Path;

use longshore_oci::Store;
use longshore_testkit::tree::{self, Dump};
use longshore_testkit::{Tool, layout};

use crate::common::{real, root, with_update};

/// Dropped by default.
const DROPPED: [&str; 8] = [
    "/usr/share/bash-completion",
    "/usr/share/doc/",
    "/usr/share/info",
    "/usr/share/man",
    "/usr/share/locale",
    "/usr/share/doc-base",
    "/usr/share/lintian",
    "/usr/share/bug",
];

/// Made by longshore, not by a package.
const MADE: [&str; 13] = [
    "/etc/group",
    "/etc/passwd",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/ld.so.cache",
    "/srv/index.html",
    "/var/cache/nginx",
    "/var/lib/dpkg",
    "/tmp",
    "/var/lock",
    "/var/run",
    "/etc/alternatives",
];

#[test]
fn nginx_is_what_dpkg_deb_unpacks() {
    let sandbox = real("examples/nginx");
    with_update(&sandbox, &["build", "-o", "out"]);
    let path = sandbox.work().join("stack.lock");
    let lock = longshore_stack::lock::parse(&sandbox.read("stack.lock"), &path).unwrap();
    let store = Store::open(root().join("target/test-store")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let expected = folder.path().join("dpkg");
    // The links of the merged /usr first, as debootstrap makes them; packages then fall into place.
    for (link, target) in
        [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")]
    {
        fs_err::create_dir_all(expected.join(target)).unwrap();
        fs_err::os::unix::fs::symlink(target, expected.join(link)).unwrap();
    }
    for package in lock.packages.values() {
        unpack(&store.blob_path(&package.content.digest), &expected);
    }
    let expected = kept(tree::dump(&expected));
    assert!(expected.len() > 500, "only {} paths", expected.len());

    let out = sandbox.work().join("out");
    let name = layout::names(&out).remove(0);
    let found = tree::dump(&layout::umoci_unpack(&out, &name, &folder.path().join("bundle")));
    // The stack's own file replaces the package's.
    let missing = tree::missing_from(&expected, &found);
    let missing: Vec<_> =
        missing.into_iter().filter(|line| !line.starts_with("/etc/nginx/nginx.conf:")).collect();
    assert!(missing.is_empty(), "{} paths differ:\n{}", missing.len(), missing.join("\n"));
    let made = |path: &str| MADE.iter().any(|made| path == *made || path.starts_with(&format!("{made}/")));
    let more: Vec<_> = found
        .iter()
        .filter(|(path, said)| !expected.contains_key(*path) && !made(path) && !said.starts_with("dir "))
        .map(|(path, said)| format!("{path}: {said}"))
        .filter(|line| !line.starts_with("/usr/share/doc/"))
        .collect();
    assert!(more.is_empty(), "{} paths that no package has:\n{}", more.len(), more.join("\n"));
}

fn unpack(deb: &Path, root: &Path) {
    // `-x` replaces a link by a directory of the same name; tar with --keep-directory-symlink does what dpkg does.
    let script = "dpkg-deb --fsys-tarfile \"$1\" | tar -x -p --same-owner --keep-directory-symlink -C \"$2\"";
    Tool::new("sh").args(["-e", "-c", script, "sh"]).arg(deb).arg(root).run();
}

fn kept(all: Dump) -> Dump {
    let dropped = |path: &str, said: &str| {
        DROPPED.iter().any(|start| path.starts_with(start))
            || (path == "/usr/share/doc" && said.starts_with("dir "))
    };
    all.into_iter().filter(|(path, said)| !dropped(path, said)).collect()
}
