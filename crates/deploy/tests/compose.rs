//! Compose files, as Compose itself and others read them.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::path::Path;

use common::{deployment, images, read, rich, shown, write};
use insta::assert_snapshot;
use longshore_deploy::compose::compose;
use longshore_testkit::Tool;
use serde_json::{Value, json};

#[test]
fn everything_has_its_place() {
    let (stack, images) = (rich(), images());
    assert_snapshot!(shown(&compose(&deployment(&stack, &images)).unwrap()));
}

/// The specification's own schema, asked by a validator that reads YAML 1.1: what it takes for other than text is quoted.
#[test]
fn the_specification_takes_it() {
    let (stack, images) = (rich(), images());
    let folder = tempfile::tempdir().unwrap();
    write(&compose(&deployment(&stack, &images)).unwrap(), folder.path());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/compose-spec.json");
    let validate = |file: &Path| {
        let program = "import json, sys, yaml, jsonschema\n\
             jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(yaml.safe_load(open(sys.argv[2])))";
        Tool::new("/usr/bin/python3").args(["-c", program]).arg(&schema).arg(file).output()
    };
    let file = folder.path().join("compose.yaml");
    let output = validate(&file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // It would not take everything.
    let wrong = fs_err::read_to_string(&file).unwrap().replace("read_only: true", "read_onli: true");
    fs_err::write(&file, wrong).unwrap();
    let refused = validate(&file);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("'read_onli'"));
}

/// What Compose makes of the files in `folder`, with the services of `groups` besides those that always run.
fn config(folder: &Path, groups: &[&str]) -> Value {
    let mut compose =
        Tool::kept("docker-compose").env("HOME", "/nowhere").arg("--project-directory").arg(folder);
    for group in groups {
        compose = compose.args(["--profile", group]);
    }
    let text = compose.arg("-f").arg(folder.join("compose.yaml")).args(["config", "--format", "json"]).run();
    serde_json::from_str(&text).unwrap()
}

/// Every text arrives as it was meant, variables and all.
#[test]
fn compose_understands_it() {
    let (stack, images) = (rich(), images());
    let folder = tempfile::tempdir().unwrap();
    let rendered = compose(&deployment(&stack, &images)).unwrap();
    write(&rendered, folder.path());
    let config = config(folder.path(), &["*"]);
    assert_eq!(config["name"], "shop-eu");
    let services = config["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), stack.services.keys().collect::<Vec<_>>());
    for (name, spec) in &stack.services {
        let service = &services[name];
        // Compose shows texts as a file would have them.
        let written = |text: &longshore_stack::model::Text| text.in_containers().replace('$', "$$");
        let env = spec.env.iter().map(|(name, text)| (name.clone(), Value::from(written(text))));
        assert_eq!(service.get("environment").cloned().unwrap_or(json!({})), Value::Object(env.collect()));
        let command = spec.command.as_ref().map(|words| words.iter().map(written).collect::<Vec<_>>());
        assert_eq!(service["command"], json!(command), "{name}");
        for mount in
            service["volumes"].as_array().into_iter().flatten().filter(|mount| mount["type"] == "bind")
        {
            let source = mount["source"].as_str().unwrap();
            assert!(Path::new(source).is_file(), "{source}");
            assert_eq!(mount["read_only"], true);
        }
    }
    let api = &services["api"];
    assert_eq!(api["healthcheck"]["test"][3], "http://127.0.0.1:8080/ready?cost=$$5&share=10%25");
    let secrets = folder.path().join("secrets/db_password");
    assert_eq!(config["secrets"]["db_password"]["file"], secrets.display().to_string());
    assert_eq!(
        api["deploy"]["resources"]["limits"],
        json!({ "cpus": 1.5, "memory": "536870912", "pids": 256 })
    );
    assert_eq!(services["cache"]["deploy"]["replicas"], 3);
    assert_eq!(services["seed"]["restart"], "no");
}

/// Compose refuses a group that needs something of another, unless that comes with it.
#[test]
fn groups_bring_what_they_need() {
    let (stack, images) = (rich(), images());
    let folder = tempfile::tempdir().unwrap();
    write(&compose(&deployment(&stack, &images)).unwrap(), folder.path());
    let running = |groups: &[&str]| -> Vec<String> {
        config(folder.path(), groups)["services"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(running(&[]), ["api", "cache", "db", "migrate"]);
    assert_eq!(running(&["status"]), ["api", "cache", "db", "migrate", "status"]);
    assert_eq!(running(&["watch"]), ["api", "cache", "db", "migrate", "probe", "status"]);
    assert_eq!(running(&["demo"]), ["api", "cache", "db", "migrate", "probe", "seed", "status"]);
}

#[test]
fn secrets_can_be_elsewhere() {
    let (stack, images) = (rich(), images());
    let folder = tempfile::tempdir().unwrap();
    write(&compose(&deployment(&stack, &images)).unwrap(), folder.path());
    let file = folder.path().join("compose.yaml");
    let text = Tool::kept("docker-compose")
        .env("LONGSHORE_SECRETS", "/run/shop")
        .arg("-f")
        .arg(file)
        .arg("config")
        .run();
    assert!(text.contains("file: /run/shop/db_password\n"), "{text}");
}

#[test]
fn a_stack_without_services_is_a_file_too() {
    let rest = rich();
    let head = include_str!("common/stack.toml").split("[service.api]").next().unwrap();
    let stack = read(&format!("{head}[profile.prod]\n"));
    assert!(stack.images.keys().eq(rest.images.keys()), "{:?}", stack.images.keys());
    let folder = tempfile::tempdir().unwrap();
    write(&compose(&deployment(&stack, &images())).unwrap(), folder.path());
    let yaml = fs_err::read_to_string(folder.path().join("compose.yaml")).unwrap();
    assert!(yaml.contains("\nservices: {}\n"), "{yaml}");
}

#[test]
fn what_it_can_not_say() {
    let mut stack = rich();
    let images = images();
    let without = images.clone().into_iter().filter(|(name, _)| name != "db").collect();
    let error = compose(&deployment(&stack, &without)).unwrap_err();
    assert_eq!(error.to_string(), "service `db` runs image `db`, and nothing says where that is found");
    assert!(error.hint().unwrap().contains("`longshore build`"));
    let service = stack.services.get_mut("api").unwrap();
    service.scratch.iter_mut().for_each(|folder| folder.path = "/var/a:b".try_into().unwrap());
    let error = compose(&deployment(&stack, &images)).unwrap_err();
    let expected =
        "service `api` writes `/var/a:b`, and Compose can't say a folder in memory with `:` in its name";
    assert_eq!(error.to_string(), expected);
}
