//! How this machine reaches the network.

use std::path::PathBuf;
use std::time::Duration;

/// How this machine reaches the network. The library reads no environment: `cli` fills this in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether there is a network at all.
    pub access: Access,
    /// Proxies.
    pub proxies: Proxies,
    /// PEM files of certificate authorities trusted besides the system's (`SSL_CERT_FILE`).
    pub certificates: Vec<PathBuf>,
    /// How long a server may be silent.
    pub timeout: Duration,
    /// How often a transfer that broke off is taken up again, per address.
    pub retries: u32,
    /// How many transfers run at once.
    pub jobs: usize,
    /// What requests say of us.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access: Access::Online,
            proxies: Proxies::default(),
            certificates: Vec::new(),
            timeout: Duration::from_secs(30),
            retries: 3,
            jobs: 8,
            user_agent: concat!("longshore/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Online,
    /// Only what is in the store, and `file:` addresses.
    Offline,
}

/// Proxies, as the usual environment variables have them; empty text counts as none.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For `http:` addresses (`http_proxy`).
    pub http: Option<String>,
    /// For `https:` addresses (`https_proxy`).
    pub https: Option<String>,
    /// For both where the others say nothing (`all_proxy`).
    pub all: Option<String>,
    /// Hosts reached directly (`no_proxy`): names, `.suffixes`, `name:port`, `*`, separated by commas.
    pub direct: Option<String>,
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Proxy addresses carry passwords.
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}
