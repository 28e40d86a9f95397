//! The client against servers that redirect, hide behind proxies, or want a password.

#![allow(clippy::unwrap_used, reason = "a broken assumption of a test fails it")]

mod proxy;
mod servers;
mod tls;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use longshore_net::{Failure, Settings, Url};
use longshore_oci::{Content, Silent, Store};
use longshore_testkit::http::Server;

use servers::{client, failure, reply, server};

fn redirect(to: String) -> (String, Receiver<String>) {
    server(move |_, stream| reply(stream, "302 Found", &format!("Location: {to}\r\n"), b""))
}

fn files() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a"), "hello").unwrap();
    let server = Server::new(folder.path());
    (folder, server)
}

#[test]
fn redirects_are_followed_but_never_to_files() {
    let (folder, files) = files();
    let get = |to: String| {
        let (address, _heads) = redirect(to);
        let url: Url = format!("http://{address}/x").parse().unwrap();
        client(Settings::default()).get_bounded(&url, 100)
    };
    assert_eq!(get(format!("{}/a", files.url())).unwrap(), b"hello");
    let error = get(format!("file://{}/a", folder.path().display())).unwrap_err();
    assert!(matches!(failure(error), Failure::Downgrade { .. }));
    assert!(matches!(failure(get("/x".to_owned()).unwrap_err()), Failure::Redirect(None)), "a loop ends");
}

#[test]
fn reads_are_bounded() {
    let (_folder, files) = files();
    let url: Url = format!("{}/a", files.url()).parse().unwrap();
    let client = client(Settings::default());
    assert_eq!(client.get_bounded(&url, 5).unwrap(), b"hello");
    assert!(matches!(failure(client.get_bounded(&url, 4).unwrap_err()), Failure::TooLarge { limit: 4 }));
}

#[test]
fn more_than_promised_is_cut_off_and_web_pages_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let content = Content::of(b"hello");
    let get = |head: &'static str, body: &'static [u8]| {
        let (address, _heads) = server(move |_, stream| {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n");
            // The client hangs up in the middle.
            let _ = stream.write_all(body);
        });
        let url: Url = format!("http://{address}/x").parse().unwrap();
        client(Settings::default()).download(&[url], &content, &store, &Silent)
    };
    assert!(
        matches!(failure(get("", &[b'x'; 1 << 20]).unwrap_err()), Failure::Different(_)),
        "no length is promised"
    );
    assert!(matches!(
        failure(get("Content-Length: 6\r\n", b"hellos").unwrap_err()),
        Failure::Size { expected: 5, found: 6 }
    ));
    let page = get("Content-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n", b"hello");
    assert!(matches!(failure(page.unwrap_err()), Failure::WebPage));
    assert!(!store.has(&content));
    get("", b"hello").unwrap();
    assert!(store.has(&content));
}

#[test]
fn passwords_are_sent_and_not_shown() {
    let (address, heads) = server(|_, stream| reply(stream, "403 Forbidden", "", b""));
    let url: Url = format!("http://user:se%63ret@{address}/x").parse().unwrap();
    let error = client(Settings::default()).get_bounded(&url, 100).unwrap_err();
    assert!(heads.recv().unwrap().to_ascii_lowercase().contains("authorization: basic dxnlcjpzzwnyzxq="));
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("status 403") && shown.contains("***@") && !shown.contains("secret"), "{shown}");
}

#[test]
fn silence_ends() {
    let client = client(Settings { timeout: Duration::from_secs(1), ..Settings::default() });
    let get = |head: &'static str| {
        let (address, _heads) = server(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            std::thread::sleep(Duration::from_secs(20));
        });
        let url: Url = format!("http://{address}/x").parse().unwrap();
        client.get_bounded(&url, 100).unwrap_err().to_string()
    };
    let error = get("");
    assert!(error.ends_with(": no answer within 1s"), "{error}");
    let error = get("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    assert!(error.ends_with(": the server went silent"), "{error}");
}

#[test]
fn a_host_that_is_not_there_is_told_apart() {
    let url: Url = "http://mirror.invalid/x".parse().unwrap();
    let error = client(Settings::default()).get_bounded(&url, 100).unwrap_err();
    assert!(error.hint().unwrap().contains("https_proxy"));
    assert!(matches!(failure(error), Failure::Host));
}

#[test]
fn slow_is_not_silent() {
    let (address, _heads) = server(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        for byte in b"hello" {
            std::thread::sleep(Duration::from_millis(500));
            let _ = stream.write_all(&[*byte]);
        }
    });
    let url: Url = format!("http://{address}/x").parse().unwrap();
    let client = client(Settings { timeout: Duration::from_secs(2), ..Settings::default() });
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello", "2.5 s in all, never 2 at once");
}
