//! HTTP, from servers of others.

use longshore_testkit::http::{self, Fault, Times};
use longshore_testkit::{Tool, free_port};

use crate::common::{Canned, Server, healthy, unhealthy};

/// Python's own server of the files of a folder, at an address.
fn python(address: &str, folder: &std::path::Path) -> (Server, u16) {
    let tool =
        Tool::new("/usr/bin/python3").args(["-u", "-m", "http.server", "--bind", address, "--directory"]);
    let mut server = Server::start(tool.arg(folder).arg("0"));
    let port = server.port_after(" port ");
    (server, port)
}

#[test]
fn a_real_server_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("ready"), "yes").unwrap();
    fs_err::create_dir(folder.path().join("below")).unwrap();
    let (_server, port) = python("127.0.0.1", folder.path());
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    healthy(&["http", &url("")], "200 OK");
    healthy(&["http", &url("/ready?now")], "200 OK");
    healthy(&["http", &url("/below")], "301 Moved Permanently");
    unhealthy(&["http", &url("/nothing")], "404 File not found");
    healthy(&["http", &format!("http://localhost:{port}/ready")], "200 OK");
    healthy(&["tcp", &format!("127.0.0.1:{port}")], "connected");
    // What it answers to HTTP/2 is a page without a status line.
    unhealthy(&["grpc", &format!("127.0.0.1:{port}")], "the answer is not HTTP/2");
}

#[test]
fn ipv6_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, port) = python("::1", folder.path());
    healthy(&["http", &format!("http://[::1]:{port}/")], "200 OK");
    healthy(&["tcp", &format!("[::1]:{port}")], "connected");
}

#[test]
fn failures_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = http::Server::new(folder.path());
    server.fault("health", Fault::Unavailable, Times::Always);
    unhealthy(&["http", &format!("{}/health", server.url())], "503 Service Unavailable");
    assert_eq!(server.requests("health"), 2);
    let address = server.url().replace("http://", "");
    unhealthy(&["grpc", &address], "the answer is HTTP/1, not gRPC");
    let port = free_port();
    unhealthy(&["http", &format!("http://127.0.0.1:{port}/")], "connection refused");
    unhealthy(&["tcp", &format!("127.0.0.1:{port}")], "connection refused");
    unhealthy(&["grpc", &format!("127.0.0.1:{port}")], "connection refused");
}

#[test]
fn answers_that_are_none_are_named() {
    let check = |answer: &[u8], line: &str| {
        let server = Canned::new(answer);
        unhealthy(&["http", &format!("http://{}/", server.address)], line);
    };
    check(b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "500 Internal Server Error");
    check(b"", "the connection was closed without an answer");
    check(b"HTTP/1.1 200 OK", "the connection was closed within the answer");
    check(b"SSH-2.0-OpenSSH_9.2p1\r\n", "the answer is not HTTP");
    check(&[0xff; 3_000], "the answer is not HTTP");
    check(&[b"HTTP/1.1 200 ", &[b'a'; 9_000][..]].concat(), "the answer has no status line within 8 kB");
}
