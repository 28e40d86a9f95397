//! Go modules from what was vendored, which may say anything.

use std::io::Cursor;

use longshore_stack::model::{Cgo, GoBuild, GoSource};

use super::{module, zip};
use crate::fixture::{Files, platform};
use crate::go::gosum::{GoSum, Part};
use crate::go::{self, dirhash};
use crate::{Error, Kind};

const GO_MOD: &str = "module example.com/x\n\ngo 1.21\n";

#[test]
fn modules_are_held_to_go_sum_and_a_list_vouches_for_nothing() {
    let x = module("example.com/x", "v1.0.0");
    let files = |text| zip(&[("example.com/x@v1.0.0/go.mod", GO_MOD), ("example.com/x@v1.0.0/x.go", text)]);
    let (right, wrong) = (files("package x\n"), files("package y\n"));
    let sum = |bytes: &[u8]| dirhash::zip(Cursor::new(bytes.to_owned()), &x).unwrap();
    let lines = |zip: &[u8]| {
        let mut sums = GoSum::default();
        sums.insert(&x, Part::Zip, sum(zip));
        sums.insert(&x, Part::GoMod, dirhash::go_mod(GO_MOD.as_bytes()));
        sums.to_string()
    };
    let spec = GoBuild {
        source: GoSource::Path(String::from("app")),
        packages: vec![String::from(".")],
        tags: Vec::new(),
        ldflags: Vec::new(),
        cgo: Cgo::Off,
    };
    let prepare = |list: &str, zip: Option<&[u8]>| {
        let (fixture, supply) = Files::fixture(Some((Kind::GoModules, list.as_bytes().to_owned())));
        supply.give(&format!("{x} {}", dirhash::go_mod(GO_MOD.as_bytes())), GO_MOD.as_bytes());
        if let Some(zip) = zip {
            // Whatever it is, it is called what the list says.
            supply.give(&format!("{x} {}", sum(&right)), zip);
            supply.give(&format!("{x} {}", sum(&wrong)), zip);
        }
        let go_mod = "module app\n\ngo 1.21\n\nrequire example.com/x v1.0.0\n";
        let go_sum = lines(&right);
        let files = [("go.mod", go_mod), ("go.sum", go_sum.as_str()), ("main.go", "package main\n")];
        let input = fixture.input(&files, &[("golang-go", "2:1.24~2"), ("golang-1.24-go", "1.24.4-1")]);
        go::prepare("app", &spec, &platform("linux/amd64"), &input, &GoSum::default()).map(|made| made.recipe)
    };

    let recipe = prepare(&lines(&right), Some(&right)).unwrap();
    assert!(recipe.mounts.contains_key("/deps/modules"));
    let missing = prepare(&lines(&right), None).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "build `app` needs what was not vendored: Go module `example.com/x` v1.0.0"
    );
    for (list, zip) in [(&right, &wrong), (&wrong, &wrong)] {
        let error = prepare(&lines(list), Some(zip)).unwrap_err();
        assert!(
            matches!(&error, Error::Go(error) if matches!(**error, go::GoError::Checksum { .. })),
            "{error}"
        );
    }
}
