//! Why a registry does not do what is asked.

use std::fmt;
use std::time::Duration;

use longshore_net::{Failure, NetError, Response};
use longshore_oci::{Content, Digest, StoreError, Verify};
use serde::Deserialize;

use crate::auth::CredentialsError;
use crate::hosts::HostsError;

/// Most bytes of an error's text that are read.
const LIMIT: u64 = 64 << 10;

/// Why a registry does not do what is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine's network settings are wrong.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The machine's settings of registries are wrong.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// Credentials can't be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is sent can't be read.
    #[error("can't read what is to be sent")]
    Read(#[source] std::io::Error),
    /// The network is needed and may not be used.
    #[error("the registry {host} is needed, and the network may not be used")]
    Offline {
        /// The registry.
        host: String,
    },
    /// There is no answer.
    #[error("can't reach {host}: {failure}")]
    Unreachable {
        /// The registry, or its token server.
        host: String,
        /// Why.
        failure: Failure,
    },
    /// A token can't be had for another reason than who we are.
    #[error("no token from the token server of {host}: {reason}")]
    TokenServer {
        /// The registry.
        host: String,
        /// Why.
        reason: String,
    },
    /// We may not.
    #[error("{host} does not let us {action} {}{said}", repository.as_deref().map_or("it", |name| name))]
    Denied {
        /// The registry.
        host: String,
        /// `push to`.
        action: &'static str,
        /// Where.
        repository: Option<String>,
        /// Whether we said who we are.
        login: bool,
        /// What it said.
        said: Said,
    },
    /// It is not there.
    #[error("{host} has no {what}{said}")]
    NotFound {
        /// The registry.
        host: String,
        /// ``manifest `web:1` ``.
        what: String,
        /// What it said.
        said: Said,
    },
    /// Too many requests.
    #[error("{host} takes no more requests from us for now{}{said}", wait.map_or(String::new(), |wait| format!(", for {} s", wait.as_secs())))]
    RateLimited {
        /// The registry.
        host: String,
        /// How long it wants us to wait, where it says so.
        wait: Option<Duration>,
        /// What it said.
        said: Said,
    },
    /// Another answer than expected.
    #[error("{host} answered {what} with status {status}{said}")]
    Status {
        /// The registry.
        host: String,
        /// ``the upload of sha256:…``.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: Said,
    },
    /// A page for people where there should be data.
    #[error("{host} answered {what} with a web page: it is no registry, or something stands before it")]
    WebPage {
        /// The registry.
        host: String,
        /// What was asked.
        what: String,
    },
    /// It sent something else than what was asked for.
    #[error("{host} sent something else than {what}: {reason}")]
    Different {
        /// The registry.
        host: String,
        /// What was asked.
        what: String,
        /// How it differs.
        reason: Box<Verify>,
    },
    /// It says that it took something else than what was sent.
    #[error("{host} took {what} for {found}")]
    Mistaken {
        /// The registry.
        host: String,
        /// What was sent.
        what: Digest,
        /// What it says that it has.
        found: String,
    },
    /// Its answer breaks the specification.
    #[error("{host} answered {what} wrongly: {reason}")]
    Malformed {
        /// The registry.
        host: String,
        /// What was asked.
        what: String,
        /// How.
        reason: String,
    },
    /// An upload does not get on.
    #[error("{host} did not take {} ({} bytes) in {tries} tries{}", content.digest, content.size, last.as_ref().map_or(String::new(), |last| format!("; at last: {last}")))]
    Upload {
        /// The registry.
        host: String,
        /// What was to be sent.
        content: Content,
        /// How often it was tried.
        tries: u32,
        /// The last failure.
        last: Option<Box<Error>>,
    },
    /// The list of referrers changes faster than we can add to it.
    #[error("others change the list of referrers of {subject} at {host} all the time")]
    Contended {
        /// The registry.
        host: String,
        /// Whose referrers.
        subject: Digest,
    },
}

/// What a registry said beside the status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said(String);

/// The body of an error (distribution specification, "Error Codes").
#[derive(Deserialize)]
struct Body {
    errors: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Said {
    /// What stands in an answer, as far as it is meant for us.
    pub(crate) fn of(response: Response) -> Self {
        let page = response.media_type() == "text/html";
        let bytes = if page { None } else { response.bytes(LIMIT).ok() };
        let Some(Body { errors }) = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) else {
            return Self::default();
        };
        let lines = errors.iter().take(3).map(|error| match (error.code.as_str(), error.message.trim()) {
            ("", message) => message.to_owned(),
            (code, "") => code.to_owned(),
            (code, message) => format!("{message} ({code})"),
        });
        let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        // For a terminal: one line, no control characters, not without end.
        Self(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect())
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Net(error) => error.hint(),
            Self::Hosts(error) => error.hint(),
            Self::Credentials(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Offline { .. } => Some("run again without `--offline`".to_owned()),
            Self::Unreachable { host, failure } => Some(match failure {
                Failure::Tls { .. } => format!(
                    "if {host} has a certificate authority of its own, set SSL_CERT_FILE to its PEM file; if it speaks plain \
                     HTTP, set LONGSHORE_PLAIN_HTTP={host}"
                ),
                _ => "check the name, the network and the proxy settings (`https_proxy`, `no_proxy`), then run the same \
                      command again: what was sent already is not sent twice"
                    .to_owned(),
            }),
            Self::Denied { host, login: false, .. } => Some(format!("longshore login {host}")),
            Self::Denied { host, login: true, .. } => Some(format!(
                "you are logged in to {host}, and that user may not: ask for the right, or `longshore login {host}` as another"
            )),
            Self::RateLimited { host, .. } => Some(format!(
                "wait, then run the same command again; `longshore login {host}` often raises the limit, and a mirror in \
                 registries.conf avoids it"
            )),
            Self::WebPage { host, .. } => Some(format!("open https://{host}/v2/ in a browser to see what it says")),
            Self::Upload { last: Some(last), .. } => last.hint(),
            Self::Upload { last: None, .. } | Self::Contended { .. } => {
                Some("run the same command again: what was sent already is not sent twice".to_owned())
            }
            Self::Status { status: 500.., .. } => {
                Some("the registry has a problem of its own; run the same command again later".to_owned())
            }
            Self::Status { status: 413, .. } => Some(
                "something before the registry limits the size of uploads (nginx: `client_max_body_size`)".to_owned(),
            ),
            Self::Read(_)
            | Self::TokenServer { .. }
            | Self::NotFound { .. }
            | Self::Status { .. }
            | Self::Different { .. }
            | Self::Mistaken { .. }
            | Self::Malformed { .. } => None,
        }
    }

    /// Whether it is that something is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the registry understood, and does not take it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Status { status: 400..=499, .. })
    }

    /// Whether the same request may do better in a moment.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { failure, .. } => failure.is_transient(),
            Self::Status { status, .. } => matches!(status, 408 | 425 | 500..=599),
            Self::RateLimited { .. } => true,
            _ => false,
        }
    }
}
