//! Second opinions on an OCI layout: skopeo reads it, umoci unpacks it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Tool;

/// What skopeo says of image `name` in `layout`, after reading every blob of it.
pub fn skopeo_inspect(layout: &Path, name: &str) -> Value {
    let image = format!("oci:{}:{name}", layout.display());
    let copy = tempfile::tempdir().unwrap();
    // `inspect` reads no layer; a copy reads and checks them all.
    Tool::new("skopeo")
        .args(["copy", "--quiet", &image, &format!("dir:{}", copy.path().join("copy").display())])
        .run();
    serde_json::from_str(&Tool::new("skopeo").args(["inspect", &image]).run()).unwrap()
}

/// Unpacks image `name` of `layout` with umoci into `bundle` and returns its root filesystem.
pub fn umoci_unpack(layout: &Path, name: &str, bundle: &Path) -> PathBuf {
    Tool::new("umoci")
        .args(["unpack", "--image"])
        .arg(format!("{}:{name}", layout.display()))
        .arg(bundle)
        .run();
    bundle.join("rootfs")
}

/// The names (`org.opencontainers.image.ref.name`) in a layout's index, in its order.
pub fn names(layout: &Path) -> Vec<String> {
    let index: Value = serde_json::from_slice(&fs_err::read(layout.join("index.json")).unwrap()).unwrap();
    let manifests = index["manifests"].as_array().unwrap();
    let name = |manifest: &Value| {
        manifest["annotations"]["org.opencontainers.image.ref.name"].as_str().map(str::to_owned)
    };
    manifests.iter().filter_map(name).collect()
}
