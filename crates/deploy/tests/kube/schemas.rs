//! The published schemas of the oldest and the newest Kubernetes.

use longshore_deploy::Files;
use longshore_deploy::kube::Form;
use longshore_testkit::kube::validate;

use crate::shop;

#[test]
fn every_object_is_what_its_schema_says() {
    check(&shop::files(Form::Folder, &["reports"]));
}

#[test]
fn so_is_every_object_of_the_shipped_stack() {
    for stack in shop::shipped() {
        check(&shop::rendered(&stack, Form::Folder, &[]).unwrap().files);
    }
}

fn check(files: &Files) {
    let folder = shop::on_disk(files);
    let files: Vec<_> = files.0.keys().map(|path| folder.path().join(path)).collect();
    assert!(files.len() > 20);
    for version in ["1.33.0", "1.37.0"] {
        assert_eq!(validate(version, &files).run(), "");
    }
}

/// The judge sees what is wrong.
#[test]
fn a_wrong_key_is_seen() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = &shop::files(Form::Folder, &[]).0["60-api-deployment.yaml"];
    fs_err::write(file.path(), text.replace("replicas: 3", "replicass: 3")).unwrap();
    let output = validate("1.37.0", &[file.path()]).output();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("'replicass' was unexpected"), "{said}");
}
