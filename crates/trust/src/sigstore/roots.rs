//! Whom to believe, and where to sign: `trusted_root.json` and `signing_config.json` (protobuf-specs).

use std::path::Path;

use longshore_oci::read_bounded;
use sigstore_trust_root::{ServiceSelector, SigningConfig, SigstoreInstance, TrustedRoot};

use crate::TrustError;

/// More bytes than this are neither.
const LIMIT: u64 = 4 << 20;

/// Certificate authorities, logs and timestamp authorities that are believed.
#[derive(Debug, Clone)]
pub struct TrustRoot(pub(super) TrustedRoot);

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

    /// That of the public Sigstore as it was when this version of longshore was made: it grows old.
    ///
    /// # Errors
    /// Never, but for a mistake in the release.
    pub fn embedded() -> Result<Self, TrustError> {
        let root = TrustedRoot::from_embedded(SigstoreInstance::PublicGood);
        root.map(Self).map_err(|error| wrong(Path::new("embedded"), error.to_string()))
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

    /// Those of the public Sigstore as they were when this version of longshore was made.
    ///
    /// # Errors
    /// Never, but for a mistake in the release.
    pub fn embedded() -> Result<Self, TrustError> {
        let mistake = |reason: String| wrong(Path::new("embedded"), reason);
        let config = SigstoreInstance::PublicGood.embedded_signing_config();
        let config = config.map_err(|error| mistake(error.to_string()))?;
        Self::of(&config.ok_or_else(|| mistake("there is none".to_owned()))?).map_err(mistake)
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
