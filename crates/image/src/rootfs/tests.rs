//! Composition of small packages.

use longshore_stack::model::{Allow, ContentSpec, Keep, WritableSpec};

use super::fixture::*;
use super::*;
use crate::lint::Severity;

/// The entries under some folders, a line each.
fn dump(rootfs: &RootFs, folders: &[&str]) -> String {
    let folders: Vec<_> = folders.iter().map(|folder| path(folder)).collect();
    let within = |(path, _): &super::Held<'_>| folders.iter().any(|folder| path.is_under(folder));
    let lines = rootfs.dump();
    let lines =
        rootfs.tree().iter().zip(lines.lines()).filter(|(entry, _)| within(entry)).map(|(_, line)| line);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_image_of_nothing_has_the_base() {
    insta::assert_snapshot!(World::new([]).compose(&spec([])).unwrap().dump());
}

#[test]
fn accounts_come_from_the_stack_file_alone() {
    let world = World::new([package("base-passwd", &[]).file("etc/passwd", 0o644)]);
    let mut spec = spec([whole("base-passwd")]);
    spec.users = vec![user("www-data", 33), user("root", 0)];
    spec.users[1].shell = "/bin/bash".to_owned();
    let rootfs = world.compose(&spec).unwrap();
    let read = |at| String::from_utf8(world.read(&rootfs, at)).unwrap();
    insta::assert_snapshot!(read("etc/passwd") + "--\n" + &read("etc/group"), @r"
    root:x:0:0:root:/:/bin/bash
    www-data:x:33:33:www-data:/:/usr/sbin/nologin
    app:x:10001:10001:app:/:/usr/sbin/nologin
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
    --
    root:x:0:
    www-data:x:33:
    app:x:10001:
    nogroup:x:65534:
    ");
    assert_eq!(rootfs.packages()[0].left_out[&LeftOut::Accounts].0, 1);
}

#[test]
fn a_whole_package_comes_with_its_closure_less_documentation() {
    let world = World::new([
        package("app", &["lib"])
            .file("usr/bin/app", 0o755)
            .hard("usr/bin/app2", "usr/bin/app")
            .file("usr/share/doc/app/README", 0o644)
            .hard("usr/lib/readme", "usr/share/doc/app/README")
            .file("usr/share/man/man1/app.1", 0o644)
            .folder("var/lib/app", 0o750, 7),
        package("lib", &["app"]).file("usr/lib/lib", 0o644).link("usr/share/doc/lib-extra", "lib"),
        package("other", &[]).file("usr/bin/other", 0o755),
    ]);
    let rootfs = world.compose(&spec([whole("app")])).unwrap();
    insta::assert_snapshot!(dump(&rootfs, &["usr/bin", "usr/lib", "usr/share", "var/lib"]));
    assert_eq!(world.loaded(), [["app", "lib"]], "one call has the whole closure");
    let sums = String::from_utf8(world.read(&rootfs, "var/lib/dpkg/status.d/app.md5sums")).unwrap();
    let sums: Vec<_> = sums.lines().map(|line| &line[34..]).collect();
    assert_eq!(sums, ["usr/share/doc/app/copyright", "usr/bin/app"]);
    assert_eq!(world.read(&rootfs, "var/lib/dpkg/status.d/lib"), b"Package: lib\nVersion: 1\n");
    let left = &rootfs.packages()[0].left_out;
    assert_eq!(
        left.iter().map(|(why, (files, _))| (*why, *files)).collect::<Vec<_>>(),
        [(LeftOut::Docs, 1), (LeftOut::Man, 1)]
    );

    let mut keeping = spec([whole("app")]);
    keeping.keep = vec![Keep::Docs];
    let rootfs = world.compose(&keeping).unwrap();
    assert!(rootfs.tree().get(&path("usr/share/doc/app/README")).is_some());
    assert!(rootfs.tree().get(&path("usr/share/man/man1/app.1")).is_none());
}

/// What composing two packages that share a path comes to: the owner's name, or the error.
fn contest(one: fixture::Parts, two: fixture::Parts, at: &str) -> String {
    let world = World::new([one, two]);
    match world.compose(&spec([whole("one"), whole("two")])) {
        Ok(rootfs) => match rootfs.origin(&path(at)) {
            Some(Origin::Package(id)) => id.name.clone(),
            other => format!("{other:?}"),
        },
        Err(error) => {
            assert!(error.hint().is_some());
            error.to_string()
        }
    }
}

#[test]
fn one_path_has_one_owner() {
    let (one, two) = (|| package("one", &[]), || package("two", &[]));
    let at = "usr/lib/x";
    for (first, second, expected) in [
        (one().text(at, 0o644, "a"), two().text(at, 0o644, "a"), "one"),
        (
            one().text(at, 0o644, "a"),
            two().text(at, 0o644, "b"),
            "`/usr/lib/x` comes from both `debian/one=1:amd64` and `debian/two=1:amd64`, and they differ",
        ),
        (
            one().text(at, 0o644, "a"),
            two().text(at, 0o755, "a"),
            "`/usr/lib/x` comes from both `debian/one=1:amd64` and `debian/two=1:amd64`, and they differ",
        ),
        (one().text(at, 0o644, "a"), two().text(at, 0o644, "b").replaces("one"), "two"),
        (one().text(at, 0o644, "a").replaces("two"), two().text(at, 0o644, "b"), "one"),
        (one().folder(at, 0o755, 0), two().folder(at, 0o700, 3), "one"),
        (
            one().folder(at, 0o755, 0),
            two().text(at, 0o644, "b"),
            "`/usr/lib/x` comes from both `debian/one=1:amd64` and `debian/two=1:amd64`, and they differ",
        ),
        (
            one().text(at, 0o644, "a"),
            two().text("usr/lib/x/y", 0o644, "b"),
            "`/usr/lib/x/y` of `debian/two=1:amd64` can't be made: `/usr/lib/x` of `debian/one=1:amd64` is not a directory",
        ),
        (
            one().link("usr/lib/x", "/usr/lib/y").link("usr/lib/y", "x"),
            two().text("usr/lib/x/y", 0o644, "b"),
            "symbolic links on the way to `/usr/lib/x/y` lead in a circle",
        ),
    ] {
        assert_eq!(contest(first, second, at), expected);
    }
}

#[test]
fn folders_of_one_package_go_through_the_links_of_another() {
    // Whichever is composed first.
    for (linker, user) in [("one", "two"), ("two", "one")] {
        let world = World::new([
            package(linker, &[]).link("usr/lib/x", "../share/x"),
            package(user, &[])
                .folder("usr/lib/x", 0o755, 0)
                .file("usr/lib/x/y", 0o644)
                .file("var/run/pid", 0o644),
        ]);
        let rootfs = world.compose(&spec([whole("one"), whole("two")])).unwrap();
        for at in ["usr/share/x/y", "run/pid"] {
            assert_eq!(rootfs.origin(&path(at)), Some(&Origin::Package(id(user))), "{at}");
        }
    }
}

#[test]
fn the_stack_files_own_contents_win_and_say_so() {
    let world = World::new([
        package("app", &[]).text("etc/app.conf", 0o644, "theirs").file("usr/bin/app", 0o755),
        local("site").file("index.html", 0o644).file("css/main.css", 0o644),
        local("tool").script("tool", "/bin/sh"),
    ]);
    let mut tool = place("tool", "/bin/");
    tool.owner = (10001, 10001);
    let mut spec = spec([
        text("/etc/app.conf", "ours"),
        whole("app"),
        ContentSpec::Directory(place("site", "/srv/www")),
        ContentSpec::Directory(place("site", "/srv/copies/")),
        ContentSpec::File(tool),
        ContentSpec::Symlink {
            target: "app".to_owned(),
            to: longshore_stack::model::Destination::Exactly(path("bin/a")),
        },
    ]);
    spec.alternatives = [(path("usr/bin/editor"), "/bin/a".to_owned())].into();
    spec.writable = vec![
        WritableSpec { path: path("var/run/app"), owner: (10001, 10001), mode: 0o750 },
        WritableSpec { path: path("srv/www"), owner: (10001, 10001), mode: 0o700 },
    ];
    spec.workdir = Some(path("work"));
    let rootfs = world.compose(&spec).unwrap();
    insta::assert_snapshot!(dump(&rootfs, &["etc/app.conf", "run", "srv", "usr/bin", "work"]));
    assert_eq!(world.read(&rootfs, "etc/app.conf"), b"ours");
    let [finding] = rootfs.findings() else { panic!("{:?}", rootfs.findings()) };
    assert_eq!(
        (finding.lint, finding.severity, &*finding.subject),
        ("override", Severity::Note, "/etc/app.conf")
    );
    assert_eq!(rootfs.roots().iter().map(ToString::to_string).collect::<Vec<_>>(), ["/usr/bin/tool"]);

    spec.contents.push(text("/etc/app.conf", "also ours"));
    assert!(matches!(world.compose(&spec), Err(ComposeError::Conflict { .. })));
    spec.contents.pop();
    spec.alternatives.insert(path("usr/bin/pager"), "/usr/bin/less".to_owned());
    assert!(matches!(world.compose(&spec), Err(ComposeError::Alternative { .. })));
}

#[test]
fn set_id_bits_go_unless_allowed() {
    let world = World::new([package("shadow", &[]).file("usr/bin/su", 0o4755).file("usr/bin/chage", 0o2755)]);
    let mut spec = spec([whole("shadow")]);
    spec.allow = vec![Allow { lint: "setuid".to_owned(), subject: Some("/usr/bin/su".to_owned()) }];
    let rootfs = world.compose(&spec).unwrap();
    let mode = |at| rootfs.tree().get(&path(at)).unwrap().mode;
    assert_eq!((mode("usr/bin/su"), mode("usr/bin/chage")), (0o4755, 0o755));
    assert_eq!(rootfs.findings().iter().map(|f| &*f.subject).collect::<Vec<_>>(), ["/usr/bin/chage"]);
}

/// A program, its libraries, and packages that it has no use for.
fn sliceable() -> World {
    World::new([
        libc(),
        libgcc(),
        package("app", &["app-data", "libc6", "libfoo-2-1", "libqux"])
            .elf("usr/bin/app-1", &["libfoo-2.so.1", "libapp.so", "libc.so.6", "libodd.so.3"], |elf| {
                elf.interpreter = Some(b"/lib64/ld-linux-x86-64.so.2".to_vec());
                elf.runpath = vec![b"$ORIGIN/../lib/app".to_vec()];
                elf.dlopen = vec![b"libnowhere.so.1".to_vec()];
            })
            .link("usr/bin/app", "app-1")
            .library("usr/lib/app/libapp.so", &["libc.so.6"])
            .file("usr/share/app/page.html", 0o644)
            .script("usr/share/app/hook", "/usr/bin/python3"),
        package("app-data", &[]).file("usr/share/app-data/big", 0o644),
        package("libfoo-2-1", &["libc6"])
            .library("usr/lib/x86_64-linux-gnu/libfoo-2.so.1.5", &["libc.so.6"])
            .link("usr/lib/x86_64-linux-gnu/libfoo-2.so.1", "libfoo-2.so.1.5"),
        package("libqux", &["odd"]).library("usr/lib/x86_64-linux-gnu/libqux.so.1", &[]),
        package("odd", &["far"]).library("usr/lib/x86_64-linux-gnu/libodd.so.3", &[]).elf(
            "usr/lib/libfoo-2.so.1",
            &[],
            |elf| elf.machine = 183,
        ),
        package("far", &[]).file("usr/share/far", 0o644),
    ])
}

#[test]
fn a_slice_brings_what_it_needs_and_no_more() {
    let world = sliceable();
    let rootfs = world.compose(&spec([sliced("app", &["/bin/app"], None)])).unwrap();
    insta::assert_snapshot!(dump(&rootfs, &["usr", "var/lib"]));
    let brought: Vec<_> = rootfs.packages().iter().map(|used| (&*used.id.name, used.brought)).collect();
    let sliced = ["app", "libc6", "libfoo-2-1", "libgcc-s1", "odd"].map(|name| (name, Brought::Slice));
    assert_eq!(brought, sliced);
    let app = &rootfs.packages()[0];
    assert_eq!((app.files, app.left_out[&LeftOut::NotNeeded].0), (4, 2));
    // What probably has a library comes first, in one call; only what no name gives away is searched for.
    assert_eq!(world.loaded()[..2], [vec!["app"], vec!["libc6", "libfoo-2-1"]]);
    assert!(!world.loaded().concat().contains(&"far".to_owned()));
}

#[test]
fn slices_move_and_their_libraries_stay() {
    let world = sliceable();
    let rootfs = world
        .compose(&spec([
            sliced("app", &["/usr/bin/app"], Some("/bin/")),
            sliced("app", &["usr/share/app"], Some("/srv/www")),
        ]))
        .unwrap();
    insta::assert_snapshot!(dump(&rootfs, &["srv", "usr/bin", "usr/lib"]));
    assert_eq!(rootfs.roots().iter().map(ToString::to_string).collect::<Vec<_>>(), ["/usr/bin/app"]);
}

#[test]
fn extras_are_looked_for_everywhere_and_their_absence_is_an_error() {
    let world = sliceable();
    let mut request = slice("app", &["/usr/share/app/page.html"], None);
    request.extra = vec![path("usr/share/far")];
    let rootfs = world.compose(&spec([ContentSpec::Slice(request.clone())])).unwrap();
    assert_eq!(rootfs.origin(&path("usr/share/far")), Some(&Origin::Package(id("far"))));

    request.extra = vec![path("usr/share/nowhere")];
    let error = world.compose(&spec([ContentSpec::Slice(request)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "package `app` has no `/usr/share/nowhere`, which image `test` takes from it"
    );
    let error = world.compose(&spec([sliced("app", &["/usr/sbin/app-1"], None)])).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `/usr/bin/app-1`?");
    let error = world.compose(&spec([whole("missing")])).unwrap_err();
    assert_eq!(error.hint().unwrap(), "the lock is older than the stack file; run `longshore lock`");
}

#[test]
fn companions_come_along() {
    let world = World::new([
        libc(),
        libgcc(),
        package("python3-minimal", &["python3.13-minimal"]).link("usr/bin/python3", "python3.13"),
        package("python3.13-minimal", &["libpython3.13-minimal", "libc6"])
            .program("usr/bin/python3.13", &["libc.so.6"])
            .file("etc/python3.13/sitecustomize.py", 0o644),
        package("libpython3.13-minimal", &[])
            .file("usr/lib/python3.13/os.py", 0o644)
            .link("usr/lib/python3.13/sitecustomize.py", "/etc/python3.13/sitecustomize.py"),
        package("libpython3.13-stdlib", &["libssl3t64"]).library(
            "usr/lib/python3.13/lib-dynload/_ssl.so",
            &["libssl.so.3", "libcrypto.so.3", "libc.so.6"],
        ),
        package("libssl3t64", &["libc6", "openssl-provider-legacy"])
            .library("usr/lib/x86_64-linux-gnu/libssl.so.3", &["libcrypto.so.3"])
            .library("usr/lib/x86_64-linux-gnu/libcrypto.so.3", &["libc.so.6"]),
        package("openssl-provider-legacy", &["libssl3t64"])
            .library("usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so", &["libcrypto.so.3"]),
        package("unrelated", &[]),
        package("ca-certificates", &[]).text(
            "usr/share/ca-certificates/mozilla/A.crt",
            0o644,
            "-----BEGIN CERTIFICATE-----\nMAEA\n-----END CERTIFICATE-----",
        ),
    ]);
    let rootfs = world
        .compose(&spec([authorities(), sliced("python3-minimal", &["/usr/bin/python3"], None)]))
        .unwrap();
    insta::assert_snapshot!(dump(&rootfs, &["etc/python3.13", "etc/ssl", "usr/bin", "usr/lib"]));
    assert!(!world.loaded().concat().contains(&"unrelated".to_owned()));
}

#[test]
fn own_certificates_join_the_bundle() {
    let pem = |body| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let folder = "usr/share/ca-certificates/mozilla";
    let world = World::new([
        package("ca-certificates", &[]).text(&format!("{folder}/B.crt"), 0o644, &pem("MAEC")).text(
            &format!("{folder}/A.crt"),
            0o644,
            &pem("MAEB"),
        ),
        package("jre", &[])
            .link("usr/lib/jvm/java-21-openjdk-amd64/lib/security/cacerts", "/etc/ssl/certs/java/cacerts"),
        local("own.pem").text("own.pem", 0o600, &format!("ours:\n{}", pem("MA\nED"))),
        local("bad.pem").text("bad.pem", 0o600, "nonsense"),
    ]);
    let mut spec = spec([authorities(), whole("jre")]);
    spec.certificates = vec!["own.pem".to_owned()];
    let rootfs = world.compose(&spec).unwrap();
    let bundle = String::from_utf8(world.read(&rootfs, "etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert_eq!(bundle, pem("MAEB") + &pem("MAEC") + &pem("MAED"));
    assert!(rootfs.tree().get(&path(folder)).is_none(), "the fragment is the bundle alone");
    assert!(rootfs.tree().get(&path("var/lib/dpkg/status.d/ca-certificates")).is_some());
    let store = world.read(&rootfs, "etc/ssl/certs/java/cacerts");
    assert_eq!(store[..12], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 3]);

    spec.certificates = vec!["bad.pem".to_owned()];
    let error = world.compose(&spec).unwrap_err();
    assert_eq!(error.to_string(), "certificate `bad.pem` can't be used: it holds no certificate");
    spec.contents.remove(0);
    assert!(matches!(world.compose(&spec), Err(ComposeError::NoBundle { .. })));
}

#[test]
fn zones_come_from_their_package_and_the_release_from_base_files() {
    let world = World::new([
        package("tzdata", &["unwanted"])
            .file("usr/share/zoneinfo/Etc/UTC", 0o644)
            .hard("usr/share/zoneinfo/UTC", "usr/share/zoneinfo/Etc/UTC")
            .file("usr/sbin/tzconfig", 0o755),
        package("unwanted", &[]),
        package("base-files", &[]).text("usr/lib/os-release", 0o644, "ID=mine"),
    ]);
    let rootfs = world.compose(&spec([zones()])).unwrap();
    insta::assert_snapshot!(dump(&rootfs, &["etc/localtime", "etc/os-release", "usr"]));
    assert_eq!(rootfs.packages()[0].brought, Brought::Slice);
    assert_eq!(rootfs.packages()[1].brought, Brought::Fragment);
    assert!(!world.loaded().concat().contains(&"unwanted".to_owned()));
}
