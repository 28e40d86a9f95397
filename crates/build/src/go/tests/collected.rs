//! Module caches, held to sums.

use std::io::Cursor;
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Store, Tree};

use super::{module, zip};
use crate::Error;
use crate::go::collect::collect;
use crate::go::dirhash;
use crate::go::gosum::Part;
use crate::go::{GoError, GoSum, ModuleVersion};

const GO_MOD: &str = "module a.org/M\n";

/// A cache as Go leaves it: besides the two files that count, others that change with time.
fn cache(folder: &Path, m: &ModuleVersion, zip: &[u8]) {
    let base = folder.join(m.cached()).display().to_string();
    fs::create_dir_all(Path::new(&base).parent().unwrap()).unwrap();
    fs::write(format!("{base}.zip"), zip).unwrap();
    fs::write(format!("{base}.mod"), GO_MOD).unwrap();
    fs::write(format!("{base}.info"), "{\"Version\":\"v1.0.0\",\"Time\":\"2026-11-23T00:00:00Z\"}").unwrap();
    fs::write(format!("{base}.ziphash"), "h1:whatever").unwrap();
    fs::create_dir_all(folder.join("sumdb/x")).unwrap();
    fs::write(folder.join("sumdb/x/latest"), "1").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", format!("{base}.lock")).unwrap();
}

fn taken(zip: &[u8], sums: &GoSum) -> Result<Tree, Error> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let m = module("a.org/M", "v1.0.0");
    cache(&folder.path().join("download"), &m, zip);
    collect(&folder.path().join("download"), sums, "go.sum", &store, 2)
}

fn good() -> (Vec<u8>, GoSum) {
    let m = module("a.org/M", "v1.0.0");
    let bytes = zip(&[("a.org/M@v1.0.0/go.mod", GO_MOD), ("a.org/M@v1.0.0/m.go", "package m\n")]);
    let mut sums = GoSum::default();
    sums.insert(&m, Part::Zip, dirhash::zip(Cursor::new(&bytes), &m).unwrap());
    sums.insert(&m, Part::GoMod, dirhash::go_mod(GO_MOD.as_bytes()));
    (bytes, sums)
}

#[test]
fn only_files_with_sums_are_taken_and_no_time_with_them() {
    let (bytes, sums) = good();
    let tree = taken(&bytes, &sums).unwrap();
    let names: Vec<_> = tree.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(names, ["/a.org/!m/@v/v1.0.0.info", "/a.org/!m/@v/v1.0.0.mod", "/a.org/!m/@v/v1.0.0.zip"]);
    let info = tree.iter().next().unwrap().1;
    let expected = longshore_oci::Content::of(b"{\"Version\":\"v1.0.0\"}");
    assert_eq!(info.node, longshore_oci::Node::File(expected));
    assert!(taken(&bytes, &GoSum::default()).unwrap().is_empty());
    assert_eq!(sums.within(&tree), sums);
    assert!(sums.within(&Tree::new()).is_empty());
}

#[test]
fn a_tampered_zip_or_go_mod_is_refused_by_name() {
    let (bytes, mut sums) = good();
    let evil = zip(&[
        ("a.org/M@v1.0.0/go.mod", GO_MOD),
        ("a.org/M@v1.0.0/m.go", "package m\n"),
        ("a.org/M@v1.0.0/evil.go", "package m\n"),
    ]);
    let m = module("a.org/M", "v1.0.0");
    let expected = sums.get(&m, Part::Zip).unwrap().to_owned();
    let found = dirhash::zip(Cursor::new(&evil), &m).unwrap();
    let error = taken(&evil, &sums).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`a.org/M@v1.0.0`") && text.contains(&expected) && text.contains(&found), "{text}");
    assert!(error.hint().is_some());

    sums.insert(&m, Part::GoMod, dirhash::go_mod(b"module other\n"));
    match taken(&bytes, &sums).unwrap_err() {
        Error::Go(error) => {
            assert!(matches!(*error, GoError::Checksum { part: "its go.mod", .. }), "{error}")
        }
        other => panic!("{other}"),
    }
}
