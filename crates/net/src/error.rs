//! Why something could not be fetched.

use std::io;
use std::path::PathBuf;

use longshore_oci::{StoreError, Verify};

use crate::{Url, UrlError};

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Every address failed.
    #[error("could not fetch it from {}", describe(.attempts))]
    Failed {
        /// The addresses in order, and what each came to.
        attempts: Vec<Attempt>,
    },
    /// The network is needed and may not be used.
    #[error("the network is needed for {url}, and may not be used")]
    Offline {
        /// What would be fetched.
        url: Url,
    },
    /// There is nowhere to fetch it from.
    #[error("there is no address to fetch it from")]
    Nowhere,
    /// A proxy setting is no address.
    #[error(
        "the proxy in `{name}` (or `all_proxy`) is not an address of the form `http://[user:password@]host:port`, `https://…` or `socks5h://…`"
    )]
    Proxy {
        /// The variable.
        name: &'static str,
    },
    /// Certificates can't be read.
    #[error("can't read the certificates in `{}`", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate file without any.
    #[error("`{}` holds no PEM certificate (`-----BEGIN CERTIFICATE-----`)", path.display())]
    NoCertificates {
        /// The file.
        path: PathBuf,
    },
    /// The store can't take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One address, and what it came to.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {failure}")]
pub struct Attempt {
    /// Where.
    pub url: Url,
    /// What happened.
    pub failure: Failure,
}

impl Attempt {
    /// Whether it had something else under that name.
    pub fn is_different(&self) -> bool {
        matches!(self.failure, Failure::Different(_) | Failure::Size { .. } | Failure::WebPage)
    }

    fn hint(&self) -> Option<&'static str> {
        match self.failure {
            Failure::WebPage => {
                Some("open the address in a browser: a proxy or a login page may be in the way")
            }
            Failure::Tls { .. } => Some(
                "if the server, or a proxy that opens TLS connections, has a certificate authority of its own, set SSL_CERT_FILE to its PEM file",
            ),
            Failure::Proxy { status: 407 } => Some(
                "give the proxy's user and password in its address: `http_proxy=http://user:password@proxy.example:3128`, and `https_proxy` alike",
            ),
            Failure::Connection { .. } | Failure::Host | Failure::Proxy { .. } => Some(
                "check the network and the proxy settings (`http_proxy`, `https_proxy`, `no_proxy`), then run the same command again",
            ),
            _ => None,
        }
    }
}

/// Why one address did not give what was wanted.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It does not have it.
    #[error("not found")]
    NotFound,
    /// Another status.
    #[error("the server answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The proxy on the way to it refused.
    #[error("the proxy answered with status {status}")]
    Proxy {
        /// The HTTP status.
        status: u16,
    },
    /// It has something else under that name.
    #[error("{0}")]
    Different(Verify),
    /// A page for people: a captive portal, a proxy's or a mirror's error page.
    #[error("the server sent a web page instead of the file")]
    WebPage,
    /// It promises another size.
    #[error("expected {expected} bytes, the server has {found}")]
    Size {
        /// How many were expected.
        expected: u64,
        /// How many the server promises.
        found: u64,
    },
    /// It is sent in a form that we can't undo.
    #[error("the server sent it with the content coding `{coding}`, which longshore can't undo")]
    Coding {
        /// As the server calls it.
        coding: String,
    },
    /// It is larger than such a thing may be.
    #[error("larger than the {limit} bytes allowed here")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// What was to be asked can't be said in HTTP.
    #[error("no request can be made of it")]
    Request,
    /// From `https` to `http` or to a file.
    #[error("it redirects to {to}, which is less safe")]
    Downgrade {
        /// Where to.
        to: Url,
    },
    /// A redirect that leads nowhere.
    #[error("it redirects badly")]
    Redirect(#[source] Option<UrlError>),
    /// No such host.
    #[error("its host is not found")]
    Host,
    /// The server can't prove who it is.
    #[error("no safe connection: {reason}")]
    Tls {
        /// In short.
        reason: String,
    },
    /// A file that can't be read.
    #[error("can't be read")]
    File(#[source] io::Error),
    /// The connection failed or broke.
    #[error("{reason}")]
    Connection {
        /// In short.
        reason: String,
    },
}

impl Failure {
    /// Whether another try may help.
    pub fn is_transient(&self) -> bool {
        match self {
            // Name servers fail at times, too.
            Self::Connection { .. } | Self::Host => true,
            Self::Status { status } | Self::Proxy { status } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }
}

impl NetError {
    /// Whether an address says that it does not have it, and none has something else under that name. Addresses that
    /// can't be reached do not count: behind a company's mirror, the official ones never can.
    pub fn is_gone(&self) -> bool {
        let Self::Failed { attempts } = self else { return false };
        attempts.iter().any(|a| matches!(a.failure, Failure::NotFound)) && self.different().is_none()
    }

    /// The first address that had something else under that name.
    pub fn different(&self) -> Option<&Attempt> {
        let Self::Failed { attempts } = self else { return None };
        attempts.iter().find(|attempt| attempt.is_different())
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Offline { .. } => Some("run again without `--offline`".to_owned()),
            Self::Failed { attempts } => attempts.iter().find_map(Attempt::hint).map(str::to_owned),
            Self::Certificates { .. } | Self::NoCertificates { .. } => {
                Some("set SSL_CERT_FILE to a file of PEM certificates, or unset it".to_owned())
            }
            Self::Proxy { name } => {
                Some(format!("set `{name}` to an address like `http://proxy.example:3128`, or unset it"))
            }
            Self::Store(error) => error.hint(),
            Self::Nowhere => None,
        }
    }
}

fn describe(attempts: &[Attempt]) -> String {
    attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join("; ")
}
