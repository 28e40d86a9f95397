//! The texts themselves.

use insta::assert_snapshot;
use longshore_deploy::kube::{Form, namespace, secret_name};

use crate::shop;

#[test]
fn one_file() {
    let files = shop::files(Form::File, &[]);
    assert_eq!(files.0.keys().collect::<Vec<_>>(), ["kube.yaml"]);
    assert_snapshot!(files.0["kube.yaml"]);
}

/// In the order of their names the objects are the one file's.
#[test]
fn a_file_each() {
    let files = shop::files(Form::Folder, &[]);
    assert_snapshot!(files.0.keys().cloned().collect::<Vec<_>>().join("\n"));
    let body = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("# "))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let mut together: Vec<String> = files.0.values().map(|text| body(text)).collect();
    let one = shop::files(Form::File, &[]);
    let mut whole: Vec<String> =
        body(&one.0["kube.yaml"]).split("---\n").skip(1).map(str::to_owned).collect();
    assert!(together[0].contains("kind: Namespace"), "{}", together[0]);
    together.sort();
    whole.sort();
    assert_eq!(together, whole);
}

#[test]
fn a_base_for_kustomize() {
    let files = shop::files(Form::Kustomize, &[]);
    assert_snapshot!(files.0["kustomization.yaml"]);
}

/// The files of the chart that differ from the objects.
#[test]
fn a_chart() {
    let files = shop::files(Form::Helm, &[]);
    for path in [
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "templates/_helpers.tpl",
        "templates/NOTES.txt",
        "templates/db-statefulset.yaml",
        "templates/migrate-job.yaml",
        "templates/web-configmap.yaml",
        "templates/web-horizontalpodautoscaler.yaml",
    ] {
        assert_snapshot!(path.replace(['/', '.'], "-"), files.0[path]);
    }
    assert!(!files.0.keys().any(|path| path.contains("namespace.yaml")), "Helm is told the namespace");
}

#[test]
fn what_cannot_be_said_is_told() {
    let notes = shop::rendered(&shop::stack(), Form::File, &[]).unwrap().notes;
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    assert_snapshot!(notes.join("\n"), @r#"
    service `api` starts before job `migrate` has ended, and has to end itself when it can't work yet: it is started again, later and later
    service `api` is stopped by SIGTERM, not by SIGINT: say `stop-signal` in `[image.api]` instead
    service `cache` is started again however it ended: say `kind = "job"` if it ends
    the processes of service `web` are limited by its node's kubelet alone
    service `web` is stopped by SIGQUIT, not by SIGTERM: say `stop-signal` in `[image.web]` instead
    "#);
}

#[test]
fn names_that_others_need() {
    let stack = shop::stack();
    assert_eq!(namespace(&stack), shop::NAMESPACE);
    assert_eq!(secret_name(&stack), format!("{}-secrets", shop::NAMESPACE));
}
