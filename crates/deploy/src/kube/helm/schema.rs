//! `values.schema.json`: Helm refuses values that no template reads.

use serde_json::{Map, Value, json};

use super::values::{Service, Values};

pub(super) fn schema(values: &Values<'_>) -> String {
    let images: Map<String, Value> = values.images.keys().map(|name| ((*name).to_owned(), image())).collect();
    let services: Map<String, Value> =
        values.services.iter().map(|(name, values)| ((*name).to_owned(), service(values))).collect();
    let all = json!({
        "secretName": { "type": "string", "minLength": 1 },
        "images": closed(images),
        "services": closed(services),
        "global": { "type": "object" },
    });
    let mut schema = closed(all.as_object().cloned().unwrap_or_default());
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    format!("{schema:#}\n")
}

/// A table of these keys and no other.
fn closed(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn image() -> Value {
    json!({
        "type": "object",
        "properties": {
            "repository": { "type": "string", "minLength": 1 },
            "tag": { "type": "string" },
            "digest": { "type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$" },
        },
        "required": ["repository"],
        "additionalProperties": false,
    })
}

fn service(values: &Service<'_>) -> Value {
    let count = json!({ "type": "integer", "minimum": 1, "maximum": 1000 });
    let mut properties = Map::new();
    let mut add = |key: &str, schema| drop(properties.insert(key.to_owned(), schema));
    if values.replicas.is_some() {
        add("replicas", json!({ "type": "integer", "minimum": 0, "maximum": 1000 }));
    }
    if values.scale.is_some() {
        let cpu = json!({ "type": "integer", "minimum": 1, "maximum": 100 });
        let scale = json!({ "min": count, "max": count, "cpu": cpu });
        add("scale", closed(scale.as_object().cloned().unwrap_or_default()));
    }
    add("resources", json!({ "type": "object" }));
    if values.service_type.is_some() {
        add("serviceType", json!({ "enum": ["ClusterIP", "NodePort", "LoadBalancer"] }));
    }
    if !values.volumes.is_empty() {
        let volume = json!({ "size": { "type": "string" }, "storageClass": { "type": "string" } });
        let volume = closed(volume.as_object().cloned().unwrap_or_default());
        let volumes = values.volumes.keys().map(|name| ((*name).to_owned(), volume.clone()));
        add("volumes", closed(volumes.collect()));
    }
    closed(properties)
}
