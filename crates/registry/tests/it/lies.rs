//! Registries that do not tell the truth.

use longshore_oci::{Content, Silent, media_type};
use longshore_registry::{At, Error};
use longshore_testkit::proxy::Proxy;

use crate::{Own, upload};

/// A registry that answers everything alike.
fn always(head: &str, body: impl Into<Vec<u8>>) -> (Proxy, Own) {
    let (head, body) = (head.to_owned(), String::from_utf8(body.into()).unwrap());
    let proxy = Proxy::answering(
        "127.0.0.1:1",
        Box::new(move |seen| {
            let body = if seen.method == "HEAD" { "" } else { &body };
            Some(format!("HTTP/1.1 {head}\r\n\r\n{body}"))
        }),
    );
    (proxy, Own::new())
}

fn length(body: &str) -> String {
    format!("Content-Length: {}", body.len())
}

#[test]
fn other_bytes_than_asked_for_are_refused() {
    let (proxy, own) = always(&format!("200 OK\r\n{}", length("{\"a\":1}")), "{\"a\":1}");
    let repository = own.repository(&proxy.host(), "org/web");
    let wanted = Content::of(b"{\"a\":2}");
    let error = repository.manifest(&At::Digest(wanted.digest)).unwrap_err();
    assert!(matches!(error, Error::Different { .. }), "{error}");
    let error = repository.fetch_blob(&wanted, &Silent).unwrap_err();
    assert!(matches!(error, Error::Different { .. }), "{error}");
    assert!(!own.client.store().has(&wanted));
}

#[test]
fn a_digest_that_does_not_fit_what_comes_is_refused() {
    let claim = Content::of(b"other").digest;
    let head = format!("200 OK\r\nDocker-Content-Digest: {claim}\r\n{}", length("{}"));
    let (proxy, own) = always(&head, "{}");
    let error = own.repository(&proxy.host(), "org/web").manifest(&At::Tag("1".to_owned())).unwrap_err();
    assert!(matches!(error, Error::Different { .. }), "{error}");
    let error =
        own.repository(&proxy.host(), "org/web").put_manifest(media_type::MANIFEST, b"{}").unwrap_err();
    assert!(matches!(error, Error::Mistaken { .. }), "{error}");
}

#[test]
fn wrong_sizes_are_refused_before_they_come() {
    let (proxy, own) = always(&format!("200 OK\r\n{}", length("hello there")), "hello there");
    let repository = own.repository(&proxy.host(), "org/web");
    let error = repository.fetch_blob(&Content::of(b"hello"), &Silent).unwrap_err();
    assert!(error.to_string().contains("expected 5 bytes, the server has 11"), "{error}");
}

#[test]
fn a_manifest_without_end_is_cut_off() {
    let body = "x".repeat(5 << 20);
    for head in ["200 OK\r\nConnection: close".to_owned(), format!("200 OK\r\n{}", length(&body))] {
        let (proxy, own) = always(&head, body.clone());
        let error = own.repository(&proxy.host(), "org/web").manifest(&At::Tag("1".to_owned())).unwrap_err();
        assert!(error.to_string().contains("larger than the 4194304 bytes"), "{error}");
    }
}

#[test]
fn pages_for_people_are_no_answers() {
    let page = "<html>Please log in</html>";
    let (proxy, own) =
        always(&format!("200 OK\r\nContent-Type: text/html; charset=utf-8\r\n{}", length(page)), page);
    let repository = own.repository(&proxy.host(), "org/web");
    for error in [
        repository.manifest(&At::Tag("1".to_owned())).unwrap_err(),
        repository.fetch_blob(&Content::of(b"x"), &Silent).unwrap_err(),
        repository.tags().unwrap_err(),
    ] {
        assert!(matches!(error, Error::WebPage { .. }), "{error}");
        assert!(!error.to_string().contains("log in"), "{error}");
    }
    let (proxy, own) =
        always(&format!("502 Bad Gateway\r\nContent-Type: text/html\r\n{}", length(page)), page);
    let error = own.repository(&proxy.host(), "org/web").tags().unwrap_err().to_string();
    assert!(error.ends_with("the tags of `org/web` with status 502"), "{error}");
}

#[test]
fn a_limit_that_takes_too_long_is_told() {
    let said = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"pull limit reached\u001b[31m"}]}"#;
    let (proxy, own) =
        always(&format!("429 Too Many Requests\r\nRetry-After: 3600\r\n{}", length(said)), said);
    let error = own.repository(&proxy.host(), "org/web").manifest(&At::Tag("1".to_owned())).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("takes no more requests from us for now, for 3600 s"), "{text}");
    assert!(text.contains("pull limit reached [31m (TOOMANYREQUESTS)") && !text.contains('\u{1b}'), "{text}");
    assert!(error.hint().unwrap().contains("longshore login"));
}

#[test]
fn an_upload_that_leads_nowhere_or_elsewhere_is_refused() {
    for (location, expected) in [
        ("", "does not say where to go on"),
        ("Location: ftp://x/\r\n", "is no address"),
        ("Location: file:///etc/passwd\r\n", "is no address"),
    ] {
        let (proxy, own) = always(&format!("202 Accepted\r\n{location}Content-Length: 0"), "");
        let error = upload(&own.repository(&proxy.host(), "org/web"), b"x").unwrap_err();
        assert!(error.to_string().contains(expected), "{location}: {error}");
    }
}
