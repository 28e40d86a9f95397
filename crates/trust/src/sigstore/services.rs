//! Fulcio, Rekor and timestamp authorities: one request each, over the same network settings as everything else.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use longshore_net::{Failure, Http, Method, Request, Sent, Url, header};
use longshore_oci::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigstore_rekor::{HashedRekordV2, LogEntry, RekorV2KeyDetails};
use sigstore_types::{
    DerCertificate, KindVersion, Sha256Hash, SignatureBytes, TimestampToken, TransparencyLogEntry,
};
use zeroize::Zeroizing;

use super::bundle::{Bundle, Material, encoded};
use super::roots::{Endpoint, Services};
use crate::key::{PrivateKey, Sign};

/// More bytes than this no service answers.
const LIMIT: u64 = 8 << 20;
/// So much of what a service says of an error is shown.
const SAID: usize = 400;

/// A service that did not do its part.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The services lack one that is needed.
    #[error("signing needs {what}, and the signing configuration names none that is valid now")]
    Lacking {
        /// ``a certificate authority (Fulcio)``.
        what: &'static str,
    },
    /// It can't be reached.
    #[error("{what} at {url}: {failure}")]
    Unreachable {
        /// Which.
        what: &'static str,
        /// Where.
        url: String,
        /// Why not.
        failure: Box<Failure>,
    },
    /// It refuses.
    #[error("{what} at {url} answered with status {status}{}{said}", if said.is_empty() { "" } else { ": " })]
    Refused {
        /// Which.
        what: &'static str,
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// It answers something else.
    #[error("{what} at {url} answered something else than it should: {reason}")]
    Malformed {
        /// Which.
        what: &'static str,
        /// Where.
        url: String,
        /// In what way.
        reason: String,
    },
    /// The token is none, or has expired.
    #[error("the identity token {reason}")]
    Token {
        /// What is wrong with it.
        reason: String,
    },
}

/// Who signs without a key of their own: a token of an OpenID issuer (OpenID Connect Core 1.0, "ID Token").
pub struct Identity {
    token: Zeroizing<String>,
    /// What Fulcio wants signed as proof: the email address, or else the subject.
    proof: String,
    issuer: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("proof", &self.proof)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// The one that `token` (a JWT) says. It is Fulcio that looks whether it is true.
    ///
    /// # Errors
    /// [`ServiceError::Token`] when it is none.
    pub fn new(token: Zeroizing<String>) -> Result<Self, ServiceError> {
        #[derive(Deserialize)]
        struct Claims {
            sub: Option<String>,
            email: Option<String>,
            iss: Option<String>,
        }
        let trimmed = token.trim();
        let claims: Claims = claims(trimmed)?;
        let wrong = || ServiceError::Token { reason: "does not say whose it is".to_owned() };
        let proof = claims.email.or(claims.sub).ok_or_else(wrong)?;
        let token = Zeroizing::new(trimmed.to_owned());
        Ok(Self { token, proof, issuer: claims.iss.unwrap_or_default() })
    }

    /// Whose it is, as far as it says.
    pub fn name(&self) -> &str {
        &self.proof
    }

    /// Who says so.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// What a token (a JWT, RFC 7519) claims. Nothing of it is verified.
pub(super) fn claims<T: serde::de::DeserializeOwned>(token: &str) -> Result<T, ServiceError> {
    let wrong = |reason: &str| ServiceError::Token { reason: reason.to_owned() };
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong("is not a JWT, three parts with points between them"));
    };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('='));
    let claims = claims.ok().and_then(|claims| serde_json::from_slice(&claims).ok());
    claims.ok_or_else(|| wrong("holds no claims"))
}

impl Identity {
    /// What Fulcio is asked: `request`, and the token. Never grown, since what it grew out of would stay in memory.
    fn body(&self, request: &Value) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let mut body = Zeroizing::new(Vec::with_capacity(2 * self.token.len() + 4096));
        let whole = Asked {
            credentials: Credentials { oidc_identity_token: &self.token },
            public_key_request: request,
        };
        serde_json::to_writer(&mut *body, &whole)
            .map_err(|error| ServiceError::Token { reason: format!("can't be sent: {error}") })?;
        Ok(body)
    }

    /// `error` without the token, which a service may give back in its answer.
    fn unsaid(&self, error: ServiceError) -> ServiceError {
        let ServiceError::Refused { what, url, status, said } = error else { return error };
        let mut pieces = self.token.as_bytes().windows(PIECE);
        let shown = pieces.any(|piece| said.as_bytes().windows(PIECE).any(|window| window == piece));
        let said = if shown { "(its answer holds the token, and is not shown)".to_owned() } else { said };
        ServiceError::Refused { what, url, status, said }
    }
}

/// So many characters of a token are no accident.
const PIECE: usize = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    credentials: Credentials<'a>,
    public_key_request: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    oidc_identity_token: &'a str,
}

fn parsed<T: serde::de::DeserializeOwned>(
    what: &'static str,
    url: &str,
    answer: &[u8],
) -> Result<T, ServiceError> {
    serde_json::from_slice(answer).map_err(|error| ServiceError::Malformed {
        what,
        url: url.to_owned(),
        reason: error.to_string(),
    })
}

/// Services of one Sigstore.
pub struct Client {
    http: Http,
    services: Services,
}

/// A key for a single run, and the certificate that says whose it is.
pub(crate) struct Certified {
    pub key: PrivateKey,
    pub certificate: DerCertificate,
}

impl Client {
    /// Speaks to `services`.
    pub fn new(http: Http, services: Services) -> Self {
        Self { http, services }
    }

    /// Where it speaks to.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Has Fulcio certify a new key for `identity`.
    pub(crate) fn certify(&self, identity: &Identity) -> Result<Certified, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            signed_certificate_embedded_sct: Option<Chain>,
            signed_certificate_detached_sct: Option<Chain>,
        }
        #[derive(Deserialize)]
        struct Chain {
            chain: Certificates,
        }
        #[derive(Deserialize)]
        struct Certificates {
            certificates: Vec<String>,
        }
        const WHAT: &str = "Fulcio";
        let fulcio = self.services.fulcio.as_ref();
        let fulcio = fulcio.ok_or(ServiceError::Lacking { what: "a certificate authority (Fulcio)" })?;
        let random = |error: crate::key::KeyError| ServiceError::Token { reason: error.to_string() };
        let key = PrivateKey::ephemeral().map_err(random)?;
        let proof = key.sign(identity.proof.as_bytes()).map_err(random)?;
        let request = json!({
            "publicKey": { "algorithm": "ECDSA", "content": key.public().to_pem() },
            "proofOfPossession": BASE64_STANDARD.encode(proof),
        });
        let url = at(fulcio, "api/v2/signingCert");
        let answer = self.post(WHAT, &url, "application/json", &identity.body(&request)?);
        let answer = answer.map_err(|error| identity.unsaid(error))?;
        let answer: Answer = parsed(WHAT, &url, &answer)?;
        let chain = answer.signed_certificate_embedded_sct.or(answer.signed_certificate_detached_sct);
        let leaf = chain.and_then(|chain| chain.chain.certificates.into_iter().next());
        let malformed = |reason: String| ServiceError::Malformed { what: WHAT, url: url.clone(), reason };
        let leaf = leaf.ok_or_else(|| malformed("there is no certificate in it".to_owned()))?;
        let certificate = DerCertificate::from_pem(&leaf).map_err(|error| malformed(error.to_string()))?;
        Ok(Certified { key, certificate })
    }

    /// A bundle of what was signed, with the witnesses that there are: a log, a timestamp authority.
    pub(crate) fn witnessed(
        &self,
        material: Material<'_>,
        payload: &[u8],
        signature: &[u8],
    ) -> Result<Bundle, ServiceError> {
        let entry = self.services.rekor.as_ref().map(|rekor| self.log(rekor, &material, payload, signature));
        let timestamp = self.services.timestamps.as_ref().map(|service| self.timestamp(service, signature));
        let (entry, timestamp) = (entry.transpose()?, timestamp.transpose()?);
        Ok(Bundle::new(material, payload, signature, entry, timestamp))
    }

    fn log(
        &self,
        rekor: &Endpoint,
        material: &Material<'_>,
        payload: &[u8],
        signature: &[u8],
    ) -> Result<TransparencyLogEntry, ServiceError> {
        const WHAT: &str = "Rekor";
        let malformed =
            |url: &str, reason: String| ServiceError::Malformed { what: WHAT, url: url.to_owned(), reason };
        if rekor.version >= 2 {
            let url = at(rekor, "api/v2/log/entries");
            let digest = Digest::of(&encoded(payload));
            let hash =
                Sha256Hash::from_hex(&digest.hex()).map_err(|error| malformed(&url, error.to_string()))?;
            let signature = SignatureBytes::new(signature.to_vec());
            let details = RekorV2KeyDetails::PkixEcdsaP256Sha256;
            let request = match material {
                Material::Key(key) => {
                    HashedRekordV2::new_with_public_key(&hash, &signature, key.der(), details)
                }
                Material::Certificate(certificate) => {
                    HashedRekordV2::new_with_certificate(&hash, &signature, certificate, details)
                }
            };
            return self.json(WHAT, &url, &json!(request));
        }
        let envelope = json!(Bundle::envelope(payload, signature)).to_string();
        let verifier = BASE64_STANDARD.encode(material.to_pem());
        let request = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": { "proposedContent": { "envelope": envelope, "verifiers": [verifier] } },
        });
        self.log_first(rekor, &request, KindVersion::DsseV001)
    }

    /// An entry of a log with the first interface.
    fn log_first(
        &self,
        rekor: &Endpoint,
        request: &Value,
        kind: KindVersion,
    ) -> Result<TransparencyLogEntry, ServiceError> {
        const WHAT: &str = "Rekor";
        let url = at(rekor, "api/v1/log/entries");
        let malformed = |reason: String| ServiceError::Malformed { what: WHAT, url: url.clone(), reason };
        let entries: std::collections::BTreeMap<String, LogEntry> = self.json(WHAT, &url, request)?;
        let entry = entries.into_values().next().ok_or_else(|| malformed("there is no entry".to_owned()))?;
        entry.to_bundle_entry(kind).map_err(|error| malformed(error.to_string()))
    }

    /// An entry for the signature of `payload` as it is, which the older form has; none where there is no log that promises at
    /// once to keep it, as only those with the first interface do.
    pub(crate) fn log_older(
        &self,
        material: &Material<'_>,
        payload: &[u8],
        signature: &[u8],
    ) -> Result<Option<TransparencyLogEntry>, ServiceError> {
        let Some(rekor) = self.services.rekor.as_ref().filter(|rekor| rekor.version < 2) else {
            return Ok(None);
        };
        let request = json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": { "hash": { "algorithm": "sha256", "value": Digest::of(payload).hex() } },
                "signature": {
                    "content": BASE64_STANDARD.encode(signature),
                    "publicKey": { "content": BASE64_STANDARD.encode(material.to_pem()) },
                },
            },
        });
        self.log_first(rekor, &request, KindVersion::HashedRekordV001).map(Some)
    }

    fn timestamp(&self, service: &Endpoint, signature: &[u8]) -> Result<TimestampToken, ServiceError> {
        const WHAT: &str = "the timestamp authority";
        let url = &service.url;
        let malformed = |reason: &str| ServiceError::Malformed {
            what: WHAT,
            url: url.clone(),
            reason: reason.to_owned(),
        };
        let digest = Digest::of(signature);
        let mut nonce = [0; 8];
        SystemRandom::new().fill(&mut nonce).map_err(|_| malformed("the machine gives no randomness"))?;
        // So that it is a positive number of nine bytes whatever it is.
        nonce[0] |= 0x80;
        let answer = self.post(WHAT, url, "application/timestamp-query", &query(&digest, nonce))?;
        let has = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
        match has(digest.as_bytes()) && has(&nonce) {
            true => Ok(TimestampToken::new(answer)),
            false => Err(malformed("it does not say when this was signed")),
        }
    }

    fn json<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        url: &str,
        request: &Value,
    ) -> Result<T, ServiceError> {
        let answer = self.post(what, url, "application/json", request.to_string().as_bytes())?;
        parsed(what, url, &answer)
    }

    fn post(
        &self,
        what: &'static str,
        url: &str,
        kind: &str,
        content: &[u8],
    ) -> Result<Vec<u8>, ServiceError> {
        let address: Url = url.parse().map_err(|_| ServiceError::Malformed {
            what,
            url: url.to_owned(),
            reason: "that is not an address".to_owned(),
        })?;
        let unreachable =
            |failure| ServiceError::Unreachable { what, url: url.to_owned(), failure: Box::new(failure) };
        let mut request = Request::new(Method::POST, &address);
        request.headers = vec![
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::ACCEPT, "application/json, application/timestamp-reply".to_owned()),
        ];
        request.body = Sent::Bytes(content);
        // A log answers when the entry is in it, which takes its time.
        request.patience = Some(std::time::Duration::from_secs(60));
        let response = self.http.send(request).map_err(unreachable)?;
        let status = response.status.as_u16();
        let answer = response.bytes(LIMIT).map_err(unreachable)?;
        if !(200..300).contains(&status) {
            let said = String::from_utf8_lossy(&answer);
            let said = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect();
            return Err(ServiceError::Refused { what, url: url.to_owned(), status, said });
        }
        Ok(answer)
    }
}

fn at(service: &Endpoint, path: &str) -> String {
    format!("{}/{path}", service.url.trim_end_matches('/'))
}

/// A `TimeStampReq` (RFC 3161, 2.4.1) in DER: version 1, a SHA-256, a nonce, and the wish for certificates.
fn query(digest: &Digest, nonce: [u8; 8]) -> Vec<u8> {
    const SHA256: [u8; 19] = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ];
    let mut der = vec![0x30, 68, 0x02, 0x01, 0x01];
    der.extend(SHA256);
    der.extend(digest.as_bytes());
    der.extend([0x02, 0x09, 0x00]);
    der.extend(nonce);
    der.extend([0x01, 0x01, 0xff]);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_reads_the_query() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("query");
        let digest = Digest::of(b"signature");
        fs_err::write(&file, query(&digest, [0xff, 1, 2, 3, 4, 5, 6, 7])).unwrap();
        let read =
            longshore_testkit::Tool::new("openssl").args(["ts", "-query", "-text", "-in"]).arg(&file).run();
        assert!(read.contains("Hash Algorithm: sha256") && read.contains("0xFF01020304050607"), "{read}");
        assert!(read.contains("Certificate required: yes"), "{read}");
    }

    #[test]
    fn what_is_no_token_is_said() {
        for token in ["", "a.b", "a.b.c", "a.e30.c", "a.b.c.d"] {
            let error = Identity::new(Zeroizing::new(token.to_owned())).unwrap_err();
            assert!(error.to_string().starts_with("the identity token"), "{token}: {error}");
        }
        let claims =
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"s","email":"me@example.org","iss":"https://i"}"#);
        let identity = Identity::new(Zeroizing::new(format!(" a.{claims}.c\n"))).unwrap();
        assert_eq!((identity.name(), identity.issuer()), ("me@example.org", "https://i"));
        assert!(!format!("{identity:?}").contains("token"));

        let long =
            Identity::new(Zeroizing::new(format!("{}.{claims}.{}", "h".repeat(30), "s".repeat(40)))).unwrap();
        let refused = |said: &str| ServiceError::Refused {
            what: "x",
            url: String::new(),
            status: 400,
            said: said.to_owned(),
        };
        let shown = |said: &str| long.unsaid(refused(said)).to_string();
        assert!(shown("no such audience").ends_with("no such audience"));
        for echoed in [&claims[..24], &"s".repeat(20)] {
            assert!(!shown(&format!("bad token {echoed}")).contains(echoed), "{echoed}");
        }
    }
}
