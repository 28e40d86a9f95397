//! Versions compared with dpkg's own order. Needs Perl's `Dpkg::Version`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::cmp::Ordering;
use std::io::Write;
use std::process::{Command, Stdio};

use longshore_sources::deb::version::{Version, check};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// dpkg's order of each pair.
fn dpkg(pairs: &[(String, String)]) -> Vec<Option<Ordering>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dpkg_versions.pl");
    let mut child = Command::new("perl")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("perl is missing: `apt-get install libdpkg-perl`");
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "Perl has no Dpkg::Version: `apt-get install libdpkg-perl`");
    writer.join().unwrap().unwrap();
    let order = |line: &str| match line {
        "-1" => Some(Ordering::Less),
        "0" => Some(Ordering::Equal),
        "1" => Some(Ordering::Greater),
        "invalid" => None,
        other => panic!("`{other}` from Perl"),
    };
    String::from_utf8(output.stdout).unwrap().lines().map(order).collect()
}

/// Versions that are near each other: few characters, short runs, sometimes long numbers.
fn version() -> impl Strategy<Value = String> {
    let epoch = prop_oneof![4 => Just(String::new()), 1 => "[0-2]{1,2}:"];
    let upstream = "[0-2][0-2a-cA.+~]{0,6}(-[0a~]{1,2})?|[0-9]{18,24}[a~]?";
    let revision = prop_oneof![1 => Just(String::new()), 2 => "-[0-1a+~.]{1,5}"];
    (epoch, upstream, revision).prop_map(|(epoch, upstream, revision)| format!("{epoch}{upstream}{revision}"))
}

#[test]
fn order_is_dpkgs() {
    let mut runner = TestRunner::default();
    let mut one = || version().new_tree(&mut runner).unwrap().current();
    let mut pairs: Vec<(String, String)> = (0..20_000).map(|_| (one(), one())).collect();
    // The same version written otherwise.
    for at in 0..1000 {
        let version = pairs[at].0.clone();
        let epoch = if version.contains(':') { "0" } else { "0:" };
        let zero = version.replacen('.', ".0", 1);
        pairs.push((version.clone(), format!("{epoch}{version}")));
        pairs.push((version, zero));
    }
    let orders = dpkg(&pairs);
    assert_eq!(orders.len(), pairs.len());
    for ((a, b), order) in pairs.iter().zip(&orders) {
        let (ours_a, ours_b): (Version, Version) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(Some(ours_a.cmp(&ours_b)), *order, "`{a}` and `{b}`");
    }
    let count = |wanted| orders.iter().filter(|order| **order == Some(wanted)).count();
    for order in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        assert!(count(order) > 100, "{order:?} hardly occurs: {}", count(order));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(a in any::<String>(), b in any::<String>()) {
        let _ = (check(&a), check(&b));
        let order = longshore_sources::deb::version::compare(&a, &b);
        prop_assert_eq!(longshore_sources::deb::version::compare(&b, &a), order.reverse());
    }

    #[test]
    fn order_is_transitive(mut versions in proptest::collection::vec(version(), 3)) {
        versions.sort_by(|a, b| longshore_sources::deb::version::compare(a, b));
        prop_assert!(longshore_sources::deb::version::compare(&versions[0], &versions[2]).is_le());
    }
}
