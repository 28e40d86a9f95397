//! Which Go builds a module, and with what.

use std::collections::BTreeMap;

use longshore_oci::{Digest, PackageId, Platform};
use longshore_stack::model::{Cgo, GoBuild, GoSource};

use crate::error::Failed;
use crate::go::client::{self, Client};
use crate::go::version::GoVersion;
use crate::go::{GoError, GoMod, arguments, package_of, toolchain};
use crate::{Error, Root};

use super::module;

fn version(text: &str) -> GoVersion {
    GoVersion::parse(text).unwrap()
}

#[test]
fn versions_are_ordered_as_go_orders_them() {
    let order = [
        "1.20rc1",
        "1.20",
        "1.20.1",
        "1.21",
        "1.21rc1",
        "1.21rc2",
        "1.21.0",
        "1.21.10",
        "1.24",
        "1.24beta1",
        "1.24.4",
    ];
    for pair in order.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
    for bad in ["", "1", "2.0", "1.", "1.24.", "1.24.4-1", "1.024", "1.24foo", "go1.24", "1.99999999999"] {
        assert_eq!(GoVersion::parse(bad), None, "{bad}");
    }
    assert_eq!(version("1.26").release(), "go1.26.0");
    assert_eq!(version("1.26rc1").release(), "go1.26rc1");
    assert_eq!(version("1.20").release(), "go1.20");
}

#[test]
fn a_newer_release_is_taken_only_where_the_module_wants_it() {
    let locked = version("1.24.4");
    for (go, preferred, expected) in [
        ("1.24.3", None, None),
        ("1.24", None, None),
        ("1.26.5", None, Some("go1.26.5")),
        ("1.25", None, Some("go1.25.0")),
        ("1.23", Some("go1.26.6"), Some("go1.26.6")),
        ("1.26.5", Some("go1.25.1"), Some("go1.26.5")),
        ("1.23", Some("default"), None),
    ] {
        let file =
            GoMod { go: Some(go.to_owned()), toolchain: preferred.map(str::to_owned), ..GoMod::default() };
        let wanted = toolchain::wanted(&file, Some(&locked)).map(|version| version.release());
        assert_eq!(wanted.as_deref(), expected, "{go} {preferred:?}");
        assert_eq!(toolchain::wanted(&file, None), None, "the machine's own Go says itself what it lacks");
    }
    let module = toolchain::module(&version("1.26.0"), &"linux/amd64".parse().unwrap()).unwrap();
    assert_eq!(module.to_string(), "golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64");
}

fn root(packages: &[(&str, &str)]) -> Root {
    let id = |(name, version): &(&str, &str)| PackageId {
        source: "debian".to_owned(),
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        architecture: "amd64".to_owned(),
    };
    Root::Packages(packages.iter().map(|package| (id(package), Digest::of(b""))).collect())
}

#[test]
fn go_is_found_among_the_packages() {
    let both = root(&[
        ("golang-1.24-go", "1.24.4-1+b2"),
        ("golang-go", "2:1.24~2"),
        ("golang-1.24-src", "1.24.4-1"),
    ]);
    let client = Client::of_root(&both, "web").unwrap();
    assert_eq!((client.shell().as_str(), client.version), ("/usr/bin/go", Some(version("1.24.4"))));
    let two = root(&[("golang-1.24-go", "1.24.4-1"), ("golang-1.26-go", "1.26~rc2-1")]);
    let client = Client::of_root(&two, "web").unwrap();
    assert_eq!(
        (client.shell().as_str(), client.version),
        ("/usr/lib/go-1.26/bin/go", Some(version("1.26rc2")))
    );
    let error = Client::of_root(&root(&[("golang-docker-credential-helpers", "0.6"), ("gcc", "14")]), "web")
        .unwrap_err();
    assert!(matches!(error, GoError::NoGo { .. }) && error.hint().unwrap().contains("golang-go"));
}

#[test]
fn a_go_that_is_no_package_comes_first() {
    let fixture = crate::fixture::Fixture::new();
    let mut input = fixture.input(&[], &[("golang-go", "2:1.24~2"), ("golang-1.24-go", "1.24.4-1+b2")]);
    input.tools = vec![fixture.tool("go", &[("bin/go", ""), ("VERSION", "go1.26.5\ntime 2026-08-01\n")])];
    let client = Client::of(&input, "web").unwrap();
    assert_eq!((client.shell().as_str(), client.version), ("/deps/tools/go/bin/go", Some(version("1.26.5"))));
    input.tools = vec![fixture.tool("other", &[("bin/gofmt", "")])];
    assert_eq!(Client::of(&input, "web").unwrap().shell(), "/usr/bin/go");
}

#[test]
fn the_build_has_no_network_no_settings_and_a_platform() {
    let arm: Platform = "linux/arm/v7".parse().unwrap();
    let env = client::build_env(&arm, Cgo::Off);
    let expected = BTreeMap::from([
        ("CGO_ENABLED", "0"),
        ("GOARCH", "arm"),
        ("GOARM", "7"),
        ("GOCACHE", "/build/gc"),
        ("GOENV", "off"),
        ("GOFLAGS", "-mod=readonly"),
        ("GOMODCACHE", "/build/gm"),
        ("GOOS", "linux"),
        ("GOPROXY", "file:///deps/modules"),
        ("GOSUMDB", "off"),
        ("GOTELEMETRY", "off"),
        ("GOTMPDIR", "/build"),
        ("GOTOOLCHAIN", "local"),
        ("GOWORK", "off"),
    ]);
    assert_eq!(env, expected.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
    let spec = GoBuild {
        source: GoSource::Path(".".to_owned()),
        packages: vec![],
        tags: vec!["netgo".to_owned(), "osusergo".to_owned()],
        ldflags: vec!["-X main.version=1.2.3".to_owned()],
        cgo: Cgo::Off,
    };
    assert_eq!(
        arguments(&spec, vec!["./cmd/x".to_owned()]),
        [
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags=-s -w -buildid= -X main.version=1.2.3",
            "-tags=netgo,osusergo",
            "-o",
            "/out/bin/",
            "./cmd/x",
        ]
    );
}

#[test]
fn packages_of_published_modules_get_their_whole_names() {
    let loki = module("github.com/grafana/loki/v3", "v3.7.8");
    for (package, expected) in [
        ("./cmd/loki", Some("github.com/grafana/loki/v3/cmd/loki")),
        (".", Some("github.com/grafana/loki/v3")),
        ("github.com/grafana/loki/v3/cmd/loki", Some("github.com/grafana/loki/v3/cmd/loki")),
        ("./../x", None),
        ("./a';reboot;'", None),
        ("example.org/other", None),
        ("-o", None),
    ] {
        assert_eq!(package_of(&loki, package).as_deref(), expected, "{package}");
    }
}

/// Lines that Go really prints.
#[test]
fn what_go_says_becomes_an_error_with_a_remedy() {
    let explained = |line: &str| {
        let error = Error::Failed(Box::new(Failed {
            build: "web".to_owned(),
            step: "go mod download".to_owned(),
            how: "ended with exit status 1".to_owned(),
            tail: vec!["go: downloading x v1.0.0".to_owned(), line.to_owned()],
            log: "log".into(),
            kept: None,
        }));
        match client::explain(error, "`x`") {
            Error::Go(error) => *error,
            other => panic!("{other}"),
        }
    };
    for line in [
        "main.go:3:8: missing go.sum entry for module providing package rsc.io/quote (imported by x); to add:",
        "go: updates to go.mod needed; to update it:",
    ] {
        assert!(matches!(explained(line), GoError::Untidy { .. }), "{line}");
    }
    for line in [
        "go: rsc.io/quote@v1.5.99: reading https://proxy/rsc.io/quote/@v/v1.5.99.info: 404 Not Found",
        "go: example.org/x@v1.0.0: invalid version: unknown revision v1.0.0",
    ] {
        assert!(matches!(explained(line), GoError::NotFound { .. }), "{line}");
    }
    let refused = "go: rsc.io/quote@v1.5.2: Get \"https://p/rsc.io/quote/@v/v1.5.2.mod\": dial tcp 127.0.0.1:1: connect: connection refused";
    assert!(matches!(explained(refused), GoError::Unreachable { .. }));
    let changed = "verifying rsc.io/quote@v1.5.2: checksum mismatch";
    assert!(matches!(explained(changed), GoError::Tampered { .. }));
    let unknown =
        "go: x@v1.0.0: verifying module: x@v1.0.0: reading https://sums/lookup/x@v1.0.0: 404 Not Found";
    assert!(matches!(explained(unknown), GoError::Unvouched { .. }));
    assert!(explained(unknown).hint().unwrap().contains("sums"));
}
