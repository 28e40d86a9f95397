//! Packages in, packages out.

use longshore_oci::{Content, Digest};
use proptest::prelude::*;

use super::{Alternative, Index, IndexError, MultiArch, Packages, Priority};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn index(text: &str) -> Result<Index, IndexError> {
    Index::build(&[Packages { source: "debian", suite: "trixie", text: text.as_bytes() }], "amd64")
}

fn paragraph(fields: &str) -> String {
    format!(
        "Package: a\nVersion: 2:1.0-1\nArchitecture: amd64\nSize: 5000000000\nSHA256: {ZEROS}\n{fields}\n"
    )
}

#[test]
fn all_fields() {
    let text = paragraph(
        "Filename: pool/main/a/a_1.0-1_amd64.deb\nSource: src (1.0)\nSection: web\nPriority: standard\nMulti-Arch: foreign\n\
         Essential: yes\nProtected: yes\nInstalled-Size: 12\nPre-Depends: x (>= 1)\nDepends: y | z:i386 (<< 2), w\n\
         Conflicts: q, r:i386\nBreaks: s (<= 3)\nProvides: v (= 3), u",
    );
    let index = index(&text).unwrap();
    let package = index.packages(index.name("a").unwrap()).next().unwrap();
    assert_eq!(package.id().to_string(), "debian/a=2:1.0-1:amd64");
    assert_eq!(package.path(), "pool/main/a/a_1.0-1_amd64.deb");
    assert_eq!(package.content(), Content { digest: Digest::from_bytes([0; 32]), size: 5_000_000_000 });
    assert_eq!((package.suite(), package.section(), package.installed_kib()), ("trixie", "web", 12));
    assert_eq!((package.source_package(), package.source_version()), ("src", "1.0"));
    assert_eq!((package.priority(), package.multi_arch()), (Priority::Standard, MultiArch::Foreign));
    assert!(package.is_essential() && package.is_protected());
    let shown = |a: &Alternative<'_>| format!("{} {:?}", index.name_text(a.name), a.wanted);
    let depends: Vec<Vec<_>> = package.depends().map(|group| group.iter().map(shown).collect()).collect();
    assert_eq!(
        depends,
        [vec!["x Version(LaterOrEqual, \"1\")"], vec!["y Any", "z OtherArchitecture"], vec!["w Any"]]
    );
    let conflicts: Vec<_> = package.conflicts().map(|a| shown(&a)).collect();
    assert_eq!(conflicts, ["q Any", "s Version(EarlierOrEqual, \"3\")"]);
    assert_eq!(package.breaks().count(), 1);
    let provided =
        |name: &str| index.providers(index.name(name).unwrap()).map(|(p, v)| (p.at(), v)).collect::<Vec<_>>();
    assert_eq!(provided("v"), [(package.at(), Some("3"))]);
    assert_eq!(provided("u"), [(package.at(), None)]);
}

#[test]
fn ranks_are_in_apts_order() {
    let text = paragraph("Filename: x/a.deb\nProvides: b\nDepends: c, d:any\nRecommends: e\nPre-Depends: d");
    let text = format!(
        "{text}\nPackage: e\nVersion: 1\nArchitecture: all\nSize: 1\nSHA256: {ZEROS}\nFilename: e.deb\n"
    );
    let index = index(&text).unwrap();
    let mut names = ["a", "b", "c", "d", "e"];
    names.sort_by_key(|name| index.rank(index.name(name).unwrap()));
    assert_eq!(names, ["a", "d", "c", "e", "b"]);
}

#[test]
fn doubles_and_other_architectures() {
    let one = paragraph("Filename: x/a.deb");
    let other = one.replace("Architecture: amd64", "Architecture: arm64");
    assert_eq!(index(&format!("{one}\n{one}\n{other}")).unwrap().package_count(), 1);
    assert_eq!(
        index(&format!("{one}\n{}", one.replace("SHA256: 0", "SHA256: 1"))).unwrap().package_count(),
        2
    );
}

#[test]
fn bad_fields_are_named() {
    let good = paragraph("Filename: x/a.deb");
    for (from, to, field) in [
        ("x/a.deb", "../a.deb", "Filename"),
        ("x/a.deb", "/etc/passwd", "Filename"),
        ("x/a.deb", "http://elsewhere/a.deb", "Filename"),
        ("x/a.deb", "x/a b.deb", "Filename"),
        ("SHA256", "MD5sum", "SHA256"),
        ("5000000000", "-1", "Size"),
        ("2:1.0-1", "2:", "Version"),
        ("Package: a", "Package: a/b", "Package"),
        ("Filename", "Depends: (x)\nFilename", "Depends"),
    ] {
        match index(&good.replace(from, to)) {
            Err(IndexError::Field(error)) => assert_eq!(error.field, field),
            other => panic!("{to}: {other:?}"),
        }
    }
    let bytes = [Packages { source: "debian", suite: "trixie", text: b"Package: \xff" }];
    assert!(matches!(Index::build(&bytes, "amd64"), Err(IndexError::Encoding { valid: 9, .. })));
    assert!(matches!(index("nonsense"), Err(IndexError::Syntax { .. })));
}

proptest! {
    #[test]
    fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..200), at in 0..200_usize) {
        let good = paragraph("Filename: x/a.deb\nDepends: a (>= 1) | b\nProvides: c (= 2)");
        let mut mixed = good.into_bytes();
        let at = at.min(mixed.len());
        mixed.splice(at..at, text);
        let _ = Index::build(&[Packages { source: "s", suite: "t", text: &mixed }], "amd64");
    }
}
