//! `go.mod` and `go.sum`.

use proptest::prelude::*;

use super::module;
use crate::go::gosum::Part;
use crate::go::{GoMod, GoSum, ModuleVersion, Relation, Replace, Replacement};

/// Of a real one each kind of line, and the odd ones that Go takes too.
const FILE: &str = r#"// Deprecated: not really.
module github.com/grafana/loki/v3 // trailing

go 1.26.5
toolchain go1.26.6

godebug default=go1.21
godebug (
	panicnil=1
)

ignore ./tools/dev

require (
	cloud.google.com/go/bigtable v1.45.0
	github.com/Azure/go-autorest/autorest/adal v0.9.24 // indirect
	github.com/dgrijalva/jwt-go v3.2.0+incompatible // indirect; why
	"gopkg.in/yaml.v2" v2.4.0 // keep
)
require github.com/grafana/loki/pkg/push v0.0.0-20240924133635-758364c7775f

replace github.com/Azure/azure-sdk-for-go => github.com/Azure/azure-sdk-for-go v68.0.0+incompatible
replace (
	github.com/gocql/gocql v1.0.0 => github.com/grafana/gocql v0.0.0-20200605141915-ba5dc39ece85
	github.com/grafana/loki/pkg/push => ./pkg/push
)
exclude k8s.io/client-go v8.0.0+incompatible
retract [v1.0.0, v1.9.9]
retract (
	v2.0.0 // oops
)
tool golang.org/x/tools/cmd/stringer
"#;

#[test]
fn a_real_file_is_read() {
    let file = GoMod::parse(FILE).unwrap();
    assert_eq!(file.module, "github.com/grafana/loki/v3");
    assert_eq!((file.go.as_deref(), file.toolchain.as_deref()), (Some("1.26.5"), Some("go1.26.6")));
    assert_eq!(file.godebug, ["default=go1.21", "panicnil=1"]);
    let required: Vec<_> = file.require.iter().map(|r| (r.module.to_string(), r.relation)).collect();
    assert_eq!(
        required,
        [
            ("cloud.google.com/go/bigtable@v1.45.0".to_owned(), Relation::Direct),
            ("github.com/Azure/go-autorest/autorest/adal@v0.9.24".to_owned(), Relation::Indirect),
            ("github.com/dgrijalva/jwt-go@v3.2.0+incompatible".to_owned(), Relation::Indirect),
            ("gopkg.in/yaml.v2@v2.4.0".to_owned(), Relation::Direct),
            (
                "github.com/grafana/loki/pkg/push@v0.0.0-20240924133635-758364c7775f".to_owned(),
                Relation::Direct
            ),
        ]
    );
    assert_eq!(file.exclude, [module("k8s.io/client-go", "v8.0.0+incompatible")]);
    assert_eq!(
        file.replace[2],
        Replace {
            old: "github.com/grafana/loki/pkg/push".to_owned(),
            version: None,
            new: Replacement::Folder("./pkg/push".to_owned()),
        }
    );
    // Only the version that is named is replaced.
    assert!(file.replacement(&module("github.com/gocql/gocql", "v1.0.0")).is_some());
    assert!(file.replacement(&module("github.com/gocql/gocql", "v1.1.0")).is_none());
    assert!(file.replacement(&module("github.com/Azure/azure-sdk-for-go", "v1.0.0")).is_some());
}

#[test]
fn what_is_no_file_is_refused_with_its_line() {
    for (text, line, expected) in [
        ("", 0, "a `module` line"),
        ("module a\nrequire (\n\tb v1.0.0\n", 3, "`)`"),
        ("module a\nrequire b\n", 2, "a module's path and its version"),
        ("module a\nrequire ../b v1.0.0\n", 2, "a module's path and its version"),
        ("module a\nrequire b 1.0.0\n", 2, "a module's path and its version"),
        ("module a\nreplace b => c\n", 2, "a replacement: a module with its version, or a folder with none"),
        (
            "module a\nreplace b => ./c v1.0.0\n",
            2,
            "a replacement: a module with its version, or a folder with none",
        ),
        ("module a\nreplace b c\n", 2, "`replace OLD [VERSION] => NEW [VERSION]`"),
        ("module \"a\n", 1, "closed quotes"),
    ] {
        let error = GoMod::parse(text).unwrap_err();
        assert_eq!((error.line, error.expected), (line, expected), "{text}");
    }
}

#[test]
fn go_sums_are_read_and_written_in_order() {
    let text = "rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=\n\
                rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n\
                \n\
                rsc.io/quote v1.5.3 h2:later\n";
    let sums = GoSum::parse(text).unwrap();
    let quote = module("rsc.io/quote", "v1.5.2");
    assert_eq!(sums.get(&quote, Part::Zip), Some("h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y="));
    assert_eq!(sums.get(&module("rsc.io/quote", "v1.5.3"), Part::Zip), None);
    let written = sums.to_string();
    assert_eq!(written.lines().count(), 2);
    assert_eq!(GoSum::parse(&written).unwrap(), sums);
    for bad in [
        "rsc.io/quote v1.5.2",
        "rsc.io/quote v1.5.2 h1:short=",
        "a b h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0= c",
    ] {
        assert_eq!(GoSum::parse(&format!("\n{bad}")).unwrap_err().line, 2, "{bad}");
    }
}

#[test]
fn names_in_caches_hold_no_capitals_and_lead_nowhere() {
    let azure = module("github.com/Azure/go-autorest", "v14.2.0+incompatible");
    assert_eq!(azure.cached(), "github.com/!azure/go-autorest/@v/v14.2.0+incompatible");
    assert_eq!(ModuleVersion::from_cached(&azure.cached()), Some(azure));
    for (path, version) in [
        ("", "v1.0.0"),
        ("a/../b", "v1.0.0"),
        ("/a", "v1.0.0"),
        ("a", "v1/../../x"),
        ("a", "1.0.0"),
        ("a'b", "v1.0.0"),
        ("a b", "v1.0.0"),
        ("a$(x)", "v1.0.0"),
    ] {
        assert!(ModuleVersion::new(path, version).is_err(), "{path}@{version}");
    }
    for name in ["a/v1.0.0", "A/@v/v1.0.0", "!/@v/v1.0.0", "../a/@v/v1.0.0"] {
        assert_eq!(ModuleVersion::from_cached(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "(module |require |replace |exclude |go |[()\"`/.\n\t ]|=>|v1\\.0|//|\\PC){0,60}") {
        let _ = GoMod::parse(&text);
        let _ = GoSum::parse(&text);
        let _ = ModuleVersion::from_cached(&text);
        let _ = crate::go::version::GoVersion::parse(&text);
    }

    #[test]
    fn damaged_files_never_panic(at in 0..FILE.len(), with in "\\PC{0,3}") {
        let text = format!("{}{with}{}", &FILE[..at], &FILE[(at + 1).min(FILE.len())..]);
        let _ = GoMod::parse(&text);
    }

    #[test]
    fn names_in_caches_come_back(path in "[a-zA-Z0-9]{1,9}(/[a-zA-Z0-9_~-]{1,9}){0,3}", version in "v[0-9]\\.[0-9]-[a-zA-Z0-9]{1,9}") {
        let module = ModuleVersion::new(&path, &version).unwrap();
        prop_assert_eq!(ModuleVersion::from_cached(&module.cached()), Some(module));
    }
}
