//! Somebody whose word for who we are is taken: an issuer of OpenID Connect's tokens, as Fulcio asks for them.
//!
//! It serves its two documents (OpenID Connect Discovery 1.0, section 4; RFC 7517) and gives tokens to the test alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Tool;
use crate::http::Server;

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

pub(super) struct Issuer {
    server: Server,
    key: RsaKeyPair,
    _folder: TempDir,
}

impl Issuer {
    /// One with a key of its own.
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(folder.path());
        let (url, key) = (server.url(), new_key());
        let public = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
        let keys = json!({ "keys": [{
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID,
            "n": URL_SAFE_NO_PAD.encode(public.n),
            "e": URL_SAFE_NO_PAD.encode(public.e),
        }] });
        let configuration = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/keys"),
            "authorization_endpoint": format!("{url}/auth"),
            "token_endpoint": format!("{url}/token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        fs_err::create_dir(folder.path().join(".well-known")).unwrap();
        let write = |name: &str, value: &Value| {
            fs_err::write(folder.path().join(name), value.to_string()).unwrap();
        };
        write("keys", &keys);
        write(".well-known/openid-configuration", &configuration);
        Self { server, key, _folder: folder }
    }

    /// `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// A token that is good now.
    pub(super) fn token(&self, identity: Identity<'_>) -> String {
        self.token_of(identity, SystemTime::now())
    }

    /// A token that was good until a minute ago.
    pub(super) fn expired_token(&self, identity: Identity<'_>) -> String {
        self.token_of(identity, SystemTime::now() - LIFE - Duration::from_secs(60))
    }

    fn token_of(&self, identity: Identity<'_>, issued: SystemTime) -> String {
        let issued = issued.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = claims(identity);
        for (name, value) in [
            ("iss", json!(self.url())),
            ("aud", json!("sigstore")),
            ("iat", json!(issued)),
            ("nbf", json!(issued)),
            ("exp", json!(issued + LIFE.as_secs())),
        ] {
            claims[name] = value;
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
