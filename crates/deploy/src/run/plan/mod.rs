//! What the supervisor runs, as data: nothing of it is done yet, nothing of it is a secret.

mod make;
mod native;
mod ports;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use longshore_stack::model::{Condition, PortSpec, Protocol, Resources, Restart, ServiceKind};
use serde::{Deserialize, Serialize};

pub use make::{Input, plan};
pub use native::Unsound;

use super::Error;
use super::place::Place;
use super::state::{Definition, Rhythm};

/// The form of plans: one of another form is another longshore's.
const VERSION: u32 = 1;

/// What the supervisor runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`VERSION`].
    version: u32,
    /// The stack's name.
    pub stack: String,
    /// Its profile, where it has profiles.
    pub profile: Option<String>,
    /// Every service's address, also of those that don't run.
    pub hosts: BTreeMap<String, Ipv4Addr>,
    /// What runs.
    pub services: BTreeMap<String, Planned>,
}

/// A service as it is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Where it runs.
    pub mode: Mode,
    /// The folder that is its root.
    pub root: PathBuf,
    /// Program and arguments; the program absolute.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Where it starts.
    pub cwd: PathBuf,
    /// User and group.
    pub user: (u32, u32),
    /// Where it listens, or can be reached.
    pub address: Ipv4Addr,
    /// Whether it runs on or ends.
    pub kind: ServiceKind,
    /// Its ports by name.
    pub ports: BTreeMap<String, PortSpec>,
    /// Those that are reached from outside, by the port's name.
    pub gates: BTreeMap<String, Gate>,
    /// What must be there before it starts.
    pub needs: BTreeMap<String, Condition>,
    /// How it is known that it works.
    pub health: Option<Health>,
    /// Whether it is started again.
    pub restart: Restart,
    /// What it is asked to stop with.
    pub stop_signal: String,
    /// It is killed so long after.
    pub stop_grace: Duration,
    /// Files by where it sees them.
    pub files: BTreeMap<PathBuf, File>,
    /// Secrets by name: where it sees each.
    pub secrets: BTreeMap<String, PathBuf>,
    /// Data that outlives it, by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Folders that are empty at every start.
    pub scratch: Vec<Scratch>,
    /// What it may use.
    pub resources: Resources,
}

/// Where a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// In a container.
    Container,
    /// As a plain process of this machine: what it is told names the machine's own paths.
    Native,
}

/// A file that a service sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// What is in it.
    pub text: String,
    /// Permission bits.
    pub mode: u16,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Where the service sees it.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: (u32, u32),
    /// Permission bits.
    pub mode: u16,
}

/// A folder that is empty at every start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scratch {
    /// Where.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u16,
}

/// How a port is reached from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Where.
    pub address: SocketAddr,
    /// The port's protocol.
    pub protocol: Protocol,
    /// By which way.
    pub way: Way,
}

/// By which way a published port reaches its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The supervisor listens and hands on.
    Forwarded,
    /// The service listens on all addresses of the machine, so it is there already.
    Direct,
}

/// How it is known that a service works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What is asked.
    pub check: Check,
    /// How long it may take.
    pub timeout: Duration,
    /// From one to the next.
    pub interval: Duration,
    /// So many must fail in a row.
    pub retries: u32,
    /// Failures don't count for so long after a start.
    pub start_period: Duration,
}

/// What is asked of a service, at its own address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// A page.
    Http {
        /// Of this port.
        port: u16,
        /// With its `/`.
        path: String,
    },
    /// A connection.
    Tcp {
        /// To this port.
        port: u16,
    },
    /// `grpc.health.v1`.
    Grpc {
        /// Of this port.
        port: u16,
        /// The name asked about; empty for the server as a whole.
        service: String,
    },
    /// A program inside.
    Exec {
        /// The program, absolute, and its arguments.
        argv: Vec<String>,
    },
}

impl Plan {
    /// Reads the one at `place`.
    pub fn read(place: &Place) -> Result<Self, Error> {
        let bytes = fs_err::read(place.plan())?;
        let plan: Self = serde_json::from_slice(&bytes).map_err(|source| Error::Plan { source })?;
        if plan.version != VERSION {
            return Err(Error::OtherVersion);
        }
        Ok(plan)
    }

    /// Puts it at `place`, whole or not at all.
    pub fn write(&self, place: &Place) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).map_err(|source| Error::Plan { source })?;
        let unfinished = place.folder().join(".plan.json.new");
        fs_err::write(&unfinished, text)?;
        Ok(fs_err::rename(unfinished, place.plan())?)
    }

    /// What the machine of states has to know.
    pub fn definitions(&self) -> BTreeMap<String, Definition> {
        let of = |service: &Planned| Definition {
            needs: service.needs.clone(),
            kind: service.kind,
            restart: service.restart,
            grace: service.stop_grace,
            rhythm: service.health.as_ref().map(|health| Rhythm {
                interval: health.interval,
                retries: health.retries,
                start_period: health.start_period,
            }),
        };
        self.services.iter().map(|(name, service)| (name.clone(), of(service))).collect()
    }

    /// `/etc/hosts` of every service.
    pub fn hosts_file(&self) -> String {
        let own = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n".to_owned();
        self.hosts.iter().fold(own, |text, (name, address)| text + &format!("{address} {name}\n"))
    }
}
