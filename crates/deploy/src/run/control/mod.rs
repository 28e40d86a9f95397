//! What is said between the supervisor and other programs of the same user, over `control.sock`: one request a connection,
//! answers a line of JSON each.

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use longshore_stack::model::{PortSpec, ServiceKind};
use serde::{Deserialize, Serialize};

pub(super) use server::{Asked, Server};

use super::plan::{Gate, Mode};
use super::state::{Answer, Exit, Phase};

/// The form of what is said. [`Ask::Stop`] and [`Said::Over`] are the same in all.
pub(super) const VERSION: u32 = 1;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) version: u32,
    pub(super) ask: Ask,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// How all services are: one [`Said::Stack`].
    Status,
    /// The same, and then a [`Said::Row`] for each change.
    Follow,
    /// The same; when the connection ends, all services are stopped.
    Own,
    /// What services use: one [`Said::Used`].
    Usage,
    /// To start a service anew: [`Said::Done`].
    Restart {
        /// Which.
        service: String,
    },
    /// To run what the plan on disk says now: [`Said::Updated`].
    Update {
        /// Services that are started anew whether they have changed in it or not: what a secret holds is in no plan.
        also: BTreeSet<String>,
    },
    /// To stop all, in order; changes follow, and then [`Said::Over`].
    Stop,
    /// To end all at once; likewise.
    Kill,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// How all services are.
    Stack {
        /// The stack.
        stack: String,
        /// Its profile.
        profile: Option<String>,
        /// Time since the supervisor began.
        now: Duration,
        /// The services, sorted.
        rows: Vec<Row>,
        /// Why the supervisor can't bound or measure services exactly, if it can't.
        unbounded: Option<String>,
    },
    /// How a service is now.
    Row {
        /// Time since the supervisor began.
        now: Duration,
        /// The service.
        row: Box<Row>,
    },
    /// A service is no more.
    Gone {
        /// Which.
        service: String,
    },
    /// What services use, by name; those that run.
    Used(BTreeMap<String, Used>),
    /// It is done, or begun.
    Done,
    /// What a new plan comes to.
    Updated(Changes),
    /// It can't be done.
    Refused {
        /// Why.
        message: String,
        /// What it was caused by.
        causes: Vec<String>,
        /// What the user can do.
        hint: Option<String>,
    },
    /// The supervisor has another version.
    OtherVersion,
    /// All services ended, and so does the supervisor.
    Over,
}

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub service: String,
    /// Whether it runs on or ends.
    pub kind: ServiceKind,
    /// Where it runs.
    pub mode: Mode,
    /// Where it is.
    pub phase: Phase,
    /// Since when, on the supervisor's clock.
    pub since: Duration,
    /// What it waits for.
    pub waits_for: Vec<String>,
    /// The number of its last start.
    pub run: u32,
    /// How often in a row it ended, none of them after a good while.
    pub failures: u32,
    /// How its last run ended.
    pub exit: Option<Exit>,
    /// Why it could not be started.
    pub why: Option<String>,
    /// What its last probe saw.
    pub answer: Option<Answer>,
    /// Its process and when that was born, while it runs.
    pub process: Option<(u32, u64)>,
    /// Where it listens, or can be reached.
    pub address: Ipv4Addr,
    /// Its ports by name.
    pub ports: BTreeMap<String, PortSpec>,
    /// Those that are reached from outside.
    pub gates: BTreeMap<String, Gate>,
}

/// What becomes of services by a new plan, by name; nothing of those that run on as they did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Started that had not been there.
    pub started: Vec<String>,
    /// Started anew.
    pub restarted: Vec<String>,
    /// Stopped, and gone.
    pub stopped: Vec<String>,
}

/// What a service uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Bytes of memory.
    pub memory: u64,
    /// What it may have at most.
    pub memory_limit: Option<u64>,
    /// Processor time since its start.
    pub cpu: Duration,
    /// Processes.
    pub processes: u64,
    /// Time since its start.
    pub time: Duration,
}
