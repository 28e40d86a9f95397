//! What becomes of each service, as a pure machine: events and the time in, actions out.
//!
//! ```text
//!            needs are there                     its health says so
//! waiting ───────────────────▶ starting ▶ running ───────────────▶ ready ◀─▶ unhealthy
//!    ▲                            ▲           │                      │           │
//!    │ restart                    │ time      ▼ it ended             ▼           ▼
//! stopped, failed, completed ◀────┴──── backoff, failed, completed ◀─┴───────────┘
//! ```
//!
//! Asked to stop, one that runs is `stopping` until it ended: those that need it first, all others at once. So are those that
//! are to be replaced or taken away, while others run on that need them.

mod service;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_stack::model::{Condition, Restart, ServiceKind};
use serde::{Deserialize, Serialize};

pub use service::{Phase, Service};
use service::{Probing, Then};

/// Time since the supervisor began.
pub type Time = Duration;

/// What the machine has to know of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What must be there before it starts. Services that are not defined are not waited for.
    pub needs: BTreeMap<String, Condition>,
    /// Whether it runs on or ends.
    pub kind: ServiceKind,
    /// Whether it is started again when it ends.
    pub restart: Restart,
    /// It is killed so long after it was asked to stop.
    pub grace: Duration,
    /// When it is probed; not at all where that is not said.
    pub rhythm: Option<Rhythm>,
}

/// When a service is probed, and what failures mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// From the end of one probe to the next.
    pub interval: Duration,
    /// So many must fail in a row.
    pub retries: u32,
    /// Failures don't count for so long after a start.
    pub start_period: Duration,
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// How.
    pub status: Status,
    /// Whether it was killed because it had used up its memory.
    pub out_of_memory: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// By itself, with this exit code.
    Code(u8),
    /// By a signal of this number.
    Signal(i32),
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the service does its work.
    pub verdict: Verdict,
    /// What was seen, in a line.
    pub line: String,
}

/// Whether a service does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It does.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// What happens. A `run` is the number of a service's start: what comes late from an earlier one counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// [`Action::Start`] is done.
    Started { service: String, run: u32 },
    /// [`Action::Start`] could not be done.
    NotStarted { service: String, run: u32, why: String },
    /// It ended.
    Ended { service: String, run: u32, exit: Exit },
    /// [`Action::Probe`] is done.
    Probed { service: String, run: u32, answer: Answer },
    /// Somebody wants it to be started anew.
    Restart { service: String },
    /// The services are these now; those that `changed` are started anew, as are those that had been given up, each when those
    /// have ended that need it and are started anew as well.
    Define { services: BTreeMap<String, Definition>, changed: BTreeSet<String> },
    /// All are to stop, in order.
    Stop,
    /// All are to end at once.
    Kill,
    /// Time went on.
    Time,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start it.
    Start { service: String, run: u32 },
    /// Ask it to stop.
    Stop { service: String },
    /// Kill it.
    Kill { service: String },
    /// See whether it does its work.
    Probe { service: String, run: u32 },
}

/// What is wanted of all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Up,
    Down,
}

/// All services.
#[derive(Debug)]
pub struct Machine {
    services: BTreeMap<String, Service>,
    goal: Goal,
}

impl Machine {
    /// All of them are to run, and none does.
    pub fn new(services: BTreeMap<String, Definition>) -> Self {
        let services = services.into_iter().map(|(name, definition)| (name, Service::new(definition)));
        Self { services: services.collect(), goal: Goal::Up }
    }

    /// Every service, by name.
    pub fn services(&self) -> &BTreeMap<String, Service> {
        &self.services
    }

    /// Whether nothing runs and nothing will.
    pub fn is_over(&self) -> bool {
        self.services.values().all(|service| service.phase.is_over())
    }

    /// What `service` waits for before it starts.
    pub fn waits_for(&self, service: &str) -> Vec<String> {
        let Some(waiting) = self.services.get(service).filter(|one| one.phase == Phase::Waiting) else {
            return Vec::new();
        };
        let unmet = waiting.definition.needs.iter().filter(|(name, condition)| !self.met(name, **condition));
        unmet.map(|(name, _)| name.clone()).collect()
    }

    /// When [`Event::Time`] is to come, if nothing else does before.
    pub fn next(&self) -> Option<Time> {
        self.services.values().filter_map(Service::next).min()
    }

    /// Takes in what happened at `now`, which never goes back; says what is to be done.
    pub fn step(&mut self, now: Time, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Started { service, run } => {
                if let Some(one) = self.of_run(&service, run) {
                    one.started(now);
                }
            }
            Event::NotStarted { service, run, why } => {
                if let Some(one) = self.of_run(&service, run) {
                    one.not_started(now, why);
                }
            }
            Event::Ended { service, run, exit } => {
                let goal = self.goal;
                if let Some(one) = self.of_run(&service, run)
                    && one.ended(now, exit, goal == Goal::Up) == Then::Gone
                {
                    self.services.remove(&service);
                }
            }
            Event::Probed { service, run, answer } => {
                if let Some(one) = self.of_run(&service, run) {
                    one.probed(now, answer);
                }
            }
            Event::Restart { service } => self.anew(&service, now, &mut actions),
            Event::Define { services, changed } => self.define(services, &changed),
            Event::Stop => self.go_down(),
            Event::Kill => {
                self.go_down();
                for (name, service) in &mut self.services {
                    if service.phase.is_alive() {
                        service.stop(now, Then::Stay);
                        service.phase = Phase::Stopping { kill_at: None };
                        actions.push(Action::Kill { service: name.clone() });
                    }
                }
            }
            Event::Time => {}
        }
        self.settle(now, &mut actions);
        actions
    }

    fn of_run(&mut self, service: &str, run: u32) -> Option<&mut Service> {
        self.services.get_mut(service).filter(|service| service.run == run)
    }

    fn anew(&mut self, name: &str, now: Time, actions: &mut Vec<Action>) {
        let Some(service) = self.services.get_mut(name) else { return };
        match service.phase {
            Phase::Stopping { .. } => service.then = Then::Start,
            _ if service.phase.is_alive() => {
                service.stop(now, Then::Start);
                actions.push(Action::Stop { service: name.to_owned() });
            }
            _ => service.wait(now),
        }
    }

    fn define(&mut self, mut services: BTreeMap<String, Definition>, changed: &BTreeSet<String>) {
        self.goal = Goal::Up;
        for (name, service) in &mut self.services {
            let stopping = matches!(service.phase, Phase::Stopping { .. });
            let Some(definition) = services.remove(name) else {
                match stopping {
                    true => service.then = Then::Gone,
                    false => service.due = Some(Then::Gone),
                }
                continue;
            };
            service.definition = definition;
            let given_up = matches!(service.phase, Phase::Stopped | Phase::Failed);
            if stopping {
                service.then = Then::Start;
            } else if changed.contains(name) || given_up || service.due.is_some() {
                service.due = Some(Then::Start);
            }
        }
        self.services.extend(services.into_iter().map(|(name, definition)| (name, Service::new(definition))));
    }

    fn go_down(&mut self) {
        self.goal = Goal::Down;
        self.services.values_mut().for_each(|service| service.due = None);
    }

    /// Stops those that are due, of those that need one another the needing first.
    fn replace(&mut self, now: Time, actions: &mut Vec<Action>) {
        let all: Vec<(String, Then)> =
            self.services.iter().filter_map(|(name, service)| Some((name.clone(), service.due?))).collect();
        for (name, then) in all {
            let waits = self.services.values().any(|other| {
                let goes = other.due.is_some() || matches!(other.phase, Phase::Stopping { .. });
                goes && other.phase.is_alive() && other.definition.needs.contains_key(&name)
            });
            let Some(service) = self.services.get_mut(&name) else { continue };
            match (service.phase.is_alive(), then) {
                (true, _) if waits => {}
                (true, _) => {
                    service.stop(now, then);
                    actions.push(Action::Stop { service: name });
                }
                (false, Then::Gone) => drop(self.services.remove(&name)),
                (false, Then::Start | Then::Stay) => {
                    service.due = None;
                    service.wait(now);
                }
            }
        }
    }

    /// Does what has come due, until nothing has.
    fn settle(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.replace(now, actions);
        let names: Vec<String> = self.services.keys().cloned().collect();
        for name in &names {
            let startable = match self.services.get(name).map(|service| service.phase) {
                Some(Phase::Waiting) => self.goal == Goal::Up && self.needs_are_met(name),
                Some(Phase::Backoff { until }) => self.goal == Goal::Up && until <= now,
                _ => false,
            };
            let leaves = self.goal == Goal::Down && !self.is_needed(name);
            let Some(service) = self.services.get_mut(name) else { continue };
            if startable {
                service.start(now);
                actions.push(Action::Start { service: name.clone(), run: service.run });
            }
            match service.phase {
                Phase::Stopping { kill_at: Some(at) } if at <= now => {
                    service.phase = Phase::Stopping { kill_at: None };
                    actions.push(Action::Kill { service: name.clone() });
                }
                Phase::Stopping { .. } => {}
                _ if leaves && service.phase.is_alive() => {
                    service.stop(now, Then::Stay);
                    actions.push(Action::Stop { service: name.clone() });
                }
                Phase::Waiting | Phase::Backoff { .. } if self.goal == Goal::Down => {
                    service.go(now, Phase::Stopped);
                }
                Phase::Running if service.is_steady(now) => service.go(now, Phase::Ready),
                _ => {}
            }
            if let Some(Probing::At(at)) = service.probing
                && at <= now
            {
                service.probing = Some(Probing::Asked);
                actions.push(Action::Probe { service: name.clone(), run: service.run });
            }
        }
        // One that is ready may be what an earlier one waits for; one that stopped, what another needs no more.
        let more = names.iter().any(|name| match self.services.get(name).map(|service| service.phase) {
            Some(Phase::Waiting) => self.goal == Goal::Up && self.needs_are_met(name),
            Some(phase) if phase.is_alive() && !matches!(phase, Phase::Stopping { .. }) => {
                self.goal == Goal::Down && !self.is_needed(name)
            }
            _ => false,
        });
        if more {
            self.settle(now, actions);
        }
    }

    fn needs_are_met(&self, name: &str) -> bool {
        let needs = self.services.get(name).map(|service| &service.definition.needs);
        needs.into_iter().flatten().all(|(needed, condition)| self.met(needed, *condition))
    }

    fn met(&self, needed: &str, condition: Condition) -> bool {
        self.services.get(needed).is_none_or(|service| service.meets(condition))
    }

    /// Whether another that has not ended yet needs it.
    fn is_needed(&self, name: &str) -> bool {
        let needs =
            |service: &Service| service.phase.is_alive() && service.definition.needs.contains_key(name);
        self.services.values().any(needs)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            _ if self.out_of_memory => f.write_str("killed when it had used up its memory"),
            Status::Code(code) => write!(f, "exit code {code}"),
            Status::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}
