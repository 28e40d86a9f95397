//! One request to a registry, to its end: who we are is said when it is asked, redirects are followed, and what may do better in a
//! moment is tried again.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use longshore_net::{
    Failure, HeaderName, Http, Method, Request, Response, Sent, StatusCode, Url, basic, header,
};

use crate::Error;
use crate::auth::token::Office;
use crate::auth::{Challenge, Credentials, Scope, Secret, Tokens};
use crate::error::Said;
use crate::hosts::{self, Transport};

/// As many redirects are followed.
const MAX_REDIRECTS: usize = 8;
/// The longest that a registry may make us wait; one that wants more is told of.
const MAX_WAIT: Duration = Duration::from_secs(120);
/// How long a registry may think about what it was sent: large blobs are hashed, and moved, before it answers.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A registry.
pub(crate) struct Registry {
    pub(crate) host: String,
    transport: Transport,
    http: Http,
    retries: u32,
    base: Mutex<Option<Url>>,
    challenge: Mutex<Option<Challenge>>,
    tokens: Tokens,
    /// Held while a token is fetched, so that threads which need the same one fetch it once.
    fetching: Mutex<()>,
    /// Held while a list of referrers is changed: registries that leave the lists to us do not tell one change from another.
    pub(crate) lists: Mutex<()>,
    /// Who we are, by repository.
    credentials: Mutex<BTreeMap<String, Option<Credentials>>>,
}

/// What is asked of a registry.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Body<'a>,
    /// What it takes the right to.
    pub(crate) scope: Scope,
    /// The repository, for credentials; empty where there is none.
    pub(crate) repository: &'a str,
    /// For messages: ``manifest `1.0` ``.
    pub(crate) what: String,
    pub(crate) patience: Option<Duration>,
}

/// Where it is asked.
pub(crate) enum Target {
    /// Below `/v2`: `/NAME/manifests/TAG`.
    Path(String),
    /// Where the registry told us to.
    At(Url),
}

/// What is sent; can be sent again.
pub(crate) enum Body<'a> {
    Nothing,
    Bytes(&'a [u8]),
    /// So many bytes of what is opened anew for each try.
    Stream(&'a Open<'a>, u64),
}

/// Opens bytes that are to be sent.
pub(crate) type Open<'a> = dyn Fn() -> io::Result<Box<dyn Read + 'a>> + 'a;

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, repository: &'a str, path: &str, scope: Scope, what: String) -> Self {
        Self {
            method,
            target: Target::Path(format!("/{repository}/{path}")),
            headers: Vec::new(),
            body: Body::Nothing,
            scope,
            repository,
            what,
            patience: None,
        }
    }

    /// The question whether there is a registry, and whether it takes us (distribution specification, end-1).
    pub(crate) fn ping() -> Self {
        let mut ask = Self::new(Method::GET, "", "", Scope::default(), "a greeting".to_owned());
        ask.target = Target::Path("/".to_owned());
        ask
    }
}

impl Registry {
    pub(crate) fn new(host: &str, transport: Transport, http: Http, retries: u32) -> Self {
        Self {
            host: host.to_owned(),
            transport,
            http,
            retries,
            base: Mutex::default(),
            challenge: Mutex::default(),
            tokens: Tokens::default(),
            fetching: Mutex::default(),
            lists: Mutex::default(),
            credentials: Mutex::default(),
        }
    }

    /// Says who we are in `repository`.
    pub(crate) fn introduce(&self, repository: &str, credentials: Option<Credentials>) {
        held(&self.credentials).insert(repository.to_owned(), credentials);
    }

    /// Whether who we are in `repository` was said.
    pub(crate) fn knows(&self, repository: &str) -> bool {
        held(&self.credentials).contains_key(repository)
    }

    /// Asks, again where that may help, until the registry says yes.
    pub(crate) fn ask(&self, ask: &Ask<'_>) -> Result<Response, Error> {
        self.again(|| self.attempt(ask))
    }

    /// Tries, and tries again where that may help.
    fn again<T>(&self, attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        let mut wait = Duration::from_millis(250);
        for _ in 0..self.retries {
            let error = match attempt() {
                Err(error) if error.is_transient() => error,
                other => return other,
            };
            self.pause(error, wait)?;
            wait *= 2;
        }
        attempt()
    }

    /// Waits before another try, as long as the registry wants us to where it says so; `error` itself when that is too long.
    pub(crate) fn pause(&self, error: Error, wait: Duration) -> Result<(), Error> {
        let wanted = match &error {
            Error::RateLimited { wait: Some(wanted), .. } => *wanted,
            _ => Duration::ZERO,
        };
        if wanted > MAX_WAIT {
            return Err(error);
        }
        std::thread::sleep(wait.max(wanted));
        Ok(())
    }

    /// Asks once, saying who we are where the registry wants to hear it.
    pub(crate) fn attempt(&self, ask: &Ask<'_>) -> Result<Response, Error> {
        let mut authorization = self.authorization(ask)?;
        for last in [false, true] {
            let response = self.follow(ask, authorization.as_ref())?;
            if response.status != StatusCode::UNAUTHORIZED || last {
                return self.judge(ask, response);
            }
            let Some(challenge) = Challenge::of(&response.headers) else { return self.judge(ask, response) };
            let asked = match &challenge {
                Challenge::Bearer { scope, .. } => scope.clone(),
                Challenge::Basic => None,
            };
            if let Some(Authorization::Token(token)) = &authorization {
                self.tokens.drop(&ask.scope, token);
            }
            *held(&self.challenge) = Some(challenge.clone());
            match self.answer(ask, &challenge, asked.as_deref())? {
                // Nothing better to say than before.
                None => return self.judge(ask, response),
                found => authorization = found,
            }
        }
        Err(self.status(ask, StatusCode::UNAUTHORIZED, Said::default()))
    }

    /// What is said without being asked: what the registry wanted to hear before.
    fn authorization(&self, ask: &Ask<'_>) -> Result<Option<Authorization>, Error> {
        let challenge = held(&self.challenge).clone();
        challenge.map_or(Ok(None), |challenge| self.answer(ask, &challenge, None))
    }

    /// What meets a challenge; none where we have nothing to say.
    fn answer(
        &self,
        ask: &Ask<'_>,
        challenge: &Challenge,
        asked: Option<&str>,
    ) -> Result<Option<Authorization>, Error> {
        let credentials = held(&self.credentials).get(ask.repository).cloned().flatten();
        if let Some(Credentials::Bearer(token)) = credentials {
            return Ok(Some(Authorization::Fixed(format!("Bearer {}", token.reveal()))));
        }
        match challenge {
            Challenge::Basic => Ok(match credentials {
                Some(Credentials::Password { user, password }) => {
                    Some(Authorization::Fixed(basic(&user, password.reveal())))
                }
                _ => None,
            }),
            Challenge::Bearer { realm, service, .. } => {
                let _one = held(&self.fetching);
                if let Some(token) = self.tokens.held(&ask.scope) {
                    return Ok(Some(Authorization::Token(token)));
                }
                let office = Office {
                    http: &self.http,
                    host: &self.host,
                    realm,
                    service: service.as_deref(),
                    plain: self.base()?.scheme() == "http",
                };
                let fetch = || self.tokens.fetch(&office, &ask.scope, asked, credentials.as_ref());
                let token = self.again(fetch)?;
                Ok(Some(Authorization::Token(token)))
            }
        }
    }

    /// Sends the request, and follows where it leads. Who we are is told to the registry alone.
    fn follow(&self, ask: &Ask<'_>, authorization: Option<&Authorization>) -> Result<Response, Error> {
        let base = self.base()?;
        let mut url = match &ask.target {
            Target::Path(path) => self.parse(&format!("{}{path}", base.bare()), &ask.what)?,
            Target::At(url) => url.clone(),
        };
        let reads = ask.method == Method::GET || ask.method == Method::HEAD;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::new(ask.method.clone(), &url);
            request.headers.clone_from(&ask.headers);
            request.patience = ask.patience;
            let ours = url.host() == base.host() && url.scheme() == base.scheme();
            if let Some(authorization) = authorization.filter(|_| ours) {
                request.headers.push((header::AUTHORIZATION, authorization.line()));
            }
            let mut opened;
            request.body = match &ask.body {
                Body::Nothing => Sent::Nothing,
                Body::Bytes(bytes) => Sent::Bytes(bytes),
                Body::Stream(open, size) => {
                    opened = open().map_err(Error::Read)?;
                    Sent::Stream(&mut *opened, *size)
                }
            };
            let host = url.host().to_owned();
            let response = self.http.send(request).map_err(|failure| Error::Unreachable { host, failure })?;
            match response.redirect(&url) {
                Ok(None) => return Ok(response),
                Ok(Some(to)) if reads => url = to,
                Ok(Some(_)) => return Ok(response),
                Err(failure) => {
                    return Err(Error::Malformed {
                        host: self.host.clone(),
                        what: ask.what.clone(),
                        reason: failure.to_string(),
                    });
                }
            }
        }
        Err(Error::Malformed {
            host: self.host.clone(),
            what: ask.what.clone(),
            reason: format!("it redirects more than {MAX_REDIRECTS} times"),
        })
    }

    /// The answer if it is a yes, and else what it says.
    fn judge(&self, ask: &Ask<'_>, response: Response) -> Result<Response, Error> {
        let status = response.status;
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            let wait = response.header(header::RETRY_AFTER).and_then(retry_after);
            if status == StatusCode::TOO_MANY_REQUESTS || wait.is_some() {
                return Err(Error::RateLimited { host: self.host.clone(), wait, said: Said::of(response) });
            }
        }
        Err(self.status(ask, status, Said::of(response)))
    }

    fn status(&self, ask: &Ask<'_>, status: StatusCode, said: Said) -> Error {
        let (host, what) = (self.host.clone(), ask.what.clone());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Denied {
                host,
                action: if ask.repository.is_empty() { "log in to" } else { ask.scope.verb() },
                repository: Some(ask.repository.to_owned()).filter(|name| !name.is_empty()),
                login: held(&self.credentials).get(ask.repository).is_some_and(Option::is_some),
                said,
            },
            StatusCode::NOT_FOUND => Error::NotFound { host, what, said },
            status => Error::Status { host, what, status: status.as_u16(), said },
        }
    }

    /// Where the registry told us to go on.
    pub(crate) fn located(&self, response: &Response, what: &str) -> Result<Url, Error> {
        let missing = || Error::Malformed {
            host: self.host.clone(),
            what: what.to_owned(),
            reason: "it does not say where to go on".to_owned(),
        };
        self.onward(response.header(header::LOCATION).ok_or_else(missing)?, what)
    }

    /// An address that the registry gave us.
    pub(crate) fn onward(&self, location: &str, what: &str) -> Result<Url, Error> {
        let malformed = |reason: &str| Error::Malformed {
            host: self.host.clone(),
            what: what.to_owned(),
            reason: reason.to_owned(),
        };
        let base = self.base()?;
        let url = base.redirected(location).map_err(|_| malformed("where it says to go on is no address"))?;
        if url.file().is_some() {
            return Err(malformed("where it says to go on is no address"));
        }
        if base.scheme() != "https" || url.scheme() == "https" {
            return Ok(url);
        }
        // Behind a proxy that ends TLS, registries often do not know that they are reached by it.
        match url.host() == base.host() {
            true => self.parse(&url.bare().replacen("http://", "https://", 1), what),
            false => Err(malformed("it goes on without TLS")),
        }
    }

    pub(crate) fn parse(&self, text: &str, what: &str) -> Result<Url, Error> {
        text.parse().map_err(|_| Error::Malformed {
            host: self.host.clone(),
            what: what.to_owned(),
            reason: "no address can be made of it".to_owned(),
        })
    }

    /// Where its API is.
    fn base(&self) -> Result<Url, Error> {
        let mut base = held(&self.base);
        if let Some(known) = &*base {
            return Ok(known.clone());
        }
        let found = match self.transport {
            Transport::Tls => hosts::address(&self.host, "https")?,
            Transport::Plain => hosts::address(&self.host, "http")?,
            Transport::Loopback => self.look()?,
        };
        *base = Some(found.clone());
        Ok(found)
    }

    /// Whether a registry on loopback wants TLS after all.
    fn look(&self) -> Result<Url, Error> {
        let (plain, safe) = (hosts::address(&self.host, "http")?, hosts::address(&self.host, "https")?);
        let greet = |url: &Url| self.http.send(Request::new(Method::GET, &url.join("")));
        Ok(match greet(&plain) {
            // What Go's servers answer whoever comes without.
            Ok(response) if response.status == StatusCode::BAD_REQUEST => safe,
            Ok(_) => plain,
            Err(Failure::Connection { .. }) if greet(&safe).is_ok() => safe,
            Err(Failure::Connection { .. }) => plain,
            Err(failure) => return Err(Error::Unreachable { host: self.host.clone(), failure }),
        })
    }
}

/// What stands in `Authorization:`.
enum Authorization {
    Token(Secret),
    Fixed(String),
}

impl Authorization {
    fn line(&self) -> String {
        match self {
            Self::Token(token) => format!("Bearer {}", token.reveal()),
            Self::Fixed(line) => line.clone(),
        }
    }
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    #[allow(clippy::disallowed_methods, reason = "how long we sleep; reaches no output")]
    let now = SystemTime::now();
    Some(date.duration_since(now).unwrap_or_default())
}
