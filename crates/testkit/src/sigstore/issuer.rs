//! Somebody whose word for who we are is taken: an issuer of OpenID Connect's tokens, as Fulcio asks for them.
//!
//! It serves its two documents (OpenID Connect Discovery 1.0, section 4; RFC 7517) and gives tokens to the test, and to whoever
//! logs in: see [`super::oidc`].

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::oidc::{self, Logins};
use crate::Tool;
use crate::listener::Listener;

/// Who a token is about.
#[derive(Debug, Clone, Copy)]
pub enum Identity<'a> {
    /// A person, by their mail address: the certificate's subject as it is.
    Email(&'a str),
    /// A job of GitHub Actions, by its workflow: `acme/app/.github/workflows/release.yml@refs/heads/main`. The
    /// certificate's subject is that below `https://github.com/`.
    Workflow(&'a str),
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It was good until a minute ago.
    Expired,
    /// It is right, and of an issuer that Fulcio does not know.
    UnknownIssuer,
}

/// How long a token is good for.
const LIFE: Duration = Duration::from_secs(600);

/// How an issuer goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// Its document names another issuer.
    NamesAnother,
    /// Browsers come back with another `state`.
    OtherState,
    /// Tokens have another `nonce`.
    OtherNonce,
    /// Tokens are for another client.
    OtherClient,
    /// Whoever is asked says no.
    Denied,
    /// Codes for devices have expired.
    Expired,
    /// Instead of a token come four megabytes.
    Endless,
    /// It has heard of no devices.
    NoDevices,
}

/// An issuer, running; ended when dropped.
pub struct Issuer {
    inner: Arc<Inner>,
    _listener: Listener,
}

/// What its answers are made of.
pub(super) struct Inner {
    url: OnceLock<String>,
    key: RsaKeyPair,
    pub(super) logins: Mutex<Logins>,
}

impl Issuer {
    /// One with a key of its own.
    pub fn start() -> Self {
        let inner = Arc::new(Inner { url: OnceLock::new(), key: new_key(), logins: Mutex::default() });
        let shared = inner.clone();
        // A client that goes away in the middle of an answer is its own business.
        let listener = Listener::new(move |stream| drop(oidc::answer(stream, &shared)));
        inner.url.set(format!("http://{}", listener.address())).unwrap();
        Self { inner, _listener: listener }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.inner.url().to_owned()
    }

    /// Whoever logs in from now on has this email address; with a code for devices, after so many questions.
    pub fn logs_in(&self, email: &str, after: usize) {
        let mut logins = self.inner.logins.lock().unwrap();
        (logins.email, logins.pending) = (email.to_owned(), after);
    }

    /// Goes wrong from now on.
    pub fn mischief(&self, mischief: Mischief) {
        self.inner.logins.lock().unwrap().mischief = Some(mischief);
    }

    /// What was asked so far: `POST /token`.
    pub fn requests(&self) -> Vec<String> {
        self.inner.logins.lock().unwrap().requests.clone()
    }

    /// A token that is good now.
    pub fn token(&self, identity: Identity<'_>) -> String {
        self.inner.token(identity, SystemTime::now(), &[])
    }

    /// A token that was good until a minute ago.
    pub(super) fn expired_token(&self, identity: Identity<'_>) -> String {
        self.inner.token(identity, SystemTime::now() - LIFE - Duration::from_secs(60), &[])
    }
}

impl Inner {
    pub(super) fn url(&self) -> &str {
        self.url.get().unwrap()
    }

    /// The public key, as RFC 7517 has it.
    pub(super) fn keys(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public_key());
        json!({ "keys": [{
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID,
            "n": URL_SAFE_NO_PAD.encode(public.n),
            "e": URL_SAFE_NO_PAD.encode(public.e),
        }] })
    }

    /// A token with `more` claims, which go before the usual ones.
    pub(super) fn token(&self, identity: Identity<'_>, issued: SystemTime, more: &[(&str, Value)]) -> String {
        let issued = issued.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = claims(identity);
        let usual = [
            ("iss", json!(self.url())),
            ("aud", json!("sigstore")),
            ("iat", json!(issued)),
            ("nbf", json!(issued)),
            ("exp", json!(issued + LIFE.as_secs())),
        ];
        for (name, value) in usual.iter().chain(more) {
            claims[*name] = value.clone();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT" });
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

const KEY_ID: &str = "test";

/// RSA, for cosign takes no other token for one.
fn new_key() -> RsaKeyPair {
    let openssl = Tool::new("openssl").args(["genpkey", "-quiet", "-algorithm", "RSA", "-outform", "DER"]);
    let output = openssl.args(["-pkeyopt", "rsa_keygen_bits:2048"]).output();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "openssl makes no key: {said}");
    // Which of the two it writes depends on its version.
    RsaKeyPair::from_pkcs8(&output.stdout).or_else(|_| RsaKeyPair::from_der(&output.stdout)).unwrap()
}

/// What is claimed of an identity; GitHub's claims are all those without which Fulcio gives no certificate.
fn claims(identity: Identity<'_>) -> Value {
    let workflow = match identity {
        Identity::Email(email) => return json!({ "sub": email, "email": email, "email_verified": true }),
        Identity::Workflow(workflow) => workflow,
    };
    let (path, reference) = workflow.split_once('@').expect("a workflow ends in `@` and a git reference");
    let mut parts = path.splitn(3, '/');
    let (Some(owner), Some(name), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        panic!("`{workflow}` is no OWNER/REPOSITORY/PATH@REFERENCE");
    };
    let commit = "0123456789abcdef0123456789abcdef01234567";
    json!({
        "sub": format!("repo:{owner}/{name}:ref:{reference}"),
        "event_name": "push",
        "job_workflow_ref": workflow,
        "job_workflow_sha": commit,
        "ref": reference,
        "repository": format!("{owner}/{name}"),
        "repository_id": "1001",
        "repository_owner": owner,
        "repository_owner_id": "1002",
        "repository_visibility": "public",
        "run_attempt": "1",
        "run_id": "1003",
        "runner_environment": "github-hosted",
        "sha": commit,
        "workflow": "release",
        "workflow_ref": workflow,
        "workflow_sha": commit,
    })
}
