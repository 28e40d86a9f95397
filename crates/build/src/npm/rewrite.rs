//! The lock as the build gets it: every tarball by its file, and nothing that npm would ask a registry for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lock::NpmLock;
use super::select::is_own;

/// Where the build finds tarballs.
const FOLDER: &str = "/deps/tgz";

/// The text of `lock`, which [`select`](super::select::select) made, with the files of `tarballs` by place. Optional
/// dependencies that it lacks are no longer asked for: some versions of npm refuse a lock that doesn't have them.
pub(super) fn text(lock: &NpmLock, tarballs: &BTreeMap<String, String>) -> Vec<u8> {
    let mut raw = lock.raw.clone();
    raw.remove("dependencies");
    if let Some(packages) = raw.get_mut("packages").and_then(Value::as_object_mut) {
        packages.retain(|place, _| lock.packages.contains_key(place));
        for (place, entry) in packages.iter_mut() {
            let Some(entry) = entry.as_object_mut() else { continue };
            if let Some(file) = tarballs.get(place) {
                entry.insert(String::from("resolved"), Value::String(format!("file:{FOLDER}/{file}")));
            }
            if !is_own(place)
                && let Some(optional) = entry.get_mut("optionalDependencies").and_then(Value::as_object_mut)
            {
                optional.retain(|name, _| lock.find(place, name).is_some());
            }
        }
    }
    // Objects with text for keys can always be written.
    serde_json::to_vec_pretty(&Value::Object(raw)).unwrap_or_default()
}
