//! Wrapper modules.

use super::module;
use crate::go::{GoError, GoMod, wrapper};

fn wrapped(path: &str, version: &str, lines: &str) -> Result<String, GoError> {
    wrapper::go_mod(&module(path, version), &GoMod::parse(&format!("module {path}\n\n{lines}")).unwrap())
}

#[test]
fn loki_keeps_its_replacements_and_its_folder_becomes_the_published_version() {
    let text = wrapped(
        "github.com/grafana/loki/v3",
        "v3.7.8",
        "go 1.26.5\n\
         require (\n\tgithub.com/grafana/loki/pkg/push v0.0.0-20250630054201-94c0ba7b0952\n\tk8s.io/klog v1.0.0\n)\n\
         require github.com/Azure/azure-sdk-for-go v67.0.0+incompatible // indirect\n\
         replace github.com/Azure/azure-sdk-for-go => github.com/Azure/azure-sdk-for-go v68.0.0+incompatible\n\
         exclude k8s.io/client-go v8.0.0+incompatible\n\
         replace github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20251126142931-6f9f62ab6f86\n\
         replace github.com/grafana/loki/pkg/push => ./pkg/push\n\
         replace github.com/influxdata/go-syslog/v3 => github.com/leodido/go-syslog/v4 v4.3.0\n",
    )
    .unwrap();
    assert_eq!(
        text,
        "module longshore.invalid/build\n\
         \n\
         go 1.26.5\n\
         \n\
         require github.com/grafana/loki/v3 v3.7.8\n\
         \n\
         require (\n\
         \tgithub.com/Azure/azure-sdk-for-go v67.0.0+incompatible // indirect\n\
         \tgithub.com/grafana/loki/pkg/push v0.0.0-20250630054201-94c0ba7b0952 // indirect\n\
         \tk8s.io/klog v1.0.0 // indirect\n\
         )\n\
         \n\
         replace github.com/Azure/azure-sdk-for-go => github.com/Azure/azure-sdk-for-go v68.0.0+incompatible\n\
         replace github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20251126142931-6f9f62ab6f86\n\
         replace github.com/influxdata/go-syslog/v3 => github.com/leodido/go-syslog/v4 v4.3.0\n\
         \n\
         exclude k8s.io/client-go v8.0.0+incompatible\n"
    );
}

#[test]
fn tempo_keeps_its_blocks_of_replacements() {
    let text = wrapped(
        "github.com/grafana/tempo",
        "v1.5.1-0.20250529124718-87c2dc380cec",
        "go 1.24.3\n\
         replace (\n\tk8s.io/api => k8s.io/api v0.25.0\n\tk8s.io/client-go v1.5.2 => k8s.io/client-go v0.25.0\n)\n\
         replace github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20220708130638-bd88e10a3d91\n",
    )
    .unwrap();
    let replaced: Vec<_> = text.lines().filter(|line| line.starts_with("replace")).collect();
    assert_eq!(
        replaced,
        [
            "replace k8s.io/api => k8s.io/api v0.25.0",
            "replace k8s.io/client-go v1.5.2 => k8s.io/client-go v0.25.0",
            "replace github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20220708130638-bd88e10a3d91",
        ]
    );
}

#[test]
fn what_only_a_main_module_says_is_kept_and_itself_is_required_once() {
    let text = wrapped(
        "a.org/m",
        "v1.0.0",
        "godebug default=go1.21\nrequire a.org/m v0.9.0\nreplace a.org/m => ./\n",
    )
    .unwrap();
    assert_eq!(
        text,
        "module longshore.invalid/build\n\ngo 1.16\n\ngodebug default=go1.21\n\nrequire a.org/m v1.0.0\n"
    );
}

#[test]
fn folders_that_nothing_published_can_stand_in_for_are_refused() {
    for (lines, problem) in [
        ("require a.org/m/api v0.0.0\nreplace a.org/m/api => ./api\n", "was never published"),
        (
            "require a.org/m/api v0.0.0-00010101000000-000000000000\nreplace a.org/m/api => ../api\n",
            "was never published",
        ),
        ("require b.org/x v1.0.0\nreplace b.org/x => /home/me/x\n", "authors' machine"),
    ] {
        let error = wrapped("a.org/m", "v1.0.0", lines).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.to_string().contains("`a.org/m@v1.0.0`") && error.hint().is_some(), "{error}");
    }
    // Nothing needs it, so that nothing is lost.
    assert!(wrapped("a.org/m", "v1.0.0", "replace a.org/m/api => ./api\n").is_ok());
}
