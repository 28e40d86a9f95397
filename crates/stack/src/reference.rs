//! The stack file's reference as Markdown, made from its JSON Schema.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::schema::schema;

/// The reference of `stack.toml`: one table of keys a section, in the order of the schema.
pub fn reference_markdown() -> String {
    let schema = schema();
    let mut out = String::from(
        "# The stack file\n\n<!-- Generated from the JSON Schema of the stack file: do not edit. -->\n",
    );
    let properties = schema["properties"].as_object();
    for (key, section) in properties.into_iter().flatten() {
        let named = section["additionalProperties"]["$ref"].is_string();
        let title = if named { format!("{key}.NAME") } else { key.clone() };
        let _ = write!(out, "\n## `[{title}]`\n\n{}\n", text(section));
        let inner = if named { &section["additionalProperties"] } else { section };
        // `[image-defaults]` and `[image.NAME]` have the same keys, which are shown once.
        if key != "image-defaults" {
            keys(&mut out, &schema, resolve(&schema, inner));
        }
    }
    out.push_str("\n# Tables inside\n");
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        if is_section(&schema, name) {
            continue;
        }
        let _ = write!(out, "\n## {}\n\n{}\n", heading(name), text(definition));
        for kind in definition["anyOf"].as_array().into_iter().flatten() {
            let title = kind["title"].as_str().unwrap_or_default();
            let _ = write!(out, "\n### `{{ {title} = … }}`\n");
            keys(&mut out, &schema, kind);
        }
        keys(&mut out, &schema, definition);
    }
    out
}

/// Whether a definition is one of the top-level tables, which have been shown.
fn is_section(schema: &Value, name: &str) -> bool {
    let reference = format!("#/$defs/{name}");
    schema["properties"].as_object().into_iter().flatten().any(|(_, section)| {
        [section, &section["additionalProperties"]].iter().any(|at| at["$ref"] == reference.as_str())
    })
}

fn heading(name: &str) -> String {
    format!("A `{name}`")
}

fn keys(out: &mut String, schema: &Value, table: &Value) {
    let Some(properties) = table["properties"].as_object() else { return };
    let required: BTreeSet<&str> =
        table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    out.push_str("\n| key | type | default | description |\n| --- | --- | --- | --- |\n");
    for (key, property) in properties {
        let default = match (&property["default"], required.contains(key.as_str())) {
            (_, true) => "*required*".to_owned(),
            (Value::Null, false) => String::new(),
            (value, false) => format!("`{}`", toml(value)),
        };
        let mut description = text(property);
        for (index, example) in property["examples"].as_array().into_iter().flatten().enumerate() {
            let word = if index == 0 { " For example" } else { "," };
            let _ = write!(description, "{word} `{}`", toml(example));
        }
        if property["examples"].is_array() {
            description.push('.');
        }
        // A bar would end the cell.
        let row = [format!("`{key}`"), kind(schema, property), default, description]
            .map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
}

/// A type in words, with links to the tables below.
fn kind(schema: &Value, property: &Value) -> String {
    if let Some(name) = property["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return if is_section(schema, name) { "table".to_owned() } else { format!("[{name}](#a-{name})") };
    }
    if let Some(allowed) = property["enum"].as_array() {
        return allowed.iter().map(|value| format!("`{}`", toml(value))).collect::<Vec<_>>().join(", ");
    }
    if let Some(alternatives) = property["anyOf"].as_array() {
        return alternatives
            .iter()
            .map(|alternative| kind(schema, alternative))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    match property["type"].as_str() {
        Some("array") => format!("list of {}", plural(kind(schema, &property["items"]))),
        Some("object") if property["additionalProperties"].is_object() => {
            format!("table of {}", plural(kind(schema, &property["additionalProperties"])))
        }
        Some("object") => "table".to_owned(),
        Some("integer") => match (&property["minimum"], &property["maximum"]) {
            (low, high) if low.is_number() && high.is_number() => format!("{low}–{high}"),
            _ => "integer".to_owned(),
        },
        Some(name) => name.to_owned(),
        None => "anything".to_owned(),
    }
}

/// Types that are words take an `s`; values and links stay as they are.
fn plural(kind: String) -> String {
    kind.split(" or ")
        .map(|word| match word {
            "string" => "strings",
            "table" => "tables",
            other => other,
        })
        .collect::<Vec<_>>()
        .join(" or ")
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn resolve<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(value)
}

/// A value as the stack file would have it.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let bare = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            let pair = |(key, value): (&String, &Value)| match bare(key) {
                true => format!("{key} = {}", toml(value)),
                false => format!("{key:?} = {}", toml(value)),
            };
            format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}
