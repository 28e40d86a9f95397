//! The shipped stacks, built from the real archive, in real engines: loaded, started as their own user with a read-only
//! root, and asked at their ports.

use std::time::Duration;

use longshore_testkit::engine::{Docker, Podman, Run};
use longshore_testkit::http::get;
use longshore_testkit::{Sandbox, layout};
use serde_json::Value;

use crate::betrace::{Upstream, upstream};
use crate::common::{real, with_update};

/// An image, how it is asked, and what it must answer.
struct Service {
    image: &'static str,
    uid: u32,
    volumes: &'static [&'static str],
    tmpfs: &'static [&'static str],
    port: u16,
    path: &'static str,
    answer: &'static str,
}

/// Of the shipped stack, what runs by itself: the other services get their configuration when they are deployed.
const BETRACE: [Service; 1] = [Service {
    image: "ghcr.io/betrace-hq/backend:latest",
    uid: 10001,
    volumes: &["/var/lib/betrace"],
    tmpfs: &[],
    port: 12011,
    path: "/v1/ready",
    answer: "\"HEALTHY\"",
}];

const NGINX: [Service; 1] = [Service {
    image: "nginx-example/web:latest",
    uid: 10101,
    volumes: &["/var/cache/nginx"],
    tmpfs: &["/tmp"],
    port: 8080,
    path: "/",
    answer: "<h1>It runs.</h1>",
}];

const PYTHON: [Service; 1] = [Service {
    image: "python-example/hello:latest",
    uid: 10102,
    volumes: &[],
    tmpfs: &["/tmp"],
    port: 8081,
    path: "/",
    answer: "\"uid\": 10102",
}];

const STACKS: [(&str, &[Service]); 3] =
    [("stacks/betrace", &BETRACE), ("examples/nginx", &NGINX), ("examples/python", &PYTHON)];

/// A stack with what it is made of.
enum Opened {
    Plain(Sandbox),
    Upstream(Box<Upstream>),
}

/// One of [`STACKS`]; of the shipped one, those images whose programs are real are asked.
fn opened(stack: &str, change: impl Fn(Sandbox) -> Sandbox) -> Opened {
    match stack {
        "stacks/betrace" => Opened::Upstream(Box::new(upstream(change))),
        _ => Opened::Plain(change(real(stack))),
    }
}

impl std::ops::Deref for Opened {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        match self {
            Self::Plain(sandbox) => sandbox,
            Self::Upstream(upstream) => upstream,
        }
    }
}

#[test]
fn every_image_is_valid() {
    for (stack, services) in STACKS {
        let sandbox = opened(stack, |sandbox| sandbox);
        with_update(&sandbox, &["build", "-p", "linux/amd64", "-o", "out"]);
        let out = sandbox.work().join("out");
        let problems = longshore_publish::validate(&out);
        assert!(problems.is_empty(), "{stack}: {problems:?}");
        let names = layout::names(&out);
        // Those that need a configuration, and one that ends by itself.
        let others = if stack == "stacks/betrace" { 8 } else { 0 };
        assert_eq!(names.len(), services.len() + others, "{stack}");
        for name in names {
            assert_eq!(layout::skopeo_inspect(&out, &name)["Architecture"], "amd64", "{name}");
            let bundle = tempfile::tempdir().unwrap();
            let unpacked = layout::umoci_unpack(&out, &name, &bundle.path().join("bundle"));
            assert!(unpacked.join("etc/passwd").is_file(), "{name}");
        }
    }
}

#[test]
fn images_run_in_docker() {
    let docker = Docker::start();
    for (stack, services) in STACKS {
        let sandbox = opened(stack, |sandbox| sandbox.env("DOCKER_HOST", &docker.host()));
        let said = with_update(&sandbox, &["load", "--engine", "docker"]);
        eprintln!("{stack}:\n{said}");
        for service in services {
            check(&docker, service);
        }
    }
}

fn check(docker: &Docker, service: &Service) {
    let config = &docker.inspect(service.image)["Config"];
    let user = config["User"].as_str().unwrap();
    assert!(
        user.starts_with(&service.uid.to_string()),
        "{}: the user is `{user}`, not a number",
        service.image
    );
    let strings = |list: &[&str]| list.iter().map(|&path| path.to_owned()).collect();
    let run = Run { volumes: strings(service.volumes), tmpfs: strings(service.tmpfs), ..Run::default() };
    let container = docker.run(service.image, &run);
    let response = get(service.port, service.path, Duration::from_secs(90))
        .unwrap_or_else(|error| panic!("{}: {error}\n{}", service.image, container.logs()));
    assert_eq!(response.status, 200, "{}: {response:?}\n{}", service.image, container.logs());
    assert!(response.body.contains(service.answer), "{}: {response:?}", service.image);
    assert_eq!(container.ids(), (service.uid, service.uid), "{}", service.image);
    let state = container.inspect();
    assert_eq!(state["HostConfig"]["ReadonlyRootfs"], true);
    if service.image.contains("python") {
        let said: Value = serde_json::from_str(&response.body).unwrap();
        assert!(said["certificates"].as_u64().unwrap() > 50, "the CA bundle is not found: {said}");
        assert!(["CET", "CEST"].contains(&said["zone"].as_str().unwrap()), "the zones are not found: {said}");
    }
}

#[test]
fn archives_load_into_docker() {
    let docker = Docker::start();
    let sandbox = upstream(|sandbox| sandbox);
    with_update(&sandbox, &["build", "-p", "linux/amd64"]);
    let mut ids = Vec::new();
    for format in ["oci", "docker"] {
        let archive = format!("{format}.tar");
        sandbox.ok(&["save", "-p", "linux/amd64", "--format", format, "-o", &archive]);
        docker.load(&sandbox.work().join(archive));
        ids.push(docker.inspect(BETRACE[0].image)["Id"].clone());
        check(&docker, &BETRACE[0]);
        // A layer that the engine has already would hide one that can't be read.
        docker.forget();
    }
    assert_eq!(ids[0], ids[1], "the two archives hold other images");
    assert_eq!(ids[0], id(&sandbox, "backend"), "Docker computed another id than longshore");
}

/// The image id that longshore prints.
fn id(sandbox: &Sandbox, image: &str) -> Value {
    let said: Value = serde_json::from_str(&sandbox.ok(&["--json", "build", "-p", "linux/amd64"])).unwrap();
    let images = said["images"].as_array().unwrap();
    images.iter().find(|row| row["image"] == image).unwrap()["id"].clone()
}

#[test]
fn a_second_load_sends_what_is_missing() {
    let docker = Docker::start();
    let sandbox = real("examples/nginx").env("DOCKER_HOST", &docker.host());
    with_update(&sandbox, &["load", "--engine", "docker"]);
    let before = docker.inspect(NGINX[0].image);
    sandbox.write("site/index.html", "<h1>It runs.</h1> Changed.\n");
    let said = sandbox.ok(&["--json", "load", "--engine", "docker"]);
    let after = docker.inspect(NGINX[0].image);
    let layers = |image: &Value| image["RootFS"]["Layers"].as_array().unwrap().clone();
    let new = layers(&after).into_iter().filter(|layer| !layers(&before).contains(layer)).count();
    assert_eq!(new, 1, "one file changed, {new} layers did");
    let said: Value = serde_json::from_str(&said).unwrap();
    let bytes = |name: &str| said["published"][name].as_u64().unwrap();
    assert!(bytes("bytes_sent") < 1 << 20, "{said}");
    assert!(bytes("bytes_skipped") > 20 << 20, "{said}");
    check(&docker, &NGINX[0]);
}

#[test]
fn images_load_into_podman() {
    let podman = Podman::new();
    let sandbox = upstream(|sandbox| sandbox.env("CONTAINERS_STORAGE_CONF", &podman.storage_conf()));
    with_update(&sandbox, &["load", "--engine", "podman"]);
    for (service, name) in BETRACE.iter().zip(["backend"]) {
        let said = podman.inspect(service.image);
        let expected = id(&sandbox, name);
        let expected = expected.as_str().unwrap().trim_start_matches("sha256:");
        assert_eq!(said["Id"], expected, "podman computed another id than longshore");
        assert!(said["Config"]["User"].as_str().unwrap().starts_with(&service.uid.to_string()), "{said}");
    }
}

#[test]
fn archives_load_into_podman() {
    let podman = Podman::new();
    let sandbox = upstream(|sandbox| sandbox);
    with_update(&sandbox, &["save", "-p", "linux/amd64", "-o", "dual.tar"]);
    podman.load(&sandbox.work().join("dual.tar"));
    let said = podman.inspect(BETRACE[0].image);
    let expected = id(&sandbox, "backend");
    assert_eq!(said["Id"], expected.as_str().unwrap().trim_start_matches("sha256:"));
}
