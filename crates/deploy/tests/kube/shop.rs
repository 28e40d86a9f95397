//! A stack with everything that Kubernetes has to be told of.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_deploy::kube::{Error, Form, Options, kube};
use longshore_deploy::{Deployment, Files, Rendered};
use longshore_oci::{Digest, Reference};
use longshore_stack::model::Stack;
use longshore_testkit::kube::documents;
use serde_json::Value;
use tempfile::TempDir;

/// Its namespace.
pub const NAMESPACE: &str = "shop-eu-969d20";

/// The stack.
pub fn stack() -> Stack {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kube/stack/stack.toml");
    longshore_stack::read(&path, None).unwrap_or_else(|error| panic!("{error:?}")).stack
}

/// The stack that is shipped, in each of its profiles.
pub fn shipped() -> Vec<Stack> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks/betrace/stack.toml");
    let all = longshore_stack::read_all(&path).unwrap_or_else(|error| panic!("{error:?}"));
    all.reads.into_iter().map(|read| read.stack).collect()
}

/// By what its images are pulled: by digest, with a tag besides, or by a tag that stands for its content.
pub fn images(stack: &Stack) -> BTreeMap<String, Reference> {
    let reference = |name: &String| {
        let digest = Digest::of(name.as_bytes());
        let text = match name.as_str() {
            "db" => format!("registry.example:5000/shop/{name}:17@{digest}"),
            "tool" => format!("{name}:{}", digest.short()),
            _ => format!("registry.example/shop/{name}@{digest}"),
        };
        (name.clone(), text.parse().unwrap())
    };
    stack.images.keys().map(reference).collect()
}

/// `stack` for Kubernetes.
pub fn rendered(stack: &Stack, form: Form, groups: &[&str]) -> Result<Rendered, Error> {
    let images = images(stack);
    let deployment = Deployment { stack, images: &images, lock: Digest::of(b"lock") };
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    kube(&deployment, Options { form, groups: &groups })
}

/// The stack for Kubernetes.
pub fn files(form: Form, groups: &[&str]) -> Files {
    rendered(&stack(), form, groups).unwrap().files
}

/// The objects of a stack as another reader of YAML sees them.
pub fn objects(stack: &Stack, groups: &[&str]) -> Vec<Value> {
    documents(&rendered(stack, Form::File, groups).unwrap().files.0["kube.yaml"])
}

/// Kind and name of an object.
pub fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// Files in a folder.
pub fn on_disk(files: &Files) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in &files.0 {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}
