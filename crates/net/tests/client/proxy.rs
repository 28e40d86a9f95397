//! Through proxies: HTTP ones with and without tunnels, passwords, SOCKS.

use longshore_net::{Failure, NetError, Proxies, Settings, Url};
use longshore_oci::{Content, Silent, Store};

use crate::servers::{Authority, client, failure, reply, server, socks, tls_server, tunnel};

fn http(proxy: String) -> Settings {
    Settings { proxies: Proxies { http: Some(proxy), ..Proxies::default() }, ..Settings::default() }
}

#[test]
fn http_addresses_are_asked_for_whole() {
    let (address, heads) = server(|_, stream| reply(stream, "200 OK", "", b"hello"));
    let settings = http(format!("http://me:hid%20den@{address}"));
    assert!(!format!("{settings:?}").contains("hid"));
    // Names under `.invalid` never resolve (RFC 6761): only the proxy can know this one.
    let url: Url = "http://user:secret@mirror.invalid:8080/debian/a%20b?c=d".parse().unwrap();
    assert_eq!(client(settings).get_bounded(&url, 100).unwrap(), b"hello");
    let head = heads.recv().unwrap();
    assert!(head.starts_with("GET http://mirror.invalid:8080/debian/a%20b?c=d HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("\r\nhost: mirror.invalid:8080\r\n"), "{head}");
    assert!(head.contains("\r\nproxy-authorization: basic bwu6aglkigrlbg==\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: basic dxnlcjpzzwnyzxq=\r\n"), "{head}");
}

#[test]
fn every_request_on_a_kept_connection_is_whole() {
    // The test server has a thread for each connection, and keeps it where a request says so.
    let (address, heads) = server(|_, stream| {
        let connection = format!("{:?}", std::thread::current().id());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", connection.len());
        let _ = stream.write_all(format!("{head}{connection}").as_bytes());
    });
    let client =
        client(Settings { user_agent: "keep-alive".to_owned(), ..http(format!("http://{address}")) });
    let get = |url: &str| {
        let connection = client.get_bounded(&url.parse().unwrap(), 100).unwrap();
        let head = heads.recv().unwrap();
        assert!(head.starts_with(&format!("GET {url} HTTP/1.1\r\n")), "{head}");
        assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
        connection
    };
    let first = get("http://mirror.invalid/first");
    assert_eq!(get("http://mirror.invalid/second"), first);
    assert_ne!(get("http://other.invalid/first"), first);
}

#[test]
fn what_broke_off_goes_on_through_a_proxy() {
    let (address, heads) = server(|head, stream| {
        if head.to_ascii_lowercase().contains("range: bytes=2-") {
            reply(stream, "206 Partial Content", "Content-Range: bytes 2-4/5\r\n", b"llo");
        } else {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhe");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let content = Content::of(b"hello");
    let urls = ["http://mirror.invalid/a".parse().unwrap()];
    let client = client(http(format!("http://{address}")));
    assert!(client.download(&urls, &content, &store, &Silent).is_err());
    client.download(&urls, &content, &store, &Silent).unwrap();
    assert!(store.has(&content));
    assert_eq!(heads.try_iter().count(), 2);
}

#[test]
fn some_hosts_are_reached_directly() {
    let (target, _heads) = server(|_, stream| reply(stream, "200 OK", "", b"hello"));
    let (address, heads) = server(|_, stream| reply(stream, "502 Bad Gateway", "", b""));
    let mut settings = http(format!("http://{address}"));
    let url: Url = format!("http://{target}/a").parse().unwrap();
    let error = client(settings.clone()).get_bounded(&url, 100).unwrap_err();
    assert!(matches!(failure(error), Failure::Status { status: 502 }));
    heads.recv().unwrap();
    settings.proxies.direct = Some("127.0.0.1".to_owned());
    assert_eq!(client(settings).get_bounded(&url, 100).unwrap(), b"hello");
    assert!(heads.try_recv().is_err());
}

#[test]
fn https_addresses_go_through_a_tunnel() {
    let authority = Authority::new("ours");
    let (target, requests) = tls_server(&authority, |_, stream| reply(stream, "200 OK", "", b"hello"));
    let target = target.replace("127.0.0.1", "localhost");
    let (address, heads) = tunnel();
    let proxies = Proxies { https: Some(format!("me:hidden@{address}")), ..Proxies::default() };
    let url: Url = format!("https://user:secret@{target}/a").parse().unwrap();
    let client = client(Settings { proxies, ..authority.trusted() });
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello");
    let asked = heads.recv().unwrap();
    assert!(asked.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{asked}");
    let asked = asked.to_ascii_lowercase();
    assert!(asked.contains("\r\nproxy-authorization: basic bwu6aglkzgvu\r\n"), "{asked}");
    assert!(!asked.contains("\r\nauthorization:"), "the server's password is not the proxy's: {asked}");
    let request = requests.recv().unwrap();
    assert!(request.starts_with("GET /a HTTP/1.1\r\n"), "{request}");
    assert!(!request.to_ascii_lowercase().contains("proxy-"), "nor the other way: {request}");
}

#[test]
fn a_proxy_may_be_behind_tls_itself() {
    let authority = Authority::new("ours");
    let (address, heads) = tls_server(&authority, |_, stream| reply(stream, "200 OK", "", b"hello"));
    let address = address.replace("127.0.0.1", "localhost");
    let proxies = Proxies { all: Some(format!("https://{address}")), ..Proxies::default() };
    let client = client(Settings { proxies, ..authority.trusted() });
    let url: Url = "http://mirror.invalid/a".parse().unwrap();
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello");
    assert!(heads.recv().unwrap().starts_with("GET http://mirror.invalid/a HTTP/1.1\r\n"));
}

#[test]
fn a_proxy_that_refuses_is_told_apart() {
    let get = |status: &'static str, scheme: &str| {
        let (address, heads) = server(move |_, stream| reply(stream, status, "", b"no"));
        let proxies = Proxies { all: Some(format!("http://me:hidden@{address}")), ..Proxies::default() };
        let url: Url = format!("{scheme}://mirror.invalid/a").parse().unwrap();
        let error = client(Settings { proxies, ..Settings::default() }).get_bounded(&url, 100).unwrap_err();
        assert_eq!(heads.try_iter().count(), 1);
        assert!(!format!("{error} {error:?}").contains("hidden"));
        error
    };
    for scheme in ["http", "https"] {
        let error = get("407 Proxy Authentication Required", scheme);
        assert!(error.hint().unwrap().contains("http_proxy=http://user:password@"), "{error}");
        assert!(matches!(failure(error), Failure::Proxy { status: 407 }));
    }
    let error = get("403 Forbidden", "https");
    assert_eq!(
        error.to_string(),
        "could not fetch it from https://mirror.invalid/a: the proxy answered with status 403"
    );
    assert!(error.hint().unwrap().contains("https_proxy"));
}

#[test]
fn a_proxy_that_is_not_there_is_told_apart() {
    for scheme in ["http", "https"] {
        let proxies = Proxies { all: Some("http://proxy.invalid:3128".to_owned()), ..Proxies::default() };
        let url: Url = format!("{scheme}://127.0.0.1:1/a").parse().unwrap();
        let error = client(Settings { proxies, ..Settings::default() }).get_bounded(&url, 100).unwrap_err();
        assert!(error.to_string().ends_with(": the proxy's host is not found"), "{error}");
    }
}

#[test]
fn socks_proxies() {
    let (target, requests) = server(|_, stream| reply(stream, "200 OK", "", b"hello"));
    let (address, names) = socks();
    let proxies = Proxies { all: Some(format!("socks5h://{address}")), ..Proxies::default() };
    let port = target.rsplit(':').next().unwrap();
    let url: Url = format!("http://mirror.invalid:{port}/a").parse().unwrap();
    let client = client(Settings { proxies, ..Settings::default() });
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello");
    assert_eq!(names.recv().unwrap(), "mirror.invalid");
    assert!(requests.recv().unwrap().starts_with("GET /a HTTP/1.1\r\n"));
}

#[test]
fn a_bad_proxy_is_refused() {
    let proxies = Proxies { http: Some("ftp://me:hidden@proxy".to_owned()), ..Proxies::default() };
    let settings = Settings { proxies, ..Settings::default() };
    let error = longshore_net::Client::new(settings).err().unwrap();
    assert!(matches!(error, NetError::Proxy { name: "http_proxy" }), "{error}");
}
