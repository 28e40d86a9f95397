//! Which crate may depend on which: ARCHITECTURE.md draws the same arrows.

use serde_json::Value;

use crate::run::{Result, capture, cargo};

/// A crate and those of ours that it may use.
const ARROWS: [(&str, &[&str]); 19] = [
    ("longshore-lanes", &[]),
    ("longshore-deflate", &[]),
    ("longshore-oci", &["longshore-lanes"]),
    ("longshore-stack", &["longshore-oci"]),
    ("longshore-net", &["longshore-oci"]),
    ("longshore-registry", &["longshore-oci", "longshore-net"]),
    ("longshore-sources", &["longshore-oci", "longshore-net", "longshore-registry", "longshore-stack"]),
    ("longshore-vendor", &["longshore-oci", "longshore-registry"]),
    ("longshore-sandbox", &[]),
    (
        "longshore-build",
        &["longshore-oci", "longshore-net", "longshore-sandbox", "longshore-sources", "longshore-stack"],
    ),
    ("longshore-probe", &["longshore-oci"]),
    ("longshore-image", &["longshore-deflate", "longshore-oci", "longshore-stack", "longshore-probe"]),
    ("longshore-publish", &["longshore-oci", "longshore-net", "longshore-registry", "longshore-image"]),
    (
        "longshore-deploy",
        &["longshore-oci", "longshore-sandbox", "longshore-stack", "longshore-image", "longshore-probe"],
    ),
    ("longshore-trust", &["longshore-oci", "longshore-net"]),
    ("longshore-sbom", &["longshore-oci", "longshore-image", "longshore-stack"]),
    ("longshore-testkit", &["longshore-oci"]),
    (
        "longshore",
        &[
            "longshore-oci",
            "longshore-net",
            "longshore-registry",
            "longshore-vendor",
            "longshore-stack",
            "longshore-sources",
            "longshore-sandbox",
            "longshore-build",
            "longshore-image",
            "longshore-publish",
            "longshore-deploy",
            "longshore-probe",
            "longshore-sbom",
            "longshore-trust",
        ],
    ),
    ("xtask", &[]),
];

/// Arrows that are not drawn.
pub fn breaches() -> Result<Vec<String>> {
    let text = capture(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata =
        serde_json::from_str(&text).map_err(|error| format!("cargo metadata printed no JSON: {error}"))?;
    Ok(check(&metadata))
}

fn check(metadata: &Value) -> Vec<String> {
    let mut said = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            said.push(format!("crate `{name}` has no line in xtask/src/tidy/arrows.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let tests_only = dependency["kind"].as_str() == Some("dev");
            if to.starts_with("longshore") && !tests_only && !allowed.contains(&to) {
                said.push(format!("crate `{name}` may not depend on `{to}`"));
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_forbidden_arrow_is_named() {
        let package = |to: &str, kind: Value| json!({ "name": "longshore-oci", "dependencies": [{ "name": to, "kind": kind }] });
        let said = |package: Value| check(&json!({ "packages": [package] }));
        assert_eq!(
            said(package("longshore-stack", Value::Null)),
            ["crate `longshore-oci` may not depend on `longshore-stack`"]
        );
        assert!(said(package("longshore-testkit", json!("dev"))).is_empty());
        assert!(said(package("serde", Value::Null)).is_empty());
    }
}
