//! Whom to believe, and where to sign: `trusted_root.json` and `signing_config.json` (protobuf-specs).

use std::path::Path;

use jiff::Timestamp;
use longshore_oci::read_bounded;
use serde::Serialize;
use sigstore_trust_root::{ServiceSelector, SigningConfig, TrustedRoot};
use sigstore_types::TimeRange;

use crate::TrustError;

/// More bytes than this are neither.
pub(super) const LIMIT: u64 = 4 << 20;

/// Certificate authorities, logs and timestamp authorities that are believed.
#[derive(Debug, Clone)]
pub struct TrustRoot(pub(super) TrustedRoot);

/// Who is in a trusted root, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Members {
    /// Give certificates.
    pub certificate_authorities: Vec<Member>,
    /// Keep what was signed.
    pub logs: Vec<Member>,
    /// Keep which certificates were given.
    pub certificate_logs: Vec<Member>,
    /// Say when something was signed.
    pub timestamp_authorities: Vec<Member>,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Where it is; empty where the root does not say it.
    pub url: String,
    /// Who runs it, where the root says it.
    pub organization: Option<String>,
    /// From when on it counts, as RFC 3339 has it.
    pub from: Option<String>,
    /// Until when.
    pub until: Option<String>,
}

impl Member {
    fn new(url: &str, organization: Option<&String>, valid: Option<&TimeRange>) -> Self {
        Self {
            url: url.to_owned(),
            organization: organization.filter(|name| !name.is_empty()).cloned(),
            from: valid.map(|valid| valid.start.to_string()),
            until: valid.and_then(|valid| valid.end).map(|end| end.to_string()),
        }
    }
}

/// A service, and which of its interfaces it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub url: String,
    /// The major version of its interface.
    pub version: u32,
}

/// Where to sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// Gives certificates to who can say who they are.
    pub fulcio: Option<Endpoint>,
    /// Keeps a public log of what was signed.
    pub rekor: Option<Endpoint>,
    /// Says when something was signed.
    pub timestamps: Option<Endpoint>,
    /// Says who people are.
    pub issuer: Option<Endpoint>,
}

impl TrustRoot {
    /// Reads `trusted_root.json`.
    ///
    /// # Errors
    /// [`TrustError::Root`] when it is none.
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        Self::from_json(&text(path)?).map_err(|reason| wrong(path, reason))
    }

    /// The trusted root in this JSON.
    pub fn from_json(json: &str) -> Result<Self, String> {
        TrustedRoot::from_json(json).map(Self).map_err(|error| error.to_string())
    }

    /// Who is in it.
    pub fn members(&self) -> Members {
        let logs = self.0.tlogs.iter();
        let logs = logs.map(|log| Member::new(&log.base_url, None, log.public_key.valid_for.as_ref()));
        let certificate_logs = self.0.ctlogs.iter();
        let certificate_logs =
            certificate_logs.map(|log| Member::new(&log.base_url, None, log.public_key.valid_for.as_ref()));
        let authorities = self.0.certificate_authorities.iter();
        let authorities = authorities
            .map(|one| Member::new(&one.uri, one.subject.organization.as_ref(), one.valid_for.as_ref()));
        let timestamps = self.0.timestamp_authorities.iter().map(|one| {
            let url = one.uri.as_deref().unwrap_or_default();
            Member::new(url, one.subject.organization.as_ref(), one.valid_for.as_ref())
        });
        Members {
            certificate_authorities: authorities.collect(),
            logs: logs.collect(),
            certificate_logs: certificate_logs.collect(),
            timestamp_authorities: timestamps.collect(),
        }
    }

    /// The day on which the newest of them began to count: `2025-09-23`.
    pub fn newest(&self) -> Option<String> {
        let members = self.members();
        let all = [
            &members.certificate_authorities,
            &members.logs,
            &members.certificate_logs,
            &members.timestamp_authorities,
        ];
        let starts = all.into_iter().flatten().filter_map(|member| member.from.as_ref()?.parse().ok());
        let newest: Timestamp = starts.max()?;
        newest.to_string().get(..10).map(str::to_owned)
    }
}

impl Services {
    /// Reads `signing_config.json`.
    ///
    /// # Errors
    /// [`TrustError::Root`] when it is none, or wants more services of a kind than one.
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        Self::from_json(&text(path)?).map_err(|reason| wrong(path, reason))
    }

    /// Those in this JSON that are valid now. Of each kind the newest interface is taken.
    pub fn from_json(json: &str) -> Result<Self, String> {
        Self::of(&SigningConfig::from_json(json).map_err(|error| error.to_string())?)
    }

    fn of(config: &SigningConfig) -> Result<Self, String> {
        for (what, wanted) in
            [("logs", &config.rekor_tlog_config), ("timestamp authorities", &config.tsa_config)]
        {
            let one = matches!(wanted.selector, ServiceSelector::Any | ServiceSelector::Undefined)
                || matches!(wanted.selector, ServiceSelector::Exact) && wanted.count == Some(1);
            if !one {
                return Err(format!(
                    "it wants several {what} for each signature; longshore uses one of each"
                ));
            }
        }
        let endpoint = |found: Option<&sigstore_trust_root::ServiceEndpoint>| {
            found.map(|found| Endpoint { url: found.url.clone(), version: found.major_api_version })
        };
        Ok(Self {
            fulcio: endpoint(config.fulcio_url()),
            rekor: endpoint(config.rekor_url(None)),
            timestamps: endpoint(config.tsa_url()),
            issuer: endpoint(config.oidc_url()),
        })
    }
}

fn text(path: &Path) -> Result<String, TrustError> {
    let bytes = fs_err::File::open(path).and_then(|file| read_bounded(file, LIMIT));
    let bytes = bytes.map_err(|error| wrong(path, error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| wrong(path, "it is not text".to_owned()))
}

fn wrong(path: &Path, reason: String) -> TrustError {
    TrustError::Root { path: path.to_owned(), reason }
}
