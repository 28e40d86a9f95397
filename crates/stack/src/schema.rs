//! The JSON Schema of the stack file, generated from the tables it is read into.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::file::{CONTENT_KINDS, FILE_KINDS, File, HEALTH_KINDS, SECRET_KINDS, TOOL_KINDS};

/// The JSON Schema (draft 2020-12) of `stack.toml`, with keys in the order of the tables. It is what the file is checked
/// against, so an editor that uses it complains about what longshore complains about.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<File>().to_value();
    tidy(&mut schema);
    let tables: [(&str, &str, &[Kind]); 5] = [
        ("content", "One thing in an image.", &CONTENT_KINDS),
        ("tool", "One thing in a toolchain.", &TOOL_KINDS),
        ("service-file", "A file that a service sees.", &FILE_KINDS),
        ("health", "How it is known that a service works.", &HEALTH_KINDS),
        ("secret", "Where a secret comes from.", &SECRET_KINDS),
    ];
    for (name, description, kinds) in tables {
        if let Some(table) = schema.pointer_mut(&format!("/$defs/{name}")) {
            *table = one_of_kinds(table, description, kinds);
        }
    }
    if let Value::Object(root) = &mut schema {
        // What the document is comes first, as people expect it.
        let dialect = root.shift_remove("$schema").unwrap_or_default();
        root.shift_insert(0, "$schema".into(), dialect);
        root.shift_insert(1, "$id".into(), json!("https://longshore.dev/schema/stack.json"));
        root.shift_remove("title");
        root.shift_insert(2, "title".into(), json!("longshore stack file"));
    }
    schema
}

/// TOML has no null, so what is optional is simply left out; and Rust's widths of numbers say nothing to readers.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            // A key of that name is an object.
            if object.get("format").is_some_and(Value::is_string) {
                object.shift_remove("format");
            }
            // Doc comments are wrapped where lines of code are.
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            if object.get("default").is_some_and(|default| default.is_null() || is_empty(default)) {
                object.shift_remove("default");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(any)) = object.get_mut("anyOf") {
                any.retain(|schema| schema.get("type") != Some(&json!("null")));
                if let [Value::Object(one)] = any.as_slice() {
                    let one = one.clone();
                    object.shift_remove("anyOf");
                    one.into_iter().for_each(|(key, value)| {
                        object.entry(key).or_insert(value);
                    });
                }
            }
            object.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

fn is_empty(default: &Value) -> bool {
    *default == json!([]) || *default == json!({}) || *default == json!(false)
}

/// A kind of table by the key that makes a table one of it, the keys it needs besides, and those it may have.
type Kind = (&'static str, &'static [&'static str], &'static [&'static str]);

/// One table a kind, cut from the table of all keys.
fn one_of_kinds(all: &Value, description: &str, kinds: &[Kind]) -> Value {
    let property = |key: &str| (key.to_owned(), all["properties"][key].clone());
    let kinds: Vec<Value> = kinds
        .iter()
        .map(|(kind, needed, optional)| {
            let required: Vec<&str> = [*kind].into_iter().chain(needed.iter().copied()).collect();
            let properties: Map<String, Value> =
                required.iter().chain(optional.iter()).map(|key| property(key)).collect();
            json!({
                "title": kind,
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            })
        })
        .collect();
    json!({ "description": description, "anyOf": kinds })
}
