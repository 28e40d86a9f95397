//! Labels, and what is said of every object.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{View, names};

/// Name of a service.
const NAME: &str = "app.kubernetes.io/name";
/// Name of a stack.
const PART_OF: &str = "app.kubernetes.io/part-of";

type Labels = BTreeMap<String, String>;

/// By what the pods of a service are known: never changes, since selectors can't.
pub(super) fn selecting(view: &View<'_>, service: &str) -> Labels {
    let pairs = [(NAME, service), (PART_OF, &view.namespace)];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The same as a selector.
pub(super) fn selector(view: &View<'_>, service: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(selecting(view, service)), match_expressions: None }
}

/// The labels of an object (Kubernetes documentation, "Recommended Labels").
pub(super) fn of(view: &View<'_>, service: Option<&str>) -> Labels {
    let mut labels: Labels =
        [(PART_OF, view.namespace.as_str()), ("app.kubernetes.io/managed-by", "longshore")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    labels.extend(service.map(|service| (NAME.to_owned(), service.to_owned())));
    let version = view.stack.version.as_deref().and_then(names::label_value);
    labels.extend(version.map(|version| ("app.kubernetes.io/version".to_owned(), version)));
    labels
}

/// The head of an object in the stack's namespace that belongs to a service, or to all.
pub(super) fn meta(view: &View<'_>, name: &str, service: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(view.namespace.clone()),
        labels: Some(of(view, service)),
        ..ObjectMeta::default()
    }
}
