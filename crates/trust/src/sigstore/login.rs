//! Who a person is, by their login at an OpenID issuer: in a browser on this machine (RFC 6749, 4.1, with RFC 7636 and RFC 8252), or with
//! a code on any other device (RFC 8628).
//!
//! [`Issuer`] → [`InBrowser`] or [`OnDevice`] → [`Identity`]. What the issuer says of itself is found where OpenID Connect Discovery
//! 1.0 puts it.

use std::io;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use longshore_net::{Http, Method, Request, Sent, Url, header};
use longshore_oci::Digest;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::callback::{Callback, Listening};
use super::services::{Identity, ServiceError, claims};

/// More bytes than this no issuer answers.
const LIMIT: u64 = 256 << 10;
const WHAT: &str = "the issuer of identities";
/// What is asked for: a token that says whose it is, with the address of their email.
const SCOPE: &str = "openid email";
/// The two ways.
const BROWSER: &str = "in a browser";
const DEVICE: &str = "on another device";
/// How long a code is tried at most, whatever the issuer says: half an hour.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// What RFC 8628 (3.2, 3.5) has for issuers that say nothing, and what is added for those that want to be asked less often.
const INTERVAL: Duration = Duration::from_secs(5);

/// Why nobody logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The issuer did not do its part.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// It says that it is another one.
    #[error("the issuer at {asked} says that it is `{found}`")]
    OtherIssuer {
        /// Who was asked.
        asked: String,
        /// Who answered.
        found: String,
    },
    /// It has no such way to log in.
    #[error("{issuer} has no login {way}")]
    Lacking {
        /// Who.
        issuer: String,
        /// ``in a browser``.
        way: &'static str,
    },
    /// It says no, or whoever was asked did: `error` is OAuth's word for it.
    #[error("{issuer} gives no token: {}", in_words(error))]
    Denied {
        /// Who.
        issuer: String,
        /// `access_denied`.
        error: String,
    },
    /// Nobody came back in time.
    #[error("nobody logged in within {} minutes", waited.as_secs() / 60)]
    Nobody {
        /// How long that was.
        waited: Duration,
    },
    /// An answer to something that was not asked.
    #[error("the answer is not to this login: its `{part}` is another one")]
    Unrelated {
        /// `state`, `nonce` and so on.
        part: &'static str,
    },
    /// This machine can't be reached by its own browser, or has no randomness.
    #[error("there is no place for the browser to come back to")]
    Machine(#[source] io::Error),
}

impl LoginError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Service(_) => None,
            Self::OtherIssuer { .. } => {
                Some("give the address that it calls itself: `--oidc-issuer URL`".to_owned())
            }
            Self::Lacking { way, .. } => {
                let other = if *way == DEVICE { "browser" } else { "device" };
                Some(format!(
                    "log in the other way, `--login {other}`, or sign with a key: `--key cosign.key`"
                ))
            }
            Self::Denied { .. } | Self::Nobody { .. } | Self::Unrelated { .. } => {
                Some("run the same command again, and log in".to_owned())
            }
            Self::Machine(_) => Some("log in the other way: `--login device`".to_owned()),
        }
    }
}

fn in_words(error: &str) -> &str {
    match error {
        "access_denied" => "the login was refused",
        "expired_token" => "the code has expired",
        other => other,
    }
}

/// An issuer, and where its parts are.
pub struct Issuer {
    http: Http,
    /// As it calls itself.
    url: String,
    /// As it knows us.
    client: String,
    authorization: Option<String>,
    token: String,
    device: Option<String>,
}

/// A login in a browser, under way.
pub struct InBrowser<'a> {
    issuer: &'a Issuer,
    listening: Listening,
    address: String,
    nonce: String,
    verifier: Zeroizing<String>,
}

/// A login on another device, under way.
pub struct OnDevice<'a> {
    issuer: &'a Issuer,
    code: Zeroizing<String>,
    /// What is typed in there.
    pub user_code: String,
    /// The address that is opened there.
    pub address: String,
    /// The same with the code in it, where there is one.
    pub whole_address: Option<String>,
    interval: Duration,
    life: Duration,
    verifier: Zeroizing<String>,
}

impl Issuer {
    /// Asks the issuer at `url` where its parts are. `client` is what it knows us as.
    ///
    /// # Errors
    /// When it can't be reached, or is another one than it is asked as.
    pub fn discover(http: Http, url: &str, client: &str) -> Result<Self, LoginError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            authorization_endpoint: Option<String>,
            token_endpoint: String,
            device_authorization_endpoint: Option<String>,
        }
        let at = format!("{}/.well-known/openid-configuration", url.trim_end_matches('/'));
        let (status, bytes) = exchange(&http, &at, None)?;
        if status != 200 {
            return Err(refused(&at, status).into());
        }
        let document: Document =
            serde_json::from_slice(&bytes).map_err(|error| malformed(&at, error.to_string()))?;
        // Section 4.3: exactly the same text.
        if document.issuer != url {
            let found = plain(&document.issuer);
            return Err(LoginError::OtherIssuer { asked: url.to_owned(), found });
        }
        let parts = [Some(&document.token_endpoint), document.authorization_endpoint.as_ref()];
        for part in parts.into_iter().chain([document.device_authorization_endpoint.as_ref()]).flatten() {
            let address: Option<Url> = part.parse().ok().filter(|part: &Url| part.file().is_none());
            let less_safe = |part: &Url| url.starts_with("https://") && part.scheme() != "https";
            if address.is_none_or(|part| less_safe(&part)) {
                return Err(malformed(&at, "one of its addresses is not safe".to_owned()).into());
            }
        }
        Ok(Self {
            http,
            url: url.to_owned(),
            client: client.to_owned(),
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            device: document.device_authorization_endpoint,
        })
    }

    /// Begins a login in a browser of this machine.
    ///
    /// # Errors
    /// When the issuer has none.
    pub fn in_browser(&self) -> Result<InBrowser<'_>, LoginError> {
        let authorization = self.authorization.as_ref().ok_or_else(|| self.lacking(BROWSER))?;
        let (state, nonce, verifier) = (random()?, random()?, Zeroizing::new(random()?));
        let listening = Listening::new(state.clone(), self.url.clone()).map_err(LoginError::Machine)?;
        let challenge = challenge(&verifier);
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", listening.address()),
            ("scope", SCOPE),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let separator = if authorization.contains('?') { '&' } else { '?' };
        let address = format!("{authorization}{separator}{}", query.as_str());
        Ok(InBrowser { issuer: self, listening, address, nonce, verifier })
    }

    /// Begins a login on another device.
    ///
    /// # Errors
    /// When the issuer has none, or does not want it.
    pub fn on_device(&self) -> Result<OnDevice<'_>, LoginError> {
        #[derive(Deserialize)]
        struct Answer {
            device_code: String,
            user_code: String,
            verification_uri: String,
            verification_uri_complete: Option<String>,
            expires_in: u64,
            interval: Option<u64>,
        }
        let device = self.device.as_ref().ok_or_else(|| self.lacking(DEVICE))?;
        let verifier = Zeroizing::new(random()?);
        let challenge = challenge(&verifier);
        let asked = form(&[
            ("client_id", &self.client),
            ("scope", SCOPE),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let answer: Answer = self.post(device, &asked)?;
        // What is shown must be something to show.
        let address = |text: &String| text.parse::<Url>().is_ok_and(|url| url.file().is_none());
        if !address(&answer.verification_uri) {
            return Err(malformed(device, "it gives no address to go to".to_owned()).into());
        }
        let whole = answer.verification_uri_complete.filter(address);
        Ok(OnDevice {
            issuer: self,
            code: Zeroizing::new(answer.device_code),
            user_code: plain(&answer.user_code),
            address: answer.verification_uri,
            whole_address: whole,
            interval: answer.interval.map_or(INTERVAL, |seconds| Duration::from_secs(seconds.max(1))),
            life: Duration::from_secs(answer.expires_in).min(LONGEST),
            verifier,
        })
    }

    /// Who a token from the issuer itself is about: its own, for us, and in answer to `nonce` if that was sent. The signature is
    /// looked at by Fulcio; here the connection says whose it is (OpenID Connect Core 1.0, 3.1.3.7).
    fn identity(&self, token: String, nonce: Option<&str>) -> Result<Identity, LoginError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Audience {
            One(String),
            Several(Vec<String>),
        }
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
            aud: Audience,
            nonce: Option<String>,
        }
        let token = Zeroizing::new(token);
        let claims: Claims = claims(&token)?;
        let for_us = match &claims.aud {
            Audience::One(client) => *client == self.client,
            Audience::Several(clients) => clients.contains(&self.client),
        };
        for (part, is) in [
            ("iss", claims.iss == self.url),
            ("aud", for_us),
            ("nonce", nonce.is_none() || nonce == claims.nonce.as_deref()),
        ] {
            if !is {
                return Err(LoginError::Unrelated { part });
            }
        }
        Ok(Identity::new(token)?)
    }

    /// Has the issuer answer a form, or say in OAuth's way why not.
    fn post<T: serde::de::DeserializeOwned>(&self, url: &str, form: &str) -> Result<T, LoginError> {
        #[derive(Deserialize)]
        struct Problem {
            error: String,
        }
        let (status, bytes) = exchange(&self.http, url, Some(form))?;
        if status == 200 {
            // Neither the answer nor what serde says of it may be shown: there are tokens in it.
            let answer = serde_json::from_slice(&bytes);
            return answer.map_err(|_| malformed(url, "what it says is incomplete".to_owned()).into());
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(LoginError::Denied { issuer: self.url.clone(), error: plain(&problem.error) }),
            Err(_) => Err(refused(url, status).into()),
        }
    }

    fn lacking(&self, way: &'static str) -> LoginError {
        LoginError::Lacking { issuer: self.url.clone(), way }
    }
}

#[derive(Deserialize)]
struct Token {
    id_token: String,
}

impl InBrowser<'_> {
    /// What is to be opened.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the browser to come back.
    ///
    /// # Errors
    /// When it does not, or with something else.
    pub fn wait(self, patience: Duration) -> Result<Identity, LoginError> {
        let code = match self.listening.wait(patience).map_err(LoginError::Machine)? {
            None => return Err(LoginError::Nobody { waited: patience }),
            Some(Callback::Code(code)) => code,
            Some(Callback::Unrelated(part)) => return Err(LoginError::Unrelated { part }),
            Some(Callback::Denied(error)) => {
                return Err(LoginError::Denied { issuer: self.issuer.url.clone(), error: plain(&error) });
            }
        };
        let asked = form(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", self.listening.address()),
            ("client_id", &self.issuer.client),
            ("code_verifier", &self.verifier),
        ]);
        let token: Token = self.issuer.post(&self.issuer.token, &asked)?;
        self.issuer.identity(token.id_token, Some(&self.nonce))
    }
}

impl OnDevice<'_> {
    /// Asks again and again whether they have logged in; `pause` waits in between.
    ///
    /// # Errors
    /// When they did not in time, or refused.
    pub fn wait(self, pause: &dyn Fn(Duration)) -> Result<Identity, LoginError> {
        let (mut interval, mut waited) = (self.interval, Duration::ZERO);
        let asked = form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &self.code),
            ("client_id", &self.issuer.client),
            ("code_verifier", &self.verifier),
        ]);
        while waited < self.life {
            pause(interval);
            waited += interval;
            match self.issuer.post::<Token>(&self.issuer.token, &asked) {
                Ok(token) => return self.issuer.identity(token.id_token, None),
                Err(LoginError::Denied { error, .. }) if error == "authorization_pending" => {}
                Err(LoginError::Denied { error, .. }) if error == "slow_down" => interval += INTERVAL,
                // The same as a wish for peace (RFC 8628, 3.5).
                Err(LoginError::Service(ServiceError::Unreachable { failure, .. }))
                    if failure.is_transient() =>
                {
                    interval += INTERVAL;
                }
                Err(error) => return Err(error),
            }
        }
        Err(LoginError::Denied { issuer: self.issuer.url.clone(), error: "expired_token".to_owned() })
    }
}

/// What the issuer answers at `url`, with a status: to a form, where there is one.
fn exchange(http: &Http, url: &str, form: Option<&str>) -> Result<(u16, Zeroizing<Vec<u8>>), ServiceError> {
    let address: Url = url.parse().map_err(|_| malformed(url, "that is not an address".to_owned()))?;
    let unreachable = |failure| ServiceError::Unreachable {
        what: WHAT,
        url: address.to_string(),
        failure: Box::new(failure),
    };
    let method = if form.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::new(method, &address);
    request.headers = vec![(header::ACCEPT, "application/json".to_owned())];
    if let Some(form) = form {
        request.headers.push((header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
        request.body = Sent::Bytes(form.as_bytes());
    }
    let response = http.send(request).map_err(unreachable)?;
    let status = response.status.as_u16();
    Ok((status, Zeroizing::new(response.bytes(LIMIT).map_err(unreachable)?)))
}

fn malformed(url: &str, reason: String) -> ServiceError {
    ServiceError::Malformed { what: WHAT, url: url.to_owned(), reason }
}

fn refused(url: &str, status: u16) -> ServiceError {
    ServiceError::Refused { what: WHAT, url: url.to_owned(), status, said: String::new() }
}

/// Text of somebody else's that is shown: short, and nothing that moves a cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// 256 bits that nobody can guess, as text.
fn random() -> Result<String, LoginError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let none = || LoginError::Machine(io::Error::other("the machine gives no randomness"));
    SystemRandom::new().fill(&mut *bytes).map_err(|_| none())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(*bytes))
}

/// RFC 7636, 4.2: S256.
fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Digest::of(verifier.as_bytes()).as_bytes())
}

/// `application/x-www-form-urlencoded`.
fn form(members: &[(&str, &str)]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in members {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    text.push(char::from(byte))
                }
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use longshore_net::Settings;
    use longshore_testkit::sigstore::{Issuer as Other, Mischief};

    use super::*;

    fn issuer(other: &Other) -> Issuer {
        Issuer::discover(Http::new(&Settings::default()).unwrap(), &other.url(), "sigstore").unwrap()
    }

    /// What waiting came to, and for how many seconds each time.
    fn waited(other: &Other) -> (Result<Identity, LoginError>, Vec<u64>) {
        let pauses = RefCell::new(Vec::new());
        let issuer = issuer(other);
        let login = issuer.on_device().unwrap();
        let result = login.wait(&|pause| pauses.borrow_mut().push(pause.as_secs()));
        (result, pauses.into_inner())
    }

    #[test]
    fn an_issuer_is_asked_as_often_as_it_wants() {
        let other = Other::start();
        // It says three times that nobody has come, the last time with the wish to be asked less often.
        other.logs_in("dev@longshore.test", 3);
        let (result, pauses) = waited(&other);
        assert_eq!((result.unwrap().name(), pauses), ("dev@longshore.test", vec![1, 1, 1, 6]));
        // The code lives for a minute.
        other.logs_in("dev@longshore.test", usize::MAX);
        let (result, pauses) = waited(&other);
        assert_eq!(
            result.unwrap_err().to_string(),
            format!("{} gives no token: the code has expired", other.url())
        );
        assert_eq!(pauses, vec![1; 60]);
        other.mischief(Mischief::Denied);
        let (result, pauses) = waited(&other);
        assert_eq!((result.unwrap_err().to_string().contains("refused"), pauses.len()), (true, 1));
    }

    #[test]
    fn nobody_who_comes_back_is_waited_for_no_longer_than_said() {
        let other = Other::start();
        let issuer = issuer(&other);
        let login = issuer.in_browser().unwrap();
        let error = login.wait(Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "nobody logged in within 0 minutes");
    }

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(form(&[("a", "x y&"), ("b", "ü~")]).as_str(), "a=x%20y%26&b=%C3%BC~");
    }
}
