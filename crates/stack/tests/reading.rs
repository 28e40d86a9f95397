//! What a good stack file becomes.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use common::{FULL, HEAD, complaints, read};
use longshore_stack::model::*;
use serde_json::Value;

#[test]
fn every_key_of_the_full_sample_arrives() {
    assert_eq!(complaints(FULL), "");
    let stack = read(FULL).unwrap().stack;
    insta::assert_debug_snapshot!("full", stack);
}

#[test]
fn defaults_come_first_and_the_image_wins() {
    let stack = read(FULL).unwrap().stack;
    let (web, tool) = (&stack.images["web"], &stack.images["tool"]);
    assert!(matches!(&web.contents[0], ContentSpec::Fragment(f) if f.kind == FragmentKind::CaCertificates));
    assert!(
        matches!(&web.contents[2], ContentSpec::Package(p) if p.package == "nginx" && p.source == "debian")
    );
    assert_eq!((web.env["TZ"].as_str(), web.env["LANG"].as_str()), ("UTC", "C"));
    assert_eq!((tool.env["TZ"].as_str(), tool.env["LANG"].as_str()), ("UTC", "C.UTF-8"));
    assert_eq!((web.max_layers, tool.max_layers), (10, 20));
    assert_eq!(web.keep, [Keep::Docs, Keep::Man, Keep::Locales]);
    assert_eq!(web.labels["org.opencontainers.image.vendor"], "Somebody");
    assert_eq!(tool.labels["org.opencontainers.image.vendor"], "Example");
    assert_eq!(tool.labels["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
    assert_eq!((tool.user.name.as_str(), tool.user.uid, tool.user.gid), ("app", 65532, 65532));
    assert_eq!(web.requirements().len(), 6);
}

#[test]
fn contents_know_their_lines() {
    let read = read(FULL).unwrap();
    let contents = &read.stack.images["web"].contents;
    let at = |index| &read.locations.source.text[read.locations.content("web", index).unwrap()];
    assert_eq!(at(0), "\"ca-certificates\"");
    assert_eq!(at(3), "{ package = \"vendor-tool\", source = \"vendor\" }");
    assert_eq!(read.locations.contents["web"].len(), contents.len());
    assert_eq!(read.locations.content("web", 99), None);
}

#[test]
fn a_small_stack_has_defaults() {
    let stack = read(&format!("{HEAD}[image.a]\ncommand = [\"/a\"]\n")).unwrap().stack;
    assert_eq!((stack.repository.as_str(), stack.epoch.0), ("demo", 0));
    assert_eq!(stack.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(), ["linux/amd64"]);
    let SourceSpec::Apt(debian) = &stack.sources["debian"];
    assert_eq!(debian.components, ["main"]);
    assert_eq!(stack.images["a"].max_layers, 40);
}

#[test]
fn a_package_named_again_is_there_once() {
    let text = format!(
        "{HEAD}[image-defaults]\ncontents = [\"jq\"]\n[image.a]\ncontents = [\"jq\", {{ package = \"jq\", source = \"debian\" }}]\ncommand = [\"/a\"]\n"
    );
    assert_eq!(read(&text).unwrap().stack.images["a"].contents.len(), 1);
}

#[test]
fn templates_see_the_stack() {
    let folder = common::folder(&format!(
        "{HEAD}[values]\nlist = [1, 2]\ndeep = {{ x = true }}\n\
         [image.a]\ncommand = [\"/a\"]\nports = {{ http = 80 }}\nuser = {{ name = \"u\", uid = 7 }}\nworkdir = \"/w\"\n\
         contents = [{{ template = \"t\", to = \"/t\" }}]\n[image.b-c]\ncommand = [\"/b\"]\nports = {{ grpc = 81 }}\n"
    ));
    let template = "{{ stack.name }} {{ stack.epoch }} {{ image.name }} {{ image.user.uid }} {{ image.workdir }}\n\
                    {% for n in values.list %}\n  n={{ n }}\n{% endfor %}\n\
                    {{ images['b-c'].ports.grpc }} {{ values.deep.x }} <&>\n";
    fs_err::write(folder.path().join("t"), template).unwrap();
    let stack = longshore_stack::read(&folder.path().join("stack.toml"), None).unwrap().stack;
    let ContentSpec::Text(text) = &stack.images["a"].contents[0] else { panic!("not a text") };
    assert_eq!(text.text, "demo 0 a 7 /w\n  n=1\n  n=2\n81 true <&>\n");
}

/// The schema describes every key that the full sample uses, and accepts nothing else beside them.
#[test]
fn the_schema_knows_every_key_of_the_full_sample() {
    let schema = longshore_stack::schema();
    let file: Value = toml::from_str(FULL).unwrap();
    let mut unknown = Vec::new();
    walk(&schema, &schema, &file, "", &mut unknown);
    assert_eq!(unknown, Vec::<String>::new());
    assert_eq!(schema["$id"], "https://longshore.dev/schema/stack.json");
    assert!(!schema.to_string().contains("\"null\""), "TOML has no null");
}

fn walk(root: &Value, schema: &Value, value: &Value, place: &str, unknown: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(&reference[1..]).unwrap(),
        None => schema,
    };
    if let Some(any) = schema["anyOf"].as_array() {
        // One of the alternatives must know all of it.
        let tries = any.iter().map(|alternative| {
            let mut unknown = Vec::new();
            walk(root, alternative, value, place, &mut unknown);
            unknown
        });
        return unknown.extend(tries.min_by_key(Vec::len).unwrap());
    }
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let place = format!("{place}.{key}");
                match (&schema["properties"][key], &schema["additionalProperties"]) {
                    (Value::Null, Value::Null | Value::Bool(false)) => unknown.push(place),
                    (Value::Null, Value::Bool(true)) => {}
                    (Value::Null, other) => walk(root, other, value, &place, unknown),
                    (known, _) => walk(root, known, value, &place, unknown),
                }
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| walk(root, &schema["items"], item, place, unknown))
        }
        _ if schema["type"] == "object" || schema["type"] == "array" => unknown.push(place.to_owned()),
        _ => {}
    }
}

#[test]
fn the_reference_describes_every_key() {
    let reference = longshore_stack::reference_markdown();
    for key in [
        "`default-source`",
        "`max-layers`",
        "`allow-expired`",
        "### `{ template = … }`",
        "## `[image.NAME]`",
        "## `[profile.NAME]`",
    ] {
        assert!(reference.contains(key), "{key} is missing");
    }
    for line in reference.lines().filter(|line| line.starts_with("| `")) {
        assert!(!line.ends_with("|  |"), "no description: {line}");
        assert!(!line.contains("anything"), "no type: {line}");
    }
}
