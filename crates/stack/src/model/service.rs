//! How images run: services, what they need of each other, and secrets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use longshore_oci::TreePath;
use serde::{Deserialize, Serialize};

use super::{PortSpec, Text, UserSpec, WritableSpec};

/// One service, whose image and neighbours are known to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// The name of its image in [`super::Stack::images`].
    pub image: String,
    /// Whether it runs on or ends.
    pub kind: ServiceKind,
    /// What is run instead of the image's command; the image's when nothing is said. The image's entrypoint comes before it.
    pub command: Option<Vec<Text>>,
    /// Variables besides the image's, or instead of those of the same name.
    pub env: BTreeMap<String, Text>,
    /// Files that it sees besides the image's, read-only.
    pub files: BTreeMap<TreePath, ServiceFile>,
    /// Every port, the image's too, by name.
    pub ports: BTreeMap<String, PortSpec>,
    /// Those that are reached from outside, by the port's name.
    pub publish: BTreeMap<String, Published>,
    /// What must be there before it starts, by service. Without cycles.
    pub needs: BTreeMap<String, Condition>,
    /// How it is known that it works.
    pub health: Option<HealthSpec>,
    /// Data that outlives it, by name; each path is one of the image's writable folders.
    pub volumes: BTreeMap<String, VolumeSpec>,
    /// The image's other writable folders: empty at every start, gone at the end.
    pub scratch: Vec<WritableSpec>,
    /// Secrets that it may read, and where each is seen as a file.
    pub secrets: BTreeMap<String, TreePath>,
    /// What it may use.
    pub resources: Resources,
    /// How many run where there is more than one machine; 1 and more.
    pub replicas: u32,
    /// How their number follows the load.
    pub scale: Option<Scale>,
    /// Whether it is started again when it ends.
    pub restart: Restart,
    /// How it is asked to stop.
    pub stop: Stop,
    /// Networks outside of the stack that it may connect to, as `ADDRESS/BITS`.
    pub egress: Vec<String>,
    /// It is started only when one of these is asked for; always, when there are none.
    pub groups: Vec<String>,
    /// Who runs it: the image's user.
    pub user: UserSpec,
}

/// Whether a service runs on or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// Runs until it is stopped.
    Service,
    /// Runs once and ends.
    Job,
}

/// A file that a service sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFile {
    /// What is in it.
    pub text: Text,
    /// Permission bits.
    pub mode: u16,
    /// The file beside the stack file that it is made from; none for text of the stack file itself.
    pub template: Option<String>,
}

/// Where a port is reached from outside of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// On which address of the host; loopback unless said.
    pub address: IpAddr,
    /// The number there.
    pub number: u16,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Its health says that it works.
    Ready,
    /// It has been started.
    Started,
    /// It is a job that ended well.
    Completed,
}

/// How it is known that a service works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthSpec {
    /// What is asked.
    pub check: HealthCheck,
    /// From one check to the next.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// So many must fail in a row.
    pub retries: u32,
    /// Failures don't count for so long after a start.
    pub start_period: Duration,
}

/// What is asked of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthCheck {
    /// `GET path`, answered with 200 to 399.
    Http {
        /// The port's number.
        port: u16,
        /// With its `/`, and a query if there is one.
        path: String,
    },
    /// A connection.
    Tcp {
        /// The port's number.
        port: u16,
    },
    /// `grpc.health.v1.Health/Check`, answered with SERVING.
    Grpc {
        /// The port's number.
        port: u16,
        /// The name asked about; empty for the server as a whole.
        service: String,
    },
    /// A program of the image and its arguments, run inside.
    Exec {
        /// Program first.
        command: Vec<Text>,
    },
}

/// A volume and where it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// The folder inside.
    pub path: TreePath,
    /// Whose it is: `(uid, gid)`.
    pub owner: (u32, u32),
    /// Permission bits.
    pub mode: u16,
    /// Bytes that it must hold.
    pub size: u64,
}

/// What a service may use; nothing said is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Bytes of memory at most.
    pub memory: Option<u64>,
    /// Thousandths of a processor at most.
    pub cpu: Option<u32>,
    /// Processes and threads at most.
    pub pids: Option<u32>,
    /// Bytes of memory kept free for it.
    pub reserve_memory: Option<u64>,
    /// Thousandths of a processor kept free for it.
    pub reserve_cpu: Option<u32>,
}

/// How the number of replicas follows the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// At most so many.
    pub max: u32,
    /// Percent of the reserved processors.
    pub cpu: u32,
}

/// Whether a service is started again when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// However it ended.
    Always,
    /// When it did not end with 0.
    OnFailure,
    /// Not at all.
    Never,
}

/// How a service is asked to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The signal's name, as `SIGTERM`, or number.
    pub signal: String,
    /// It is killed after so long.
    pub grace: Duration,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSpec {
    /// Where from.
    pub origin: SecretOrigin,
    /// What it is for.
    pub description: Option<String>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretOrigin {
    /// Made once, of random bytes, and kept.
    Generate {
        /// How many.
        bytes: u32,
        /// How they are written.
        format: SecretFormat,
    },
    /// A file, relative to the stack file's folder or absolute.
    File(String),
    /// A variable of the environment.
    Env(String),
    /// What a program prints.
    Command(Vec<String>),
}

/// How random bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretFormat {
    /// Two digits a byte.
    Hex,
    /// RFC 4648, section 4, with padding.
    Base64,
}

impl ServiceSpec {
    /// The services that it speaks to, sorted: those that it needs, and those whose address it is given.
    pub fn connections(&self) -> Vec<&str> {
        let texts = self
            .command
            .iter()
            .flatten()
            .chain(self.env.values())
            .chain(self.files.values().map(|file| &file.text));
        let mut all: Vec<&str> = self.needs.keys().map(String::as_str).collect();
        all.extend(texts.flat_map(Text::hosts));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether its container asks over the network how it itself or another service is, for which it has the probe.
    pub(crate) fn asks(&self) -> bool {
        let own =
            self.health.as_ref().is_some_and(|health| !matches!(health.check, HealthCheck::Exec { .. }));
        own || self.needs.values().any(|condition| *condition != Condition::Completed)
    }

    /// Whether it runs when these groups are asked for.
    pub fn is_in(&self, groups: &[String]) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|group| groups.contains(group))
    }
}
