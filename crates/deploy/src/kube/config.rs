//! The files of a service: one ConfigMap, which never changes. Another text is another ConfigMap, and with it come new pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use longshore_stack::model::ServiceSpec;

use super::{Error, View, labels, names};

/// Most bytes in a ConfigMap, keys among them (`MaxSecretSize` of Kubernetes' `core` types).
const MOST: usize = 1 << 20;

/// Where the files are, by the key that each has.
pub(super) fn config(view: &View<'_>, name: &str, spec: &ServiceSpec) -> Result<Option<ConfigMap>, Error> {
    let data: BTreeMap<String, String> =
        spec.files.values().zip(keys(spec)).map(|(file, key)| (key, file.text.in_containers())).collect();
    if data.is_empty() {
        return Ok(None);
    }
    let bytes = data.iter().map(|(key, text)| key.len() + text.len()).sum();
    if bytes > MOST {
        return Err(Error::Files { service: name.to_owned(), bytes, most: MOST });
    }
    let mut content = Vec::with_capacity(bytes);
    for (key, text) in &data {
        content.extend_from_slice(format!("{key}\0{}\0{text}", text.len()).as_bytes());
    }
    let own = format!("{name}-files-{}", names::digest(&content));
    let metadata = labels::meta(view, &own, Some(name));
    Ok(Some(ConfigMap { metadata, data: Some(data), immutable: Some(true), binary_data: None }))
}

/// The key of each file, in the order of `spec.files`.
pub(super) fn keys(spec: &ServiceSpec) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for path in spec.files.keys() {
        let path = path.to_string();
        let key = names::key(&path);
        // `/etc/a/b` and `/etc/a.b`.
        let key =
            if taken.contains(&key) { format!("{}-{key}", names::digest(path.as_bytes())) } else { key };
        taken.push(key);
    }
    taken
}
