//! The chart as Helm renders it, and the base as kustomize does.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_deploy::kube::Form;
use longshore_testkit::Tool;
use longshore_testkit::kube::documents;
use serde_json::{Value, json};

use crate::shop::{self, NAMESPACE, name, objects, stack};

/// Objects by kind and name.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects.into_iter().map(|object| (name(&object), object)).collect()
}

/// The chart's templates, filled by Helm.
fn template(chart: &Path, values: &[&str]) -> Tool {
    helm()
        .args(["template", "release", "--namespace", NAMESPACE, "--kube-version", "1.37.0"])
        .args(values)
        .arg(chart)
}

fn helm() -> Tool {
    Tool::kept("helm-3.22.0/helm")
}

/// With its defaults it is the same stack: every object, but for the namespace, which Helm is told.
#[test]
#[ignore = "needs Helm, which ./x setup --long builds"]
fn a_chart_is_the_same_stack() {
    let chart = shop::on_disk(&shop::files(Form::Helm, &["reports"]));
    let linted = helm().args(["lint", "--strict", "--quiet"]).arg(chart.path()).run();
    assert_eq!(linted, "");
    let mut plain = by_name(objects(&stack(), &["reports"]));
    assert!(plain.remove(&format!("Namespace {NAMESPACE}")).is_some());
    // A container without limits says so.
    for object in plain.values_mut() {
        if let Some(container) = object.pointer_mut("/spec/template/spec/containers/0") {
            container.as_object_mut().unwrap().entry("resources").or_insert_with(|| json!({}));
        }
    }
    let filled = by_name(documents(&template(chart.path(), &[]).run()));
    assert_eq!(filled.keys().collect::<Vec<_>>(), plain.keys().collect::<Vec<_>>());
    for (name, object) in plain {
        assert_eq!(filled[&name], object, "{name}");
    }
}

#[test]
#[ignore = "needs Helm, which ./x setup --long builds"]
fn values_are_what_clusters_differ_in() {
    let chart = shop::on_disk(&shop::files(Form::Helm, &[]));
    let plain = by_name(documents(&template(chart.path(), &[]).run()));
    let sets = [
        "secretName=other",
        "images.tool.repository=mirror.example/tool",
        "services.api.replicas=7",
        "services.db.volumes.data.size=9Gi",
        "services.db.volumes.data.storageClass=fast",
        "services.db.resources.limits.memory=8Gi",
        "services.migrate.volumes.work.storageClass=slow",
        "services.web.scale.max=99",
        "services.web.serviceType=LoadBalancer",
    ];
    let flags: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let filled = by_name(documents(&template(chart.path(), &flags).run()));
    let at = |object: &str, pointer: &str| filled[object].pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("Deployment api", "/spec/replicas"), 7);
    let claim = "/spec/volumeClaimTemplates/0/spec";
    assert_eq!(at("StatefulSet db", &format!("{claim}/resources/requests/storage")), "9Gi");
    assert_eq!(at("StatefulSet db", &format!("{claim}/storageClassName")), "fast");
    assert_eq!(at("StatefulSet db", "/spec/template/spec/containers/0/resources/limits/memory"), "8Gi");
    assert_eq!(at("PersistentVolumeClaim migrate-work", "/spec/storageClassName"), "slow");
    assert_eq!(at("HorizontalPodAutoscaler web", "/spec/maxReplicas"), 99);
    assert_eq!(at("Service web", "/spec/type"), "LoadBalancer");
    let secrets: Vec<&Value> = filled
        .values()
        .filter_map(|object| object.pointer("/spec/template/spec/volumes")?.as_array())
        .flatten()
        .filter_map(|volume| volume.pointer("/secret/secretName"))
        .collect();
    assert_eq!(secrets, vec!["other"; 4]);
    // Another Job, since the one there can't be changed; the same again with the same values.
    let job =
        |all: &BTreeMap<String, Value>| all.keys().find(|name| name.starts_with("Job ")).unwrap().clone();
    assert!(job(&filled).starts_with(&format!("{}-", job(&plain))), "{}", job(&filled));
    let image = filled[&job(&filled)].pointer("/spec/template/spec/containers/0/image").cloned();
    assert!(image.unwrap().as_str().unwrap().starts_with("mirror.example/tool:"));
    let again = by_name(documents(&template(chart.path(), &flags).run()));
    assert_eq!(again, filled);
}

#[test]
#[ignore = "needs Helm, which ./x setup --long builds"]
fn values_that_nobody_reads_are_refused() {
    let chart = shop::on_disk(&shop::files(Form::Helm, &[]));
    for (set, said) in [
        ("services.apii.replicas=2", "apii"),
        ("services.api.replicas=many", "replicas"),
        ("services.migrate.replicas=2", "replicas"),
        ("services.web.serviceType=Loud", "serviceType"),
        ("images.web.digest=sha256:1", "digest"),
    ] {
        let output = template(chart.path(), &["--set", set]).output();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(said), "{set}: {error}");
    }
}

#[test]
#[ignore = "needs kubectl, which ./x setup --long builds"]
fn kustomize_reads_the_base() {
    let base = shop::on_disk(&shop::files(Form::Kustomize, &["reports"]));
    let kustomize = || Tool::kept("kubernetes-1.37.2/kubectl").arg("kustomize");
    let built = by_name(documents(&kustomize().arg(base.path()).run()));
    assert_eq!(built, by_name(objects(&stack(), &["reports"])));
    // As one makes a variant of it.
    let overlay = json!({
        "resources": ["../base"],
        "images": [{ "name": "registry.example/shop/web", "newName": "mirror.example/web" }],
        "replicas": [{ "name": "api", "count": 9 }],
    });
    let apart = tempfile::tempdir().unwrap();
    fs_err::create_dir(apart.path().join("overlay")).unwrap();
    fs_err::write(apart.path().join("overlay/kustomization.yaml"), overlay.to_string()).unwrap();
    Tool::new("cp").arg("-a").arg(base.path()).arg(apart.path().join("base")).run();
    let varied = by_name(documents(&kustomize().arg(apart.path().join("overlay")).run()));
    assert_eq!(varied["Deployment api"]["spec"]["replicas"], 9);
    let image = varied["Deployment web"].pointer("/spec/template/spec/containers/0/image").unwrap();
    assert!(image.as_str().unwrap().starts_with("mirror.example/web@sha256:"), "{image}");
}
