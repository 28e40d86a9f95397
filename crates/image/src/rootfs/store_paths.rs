//! Tests: paths of the Nix store, their links, what is left out.

use longshore_stack::model::{Destination, NixLinks};

use super::fixture::*;
use super::*;

/// A service that a wrapper starts, its library, a compiler that an oversight refers to, and what only that refers to.
fn world() -> World {
    World::new([
        store_path("web-1.0", &["web-1.0", "glibc-2.42", "gcc-14.3.0", "bash-5.3"])
            .script(&below("web-1.0", "bin/web"), &below("bash-5.3", "bin/bash"))
            .elf(&below("web-1.0", "bin/.web-wrapped"), &["libc.so.6"], |elf| {
                elf.interpreter = Some(below("glibc-2.42", "lib/ld.so").into());
                elf.runpath = vec![below("glibc-2.42", "lib").into()];
            })
            .link(&below("web-1.0", "sbin"), "bin")
            .file(&below("web-1.0", "etc/web/conf"), 0o444)
            .file(&below("web-1.0", "share/doc"), 0o444),
        store_path("glibc-2.42", &["glibc-2.42"])
            .library(&below("glibc-2.42", "lib/libc.so.6"), &[])
            .program(&below("glibc-2.42", "lib/ld.so"), &[]),
        store_path("bash-5.3", &["glibc-2.42"]).elf(&below("bash-5.3", "bin/bash"), &["libc.so.6"], |elf| {
            elf.interpreter = Some(below("glibc-2.42", "lib/ld.so").into());
            elf.runpath = vec![below("glibc-2.42", "lib").into()];
        }),
        store_path("gcc-14.3.0", &["mpfr-4.2"]).program(&below("gcc-14.3.0", "bin/gcc"), &[]),
        store_path("mpfr-4.2", &[]).file(&below("mpfr-4.2", "include/mpfr.h"), 0o444),
    ])
}

/// Every path outside of the store that is from it, and where links lead.
fn linked(rootfs: &RootFs) -> Vec<String> {
    let ours = rootfs.tree().iter().filter(|(path, _)| {
        matches!(rootfs.origin(path), Some(Origin::Nix(_))) && !path.as_bytes().starts_with(b"nix")
    });
    let line = |(path, entry): super::Held<'_>| match &entry.node {
        longshore_oci::Node::Symlink(to) => format!("{path} -> {}", String::from_utf8_lossy(to)),
        _ => format!("{path} {:04o}", entry.mode),
    };
    ours.map(line).collect()
}

fn parts(from: &[&str], to: Destination) -> NixLinks {
    NixLinks::Parts { from: from.iter().map(|from| path(from)).collect(), to }
}

#[test]
fn all_that_is_referred_to_comes_and_programs_are_linked() {
    let rootfs = world().compose(&spec([nix(NixLinks::Programs, &[])])).unwrap();
    let names: Vec<_> = rootfs.store_paths().keys().map(|path| path.name()).collect();
    assert_eq!(names, ["bash-5.3", "gcc-14.3.0", "glibc-2.42", "mpfr-4.2", "web-1.0"]);
    assert_eq!(rootfs.store_paths()[&named("mpfr-4.2")].way(), "web-1.0 → gcc-14.3.0 → mpfr-4.2");
    assert_eq!(
        linked(&rootfs),
        [
            format!("/usr/bin/.web-wrapped -> {}", below("web-1.0", "bin/.web-wrapped")),
            format!("/usr/bin/web -> {}", below("web-1.0", "bin/web")),
        ]
    );
    assert_eq!(
        rootfs.origin(&path(&below("gcc-14.3.0", "bin/gcc"))),
        Some(&Origin::Nix(named("gcc-14.3.0")))
    );
    // What is linked must work; what is only referred to need not.
    let roots: Vec<_> = rootfs.roots().iter().map(ToString::to_string).collect();
    assert_eq!(roots, [below("web-1.0", "bin/.web-wrapped"), below("web-1.0", "bin/web")]);
}

#[test]
fn parts_and_everything_are_linked_where_it_is_said() {
    let links = |links| linked(&world().compose(&spec([nix(links, &[])])).unwrap());
    assert_eq!(
        links(parts(&["bin/web", "etc/web/conf"], Destination::Into(path("opt")))),
        [
            "/opt 0755".to_owned(),
            format!("/opt/conf -> {}", below("web-1.0", "etc/web/conf")),
            format!("/opt/web -> {}", below("web-1.0", "bin/web")),
        ]
    );
    // A folder becomes a folder, so that others can put something into it too.
    assert_eq!(
        links(parts(&["etc/web"], Destination::Exactly(path("etc/site")))),
        ["/etc/site 0755".to_owned(), format!("/etc/site/conf -> {}", below("web-1.0", "etc/web/conf"))]
    );
    assert_eq!(links(NixLinks::Nothing), [""; 0]);
    assert_eq!(
        links(NixLinks::Everything(TreePath::root())),
        [
            "/etc/web 0755".to_owned(),
            format!("/etc/web/conf -> {}", below("web-1.0", "etc/web/conf")),
            "/share 0755".to_owned(),
            format!("/share/doc -> {}", below("web-1.0", "share/doc")),
            format!("/usr/bin/.web-wrapped -> {}", below("web-1.0", "bin/.web-wrapped")),
            format!("/usr/bin/web -> {}", below("web-1.0", "bin/web")),
            // `sbin` of the path is a link to a folder.
            format!("/usr/sbin/.web-wrapped -> {}", below("web-1.0", "sbin/.web-wrapped")),
            format!("/usr/sbin/web -> {}", below("web-1.0", "sbin/web")),
        ]
    );
    let missing = world().compose(&spec([nix(parts(&["lib/web"], Destination::Into(path("opt"))), &[])]));
    let missing = missing.unwrap_err();
    assert_eq!(missing.to_string(), "nothing of `.#all` has `lib/web`, which image `test` takes from it");
    assert_eq!(missing.hint().unwrap(), "did you mean `from = \"bin/web\"`?");
}

#[test]
fn what_is_excluded_goes_with_what_only_it_refers_to() {
    let rootfs = world().compose(&spec([nix(NixLinks::Programs, &["gcc-*"])])).unwrap();
    let names: Vec<_> = rootfs.store_paths().keys().map(|path| path.name()).collect();
    assert_eq!(names, ["bash-5.3", "glibc-2.42", "web-1.0"]);
    assert!(rootfs.tree().get(&path(&below("mpfr-4.2", "include/mpfr.h"))).is_none());
}

#[test]
fn what_is_needed_can_not_be_excluded() {
    let error = |name| world().compose(&spec([nix(NixLinks::Programs, &[name])])).unwrap_err().to_string();
    let excluded =
        |name, by: String| format!("image `test` leaves `{}` out, and `{by}` needs it", named(name));
    assert_eq!(error("bash-5.3"), excluded("bash-5.3", below("web-1.0", "bin/web")));
    assert_eq!(error("glibc-2.42"), excluded("glibc-2.42", below("bash-5.3", "bin/bash")));
    assert_eq!(
        error("gcc-13"),
        "image `test` excludes `gcc-13`, and nothing that `.#all` brings is called so"
    );
}
