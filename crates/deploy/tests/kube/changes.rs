//! What changes with the stack, and what stays.

use std::collections::BTreeSet;

use longshore_stack::model::Stack;
use serde_json::Value;

use crate::shop::{name, objects, stack};

/// The objects that differ between two stacks, by kind and name.
fn differing(before: &Stack, after: &Stack) -> Vec<String> {
    let (before, after) = (objects(before, &[]), objects(after, &[]));
    let changed = |one: &[Value], other: &[Value]| -> BTreeSet<String> {
        one.iter().filter(|object| !other.contains(object)).map(name).collect()
    };
    changed(&before, &after).union(&changed(&after, &before)).cloned().collect()
}

/// A file that differs is another ConfigMap, and with it come new pods of its service alone.
#[test]
fn a_file_changes() {
    let before = stack();
    let mut after = before.clone();
    let files = &mut after.services.get_mut("web").unwrap().files;
    let path = files.keys().find(|path| path.to_string().ends_with("web/config.yaml")).unwrap().clone();
    files.get_mut(&path).unwrap().text = "listen: elsewhere\n".into();
    let differing = differing(&before, &after);
    let [first, second, deployment] = differing.as_slice() else { panic!("{differing:?}") };
    assert!(first.starts_with("ConfigMap web-files-") && second.starts_with("ConfigMap web-files-"));
    assert_eq!(deployment, "Deployment web");
}

/// A Job can't be changed, so that it is another.
#[test]
fn a_job_changes() {
    let before = stack();
    let mut after = before.clone();
    after.services.get_mut("migrate").unwrap().command = None;
    let differing = differing(&before, &after);
    let [first, second] = differing.as_slice() else { panic!("{differing:?}") };
    assert!(first.starts_with("Job migrate-") && second.starts_with("Job migrate-"));
}

/// Another version is no reason for other pods.
#[test]
fn a_version_changes() {
    let before = stack();
    let mut after = before.clone();
    after.version = Some("v1.5.0".to_owned());
    let template = |stack: &Stack| -> Vec<Value> {
        objects(stack, &[]).iter().map(|object| object["spec"]["template"].clone()).collect()
    };
    assert_eq!(template(&before), template(&after));
    assert!(differing(&before, &after).len() > 20);
}

/// Services of a group come when it is asked for, and those that they need with them.
#[test]
fn groups() {
    let names = |stack: &Stack, groups: &[&str]| -> BTreeSet<String> {
        let objects = objects(stack, groups);
        let accounts = objects.iter().filter(|object| object["kind"] == "ServiceAccount");
        accounts.map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let mut stack = stack();
    assert_eq!(names(&stack, &[]), set(&["api", "cache", "db", "migrate", "web"]));
    assert_eq!(names(&stack, &["reports"]), set(&["api", "cache", "db", "migrate", "report", "web"]));
    stack.services.get_mut("db").unwrap().groups = vec!["data".to_owned()];
    assert!(names(&stack, &[]).contains("db"), "`api` needs it");
    for service in ["api", "web", "migrate"] {
        stack.services.get_mut(service).unwrap().groups = vec!["data".to_owned()];
    }
    assert_eq!(names(&stack, &[]), set(&["cache"]));
}
