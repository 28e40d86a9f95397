//! The whole BeTrace stack, for both platforms, at every registry: pushed, broken off and pushed on, pulled and run by
//! engines, and pruned.

use std::process::Stdio;
use std::time::{Duration, Instant};

use longshore_testkit::engine::{Docker, Podman, Run};
use longshore_testkit::http::get;
use longshore_testkit::proxy::{Proxy, Seen};
use longshore_testkit::registry::{Kind, Registry, crane};
use longshore_testkit::{Sandbox, Tool, layout};
use serde_json::Value;

use crate::common::{real, with_update};
use crate::registries::{assert_sound, digest, json, remote, sorted};

/// What is published under which names, and what of it stays.
const PUBLISH: &str = "\n[publish]\ntags = [\"{{ version }}\", \"latest\"]\nimmutable = [\"1.*\"]\n\
                       [publish.retention]\nkeep = [\"latest\"]\nnewest = 1\n";

/// A program of the stack, and what it says for which arguments.
const PROGRAMS: [(&str, &[&str], &str); 5] = [
    ("backend", &["/bin/betrace-backend", "--version"], "betrace-backend"),
    ("frontend", &["/bin/caddy", "version"], "2."),
    ("loki", &["/bin/loki", "-version"], "3.7.8"),
    ("prometheus", &["/bin/prometheus", "--version"], "prometheus, version"),
    ("tempo", &["/bin/tempo", "-version"], "tempo, version"),
];

/// The stack at version `version` of it.
fn at_version(stack: &Sandbox, file: &str, version: &str) {
    let file = file
        .replace(
            "name = \"betrace\"\nrepository",
            &format!("name = \"betrace\"\nversion = \"{version}\"\nrepository"),
        )
        .replace("title = \"BeTrace backend\"", &format!("title = \"BeTrace backend {version}\""));
    stack.write("stack.toml", file + PUBLISH);
}

/// Starts a push, and kills it when a few blobs have gone up.
fn killed(stack: &Sandbox, proxy: &Proxy) {
    let mut push = stack.command(&["push", "--to", &format!("{}/org", proxy.host())]);
    let mut push = push.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let ended = |seen: &&Seen| seen.method == "PUT" && seen.path.contains("/blobs/uploads/");
    while proxy.seen().iter().filter(ended).count() < 12 {
        assert!(start.elapsed() < Duration::from_secs(300), "nothing goes up");
        assert!(push.try_wait().unwrap().is_none(), "the push was over before it could be killed");
        std::thread::sleep(Duration::from_millis(5));
    }
    push.kill().unwrap();
    push.wait().unwrap();
}

/// What a container of `image` says, started as its own user; by an emulator when that is another platform's.
fn says(docker: &Docker, emulator: Option<&str>, image: &str, command: &[&str]) -> String {
    let mut cli = docker.cli().args(["run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"]);
    cli = cli.args(["--security-opt", "no-new-privileges", "--pull", "never"]);
    cli = match emulator {
        None => cli.args(["--entrypoint", command[0], image]),
        // It is one file that needs no other.
        Some(emulator) => cli.args([
            "-v",
            &format!("{emulator}:/emulator:ro"),
            "--entrypoint",
            "/emulator",
            image,
            command[0],
        ]),
    };
    let output = cli.args(&command[1..]).output();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{image}: {said}");
    said
}

#[test]
#[ignore = "builds the whole stack for two platforms: ./x test --long"]
fn the_whole_stack_at_every_registry() {
    let stack = real("stacks/betrace").env("LONGSHORE_PROFILE", "source");
    let file = stack.read("stack.toml");
    at_version(&stack, &file, "1.0.0");
    stack.ok(&["lock"]);
    with_update(&stack, &["build"]);
    let docker = Docker::start();
    for kind in Kind::ALL {
        at_version(&stack, &file, "1.0.0");
        let registry = Registry::start(kind);
        let proxy = Proxy::new(&registry.host());
        let to = format!("{}/org", proxy.host());
        let planned = json(&stack.ok(&["--json", "push", "--to", &to, "--dry-run"]));
        killed(&stack, &proxy);
        for image in ["backend", "frontend", "loadgen", "loki", "prometheus", "tempo"] {
            let tags = crane().args(["ls", &remote(&registry.host(), image)]).run_quietly();
            assert!(tags.is_empty(), "{kind:?}: a push that was broken off moved {tags} of {image}");
        }
        let pushed = json(&stack.ok(&["--json", "push", "--to", &to]));
        let (all, rest) =
            (planned["bytes_to_send"].as_u64().unwrap(), pushed["bytes_sent"].as_u64().unwrap());
        eprintln!("{kind:?}: {all} bytes in all, {rest} after the first push was killed");
        assert!(all > 200 << 20 && rest < all, "{kind:?}: {rest} of {all} bytes were sent again");
        let record = json(&stack.read("stack.source.published"));
        for (image, published) in record["images"].as_object().unwrap() {
            checked(kind, &remote(&registry.host(), image), published);
        }
        pulled(&docker, kind, &registry);
        pruned(&stack, &file, &registry, &to);
        docker.forget();
    }
}

/// Others read an image, for both platforms.
fn checked(kind: Kind, name: &str, published: &Value) {
    let full = format!("{name}:1.0.0");
    assert_eq!(digest(&full), published["digest"], "{kind:?}: {name}");
    crane().args(["validate", "--remote", &full]).run();
    let copy = tempfile::tempdir().unwrap();
    let to = format!("oci:{}:x", copy.path().display());
    Tool::new("skopeo")
        .args(["copy", "--quiet", "--all", "--src-tls-verify=false", &format!("docker://{full}"), &to])
        .run();
    assert_sound(copy.path());
    for platform in ["amd64", "arm64"] {
        let inspect = ["inspect", "--tls-verify=false", "--override-arch", platform, "--config"];
        let config = json(&Tool::new("skopeo").args(inspect).arg(format!("docker://{full}")).run());
        assert_eq!(config["architecture"], platform, "{kind:?}: {full}");
    }
}

/// Engines pull images, and run them; those of the other platform with an emulator.
fn pulled(docker: &Docker, kind: Kind, registry: &Registry) {
    let platforms =
        [("linux/amd64", "x86_64", "qemu-x86_64-static"), ("linux/arm64", "aarch64", "qemu-aarch64-static")];
    for (platform, machine, emulator) in platforms {
        let emulator = (machine != std::env::consts::ARCH).then(|| format!("/usr/bin/{emulator}"));
        for (image, command, expected) in PROGRAMS {
            let name = format!("{}:1.0.0", remote(&registry.host(), image));
            docker.cli().args(["pull", "--quiet", "--platform", platform, &name]).run();
            let said = says(docker, emulator.as_deref(), &name, command);
            assert!(said.contains(expected), "{kind:?}: {image} for {platform}: {said}");
        }
        docker.forget();
    }
    let name = format!("{}:latest", remote(&registry.host(), "backend"));
    docker.cli().args(["pull", "--quiet", &name]).run();
    let run = Run { volumes: vec!["/var/lib/betrace".to_owned()], ..Default::default() };
    let container = docker.run(&name, &run);
    let response = get(12011, "/v1/ready", Duration::from_secs(60))
        .unwrap_or_else(|error| panic!("{kind:?}: {error}\n{}", container.logs()));
    assert!(response.body.contains("HEALTHY"), "{kind:?}: {response:?}");
    drop(container);

    let podman = Podman::new();
    for architecture in ["amd64", "arm64"] {
        let name = format!("{}:1.0.0", remote(&registry.host(), "loki"));
        podman.cli().args(["pull", "--quiet", "--tls-verify=false", "--arch", architecture, &name]).run();
        assert_eq!(podman.inspect(&name)["Architecture"], architecture, "{kind:?}");
    }
}

/// Two more versions; then the first goes, and what the others share with it stays.
fn pruned(stack: &Sandbox, file: &str, registry: &Registry, to: &str) {
    let kind = registry.kind();
    for version in ["1.1.0", "1.2.0"] {
        at_version(stack, file, version);
        stack.ok(&["lock"]);
        let pushed = json(&stack.ok(&["--json", "push", "--to", to]));
        assert!(pushed["bytes_sent"].as_u64().unwrap() < 1 << 20, "{kind:?}: {pushed}");
    }
    stack.ok(&["prune", "--to", to, "--yes"]);
    registry.collect_garbage();
    for image in ["backend", "frontend", "loadgen", "loki", "prometheus", "tempo"] {
        let name = remote(&registry.host(), image);
        assert_eq!(sorted(&crane().args(["ls", &name]).run()), ["1.2.0", "latest"], "{kind:?}: {image}");
        crane().args(["validate", "--remote", &format!("{name}:1.2.0")]).run();
    }
    let copy = tempfile::tempdir().unwrap();
    let pulled = copy.path().join("pulled");
    stack.ok(&["pull", "-o", &pulled.display().to_string()]);
    assert_sound(&pulled);
    assert_eq!(
        layout::names(&pulled).len(),
        json(&stack.read("stack.source.published"))["images"].as_object().unwrap().len()
    );
}
