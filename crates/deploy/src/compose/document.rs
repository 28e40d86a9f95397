//! What of the Compose specification is written, in the order in which it is written.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    pub(super) name: String,
    pub(super) services: BTreeMap<&'a str, Service<'a>>,
    pub(super) networks: BTreeMap<&'static str, Network>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) volumes: BTreeMap<String, Volume>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) secrets: BTreeMap<&'a str, Secret>,
}

#[derive(Debug, Serialize)]
pub(super) struct Network {
    pub(super) driver: &'static str,
}

/// The engine's own kind of volume.
#[derive(Debug, Serialize)]
pub(super) struct Volume {}

#[derive(Debug, Serialize)]
pub(super) struct Secret {
    pub(super) file: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Service<'a> {
    pub(super) image: String,
    pub(super) pull_policy: PullPolicy,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) profiles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) environment: BTreeMap<&'a str, String>,
    pub(super) user: String,
    pub(super) read_only: bool,
    pub(super) cap_drop: [&'static str; 1],
    pub(super) security_opt: [&'static str; 1],
    pub(super) tmpfs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) volumes: Vec<Mount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) secrets: Vec<SecretMount<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ports: Vec<Port>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) depends_on: BTreeMap<&'a str, Dependency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deploy: Option<Deploy>,
    pub(super) restart: Restart,
    pub(super) stop_signal: &'a str,
    pub(super) stop_grace_period: String,
    pub(super) logging: Logging,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PullPolicy {
    Missing,
    Never,
}

/// The long form of a mount: the short one has no way to say a path with a colon.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Mount {
    Volume { source: String, target: String },
    Bind { source: String, target: String, read_only: bool, bind: Bind },
}

#[derive(Debug, Serialize)]
pub(super) struct Bind {
    pub(super) create_host_path: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct SecretMount<'a> {
    pub(super) source: &'a str,
    pub(super) target: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Port {
    pub(super) target: u16,
    pub(super) published: String,
    pub(super) host_ip: String,
    pub(super) protocol: longshore_stack::model::Protocol,
}

#[derive(Debug, Serialize)]
pub(super) struct Dependency {
    pub(super) condition: Condition,
}

#[derive(Debug, Serialize)]
pub(super) enum Condition {
    #[serde(rename = "service_healthy")]
    Healthy,
    #[serde(rename = "service_started")]
    Started,
    #[serde(rename = "service_completed_successfully")]
    Completed,
}

#[derive(Debug, Serialize)]
pub(super) struct Health {
    pub(super) test: Vec<String>,
    pub(super) interval: String,
    pub(super) timeout: String,
    pub(super) retries: u32,
    pub(super) start_period: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Deploy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replicas: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resources: Option<Resources>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limits: Option<Amounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reservations: Option<Amounts>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Amounts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pids: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Restart {
    UnlessStopped,
    OnFailure,
    No,
}

#[derive(Debug, Serialize)]
pub(super) struct Logging {
    pub(super) driver: &'static str,
    pub(super) options: BTreeMap<&'static str, &'static str>,
}
