//! A service's table, a secret's, and the tables inside them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::image::ports;
use super::{At, PortTable, Shorthand};

/// How an image runs in the stack. Commands, variables and files may name the stack's values and other services (Jinja
/// syntax): `{{ tempo.otlp_grpc.url }}`, `.addr`, `.host`, `.port`, and of the service itself
/// `{{ self.http.listen }}`, where it listens, and `{{ self.http.local }}`, where it reaches itself.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "service")]
pub(crate) struct ServiceTable {
    /// The image of this stack that it runs. The one of the service's own name when left out.
    pub(crate) image: Option<At<String>>,
    /// A `service` runs until it is stopped; a `job` runs once and ends.
    #[schemars(extend("enum" = ["service", "job"], "default" = "service"))]
    pub(crate) kind: Option<At<String>>,
    /// What is run instead of the image's `command`; the image's `entrypoint` stays.
    pub(crate) command: Option<Vec<At<String>>>,
    /// Environment variables, on top of the image's.
    pub(crate) env: BTreeMap<At<String>, At<String>>,
    /// Configuration that is not in the image: where it is seen, and the template beside the stack file that it is made from.
    pub(crate) files: BTreeMap<At<String>, At<Shorthand<ServiceFileTable>>>,
    /// Ports that it listens on, added to those of its image or instead of those of the same name.
    #[schemars(schema_with = "ports")]
    pub(crate) ports: BTreeMap<At<String>, At<Shorthand<PortTable>>>,
    /// Ports that are reached from outside of the stack: the port's name and the number it has there, on loopback; or
    /// `"ADDRESS:NUMBER"` for another address.
    #[schemars(schema_with = "publish")]
    pub(crate) publish: BTreeMap<At<String>, At<Shorthand<String>>>,
    /// What must be there before it starts: services that are ready (those with `health`) and jobs that have ended well; or a
    /// table that says what is waited for.
    pub(crate) needs: Vec<At<Shorthand<NeedTable>>>,
    /// How it is known that it works.
    pub(crate) health: Option<At<HealthTable>>,
    /// Data that outlives it: a name and the folder where it is seen, one of the image's `writable`.
    pub(crate) volumes: BTreeMap<At<String>, At<Shorthand<VolumeTable>>>,
    /// Names of the stack's secrets that it may read, each as a file in `/run/secrets`.
    pub(crate) secrets: Vec<At<String>>,
    /// What it may use.
    pub(crate) resources: Option<ResourcesTable>,
    /// How many of it run, where there is more than one machine.
    #[schemars(range(min = 1, max = 1000), extend("default" = 1))]
    pub(crate) replicas: Option<At<u32>>,
    /// How their number follows the load, where there is more than one machine.
    pub(crate) scale: Option<At<ScaleTable>>,
    /// Whether it is started again when it ends: `always`, `on-failure` or `never`. A service always, a job on failure, unless
    /// said.
    #[schemars(extend("enum" = ["always", "on-failure", "never"]))]
    pub(crate) restart: Option<At<String>>,
    /// The signal that asks it to stop; the image's when left out.
    pub(crate) stop_signal: Option<At<String>>,
    /// How long it may take to stop before it is killed.
    #[schemars(extend("default" = "10s"))]
    pub(crate) stop_grace: Option<At<String>>,
    /// Networks outside of the stack that it may connect to (`10.0.0.0/8`, `0.0.0.0/0` for all), where a policy is enforced.
    pub(crate) egress: Vec<At<String>>,
    /// It is started only when one of these groups is asked for.
    pub(crate) groups: Vec<At<String>>,
}

/// A file that a service sees.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "service-file")]
pub(crate) struct ServiceFileTable {
    /// A file beside the stack file that is rendered with the stack's values and addresses.
    pub(crate) template: Option<At<String>>,
    /// The text itself, rendered likewise.
    pub(crate) text: Option<At<String>>,
    /// A file beside the stack file, taken as it is; text.
    pub(crate) file: Option<At<String>>,
    /// Permissions in octal.
    #[schemars(regex(pattern = "^[0-7]{3,4}$"), extend("default" = "0644"))]
    pub(crate) mode: Option<At<String>>,
}

/// The kinds of a service's files: see [`super::CONTENT_KINDS`].
pub(crate) const FILE_KINDS: [(&str, &[&str], &[&str]); 3] =
    [("template", &[], &["mode"]), ("text", &[], &["mode"]), ("file", &[], &["mode"])];

/// Something a service needs, and what is waited for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "need")]
pub(crate) struct NeedTable {
    /// The service.
    pub(crate) service: At<String>,
    /// `ready`: its health says so; `started`: no more than that; `completed`: a job that ended well.
    #[schemars(extend("enum" = ["ready", "started", "completed"]))]
    pub(crate) until: Option<At<String>>,
}

/// How it is known that a service works.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "health")]
pub(crate) struct HealthTable {
    /// A path that is asked for over HTTP, and answered with a status from 200 to 399.
    pub(crate) http: Option<At<String>>,
    /// The name of a port that takes connections.
    pub(crate) tcp: Option<At<String>>,
    /// The name of a port that answers `grpc.health.v1` with SERVING.
    pub(crate) grpc: Option<At<String>>,
    /// A program of the image and its arguments, which ends with 0.
    pub(crate) exec: Option<At<Vec<At<String>>>>,
    /// The name of the port that is asked over HTTP: `http`, or the only one, when left out.
    pub(crate) port: Option<At<String>>,
    /// The service that a gRPC port is asked about. The server as a whole when left out.
    pub(crate) service: Option<At<String>>,
    /// Time from one check to the next.
    #[schemars(extend("default" = "5s"))]
    pub(crate) interval: Option<At<String>>,
    /// How long a check may take.
    #[schemars(extend("default" = "3s"))]
    pub(crate) timeout: Option<At<String>>,
    /// This many checks must fail in a row.
    #[schemars(range(min = 1, max = 1000), extend("default" = 3))]
    pub(crate) retries: Option<At<u32>>,
    /// Failures don't count for so long after a start.
    #[schemars(extend("default" = "30s"))]
    pub(crate) start_period: Option<At<String>>,
    /// Write it into the image's configuration too, where Docker finds it when the image runs by itself.
    #[serde(default)]
    pub(crate) in_image: bool,
}

/// The kinds of health checks: see [`super::CONTENT_KINDS`].
pub(crate) const HEALTH_KINDS: [(&str, &[&str], &[&str]); 4] = [
    ("http", &[], &["port", "interval", "timeout", "retries", "start-period", "in-image"]),
    ("tcp", &[], &["interval", "timeout", "retries", "start-period", "in-image"]),
    ("grpc", &[], &["service", "interval", "timeout", "retries", "start-period", "in-image"]),
    ("exec", &[], &["interval", "timeout", "retries", "start-period", "in-image"]),
];

/// A volume in full.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "volume")]
pub(crate) struct VolumeTable {
    /// Where it is seen: one of the image's `writable` folders.
    pub(crate) path: At<String>,
    /// How much it must hold, where that is to be said: `10G`.
    #[schemars(extend("default" = "1G"))]
    pub(crate) size: Option<At<String>>,
}

/// What a service may use.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "resources")]
pub(crate) struct ResourcesTable {
    /// Memory at most: `512M`.
    pub(crate) memory: Option<At<String>>,
    /// Processors at most: `1.5`.
    #[schemars(schema_with = "processors")]
    pub(crate) cpus: Option<At<f64>>,
    /// Processes and threads at most.
    #[schemars(range(min = 1, max = 4_194_304))]
    pub(crate) pids: Option<At<u32>>,
    /// Memory that is kept free for it.
    pub(crate) reserve_memory: Option<At<String>>,
    /// Processors that are kept free for it.
    #[schemars(schema_with = "processors")]
    pub(crate) reserve_cpus: Option<At<f64>>,
}

/// How the number of replicas follows the load.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "scale")]
pub(crate) struct ScaleTable {
    /// At most so many; at least `replicas`.
    #[schemars(range(min = 2, max = 1000))]
    pub(crate) max: At<u32>,
    /// Percent of the reserved processors that each should use.
    #[schemars(range(min = 1, max = 100), extend("default" = 80))]
    pub(crate) cpu: Option<u32>,
}

/// A secret: where it comes from. Its value is never in images, locks, plans, logs or generated files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "secret")]
pub(crate) struct SecretTable {
    /// Made once, of so many random bytes, and kept in the stack's state folder.
    #[schemars(range(min = 16, max = 1024))]
    pub(crate) generate: Option<At<u32>>,
    /// How generated bytes are written.
    #[schemars(extend("enum" = ["hex", "base64"], "default" = "hex"))]
    pub(crate) format: Option<At<String>>,
    /// A file, relative to the stack file's folder or absolute.
    pub(crate) file: Option<At<String>>,
    /// A variable of the environment that longshore runs in.
    pub(crate) env: Option<At<String>>,
    /// A program whose output it is, without the last line break.
    pub(crate) command: Option<At<Vec<At<String>>>>,
    /// What it is for: one line for people.
    pub(crate) description: Option<String>,
}

/// The kinds of secrets: see [`super::CONTENT_KINDS`].
pub(crate) const SECRET_KINDS: [(&str, &[&str], &[&str]); 4] = [
    ("generate", &[], &["format", "description"]),
    ("file", &[], &["description"]),
    ("env", &[], &["description"]),
    ("command", &[], &["description"]),
];

fn publish(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 65_535 },
        { "type": "string" },
    ] } })
}

fn processors(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "number", "minimum": 0.01, "maximum": 1024 })
}
