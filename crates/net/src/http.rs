//! Requests over HTTP: certificates, routes and connections. Redirects are the caller's: who follows them decides what goes along.

use std::io::{self, Read};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ureq::config::Config;
use ureq::http::{self, HeaderMap, HeaderName, Method, StatusCode, header};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, Body, Proxy, ProxyProtocol, SendBody};

use crate::names::Names;
use crate::proxy::Routes;
use crate::{Failure, NetError, Settings, Url, forward, tls};

/// Connections, kept for the next request to the same host.
pub struct Http {
    routes: Routes,
    direct: Hop,
    http: Option<Hop>,
    https: Option<Hop>,
    timeout: Duration,
}

/// The way to a server.
struct Hop {
    agent: Agent,
    is_proxy: bool,
    /// What an HTTP proxy that is not asked for a tunnel wants to hear (RFC 9110, 11.7.2).
    authorization: Option<String>,
}

/// A request. Credentials of its address become an `Authorization` header unless there is one.
pub struct Request<'a> {
    /// `GET` and so on.
    pub method: Method,
    /// What is asked.
    pub url: &'a Url,
    /// Header lines.
    pub headers: Vec<(HeaderName, String)>,
    /// What is sent.
    pub body: Sent<'a>,
    /// How long the server may think about what it was sent, where that is longer than servers usually may.
    pub patience: Option<Duration>,
}

/// The content of a request.
pub enum Sent<'a> {
    /// None: for methods that have none.
    Nothing,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of a reader.
    Stream(&'a mut dyn Read, u64),
}

/// What a server began to answer.
pub struct Response {
    /// 200 and so on.
    pub status: StatusCode,
    /// Header lines.
    pub headers: HeaderMap,
    /// How long the content is, where the server says it.
    pub size: Option<u64>,
    /// The content.
    pub body: Box<dyn Read + Send>,
}

impl Hop {
    fn run(
        &self,
        head: http::request::Builder,
        body: impl AsSendBody,
        patience: Option<Duration>,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let request = head.body(body)?;
        match patience {
            None => self.agent.run(request),
            some => self.agent.run(self.agent.configure_request(request).timeout_recv_response(some).build()),
        }
    }
}

impl<'a> Request<'a> {
    /// A request without content.
    pub fn new(method: Method, url: &'a Url) -> Self {
        Self { method, url, headers: Vec::new(), body: Sent::Nothing, patience: None }
    }
}

impl Response {
    /// A header's value, where there is one that is text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type, lower-case, without parameters; empty where the server does not say it.
    pub fn media_type(&self) -> String {
        let media_type = self.header(header::CONTENT_TYPE).unwrap_or_default();
        media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// All of the content, which may be at most `limit` bytes.
    ///
    /// # Errors
    /// When there is more of it, or the connection breaks.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, Failure> {
        if self.size.is_some_and(|size| size > limit) {
            return Err(Failure::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        self.body.take(limit + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
        if bytes.len() as u64 > limit { Err(Failure::TooLarge { limit }) } else { Ok(bytes) }
    }
}

impl Http {
    /// Reads certificates, connects to nothing.
    ///
    /// # Errors
    /// When a certificate or a proxy's address is none.
    pub fn new(settings: &Settings) -> Result<Self, NetError> {
        Self::on(settings, Routes::new(&settings.proxies)?)
    }

    pub(crate) fn on(settings: &Settings, routes: Routes) -> Result<Self, NetError> {
        let tls = tls::config(&settings.certificates)?;
        let config = |proxy: Option<&Proxy>| -> Config {
            Agent::config_builder()
                .tls_config(tls.clone())
                // Left to itself, ureq takes the proxy from the environment.
                .proxy(proxy.cloned())
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(settings.user_agent.as_str())
                .timeout_connect(Some(settings.timeout))
                .timeout_recv_response(Some(settings.timeout))
                .timeout_per_read(Some(settings.timeout))
                .timeout_per_write(Some(settings.timeout))
                .max_idle_connections_per_host(settings.jobs.max(1))
                .build()
        };
        let agent = |proxy| Agent::with_parts(config(proxy), DefaultConnector::new(), Names::default());
        let http = routes.http.as_ref().map(|proxy| match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Hop {
                agent: forward::agent(config(None), proxy),
                is_proxy: true,
                authorization: proxy.username().map(|user| basic(user, proxy.password().unwrap_or_default())),
            },
            _ => Hop { agent: agent(Some(proxy)), is_proxy: true, authorization: None },
        });
        let https = routes.https.as_ref().map(|proxy| Hop {
            agent: agent(Some(proxy)),
            is_proxy: true,
            authorization: None,
        });
        let direct = Hop { agent: agent(None), is_proxy: false, authorization: None };
        Ok(Self { routes, direct, http, https, timeout: settings.timeout })
    }

    fn hop(&self, url: &Url) -> &Hop {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.routes.is_direct(url)).unwrap_or(&self.direct)
    }

    /// Sends `request` and waits for the beginning of the answer, whatever its status: redirects are not followed.
    ///
    /// # Errors
    /// When there is no answer, or only one of the proxy on the way.
    pub fn send(&self, request: Request<'_>) -> Result<Response, Failure> {
        let hop = self.hop(request.url);
        let mut head = http::Request::builder().method(request.method).uri(request.url.bare());
        let authorized = request.headers.iter().any(|(name, _)| name == header::AUTHORIZATION);
        if let Some((user, password)) = request.url.credentials().filter(|_| !authorized) {
            head = head.header(header::AUTHORIZATION, basic(&user, &password));
        }
        if let Some(authorization) = &hop.authorization {
            head = head.header(header::PROXY_AUTHORIZATION, authorization);
        }
        for (name, value) in request.headers {
            head = head.header(name, value);
        }
        if let Sent::Stream(_, size) = request.body {
            head = head.header(header::CONTENT_LENGTH, size);
        }
        let patience = request.patience;
        let response = match request.body {
            Sent::Nothing => hop.run(head, (), patience),
            // Also of no bytes: what has content may not go without saying how much.
            Sent::Bytes(bytes) => hop.run(head, bytes, patience),
            Sent::Stream(reader, _) => hop.run(head, SendBody::from_reader(reader), patience),
        };
        let response = response.map_err(|error| self.failure(error, hop))?;
        let (parts, body) = response.into_parts();
        if parts.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(Failure::Proxy { status: parts.status.as_u16() });
        }
        let size = body.content_length();
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            size,
            body: Box::new(body.into_reader()),
        })
    }

    /// In our words: some of ureq's quote addresses.
    fn failure(&self, error: ureq::Error, hop: &Hop) -> Failure {
        let connection = |reason: &str| Failure::Connection { reason: reason.to_owned() };
        match error {
            // What can't be said in a header or asked for is no fault of the network.
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Failure::Request,
            ureq::Error::Timeout(_) => connection(&format!("no answer within {:?}", self.timeout)),
            ureq::Error::Io(error) => broken(&error),
            ureq::Error::HostNotFound if hop.is_proxy => connection("the proxy's host is not found"),
            ureq::Error::HostNotFound => Failure::Host,
            ureq::Error::Rustls(error) => untrusted(&error),
            ureq::Error::Tls(reason) => Failure::Tls { reason: reason.to_owned() },
            // It ends with the status, twice: `… 403/403`.
            ureq::Error::ConnectProxyFailed(reason) => {
                match reason.rsplit('/').next().and_then(|status| status.parse().ok()) {
                    Some(status) => Failure::Proxy { status },
                    None => connection("the proxy did not answer"),
                }
            }
            _ => connection("the connection failed"),
        }
    }
}

/// A connection that broke.
pub(crate) fn broken(error: &io::Error) -> Failure {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return untrusted(error);
    }
    let reason = match inner.and_then(|inner| inner.downcast_ref()) {
        Some(ureq::Error::Timeout(_)) => "the server went silent".to_owned(),
        _ => format!("the connection broke: {error}"),
    };
    Failure::Connection { reason }
}

fn untrusted(error: &rustls::Error) -> Failure {
    let reason = match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "its certificate is from an authority that this machine does not trust".to_owned()
        }
        other => other.to_string(),
    };
    Failure::Tls { reason }
}

/// RFC 7617.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
