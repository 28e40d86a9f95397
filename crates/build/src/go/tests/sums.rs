//! `h1:` sums, with Go as the oracle.

use std::io::Cursor;

use fs_err as fs;
use longshore_testkit::Tool;

use super::{module, zip};
use crate::go::dirhash;

#[test]
fn the_sum_of_a_real_go_mod() {
    // rsc.io/quote@v1.5.2, whose sum is in many a go.sum.
    let text = b"module \"rsc.io/quote\"\n\nrequire \"rsc.io/sampler\" v1.3.0\n";
    assert_eq!(dirhash::go_mod(text), "h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=");
}

/// A module that Go takes from a proxy in a folder, and what Go says its sums are.
#[test]
fn go_finds_the_same_sums() {
    let hello = module("example.org/Hello", "v1.2.3");
    let go_mod = "module example.org/Hello\n\ngo 1.21\n";
    let bytes = zip(&[
        ("example.org/Hello@v1.2.3/hello.go", "package hello\n\nconst Text = \"hello\"\n"),
        ("example.org/Hello@v1.2.3/go.mod", go_mod),
        ("example.org/Hello@v1.2.3/data/Größe.txt", "é"),
        ("example.org/Hello@v1.2.3/data/empty", ""),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("proxy").join(hello.cached());
    fs::create_dir_all(base.parent().unwrap()).unwrap();
    let file = |ending: &str| format!("{}.{ending}", base.display());
    fs::write(file("zip"), &bytes).unwrap();
    fs::write(file("mod"), go_mod).unwrap();
    fs::write(file("info"), "{\"Version\":\"v1.2.3\"}").unwrap();
    let said = Tool::new("go")
        .args(["mod", "download", "-json", "-modcacherw", &hello.to_string()])
        .env("GOPROXY", format!("file://{}/proxy", folder.path().display()))
        .env("GOMODCACHE", folder.path().join("cache"))
        .env("GOCACHE", folder.path().join("build"))
        .env("GOSUMDB", "off")
        .env("GOENV", "off")
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .env("GO111MODULE", "on")
        .run();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["Sum"], dirhash::zip(Cursor::new(&bytes), &hello).unwrap());
    assert_eq!(said["GoModSum"], dirhash::go_mod(go_mod.as_bytes()));
}

#[test]
fn zips_that_are_no_modules_are_refused() {
    let m = module("a.org/m", "v1.0.0");
    for (files, problem) in [
        (vec![("a.org/m@v1.0.1/x", "")], "lies outside the module's folder"),
        (vec![("/etc/passwd", "")], "lies outside the module's folder"),
        (vec![("a.org/m@v1.0.0/../x", "")], "isn't safe"),
        (vec![("a.org/m@v1.0.0/a\nb", "")], "isn't safe"),
    ] {
        let error = dirhash::zip(Cursor::new(zip(&files)), &m).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
    assert!(dirhash::zip(Cursor::new(b"no zip".to_vec()), &m).is_err());
}

#[test]
fn a_file_more_a_file_less_or_another_byte_is_another_sum() {
    let m = module("a.org/m", "v1.0.0");
    let sum = |files: &[(&str, &str)]| dirhash::zip(Cursor::new(zip(files)), &m).unwrap();
    let good = sum(&[("a.org/m@v1.0.0/a", "a"), ("a.org/m@v1.0.0/b", "b")]);
    assert_eq!(
        sum(&[("a.org/m@v1.0.0/b", "b"), ("a.org/m@v1.0.0/a", "a")]),
        good,
        "order counts for nothing"
    );
    assert_ne!(sum(&[("a.org/m@v1.0.0/a", "a")]), good);
    assert_ne!(sum(&[("a.org/m@v1.0.0/a", "a"), ("a.org/m@v1.0.0/b", "c")]), good);
    assert_ne!(
        sum(&[("a.org/m@v1.0.0/a", "a"), ("a.org/m@v1.0.0/b", "b"), ("a.org/m@v1.0.0/EVIL", "")]),
        good
    );
}

proptest::proptest! {
    #[test]
    fn damaged_zips_never_panic(at in 0_usize..400, with: u8) {
        let m = module("a.org/m", "v1.0.0");
        let mut bytes = zip(&[("a.org/m@v1.0.0/a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ("a.org/m@v1.0.0/b", "b")]);
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = dirhash::zip(Cursor::new(bytes), &m);
    }
}
