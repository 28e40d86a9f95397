//! The whole BeTrace stack, under longshore's own runner and under Compose: what comes in at the OTLP entrance is found
//! where it belongs, and is still there after everything was stopped and started again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_testkit::engine::Docker;
use longshore_testkit::http::{get, post};
use longshore_testkit::{Sandbox, Tool};
use serde_json::{Value, json};

use crate::common::{Running, ports, real, with_update};

/// Published ports of the stack, all on loopback.
const BACKEND: u16 = 12011;
const OTLP: u16 = 4318;
const TEMPO: u16 = 3200;
const LOKI: u16 = 3100;
const PROMETHEUS: u16 = 9090;

/// The stack in the profile that can be had everywhere. Its ports are the same wherever it runs, so one at a time.
fn stack() -> Sandbox {
    let stack = real("stacks/betrace").env("LONGSHORE_PROFILE", "source");
    let state = stack.work().join("state").display().to_string();
    stack.env("XDG_STATE_HOME", &state)
}

/// What was sent to the stack.
struct Sent {
    trace: String,
    marker: String,
}

/// A rule, a trace that breaks it, a log line and a metric.
fn send() -> Sent {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let (trace, span) = (format!("{now:032x}"), format!("{:016x}", now as u64));
    let marker = format!("m{now:x}");
    let rule = json!({
        "name": format!("Parcels are scanned {marker}"),
        "severity": "HIGH",
        "expression": "when { order.ship } always { label.scan }",
    });
    let answer = post(BACKEND, "/v1/rules", &rule.to_string()).unwrap();
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    let resource = json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": marker } }] });
    let time = now.to_string();
    let end = (now + 1_000_000).to_string();
    let bodies = [
        (
            "/v1/traces",
            json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "spans": [{
            "traceId": trace, "spanId": span, "name": "order.ship", "kind": 1,
            "startTimeUnixNano": time, "endTimeUnixNano": end,
        }] }] }] }),
        ),
        (
            "/v1/logs",
            json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "logRecords": [{
            "timeUnixNano": time, "severityText": "INFO", "body": { "stringValue": format!("shipped {marker}") },
        }] }] }] }),
        ),
        (
            "/v1/metrics",
            json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "metrics": [{
            "name": format!("shipped_{marker}"),
            "gauge": { "dataPoints": [{ "timeUnixNano": time, "asDouble": 42 }] },
        }] }] }] }),
        ),
    ];
    for (path, body) in bodies {
        let answer = post(OTLP, path, &body.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    Sent { trace, marker }
}

/// Asks until the answer satisfies, for two minutes at most.
fn until(what: &str, port: u16, path: &str, satisfied: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    let mut last = String::new();
    while start.elapsed() < Duration::from_secs(120) {
        match get(port, path, Duration::from_secs(20)) {
            Ok(answer) => {
                let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                if answer.status == 200 && satisfied(&value) {
                    return value;
                }
                last = format!("{answer:?}");
            }
            Err(error) => last = error,
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{what} was not found at 127.0.0.1:{port}{path}: {last}");
}

/// Finds all of it where it belongs.
fn find(sent: &Sent) {
    let violations = format!("/v1/violations?traceId={}", sent.trace);
    let found = until("the violation", BACKEND, &violations, |found| found["totalCount"] == 1);
    assert_eq!(found["violations"][0]["verified"], true, "{found}");
    until("the violation's span", TEMPO, &format!("/api/traces/{}", sent.trace), |trace| {
        let text = trace.to_string();
        text.contains("betrace.violation") && text.contains("order.ship")
    });
    let logs = format!("/loki/api/v1/query_range?since=3h&query=%7Bservice_name%3D%22{}%22%7D", sent.marker);
    until("the log line", LOKI, &logs, |logs| logs.to_string().contains(&format!("shipped {}", sent.marker)));
    let metric = format!("/api/v1/query?query=last_over_time(shipped_{}%5B3h%5D)", sent.marker);
    until("the metric", PROMETHEUS, &metric, |found| found["data"]["result"][0]["value"][1] == "42");
}

/// Every service that has metrics is asked for them.
fn scraped() {
    until("all targets", PROMETHEUS, "/api/v1/targets", |found| {
        let targets = found["data"]["activeTargets"].as_array().cloned().unwrap_or_default();
        let up = |job: &str| {
            targets.iter().any(|target| target["labels"]["job"] == job && target["health"] == "up")
        };
        ["prometheus", "backend", "collector", "loki", "tempo"].into_iter().all(up)
    });
}

/// The services as `ps` has them, by name.
fn state(stack: &Sandbox, service: &str) -> Value {
    let all: Value = serde_json::from_str(&stack.ok(&["--json", "ps"])).unwrap();
    let all = all["services"].as_array().unwrap().clone();
    all.into_iter().find(|one| one["service"] == service).unwrap_or_else(|| panic!("`ps` has no `{service}`"))
}

/// Where the runner keeps a volume.
fn volume(stack: &Sandbox, name: &str) -> PathBuf {
    let stacks = stack.work().join("state/longshore/stacks");
    let only = fs_err::read_dir(stacks).unwrap().next().unwrap().unwrap();
    only.path().join("volumes").join(name)
}

/// A file system of a few pages over a folder, which is full at once.
struct Full(PathBuf);

impl Full {
    fn mount(folder: &Path, uid: u32) -> Self {
        let options = format!("size=16k,mode=750,uid={uid},gid={uid}");
        Tool::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder).run();
        Self(folder.to_owned())
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        Tool::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
#[ignore = "builds Loki and Tempo: ./x test --long"]
fn the_whole_stack_under_the_runner() {
    let _ports = ports();
    let stack = stack();
    with_update(&stack, &["build", "-p", "linux/amd64"]);
    let running = Running(&stack);
    stack.ok(&["up", "--detach"]);
    let sent = send();
    find(&sent);
    scraped();

    // A service that is killed is started again, and has what it had.
    let before = state(&stack, "loki");
    Tool::new("kill").args(["-9", &before["pid"].to_string()]).run();
    let start = Instant::now();
    loop {
        let now = state(&stack, "loki");
        if now["state"] == "ready" && now["pid"] != before["pid"] {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(180), "{now}");
        std::thread::sleep(Duration::from_millis(500));
    }
    find(&sent);

    // Everything is stopped and started again: the data stays.
    stack.ok(&["down"]);
    assert!(get(BACKEND, "/v1/health", Duration::from_secs(1)).is_err());
    stack.ok(&["up", "--detach"]);
    find(&sent);

    // A volume without room: whose it is is said, with what it wrote; when there is room again, all is as it was.
    stack.ok(&["down"]);
    let full = Full::mount(&volume(&stack, "backend.data"), 10001);
    let refused = stack.run(&["up", "--detach"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("`backend`"), "{refused}");
    stack.ok(&["down"]);
    drop(full);
    stack.ok(&["up", "--detach"]);
    find(&sent);
    drop(running);
}

#[test]
#[ignore = "builds Loki and Tempo: ./x test --long"]
fn the_whole_stack_under_compose() {
    let _ports = ports();
    let docker = Docker::start();
    let stack = stack().env("DOCKER_HOST", &docker.host());
    with_update(&stack, &["load", "--engine", "docker"]);
    stack.ok(&["generate", "compose", "-o", "deploy"]);
    assert_eq!(stack.run(&["generate", "compose", "-o", "deploy", "--check"]).code, 0);
    stack.ok(&["secrets", "export", "deploy/secrets"]);
    let compose = |arguments: &[&str]| {
        let tool = Tool::kept("docker-compose")
            .env("DOCKER_HOST", docker.host())
            .env("DOCKER_CONFIG", stack.work())
            .arg("-f")
            .arg(stack.work().join("deploy/compose.yaml"));
        tool.args(arguments)
    };
    compose(&["up", "--detach", "--wait", "--wait-timeout", "300"]).run();
    let sent = send();
    find(&sent);
    scraped();
    compose(&["down", "--timeout", "20"]).run();
    compose(&["up", "--detach", "--wait", "--wait-timeout", "300"]).run();
    find(&sent);
    compose(&["down", "--timeout", "5", "--volumes"]).run();
}

/// A second stack, with nothing of BeTrace's in it.
#[test]
fn notes_are_kept_in_a_database() {
    const NOTES: u16 = 8090;
    let _ports = ports();
    let stack = real("examples/notes");
    with_update(&stack, &["build"]);
    let running = Running(&stack);
    stack.ok(&["up", "--detach"]);
    let added = post(NOTES, "/", "remember the milk").unwrap();
    assert_eq!(added.status, 201, "{added:?}\n{}", stack.ok(&["logs"]));
    stack.ok(&["down"]);
    stack.ok(&["up", "--detach"]);
    let kept = get(NOTES, "/", Duration::from_secs(20)).unwrap();
    assert_eq!(kept.body, "[\"remember the milk\"]\n");
    // The database takes nobody without the password that was made for it.
    let refused = stack.run(&[
        "exec",
        "web",
        "/usr/bin/python3",
        "-c",
        "import psycopg2; psycopg2.connect('host=db user=postgres password=postgres')",
    ]);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.stderr.contains("password authentication failed"), "{refused}");
    stack.ok(&["down", "--volumes"]);
    stack.ok(&["up", "--detach"]);
    assert_eq!(get(NOTES, "/", Duration::from_secs(20)).unwrap().body, "[]\n");
    drop(running);
}
