//! What Kubernetes is told.

mod shop;

use insta::assert_snapshot;
use longshore_deploy::kube::{Form, Options};

#[test]
fn one_file() {
    let files = shop::files(Form::File, &[]);
    assert_eq!(files.0.keys().collect::<Vec<_>>(), ["kube.yaml"]);
    assert_snapshot!(files.0["kube.yaml"]);
}
