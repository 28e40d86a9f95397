//! The supervisor: one loop that takes in what happens, asks the machine of states what is to be done, and does it.
//!
//! Threads bring what happens: one a running service reads what it writes and waits for its end, one a probe, one a
//! connection. Only the loop changes anything.

mod service;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel};
use std::time::{Duration, Instant};

use longshore_oci::folder;
use longshore_sandbox::{Groups, Process};

use super::control::{Ask, Asked, Changes, Row, Said, Server, Used};
use super::error::Error;
use super::forward::Gates;
use super::place::Place;
use super::plan::{Plan, Planned};
use super::state::{Action, Answer, Event, Machine, Phase};
use service::{Live, Logs};

/// Without anything to do, it looks around so often.
const IDLE: Duration = Duration::from_secs(60);

/// Signals to the supervisor's process, each a message: the first asks for an orderly end, the next for a quick one.
pub type Interrupts = Receiver<()>;

/// What happens.
enum Happened {
    /// A service wrote its last and ended.
    Ended { service: String, run: u32 },
    /// A probe is done.
    Probed { service: String, run: u32, answer: Answer },
    /// Somebody asks.
    Asked(Asked),
    /// A signal.
    Interrupted,
}

/// Runs the plan at `place` until all services are asked to stop and did, or nothing is left to do for the one who owns
/// them. Calls `ready` once it can be asked.
///
/// # Errors
/// When there is a supervisor already, the plan can't be read, or a port can't be published.
pub fn supervise(place: &Place, interrupts: Interrupts, ready: impl FnOnce()) -> Result<(), Error> {
    let _lock = place.lock()?.ok_or(Error::Runs)?;
    let plan = Plan::read(place)?;
    let roots = hold(&plan)?;
    let (tell, happened) = channel();
    let mut gates = Gates::default();
    gates.set(&plan)?;
    let asked = tell.clone();
    let server = Server::start(place, move |asked_for| drop(asked.send(Happened::Asked(asked_for))))?;
    let signals = tell.clone();
    std::thread::Builder::new().name("signals".to_owned()).stack_size(64 << 10).spawn(move || {
        interrupts.iter().take_while(|()| signals.send(Happened::Interrupted).is_ok()).for_each(drop);
    })?;
    let groups = Groups::find(&place.mark());
    if let Ok(groups) = &groups {
        // What a killed supervisor left.
        let _ = groups.sweep();
    }
    let mut supervisor = Supervisor {
        place,
        machine: Machine::new(plan.definitions()),
        plan,
        roots,
        gates,
        unbounded: groups.as_ref().err().map(ToString::to_string),
        groups: groups.ok(),
        live: BTreeMap::new(),
        logs: Logs::new(place),
        followers: Vec::new(),
        shown: BTreeMap::new(),
        tell,
        began: Instant::now(),
        wish: Wish::Run,
    };
    ready();
    supervisor.run(&happened);
    supervisor.say(&Arc::new(Said::Over));
    let _ = fs_err::remove_file(place.socket());
    drop(supervisor);
    server.finish();
    place.sweep();
    Ok(())
}

/// What is wanted of the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// To stay, also when nothing runs.
    Run,
    /// To end when nothing runs.
    End,
}

/// Root folders that nobody removes from the store, by where they are.
type Roots = BTreeMap<PathBuf, Option<Arc<fs_err::File>>>;

/// Whoever wrote the plan has the store open until this is done.
fn hold(plan: &Plan) -> io::Result<Roots> {
    let held = |planned: &Planned| Ok((planned.root.clone(), folder::hold(&planned.root)?.map(Arc::new)));
    plan.services.values().map(held).collect()
}

struct Supervisor<'a> {
    place: &'a Place,
    plan: Plan,
    /// Keeps the root folders of the plan's services in the store.
    roots: Roots,
    machine: Machine,
    gates: Gates,
    groups: Option<Groups>,
    unbounded: Option<String>,
    live: BTreeMap<String, Live>,
    logs: Logs,
    followers: Vec<SyncSender<Arc<Said>>>,
    /// What followers were told last.
    shown: BTreeMap<String, Row>,
    tell: Sender<Happened>,
    began: Instant,
    wish: Wish,
}

impl Supervisor<'_> {
    fn run(&mut self, happened: &Receiver<Happened>) {
        self.step(Event::Time);
        while self.wish == Wish::Run || !self.machine.is_over() {
            let now = self.began.elapsed();
            let wait = self.machine.next().map_or(IDLE, |at| at.saturating_sub(now));
            match happened.recv_timeout(wait) {
                Ok(what) => self.take(what),
                Err(RecvTimeoutError::Timeout) => self.step(Event::Time),
                // Not while this holds a sender.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, what: Happened) {
        match what {
            Happened::Ended { service, run } => {
                if let Some(exit) = self.end(&service, run) {
                    self.step(Event::Ended { service, run, exit });
                }
            }
            Happened::Probed { service, run, answer } => self.step(Event::Probed { service, run, answer }),
            Happened::Asked(Asked::Ask(ask, to)) => self.answer(ask, to),
            Happened::Asked(Asked::OwnerGone) => self.stop(),
            Happened::Interrupted if self.wish == Wish::End => self.step(Event::Kill),
            Happened::Interrupted => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.wish = Wish::End;
        self.step(Event::Stop);
    }

    /// Lets the machine step, does what it says, and tells of what is new.
    fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let actions = self.machine.step(self.began.elapsed(), event);
            self.tell_changes();
            events.extend(actions.into_iter().filter_map(|action| self.act(action)));
        }
    }

    /// Does it; what came of it at once.
    fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Start { service, run } => Some(self.start(service, run)),
            Action::Stop { service } => {
                self.signal(&service);
                None
            }
            Action::Kill { service } => {
                if let Some(live) = self.live.get(&service) {
                    live.running.kill();
                }
                None
            }
            Action::Probe { service, run } => {
                self.probe(service, run);
                None
            }
        }
    }

    fn answer(&mut self, ask: Ask, to: SyncSender<Arc<Said>>) {
        // A reader that is gone, or too slow for a first answer, gets none.
        let reply = |said: Said| drop(to.try_send(Arc::new(said)));
        match ask {
            Ask::Status => reply(self.stack()),
            Ask::Usage => reply(Said::Used(self.usage())),
            Ask::Restart { service } if self.plan.services.contains_key(&service) => {
                self.step(Event::Restart { service });
                reply(Said::Done);
            }
            Ask::Restart { service } => {
                let known = self.plan.services.keys().cloned().collect();
                reply(refused(&Error::NoService { service, known }));
            }
            Ask::Update { also } => reply(match self.update(&also) {
                Ok(changes) => Said::Updated(changes),
                Err(error) => refused(&error),
            }),
            Ask::Follow | Ask::Own => {
                reply(self.stack());
                self.followers.push(to);
            }
            Ask::Stop | Ask::Kill => {
                reply(self.stack());
                self.followers.push(to);
                self.wish = Wish::End;
                self.step(if ask == Ask::Stop { Event::Stop } else { Event::Kill });
            }
        }
    }

    /// Runs what the plan on disk says now, and starts those of `also` anew in any case.
    fn update(&mut self, also: &BTreeSet<String>) -> Result<Changes, Error> {
        let plan = Plan::read(self.place)?;
        if let Err(error) = self.gates.set(&plan) {
            // What runs is published as it was.
            let _ = self.gates.set(&self.plan);
            return Err(error);
        }
        let mut changes = Changes::default();
        let mut changed = BTreeSet::new();
        for (name, new) in &plan.services {
            let (before, service) = (self.plan.services.get(name), self.machine.services().get(name));
            let differs = before != Some(new) || also.contains(name);
            let idle = |phase| matches!(phase, Phase::Stopped | Phase::Failed | Phase::Stopping { .. });
            match service.filter(|_| before.is_some()) {
                None => changes.started.push(name.clone()),
                Some(service) if differs || idle(service.phase()) => changes.restarted.push(name.clone()),
                Some(_) => {}
            }
            if differs {
                changed.insert(name.clone());
            }
        }
        let stopped = self.plan.services.keys().filter(|name| !plan.services.contains_key(*name));
        changes.stopped = stopped.cloned().collect();
        let services = plan.definitions();
        // What runs on another one keeps it until it has ended.
        self.roots = hold(&plan)?;
        self.plan = plan;
        self.wish = Wish::Run;
        self.step(Event::Define { services, changed });
        Ok(changes)
    }

    fn stack(&self) -> Said {
        Said::Stack {
            stack: self.plan.stack.clone(),
            profile: self.plan.profile.clone(),
            now: self.began.elapsed(),
            rows: self.rows().into_values().collect(),
            unbounded: self.unbounded.clone(),
        }
    }

    fn rows(&self) -> BTreeMap<String, Row> {
        let rows = self.machine.services().iter().filter_map(|(name, service)| {
            // One that is being taken away is in no plan any more.
            let shown = self.shown.get(name);
            let planned = self.plan.services.get(name);
            let (mode, address, ports, gates) = match (planned, shown) {
                (Some(it), _) => (it.mode, it.address, it.ports.clone(), it.gates.clone()),
                (None, Some(row)) => (row.mode, row.address, row.ports.clone(), BTreeMap::new()),
                (None, None) => return None,
            };
            let row = Row {
                service: name.clone(),
                kind: service.kind(),
                mode,
                phase: service.phase(),
                since: service.since(),
                waits_for: self.machine.waits_for(name),
                run: service.run(),
                failures: service.failures(),
                exit: service.exit(),
                why: service.why().map(str::to_owned),
                answer: service.answer().cloned(),
                process: self.live.get(name).map(|live| {
                    let Process { pid, born } = live.running.process();
                    (pid, born)
                }),
                address,
                ports,
                gates,
            };
            Some((name.clone(), row))
        });
        rows.collect()
    }

    fn usage(&self) -> BTreeMap<String, Used> {
        let used = self.live.iter().filter_map(|(name, live)| {
            let usage = live.running.usage().ok()?;
            let limit = self.plan.services.get(name).and_then(|service| service.resources.memory);
            let used = Used {
                memory: usage.memory,
                memory_limit: limit.filter(|_| self.groups.is_some()),
                cpu: usage.cpu,
                processes: usage.processes,
                time: live.started.elapsed(),
            };
            Some((name.clone(), used))
        });
        used.collect()
    }

    /// Tells followers and logs of what became of services.
    fn tell_changes(&mut self) {
        let rows = self.rows();
        let now = self.began.elapsed();
        let changed = rows.iter().filter(|(name, row)| self.shown.get(*name) != Some(row));
        let mut changed: Vec<_> = changed.collect();
        // One is ready before another starts because of it, and has stopped before another is asked to.
        changed.sort_by_key(|(_, row)| matches!(row.phase, Phase::Starting | Phase::Stopping { .. }));
        for (name, row) in changed {
            if self.shown.get(name).map(|before| before.phase) != Some(row.phase)
                && row.phase != Phase::Starting
            {
                self.logs.say(name, &remark(row));
            }
            self.say(&Arc::new(Said::Row { now, row: Box::new(row.clone()) }));
        }
        let gone: Vec<String> = self.shown.keys().filter(|name| !rows.contains_key(*name)).cloned().collect();
        for service in gone {
            self.say(&Arc::new(Said::Gone { service }));
        }
        self.shown = rows;
    }

    fn say(&mut self, said: &Arc<Said>) {
        self.followers.retain(|follower| match follower.try_send(Arc::clone(said)) {
            Ok(()) => true,
            // Too slow, or gone.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        });
    }
}

/// What a log says of a service's new state.
fn remark(row: &Row) -> String {
    let why = || row.why.clone().or(row.exit.map(|exit| exit.to_string())).unwrap_or_default();
    match row.phase {
        Phase::Waiting if row.waits_for.is_empty() => "waiting".to_owned(),
        Phase::Waiting => format!("waiting for {}", row.waits_for.join(", ")),
        Phase::Running => format!("started: run {}", row.run),
        Phase::Unhealthy => {
            format!(
                "unhealthy: {}",
                row.answer.as_ref().map(|answer| answer.line.as_str()).unwrap_or_default()
            )
        }
        Phase::Backoff { .. } => format!("ended: {}", why()),
        Phase::Failed | Phase::Completed => format!("{}: {}", row.phase.name(), why()),
        Phase::Starting | Phase::Ready | Phase::Stopping { .. } | Phase::Stopped => {
            row.phase.name().to_owned()
        }
    }
}

fn refused(error: &Error) -> Said {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    Said::Refused { message: error.to_string(), causes, hint: error.hint() }
}
