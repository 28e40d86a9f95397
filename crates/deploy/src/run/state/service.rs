//! One service on its way.

use std::time::Duration;

use longshore_stack::model::{Condition, Restart, ServiceKind};
use serde::{Deserialize, Serialize};

use super::{Answer, Definition, Exit, Status, Time, Verdict};

/// The first wait before it is started again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// One that did its work for so long has left its failures behind.
const GOOD: Duration = Duration::from_secs(60);
/// One whose health nobody can ask for is taken to be ready when it has not ended for so long.
const STEADY: Duration = Duration::from_millis(500);
/// The first probe after a start; what starts fast is to be seen fast. Each further one is twice as late.
const FIRST_PROBE: Duration = Duration::from_millis(50);
/// The longest wait between two probes in the start period, where the interval is longer.
const EAGER: Duration = Duration::from_secs(1);

/// Where a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Phase {
    /// What it needs is not there yet.
    Waiting,
    /// It is being started.
    Starting,
    /// It runs, and is not ready.
    Running,
    /// It does its work.
    Ready,
    /// It runs, and its health says that it does not do its work.
    Unhealthy,
    /// It ended and is started again then.
    Backoff {
        /// When.
        until: Time,
    },
    /// It was asked to stop.
    Stopping {
        /// When it is killed; none once it was.
        kill_at: Option<Time>,
    },
    /// It was stopped.
    Stopped,
    /// It ended or could not be started, and is not tried again.
    Failed,
    /// It ended well, and that is all that was wanted.
    Completed,
}

impl Phase {
    /// Whether there are processes of it, or will be in a moment.
    pub fn is_alive(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Ready | Self::Unhealthy | Self::Stopping { .. } => true,
            Self::Waiting | Self::Backoff { .. } | Self::Stopped | Self::Failed | Self::Completed => false,
        }
    }

    /// Whether it stays so until somebody wants something else.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed | Self::Completed)
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Backoff { .. } => "backoff",
            Self::Stopping { .. } => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Completed => "completed",
        }
    }
}

/// What becomes of a service that is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Stay,
    Start,
    Gone,
}

/// When a service is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probing {
    At(Time),
    Asked,
}

/// One service.
#[derive(Debug)]
pub struct Service {
    pub(super) definition: Definition,
    pub(super) phase: Phase,
    pub(super) then: Then,
    /// What becomes of it once nobody needs it who has to stop as well: it runs on until then.
    pub(super) due: Option<Then>,
    pub(super) probing: Option<Probing>,
    pub(super) run: u32,
    since: Time,
    started: Time,
    /// Probes of this run.
    probes: u32,
    /// Probes that failed in a row, without those of the start period.
    missed: u32,
    /// Ends in a row, none of them after a good while.
    failures: u32,
    answer: Option<Answer>,
    exit: Option<Exit>,
    why: Option<String>,
}

impl Service {
    pub(super) fn new(definition: Definition) -> Self {
        Self {
            definition,
            phase: Phase::Waiting,
            then: Then::Stay,
            due: None,
            probing: None,
            run: 0,
            since: Time::ZERO,
            started: Time::ZERO,
            probes: 0,
            missed: 0,
            failures: 0,
            answer: None,
            exit: None,
            why: None,
        }
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it runs on or ends.
    pub fn kind(&self) -> ServiceKind {
        self.definition.kind
    }

    /// Since when.
    pub fn since(&self) -> Time {
        self.since
    }

    /// The number of its last start; 0 before the first.
    pub fn run(&self) -> u32 {
        self.run
    }

    /// How often in a row it ended, none of them after a good while.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// What its last probe saw in this run.
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// How its last run ended.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// Why it could not be started.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Whether that much can be counted on.
    pub(super) fn meets(&self, condition: Condition) -> bool {
        match condition {
            Condition::Ready => matches!(self.phase, Phase::Ready | Phase::Completed),
            Condition::Started => {
                matches!(self.phase, Phase::Running | Phase::Ready | Phase::Unhealthy | Phase::Completed)
            }
            Condition::Completed => self.phase == Phase::Completed,
        }
    }

    /// When something comes due.
    pub(super) fn next(&self) -> Option<Time> {
        let phase = match self.phase {
            Phase::Backoff { until } => Some(until),
            Phase::Stopping { kill_at } => kill_at,
            Phase::Running => self.steady_at(),
            _ => None,
        };
        let probe = match self.probing {
            Some(Probing::At(at)) => Some(at),
            Some(Probing::Asked) | None => None,
        };
        phase.into_iter().chain(probe).min()
    }

    pub(super) fn go(&mut self, now: Time, phase: Phase) {
        if self.phase != phase {
            self.since = now;
        }
        self.phase = phase;
    }

    pub(super) fn start(&mut self, now: Time) {
        self.run += 1;
        self.then = Then::Stay;
        (self.answer, self.probes, self.missed, self.why) = (None, 0, 0, None);
        self.go(now, Phase::Starting);
    }

    pub(super) fn started(&mut self, now: Time) {
        self.started = now;
        // It may have been asked to stop in the meantime.
        if self.phase == Phase::Starting {
            self.go(now, Phase::Running);
            self.probing = self.definition.rhythm.map(|_| Probing::At(now + FIRST_PROBE));
        }
    }

    pub(super) fn not_started(&mut self, now: Time, why: String) {
        self.why = Some(why);
        match (self.phase, self.then, self.run) {
            (Phase::Stopping { .. }, ..) => self.after_stop(now),
            // What never could be started won't be the next time either.
            (.., 1) => self.go(now, Phase::Failed),
            _ => self.end(now, Status::Code(1)),
        }
    }

    /// Takes in its end, of which `up` says whether it comes while all are wanted; says what becomes of it.
    pub(super) fn ended(&mut self, now: Time, exit: Exit, up: bool) -> Then {
        self.probing = None;
        self.exit = Some(exit);
        match self.phase {
            Phase::Stopping { .. } => {
                let then = self.then;
                self.after_stop(now);
                return then;
            }
            _ if !up => self.go(now, Phase::Stopped),
            _ => self.end(now, exit.status),
        }
        Then::Stay
    }

    fn after_stop(&mut self, now: Time) {
        match self.then {
            Then::Start => self.wait(now),
            Then::Stay | Then::Gone => self.go(now, Phase::Stopped),
        }
    }

    /// It ended by itself.
    fn end(&mut self, now: Time, status: Status) {
        let well = status == Status::Code(0);
        if self.phase == Phase::Ready && now.saturating_sub(self.since) >= GOOD {
            self.failures = 0;
        }
        let again = match (self.definition.kind, self.definition.restart) {
            (ServiceKind::Job, _) if well => false,
            (_, Restart::Always) => true,
            (_, Restart::OnFailure) => !well,
            (_, Restart::Never) => false,
        };
        if again {
            let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(5)).min(LONGEST_WAIT);
            self.failures += 1;
            self.go(now, Phase::Backoff { until: now + wait });
        } else {
            self.go(now, if well { Phase::Completed } else { Phase::Failed });
        }
    }

    pub(super) fn probed(&mut self, now: Time, answer: Answer) {
        let Some(rhythm) = self.definition.rhythm.filter(|_| self.probing == Some(Probing::Asked)) else {
            return;
        };
        let healthy = answer.verdict == Verdict::Healthy;
        self.answer = Some(answer);
        self.probes = self.probes.saturating_add(1);
        let early = self.phase == Phase::Running && now < self.started + rhythm.start_period;
        self.missed = if healthy || early { 0 } else { self.missed.saturating_add(1) };
        match self.phase {
            Phase::Running | Phase::Unhealthy if healthy => self.go(now, Phase::Ready),
            Phase::Running | Phase::Ready if self.missed >= rhythm.retries => self.go(now, Phase::Unhealthy),
            _ => {}
        }
        let wait = match self.phase {
            Phase::Running if early => {
                FIRST_PROBE.saturating_mul(1 << self.probes.min(8)).min(EAGER).min(rhythm.interval)
            }
            _ => rhythm.interval,
        };
        self.probing = Some(Probing::At(now + wait));
    }

    fn steady_at(&self) -> Option<Time> {
        let asked = self.definition.rhythm.is_some() || self.definition.kind == ServiceKind::Job;
        (!asked).then(|| self.started + STEADY)
    }

    /// Whether it is ready for all that can be known.
    pub(super) fn is_steady(&self, now: Time) -> bool {
        self.steady_at().is_some_and(|at| at <= now)
    }

    pub(super) fn stop(&mut self, now: Time, then: Then) {
        (self.then, self.due, self.probing) = (then, None, None);
        self.go(now, Phase::Stopping { kill_at: Some(now + self.definition.grace) });
    }

    /// As if it had never been started.
    pub(super) fn wait(&mut self, now: Time) {
        self.failures = 0;
        self.go(now, Phase::Waiting);
    }
}
