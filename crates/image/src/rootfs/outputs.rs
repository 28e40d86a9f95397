//! Tests: what builds made and archives hold, whole and in part.

use longshore_stack::model::ContentSpec;

use super::fixture::*;
use super::*;

fn world() -> World {
    World::new([
        libc(),
        built("backend")
            .program("bin/backend", &["libc.so.6"])
            .hard("bin/again", "bin/backend")
            .file("share/page.html", 0o644)
            .link("share/index.html", "page.html"),
        archive("tool").file("tool-1.2", 0o755),
        archive("site").folder("css", 0o755, 0).file("css/main.css", 0o644).file("index.html", 0o644),
    ])
}

fn paths(rootfs: &RootFs, origin: &Origin) -> Vec<String> {
    let all = rootfs.tree().iter().filter(|(path, _)| rootfs.origin(path) == Some(origin));
    all.map(|(path, entry)| format!("{:04o} {}:{} {path}", entry.mode, entry.uid, entry.gid)).collect()
}

#[test]
fn a_part_goes_where_it_is_put() {
    let mut program = output("backend", Some("bin/backend"), "/bin/");
    program.owner = (10001, 10002);
    program.mode = Some(0o700);
    let contents = [
        whole("libc6"),
        ContentSpec::Build(program),
        ContentSpec::Build(output("backend", Some("bin/again"), "/opt/other")),
        ContentSpec::Build(output("backend", Some("share"), "/srv/www")),
        ContentSpec::Build(output("backend", Some("share"), "/srv/copies/")),
    ];
    let rootfs = world().compose(&spec(contents)).unwrap();
    assert_eq!(
        paths(&rootfs, &Origin::Build("backend".to_owned())),
        [
            "0755 0:0 /opt",
            "0755 0:0 /opt/other",
            "0755 0:0 /srv",
            "0755 0:0 /srv/copies",
            "0755 0:0 /srv/copies/share",
            "0777 0:0 /srv/copies/share/index.html",
            "0644 0:0 /srv/copies/share/page.html",
            "0755 0:0 /srv/www",
            "0777 0:0 /srv/www/index.html",
            "0644 0:0 /srv/www/page.html",
            "0700 10001:10002 /usr/bin/backend",
        ]
    );
    // The other name of a hard link came alone, so it is a file of its own.
    assert!(matches!(rootfs.tree().get(&path("opt/other")).unwrap().node, longshore_oci::Node::File(_)));
    let roots: Vec<_> = rootfs.roots().iter().map(ToString::to_string).collect();
    assert_eq!(roots, ["/usr/bin/backend"]);
    assert!(rootfs.facts().contains_key(&path("usr/bin/backend")));
}

#[test]
fn all_of_it_goes_where_it_is_put() {
    let contents = [
        ContentSpec::Build(output("backend", None, "/opt/backend")),
        ContentSpec::Url(output("site", None, "/srv/")),
        // One file alone is that file.
        ContentSpec::Url(output("tool", None, "/bin/tool")),
        ContentSpec::Url(output("tool", None, "/bin/")),
    ];
    let rootfs = world().compose(&spec(contents)).unwrap();
    let of = |name: &str| paths(&rootfs, &Origin::Url(name.to_owned()));
    assert_eq!(of("tool"), ["0755 0:0 /usr/bin/tool", "0755 0:0 /usr/bin/tool-1.2"]);
    assert_eq!(
        of("site"),
        ["0755 0:0 /srv", "0755 0:0 /srv/css", "0644 0:0 /srv/css/main.css", "0644 0:0 /srv/index.html"]
    );
    let entry = rootfs.tree().get(&path("opt/backend/bin/again")).unwrap();
    let program = path("opt/backend/bin/backend");
    assert_eq!(entry.node, longshore_oci::Node::Hardlink(program));
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let refuse = |content| {
        let error = world().compose(&spec([content])).unwrap_err();
        format!("{error}\n  {}", error.hint().unwrap())
    };
    assert_eq!(
        refuse(ContentSpec::Build(output("backend", Some("backend"), "/bin/"))),
        "build backend has no `backend`, which image `test` takes from it\n  did you mean `from = \"bin/backend\"`?"
    );
    assert_eq!(
        refuse(ContentSpec::Url(output("tool", Some("tool"), "/bin/"))),
        "url tool has no `tool`, which image `test` takes from it\n  did you mean `from = \"tool-1.2\"`?"
    );
    assert_eq!(
        refuse(ContentSpec::Url(output("tool", Some("readme"), "/bin/"))),
        "url tool has no `readme`, which image `test` takes from it\n  it has `tool-1.2` …; correct `from`, then run `longshore check`"
    );
    let missing = world().compose(&spec([ContentSpec::Url(output("gone", None, "/bin/"))])).unwrap_err();
    assert!(matches!(missing, ComposeError::NoLocal { .. }), "{missing}");
}
