//! gRPC's health service, from two implementations of it: that in C (through Python), and that in Go (etcd's).

use std::time::{Duration, Instant};

use longshore_testkit::{Tool, free_port};

use crate::common::{Canned, Server, exit_code, healthy, unhealthy};

/// A server of Python's gRPC; what it knows is in the script.
fn python(mode: &str) -> (Server, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/health.py");
    let mut server = Server::start(Tool::new("/usr/bin/python3").args(["-u", script, mode]));
    let port = server.port_after("port ");
    (server, format!("127.0.0.1:{port}"))
}

#[test]
fn the_status_decides() {
    let (_server, at) = python("health");
    let longest = "s".repeat(255);
    healthy(&["grpc", &at], "SERVING");
    healthy(&["grpc", &at, "up.Service"], "SERVING");
    healthy(&["grpc", &at, &longest], "SERVING");
    unhealthy(&["grpc", &at, "down.Service"], "NOT_SERVING");
    unhealthy(&["grpc", &at, "new.Service"], "UNKNOWN");
    unhealthy(&["grpc", &at, "no.Service"], "NOT_FOUND: unknown service no.Service");
    // A text with a `%` comes coded.
    unhealthy(&["grpc", &at, "caf%e.Service"], "NOT_FOUND: unknown service caf%e.Service");
    // Headers that need more than one frame, and longer texts than are kept.
    healthy(&["grpc", &at, "talkative.Service"], "SERVING");
    let words = format!("RESOURCE_EXHAUSTED: {}", "no. ".repeat(40));
    unhealthy(&["grpc", &at, "wordy.Service"], &words);
    // gRPC over IPv6 and by name goes the same way.
    let (_, port) = at.split_once(':').unwrap();
    healthy(&["grpc", &format!("localhost:{port}")], "SERVING");
}

#[test]
fn servers_without_health_are_named() {
    let (_server, at) = python("nothing");
    unhealthy(&["grpc", &at], "UNIMPLEMENTED: Method not found!");
}

#[test]
fn slow_servers_are_late() {
    let (_server, at) = python("slow");
    unhealthy(&["grpc", &at, "--timeout", "0.5"], "no answer within 500ms");
}

#[test]
fn etcd_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (clients, peers) = (free_port(), free_port());
    let (at, url) = (format!("127.0.0.1:{clients}"), format!("http://127.0.0.1:{clients}"));
    let peer = format!("http://127.0.0.1:{peers}");
    let etcd = Tool::new("etcd").arg("--data-dir").arg(folder.path()).args(
        [
            ["--listen-client-urls", &url],
            ["--advertise-client-urls", &url],
            ["--listen-peer-urls", &peer],
            ["--initial-advertise-peer-urls", &peer],
            ["--initial-cluster", &format!("default={peer}")],
        ]
        .concat(),
    );
    let _server = Server::start(etcd);
    let start = Instant::now();
    while exit_code(&["grpc", &at]) != 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "etcd does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    healthy(&["grpc", &at], "SERVING");
    unhealthy(&["grpc", &at, "no.Service"], "NOT_FOUND: unknown service");
    healthy(&["http", &format!("{url}/health")], "200 OK");
}

#[test]
fn other_servers_are_named() {
    let check = |answer: &[u8], line: &str| {
        let server = Canned::new(answer);
        unhealthy(&["grpc", &server.address.to_string()], line);
    };
    check(b"", "the connection was closed without an answer");
    check(b"\x15\x03\x01\x00\x02\x02\x46", "the answer is not HTTP/2");
    check(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "the connection was closed within the answer");
    check(
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00",
        "the connection was closed within the answer",
    );
}
