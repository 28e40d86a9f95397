//! A stack with everything that Kubernetes has to be told of.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_deploy::kube::{Error, Form, Options, kube};
use longshore_deploy::{Deployment, Files};
use longshore_oci::{Digest, Reference};
use longshore_stack::model::Stack;

/// The stack.
pub fn stack() -> Stack {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kube/stack/stack.toml");
    longshore_stack::read(&path, None).unwrap_or_else(|error| panic!("{error:?}")).stack
}

/// By what its images are pulled: two by digest, one with a tag besides, one by a tag that stands for its content.
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
pub fn try_files(stack: &Stack, form: Form, groups: &[&str]) -> Result<Files, Error> {
    let images = images(stack);
    let deployment = Deployment { stack, images: &images, lock: Digest::of(b"lock") };
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    kube(&deployment, Options { form, groups: &groups })
}

/// The stack for Kubernetes.
pub fn files(form: Form, groups: &[&str]) -> Files {
    try_files(&stack(), form, groups).unwrap()
}
