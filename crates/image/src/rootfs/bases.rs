//! Images that build on others: what is brought, what stays, and what is packed.

use std::collections::BTreeMap;

use longshore_oci::{Node, Origin};
use longshore_stack::model::{BaseSpec, ContentSpec, Destination, ImageRequest, ImageSpec};

use super::fixture::*;
use super::{ComposeError, RootFs};
use crate::lint::{self, Severity};
use crate::plan::{Class, ImageInput, Known, Pins, Planning, Strategy, plan};

const BASE: &str = "x.org/base:1";

/// A Debian as far as these tests care.
fn base() -> Parts {
    image(BASE)
        .library("usr/lib/x86_64-linux-gnu/libc.so.6", &["ld-linux-x86-64.so.2"])
        .library("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", &[])
        .link("usr/lib64/ld-linux-x86-64.so.2", "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
        .link("lib64", "usr/lib64")
        .link("bin", "usr/bin")
        .program("usr/bin/base-tool", &["libc.so.6", "libgone.so.1"])
        .file("usr/bin/su", 0o4755)
        .hard("usr/bin/su-too", "usr/bin/su")
        .text("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n")
        .text("etc/group", 0o644, "root:x:0:\nwww:x:33:\n")
        .text("etc/same", 0o644, "same")
        .text("etc/motd", 0o644, "base")
        .folder("var/data", 0o700, 33)
        .folder("tmp", 0o1777, 0)
}

fn on_base(contents: impl IntoIterator<Item = ContentSpec>) -> ImageSpec {
    let base = BaseSpec { reference: BASE.parse().unwrap(), inherits: None };
    ImageSpec { base: Some(base), ..spec(contents) }
}

/// The paths that layers hold.
fn packed(rootfs: &RootFs) -> Vec<String> {
    let input = BTreeMap::from([("test".to_owned(), ImageInput { rootfs, max_layers: 40 })]);
    let known = |origin: &Origin| Known::of_class(origin, Class::Package);
    let planning = Planning { strategy: Strategy::Stack, prior: &[], pins: &Pins::default(), known: &known };
    let planned = plan(&input, planning).unwrap();
    let mut paths: Vec<String> =
        planned.layers.iter().flat_map(|layer| &layer.paths).map(ToString::to_string).collect();
    paths.sort();
    paths
}

fn is_base(rootfs: &RootFs, at: &str) -> bool {
    matches!(rootfs.origin(&path(at)), Some(Origin::Base(layer)) if layer.reference == BASE)
}

#[test]
fn only_what_the_base_lacks_is_packed() {
    let world = World::new([base()]);
    let spec = on_base([text("/etc/same", "same"), text("/etc/motd", "ours"), text("/etc/new", "new")]);
    let rootfs = world.compose(&spec).unwrap();
    // The folders that something is mounted on, the account that runs it, and the stack file's own.
    assert_eq!(
        packed(&rootfs),
        ["/dev", "/etc/group", "/etc/motd", "/etc/new", "/etc/passwd", "/proc", "/run", "/sys"]
    );
    assert!(is_base(&rootfs, "etc/same") && is_base(&rootfs, "usr/bin/su"));
    let passwd = String::from_utf8(world.read(&rootfs, "etc/passwd")).unwrap();
    assert_eq!(
        passwd,
        "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:/bin/sh\napp:x:10001:10001:app:/:/usr/sbin/nologin\n"
    );
    let noted = rootfs.findings().iter().find(|finding| finding.lint == "override").unwrap();
    assert!(noted.message.starts_with("`/etc/motd` of `base x.org/base:1 (manifest "), "{}", noted.message);

    // A user that the base has changes nothing.
    let mut known = on_base([]);
    known.user = user("www", 33);
    let rootfs = world.compose(&known).unwrap();
    assert_eq!(packed(&rootfs), ["/dev", "/proc", "/run", "/sys"]);
}

#[test]
fn folders_of_the_base_are_packed_when_they_change() {
    let mut spec = on_base([]);
    spec.user = user("www", 33);
    spec.writable =
        vec![longshore_stack::model::WritableSpec { path: path("etc"), owner: (33, 33), mode: 0o750 }];
    let rootfs = World::new([base()]).compose(&spec).unwrap();
    assert_eq!(packed(&rootfs), ["/dev", "/etc", "/proc", "/run", "/sys"]);
}

#[test]
fn a_slice_brings_no_library_that_the_base_has() {
    let app = package("app", &["libc6"]).program("usr/bin/app", &["libc.so.6", "libown.so.1"]);
    let app = app.library("usr/lib/x86_64-linux-gnu/libown.so.1", &["libc.so.6"]);
    let world = World::new([base(), libc(), libgcc(), app]);
    let mut spec = on_base([sliced("app", &["/usr/bin/app"], None)]);
    spec.command = vec!["/usr/bin/app".to_owned()];
    let rootfs = world.compose(&spec).unwrap();
    assert!(is_base(&rootfs, "usr/lib/x86_64-linux-gnu/libc.so.6"));
    assert!(!is_base(&rootfs, "usr/lib/x86_64-linux-gnu/libown.so.1"));
    let packages: Vec<_> = rootfs.packages().iter().map(|package| package.id.name.as_str()).collect();
    assert_eq!(packages, ["app"]);
    // Its library is found in the base; what the base brings is no more than a note.
    let findings = lint::check(&rootfs, &spec, &amd64());
    let worse: Vec<_> = findings.iter().filter(|finding| finding.severity != Severity::Note).collect();
    assert!(worse.is_empty(), "{worse:?}");
    assert!(findings.iter().any(|finding| finding.lint == "setuid" && finding.subject == "/usr/bin/su"));
    // A program of the base that the image starts must work.
    spec.command = vec!["base-tool".to_owned()];
    let findings = lint::check(&rootfs, &spec, &amd64());
    assert!(
        findings
            .iter()
            .any(|finding| finding.lint == "missing-library" && finding.severity == Severity::Error)
    );
}

#[test]
fn a_name_of_a_file_of_the_base_keeps_its_bytes_when_the_other_is_replaced() {
    let world = World::new([base()]);
    let rootfs = world.compose(&on_base([text("/usr/bin/su", "replaced")])).unwrap();
    assert_eq!(world.read(&rootfs, "usr/bin/su-too"), b"usr/bin/su");
    assert!(is_base(&rootfs, "usr/bin/su-too") && !packed(&rootfs).contains(&"/usr/bin/su-too".to_owned()));
    assert_eq!(world.read(&rootfs, "usr/bin/su"), b"replaced");
}

fn taken(from: &[&str], to: Option<&str>) -> ContentSpec {
    ContentSpec::Image(ImageRequest {
        reference: BASE.parse().unwrap(),
        from: from.iter().map(|from| path(from)).collect(),
        to: to.map(|to| Destination::Exactly(path(to))),
        mode: None,
        owner: None,
    })
}

#[test]
fn parts_of_images_go_where_they_are_told_with_their_owners() {
    let world = World::new([base()]);
    // Through the link `/bin`; the name of a set, whose file stays behind.
    let spec = spec([
        taken(&["/bin/su-too"], Some("/opt/su")),
        taken(&["/var/data", "/lib64/ld-linux-x86-64.so.2"], None),
    ]);
    let rootfs = world.compose(&spec).unwrap();
    let entry = |at: &str| rootfs.tree().get(&path(at)).unwrap_or_else(|| panic!("{at}"));
    assert!(matches!(entry("opt/su").node, Node::File(_)));
    assert_eq!((entry("var/data").uid, entry("var/data").mode), (33, 0o700));
    // What stays is the link and its end.
    assert!(matches!(entry("usr/lib64/ld-linux-x86-64.so.2").node, Node::Symlink(_)));
    assert!(matches!(entry("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2").node, Node::File(_)));
    assert!(matches!(rootfs.origin(&path("opt/su")), Some(Origin::Image(layer)) if layer.layer == 1));

    let error = world.compose(&super::fixture::spec([taken(&["/etc/mot"], None)])).unwrap_err();
    assert!(matches!(error, ComposeError::NotInImage { .. }), "{error}");
    assert_eq!(error.to_string(), "image `x.org/base:1` has no `/etc/mot`, which image `test` takes from it");
    let error = world.compose(&super::fixture::spec([taken(&["/sbin/su"], None)])).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `/usr/bin/su`?");
}
