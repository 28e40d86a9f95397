//! The manifest inside of a lock: what becomes of an image is read strictly, what only Flox needs is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A manifest of any schema.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Manifest {
    pub(crate) install: BTreeMap<String, Install>,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) hook: Option<Hook>,
    pub(crate) services: Services,
    pub(crate) containerize: Option<Containerize>,
}

/// What is asked of a package; most of it is in the lock's own list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Install {
    /// Since schema 1.10.0.
    pub(crate) outputs: Option<Outputs>,
}

/// Which outputs of a package are wanted.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Outputs {
    Named(Vec<String>),
    /// `"all"`.
    All(All),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum All {
    All,
}

/// Scripts around an activation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Hook {
    pub(crate) on_activate: Option<String>,
    /// Since schema 1.15.0. When a container ends, nothing of it is left to clean up.
    #[serde(rename = "on-deactivate")]
    _on_deactivate: Option<String>,
}

/// `auto-start` (since schema 1.12.0) stands among the services themselves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Services {
    #[serde(rename = "auto-start", default)]
    _auto_start: Option<bool>,
    #[serde(flatten)]
    pub(crate) all: BTreeMap<String, Service>,
}

/// A service.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Service {
    /// A line of Bash.
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) vars: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) is_daemon: Option<bool>,
    #[serde(default)]
    pub(crate) shutdown: Option<Shutdown>,
    #[serde(default)]
    pub(crate) systems: Option<Vec<String>>,
    /// Since schema 1.16.0.
    #[serde(default)]
    pub(crate) depends_on: Option<Value>,
}

/// How a service is stopped.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Shutdown {
    #[serde(default)]
    pub(crate) command: Option<String>,
}

/// `[containerize]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Containerize {
    pub(crate) config: Option<Config>,
}

/// How `flox containerize` configures an image.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) user: Option<String>,
    pub(crate) exposed_ports: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) volumes: Option<Vec<String>>,
    pub(crate) working_dir: Option<String>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) stop_signal: Option<String>,
}
