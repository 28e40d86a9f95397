//! Requests over HTTP: certificates, routes and connections, redirects followed by our own rules.

use std::io::{self, Read};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ureq::config::Config;
use ureq::http::{HeaderMap, HeaderName, Response, StatusCode, header};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, Proxy, ProxyProtocol};

use super::names::Names;
use super::proxy::Routes;
use super::{Failure, NetError, Settings, Url, forward, tls};

/// As many redirects are followed.
const MAX_REDIRECTS: usize = 8;

/// What a server began to send.
pub(super) struct Answer {
    /// The bytes from `start` on.
    pub(super) body: Box<dyn Read>,
    /// The first byte's place in the whole: 0 unless the server took up where we asked it to.
    pub(super) start: u64,
    /// The size of the whole, where the server says it.
    pub(super) size: Option<u64>,
    /// The media type, lower-case, without parameters.
    pub(super) media_type: String,
}

/// Connections, kept for the next request to the same host.
pub(super) struct Http {
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

impl Http {
    /// Reads certificates, connects to nothing.
    pub(super) fn new(settings: &Settings, routes: Routes) -> Result<Self, NetError> {
        let tls = tls::config(settings.certificates.as_deref())?;
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

    /// Begins to read `url`, from byte `offset` on where the server can.
    pub(super) fn open(&self, url: &Url, offset: u64) -> Result<Answer, Failure> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let hop = self.hop(&url);
            let mut request = hop.agent.get(url.bare());
            if let Some((user, password)) = url.credentials() {
                request = request.header(header::AUTHORIZATION, basic(&user, &password));
            }
            if let Some(authorization) = &hop.authorization {
                request = request.header(header::PROXY_AUTHORIZATION, authorization);
            }
            if offset > 0 {
                request = request.header(header::RANGE, format!("bytes={offset}-"));
            }
            let response = request.call().map_err(|error| self.failure(error, hop))?;
            let status = response.status();
            if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
                let location = text(response.headers(), header::LOCATION).ok_or(Failure::Redirect(None))?;
                let to = url.redirected(location).map_err(|error| Failure::Redirect(Some(error)))?;
                if to.file().is_some() || url.scheme() == "https" && to.scheme() != "https" {
                    return Err(Failure::Downgrade { to });
                }
                url = to;
                continue;
            }
            return match status {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => answer(response, offset),
                StatusCode::NOT_FOUND | StatusCode::GONE => Err(Failure::NotFound),
                StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(Failure::Proxy { status: status.as_u16() }),
                // What we have is not the beginning of what the server has: begin anew.
                StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => self.open(&url, 0),
                _ => Err(Failure::Status { status: status.as_u16() }),
            };
        }
        Err(Failure::Redirect(None))
    }

    /// In our words: some of ureq's quote addresses.
    fn failure(&self, error: ureq::Error, hop: &Hop) -> Failure {
        let connection = |reason: &str| Failure::Connection { reason: reason.to_owned() };
        match error {
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
pub(super) fn broken(error: &io::Error) -> Failure {
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

fn answer(response: Response<Body>, offset: u64) -> Result<Answer, Failure> {
    let (parts, body) = response.into_parts();
    let media_type = text(&parts.headers, header::CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (start, size) = if parts.status == StatusCode::PARTIAL_CONTENT {
        // `bytes 100-199/200` (RFC 9110, 14.4); anything else is not what was asked for.
        let range =
            text(&parts.headers, header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
        let (span, whole) =
            range.and_then(|range| range.split_once('/')).ok_or(Failure::Status { status: 206 })?;
        let start = span.split_once('-').and_then(|(start, _)| start.parse().ok());
        if start != Some(offset) {
            return Err(Failure::Status { status: 206 });
        }
        (offset, whole.parse().ok())
    } else {
        (0, body.content_length())
    };
    Ok(Answer { body: Box::new(body.into_reader()), start, size, media_type })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
