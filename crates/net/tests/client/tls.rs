//! Whom TLS trusts, and what it does not lead to.

use longshore_net::{Access, Client, Failure, NetError, Settings, Url};

use crate::servers::{Authority, client, failure, reply, server, tls_server};

#[test]
fn the_users_authority_is_trusted_and_no_other() {
    let authority = Authority::new("ours");
    let (address, heads) = tls_server(&authority, |_, stream| reply(stream, "200 OK", "", b"hello"));
    let url: Url = format!("https://{}/a", address.replace("127.0.0.1", "localhost")).parse().unwrap();
    assert_eq!(client(authority.trusted()).get_bounded(&url, 100).unwrap(), b"hello");
    heads.recv().unwrap();
    for settings in [Settings::default(), Authority::new("theirs").trusted()] {
        // Trying again would not help, and takes longer than this test may.
        let error = Client::new(Settings { retries: 20, ..settings }).unwrap().get_bounded(&url, 100);
        let error = error.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "could not fetch it from {url}: no safe connection: \
                 its certificate is from an authority that this machine does not trust"
            )
        );
        assert!(error.hint().unwrap().contains("SSL_CERT_FILE"));
    }
    let by_address: Url = format!("https://{address}/a").parse().unwrap();
    let error = client(authority.trusted()).get_bounded(&by_address, 100).unwrap_err();
    assert!(matches!(failure(error), Failure::Tls { .. }), "the certificate is for another name");
    assert!(heads.try_recv().is_err(), "nothing was asked");
}

#[test]
fn https_never_leads_to_http() {
    let authority = Authority::new("ours");
    let (plain, plain_heads) = server(|_, stream| reply(stream, "200 OK", "", b"hello"));
    let redirect = |to: String| {
        let answer = move |_: &str, stream: &mut dyn crate::servers::Stream| {
            reply(stream, "302 Found", &format!("Location: {to}\r\n"), b"");
        };
        let (address, _heads) = tls_server(&authority, answer);
        format!("https://{}/x", address.replace("127.0.0.1", "localhost"))
    };
    let client = client(authority.trusted());
    let url: Url = redirect(format!("http://{plain}/a")).parse().unwrap();
    let error = client.get_bounded(&url, 100).unwrap_err();
    assert!(matches!(failure(error), Failure::Downgrade { .. }));
    assert!(plain_heads.try_recv().is_err(), "nothing was asked");

    let (safe, _heads) = tls_server(&authority, |_, stream| reply(stream, "200 OK", "", b"hello"));
    let safe = format!("https://{}/a", safe.replace("127.0.0.1", "localhost"));
    let url: Url = redirect(safe.clone()).parse().unwrap();
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello");
    let (upgrade, _heads) =
        server(move |_, stream| reply(stream, "301 Moved", &format!("Location: {safe}\r\n"), b""));
    let url: Url = format!("http://{upgrade}/a").parse().unwrap();
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello");
}

#[test]
fn certificates_are_read_at_the_first_request() {
    let (address, _heads) = server(|_, stream| reply(stream, "200 OK", "", b"hello"));
    let url: Url = format!("http://{address}/a").parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let settings = Settings { certificates: vec![file.clone()], ..Settings::default() };
    let client = Client::new(settings.clone()).unwrap();
    let error = client.get_bounded(&url, 100).unwrap_err();
    assert!(matches!(error, NetError::Certificates { .. }), "{error}");
    fs_err::write(&file, "nothing").unwrap();
    let error = client.get_bounded(&url, 100).unwrap_err();
    assert!(matches!(error, NetError::NoCertificates { .. }), "{error}");
    assert!(error.hint().unwrap().contains("SSL_CERT_FILE"));

    let local = Url::of_file(&file).unwrap();
    assert_eq!(client.get_bounded(&local, 100).unwrap(), b"nothing", "files need none");
    let offline = Client::new(Settings { access: Access::Offline, ..settings }).unwrap();
    assert!(matches!(offline.get_bounded(&url, 100).unwrap_err(), NetError::Offline { .. }));

    fs_err::copy(&Authority::new("ours").file, &file).unwrap();
    assert_eq!(client.get_bounded(&url, 100).unwrap(), b"hello", "mended");
}
