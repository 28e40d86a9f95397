//! Who we are: passwords, tokens, and where they never go.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use longshore_registry::{At, AuthFile, Error, Secret, Settings};
use longshore_testkit::proxy::{Proxy, Seen};
use longshore_testkit::registry::{Kind, LOGIN, Registry};

use crate::{Own, fetch, noise, upload};

/// Settings with an auth file that knows `password` for `host`.
fn known(folder: &std::path::Path, host: &str, password: &str) -> Settings {
    let path = folder.join("auth.json");
    AuthFile::read(&path).unwrap().log_in(host, LOGIN.0, &Secret::new(password)).unwrap();
    Settings { auth_files: vec![PathBuf::from("/nowhere"), path], ..Settings::default() }
}

#[test]
fn a_registry_that_wants_a_password_gets_it() {
    for kind in [Kind::Docker, Kind::Distribution] {
        let registry = Registry::locked(kind);
        let folder = tempfile::tempdir().unwrap();
        let repository = |own: &Own| own.repository(&registry.host(), "org/web");
        let own = Own::with(known(folder.path(), &registry.host(), LOGIN.1));
        let bytes = noise(100_000, 1);
        let content = upload(&repository(&own), &bytes).unwrap();
        assert!(fetch(&own, &repository(&own), &content).unwrap() == bytes);

        let error = repository(&Own::new()).manifest(&At::Tag("1".to_owned())).unwrap_err();
        assert!(matches!(error, Error::Denied { login: false, .. }), "{error}");
        assert_eq!(error.hint().unwrap(), format!("longshore login {}", registry.host()));

        let wrong = known(folder.path(), &registry.host(), "hush");
        let error = upload(&repository(&Own::with(wrong)), &bytes).unwrap_err();
        assert!(matches!(error, Error::Denied { login: true, .. }), "{error}");
        assert!(
            error.to_string().contains("does not let us push to org/web")
                && !error.to_string().contains("hush")
        );
    }
}

#[test]
fn a_login_is_tried_before_it_is_kept() {
    let registry = Registry::locked(Kind::Distribution);
    let own = Own::new();
    own.client.try_login(&registry.host(), LOGIN.0, &Secret::new(LOGIN.1)).unwrap();
    let error = Own::new().client.try_login(&registry.host(), LOGIN.0, &Secret::new("hush")).unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert!(
        error.to_string().starts_with(&format!("{} does not let us log in to it", registry.host())),
        "{error}"
    );
}

fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

/// A registry behind something that wants tokens, which it gives whoever says the password.
fn with_tokens(registry: &Registry) -> Proxy {
    // The answers are made before the address is known.
    let address: Arc<Mutex<String>> = Arc::default();
    let own = address.clone();
    let proxy = Proxy::answering(
        &registry.host(),
        Box::new(move |seen: &Seen| {
            let line = |name: &str| {
                let found = seen.head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
                found.map(str::to_owned).unwrap_or_default()
            };
            if let Some(query) = seen.path.strip_prefix("/token?") {
                return match line("authorization:").ends_with("Basic bWU6c2VjcmV0") {
                    true => {
                        let scope =
                            query.split('&').filter(|pair| pair.starts_with("scope=")).collect::<String>();
                        answer("200 OK", "", &format!("{{\"token\": \"for-{}\"}}", scope.replace('%', "-")))
                    }
                    false => answer(
                        "401 Unauthorized",
                        "",
                        r#"{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}"#,
                    ),
                };
            }
            let repository = seen.path.trim_start_matches("/v2/").split("/blobs").next().unwrap_or_default();
            let action = if seen.method == "GET" || seen.method == "HEAD" { "pull" } else { "pull,push" };
            let right =
                format!("repository-3A{}-3A{}", repository.replace('/', "-2F"), action.replace(',', "-2C"));
            let authorization = line("authorization:");
            if authorization.contains("Bearer ") && authorization.contains(&right) {
                return None;
            }
            let realm = own.lock().unwrap().clone();
            let challenge = format!(
                "WWW-Authenticate: Bearer realm=\"http://{realm}/token\",service=\"test\",scope=\"repository:{repository}:{action}\"\r\n"
            );
            answer("401 Unauthorized", &challenge, "")
        }),
    );
    *address.lock().unwrap() = proxy.host();
    proxy
}

#[test]
fn tokens_are_fetched_once_for_what_they_are_for() {
    let registry = Registry::start(Kind::Distribution);
    let proxy = with_tokens(&registry);
    let folder = tempfile::tempdir().unwrap();
    let own = Own::with(known(folder.path(), &proxy.host(), LOGIN.1));
    let (web, api) = (own.repository(&proxy.host(), "org/web"), own.repository(&proxy.host(), "org/api"));
    for seed in 0..4 {
        upload(&web, &noise(1000, seed)).unwrap();
    }
    let content = upload(&api, &noise(1000, 9)).unwrap();
    assert!(web.mount(&content, &api).is_ok());
    let tokens: Vec<_> = proxy.seen().into_iter().filter(|seen| seen.path.starts_with("/token")).collect();
    let scopes: Vec<_> =
        tokens.iter().map(|seen| seen.path.split("scope=").skip(1).collect::<Vec<_>>().join("+")).collect();
    assert_eq!(
        scopes,
        [
            "repository%3Aorg%2Fweb%3Apull%2Cpush",
            "repository%3Aorg%2Fapi%3Apull%2Cpush",
            "repository%3Aorg%2Fapi%3Apull&+repository%3Aorg%2Fweb%3Apull%2Cpush",
        ]
    );
    let passwords = proxy
        .seen()
        .iter()
        .filter(|seen| seen.head.contains("Basic ") && !seen.path.starts_with("/token"))
        .count();
    assert_eq!(passwords, 0, "the password goes to the token server alone");

    let other = Own::new();
    let error = upload(&other.repository(&proxy.host(), "org/web"), b"x").unwrap_err();
    assert!(matches!(error, Error::Denied { login: false, .. }), "{error}");
    assert!(error.to_string().contains("who?"), "{error}");
}

#[test]
fn what_is_elsewhere_is_fetched_without_a_word_about_who_we_are() {
    let registry = Registry::locked(Kind::Distribution);
    let elsewhere = Registry::start(Kind::Distribution);
    let own = Own::new();
    let bytes = noise(100_000, 3);
    let content = upload(&own.repository(&elsewhere.host(), "org/web"), &bytes).unwrap();
    let storage = Proxy::new(&elsewhere.host());
    let to = format!("http://{}/v2/org/web/blobs/{}", storage.host(), content.digest);
    let proxy = Proxy::answering(
        &registry.host(),
        Box::new(move |seen| {
            let there = seen.path.contains("/blobs/") && seen.head.contains("Basic ");
            there.then(|| answer("307 Temporary Redirect", &format!("Location: {to}\r\n"), "")).flatten()
        }),
    );
    let folder = tempfile::tempdir().unwrap();
    let own = Own::with(known(folder.path(), &proxy.host(), LOGIN.1));
    let repository = own.repository(&proxy.host(), "org/web");
    assert!(fetch(&own, &repository, &content).unwrap() == bytes);
    let seen = storage.seen();
    assert!(!seen.is_empty());
    assert!(seen.iter().all(|seen| !seen.head.to_ascii_lowercase().contains("authorization")), "{seen:?}");
}

#[test]
fn a_token_server_must_be_a_safe_place() {
    let registry = Registry::start(Kind::Docker);
    for (realm, expected) in [("ftp://x/", "no address"), ("http:", "no address"), ("", "no address")] {
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n");
        let proxy =
            Proxy::answering(&registry.host(), Box::new(move |_| answer("401 Unauthorized", &challenge, "")));
        let folder = tempfile::tempdir().unwrap();
        let own = Own::with(known(folder.path(), &proxy.host(), LOGIN.1));
        let error = own.repository(&proxy.host(), "org/web").tags().unwrap_err();
        assert!(
            matches!(error, Error::TokenServer { .. }) && error.to_string().contains(expected),
            "{error}"
        );
    }
}
