//! How people log in at the issuer: in a browser (RFC 6749, 4.1, with RFC 7636), where it asks nobody and sends them back at once,
//! and on other devices (RFC 8628).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longshore_oci::Digest;
use serde_json::{Value, json};

use super::issuer::{Identity, Inner, Mischief};

/// Logins under way.
#[derive(Default)]
pub(super) struct Logins {
    pub email: String,
    /// So often it is said that nobody has logged in yet, the first time with the wish for longer pauses.
    pub pending: usize,
    pub mischief: Option<Mischief>,
    pub requests: Vec<String>,
    /// By code: what was asked for.
    codes: BTreeMap<String, Values>,
}

type Values = BTreeMap<String, String>;

enum Answer {
    Json(u16, Value),
    Redirect(String),
}

pub(super) fn answer(mut stream: &TcpStream, issuer: &Inner) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.take(64 << 10));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut size = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some(length) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            size = length.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; size];
    reader.read_exact(&mut body)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let asked = format!("{method} {path}");
    let form = values(if method == "POST" { std::str::from_utf8(&body).unwrap_or_default() } else { query });
    let mut logins = issuer.logins.lock().unwrap();
    logins.requests.push(asked.clone());
    let answer = match asked.as_str() {
        "GET /.well-known/openid-configuration" => Answer::Json(200, configuration(issuer, &logins)),
        "GET /keys" => Answer::Json(200, issuer.keys()),
        "GET /auth" => authorize(&mut logins, form),
        "POST /device" => device(issuer, &mut logins, form),
        "POST /token" => token(issuer, &mut logins, &form),
        _ => Answer::Json(404, json!({})),
    };
    drop(logins);
    let (head, text) = match answer {
        Answer::Json(status, value) => (format!("{status} It"), value.to_string()),
        Answer::Redirect(to) => (format!("302 Found\r\nLocation: {to}"), String::new()),
    };
    let size = text.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{text}"
    )
}

fn configuration(issuer: &Inner, logins: &Logins) -> Value {
    let url = issuer.url();
    let mut document = json!({
        "issuer": url,
        "jwks_uri": format!("{url}/keys"),
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "device_authorization_endpoint": format!("{url}/device"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
    });
    match logins.mischief {
        Some(Mischief::NamesAnother) => document["issuer"] = json!("https://accounts.example.org"),
        Some(Mischief::NoDevices) => {
            document.as_object_mut().unwrap().remove("device_authorization_endpoint");
        }
        _ => {}
    }
    document
}

fn is_sound(asked: &Values) -> bool {
    let is = |name: &str, value: &str| asked.get(name).is_some_and(|found| found == value);
    is("client_id", "sigstore") && is("scope", "openid email") && is("code_challenge_method", "S256")
}

fn authorize(logins: &mut Logins, asked: Values) -> Answer {
    let value = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let (back, mut state) = (value("redirect_uri"), value("state"));
    let long = |name: &str| value(name).len() >= 32;
    if !is_sound(&asked) || !back.starts_with("http://localhost:") || !long("state") || !long("nonce") {
        return Answer::Json(400, json!({ "error": "invalid_request" }));
    }
    match logins.mischief {
        Some(Mischief::Denied) => {
            return Answer::Redirect(format!("{back}?error=access_denied&state={state}"));
        }
        Some(Mischief::OtherState) => state = "x".repeat(43),
        _ => {}
    }
    let code = format!("code-{}", logins.requests.len());
    logins.codes.insert(code.clone(), asked);
    Answer::Redirect(format!("{back}?code={code}&state={state}"))
}

fn device(issuer: &Inner, logins: &mut Logins, asked: Values) -> Answer {
    if !is_sound(&asked) {
        return Answer::Json(400, json!({ "error": "invalid_request" }));
    }
    let code = format!("device-{}", logins.requests.len());
    logins.codes.insert(code.clone(), asked);
    let url = format!("{}/activate", issuer.url());
    let complete = format!("{url}?user_code=WDJB-MJHT");
    Answer::Json(
        200,
        json!({
            "device_code": code, "user_code": "WDJB-MJHT", "verification_uri": url,
            "verification_uri_complete": complete, "expires_in": 60, "interval": 1,
        }),
    )
}

fn token(issuer: &Inner, logins: &mut Logins, asked: &Values) -> Answer {
    let value = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let no = |error: &str| {
        Answer::Json(400, json!({ "error": error, "error_description": "the secret is planted" }))
    };
    let code = match value("grant_type") {
        "authorization_code" => value("code"),
        "urn:ietf:params:oauth:grant-type:device_code" => {
            match logins.mischief {
                Some(Mischief::Denied) => return no("access_denied"),
                Some(Mischief::Expired) => return no("expired_token"),
                _ => {}
            }
            if logins.pending > 0 {
                logins.pending -= 1;
                return no(if logins.pending == 0 { "slow_down" } else { "authorization_pending" });
            }
            value("device_code")
        }
        _ => return no("unsupported_grant_type"),
    };
    // A code is good once.
    let Some(begun) = logins.codes.remove(code) else { return no("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(value("code_verifier").as_bytes()).as_bytes());
    let same = |name: &str| begun.get(name) == asked.get(name);
    if begun.get("code_challenge") != Some(&challenge) || !same("client_id") || !same("redirect_uri") {
        return no("invalid_grant");
    }
    let mut more = Vec::new();
    if let Some(nonce) = begun.get("nonce") {
        more.push(("nonce", json!(nonce)));
    }
    match logins.mischief {
        Some(Mischief::OtherNonce) => more.push(("nonce", json!("x"))),
        Some(Mischief::OtherClient) => more.push(("aud", json!("another"))),
        Some(Mischief::Endless) => return Answer::Json(200, json!("x".repeat(4 << 20))),
        _ => {}
    }
    let token = issuer.token(Identity::Email(&logins.email), SystemTime::now(), &more);
    Answer::Json(200, json!({ "access_token": "unused", "token_type": "bearer", "id_token": token }))
}

/// The members of a form or query.
fn values(text: &str) -> Values {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            let hex =
                after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
            (rest, bytes) = match (first, hex) {
                (b'%', Some(byte)) => (&after[2..], [bytes, vec![byte]].concat()),
                _ => (after, [bytes, vec![*first]].concat()),
            };
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let members = text.split('&').filter_map(|member| member.split_once('='));
    members.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
