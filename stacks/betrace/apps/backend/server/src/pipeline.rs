//! From spans to stored violations: the buffer, the threads that judge, the thread that stores.
//!
//! Each hands on only what the next has room for. A store that can't be written stops the writer, then the judges, then
//! fills the buffer, and then requests are refused: what a sender was told is taken is stored or counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::buffer::{Buffer, Complete, Full, Reason};
use crate::clock::{Clock, timestamp};
use crate::ingest::{Taken, own};
use crate::judge::{self, Found, Trace};
use crate::metrics::{ByReason, ByRule, Counts};
use crate::proto;
use crate::rules::Rules;
use crate::signature::Key;
use crate::span::{Span, TraceId, Value};
use crate::store::{self, NewViolation, Store};

/// How often judges look for traces that are complete.
const LOOK: Duration = Duration::from_millis(25);
/// Traces with violations that wait to be stored.
const QUEUE: usize = 4096;
/// Violations stored by one commit.
const COMMIT: usize = 4096;
/// Spans of a trace that are kept with its violations, besides those that the rules found.
const KEPT_SPANS: usize = 1000;

/// What the threads share.
pub struct Parts {
    pub buffer: Arc<Buffer>,
    pub rules: Arc<Rules>,
    pub store: Arc<Store>,
    pub clock: Arc<Clock>,
    pub counts: Arc<Counts>,
    pub key: Key,
    /// The name by which the backend's own spans are known.
    pub own_name: String,
    /// Told when there are violations to send.
    pub stored: Arc<Notify>,
}

pub struct Pipeline {
    parts: Arc<Parts>,
    state: Arc<State>,
    /// None once it has stopped. Held for reading while spans are added, so that none come after the last look.
    threads: RwLock<Option<Threads>>,
}

struct Threads {
    judges: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    queue: SyncSender<Broken>,
}

#[derive(Default)]
struct State {
    stopping: AtomicBool,
    /// When the writer gives up what it can't store; only once stopping.
    give_up: Mutex<Option<Instant>>,
    /// Why the last commit failed, if it did.
    store_failure: Mutex<Option<String>>,
    lost: AtomicUsize,
}

/// A trace that broke rules. It takes room in the buffer until it is stored.
struct Broken {
    trace: Trace,
    found: Vec<Found>,
    room: Room,
}

#[derive(Clone, Copy)]
struct Room {
    spans: usize,
    bytes: usize,
}

impl Pipeline {
    pub fn start(parts: Parts, judges: usize) -> Self {
        let parts = Arc::new(parts);
        let state = Arc::new(State::default());
        let (queue, broken) = sync_channel(QUEUE);
        let writer = {
            let (parts, state) = (Arc::clone(&parts), Arc::clone(&state));
            spawn("writer", move || write_all(&parts, &state, &broken))
        };
        let judges = (0..judges).map(|nth| {
            let (parts, state, queue) = (Arc::clone(&parts), Arc::clone(&state), queue.clone());
            spawn("judge", move || judge_shards(&parts, &state, &queue, nth, judges))
        });
        let threads = Threads { judges: judges.collect(), writer, queue };
        Self { parts, state, threads: RwLock::new(Some(threads)) }
    }

    /// Takes the spans of one request, or none of them.
    ///
    /// # Errors
    /// If there is no room, or it has stopped.
    pub fn take(&self, taken: Taken) -> Result<(), Full> {
        let counts = &self.parts.counts;
        let count = taken.spans.len();
        let mut spans = taken.spans;
        spans.retain(|span| !self.is_own(span));
        let own = count - spans.len();
        let kept = spans.len();
        let threads = self.threads.read();
        let added = match &*threads {
            Some(_) => self.parts.buffer.add(spans, Instant::now()),
            None => Err(Full),
        };
        match added {
            Ok(added) => {
                counts.spans_ingested.inc_by(added.kept as u64);
                counts.dropped("rejected", taken.rejected);
                counts.dropped("own", own);
                counts.dropped("late", added.late);
                counts.dropped("trace_full", added.trace_full);
                Ok(())
            }
            Err(Full) => {
                counts.dropped("buffer_full", kept);
                Err(Full)
            }
        }
    }

    /// Why violations can't be stored now, if they can't.
    pub fn store_failure(&self) -> Option<String> {
        self.state.store_failure.lock().clone()
    }

    /// Takes no more spans, judges everything that waits and stores what comes of it, for as long as `grace` allows.
    ///
    /// Returns how many violations could not be stored.
    pub fn stop(&self, grace: Duration) -> usize {
        let threads = self.threads.write().take();
        *self.state.give_up.lock() = Some(Instant::now() + grace);
        self.state.stopping.store(true, Ordering::SeqCst);
        if let Some(Threads { judges, writer, queue }) = threads {
            judges.into_iter().for_each(join);
            // The writer ends when nobody can send to it any more.
            drop(queue);
            join(writer);
        }
        self.state.lost.load(Ordering::SeqCst)
    }

    /// What the backend itself sent: its own requests, and the violations that come back through a collector.
    fn is_own(&self, span: &Span) -> bool {
        let named = span.resource.service_name.as_deref() == Some(self.parts.own_name.as_str());
        let marked = || {
            span.attributes
                .iter()
                .any(|(key, value)| key == "betrace.violation" && *value == Value::Bool(true))
        };
        named || marked()
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).expect("the system has threads")
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the pipeline ended by a panic");
    }
}

/// Every `of`-th shard from the `nth` on.
fn judge_shards(parts: &Parts, state: &State, queue: &SyncSender<Broken>, nth: usize, of: usize) {
    loop {
        let stopping = state.stopping.load(Ordering::SeqCst);
        let mut idle = true;
        for shard in parts.buffer.shards().skip(nth).step_by(of) {
            let now = Instant::now();
            let complete = match stopping {
                true => parts.buffer.take_all(shard, now),
                false => {
                    let mut complete = parts.buffer.take_complete(shard, now);
                    complete.extend(parts.buffer.take_oldest(shard, now));
                    complete
                }
            };
            idle &= complete.is_empty();
            for trace in complete {
                judge_one(parts, state, queue, trace);
            }
        }
        if stopping {
            return;
        }
        if idle {
            std::thread::sleep(LOOK);
        }
    }
}

fn judge_one(parts: &Parts, state: &State, queue: &SyncSender<Broken>, complete: Complete) {
    let room = Room { spans: complete.spans.len(), bytes: complete.bytes() };
    let start = Instant::now();
    let trace = Trace::new(complete.id, complete.spans);
    let found = judge::judge(&trace, &parts.rules.active());
    parts.counts.evaluation_seconds.observe(start.elapsed().as_secs_f64());
    parts.counts.verdict_seconds.observe((start - complete.last).as_secs_f64());
    let reason = match complete.reason {
        Reason::Silence => "silence",
        Reason::Age => "age",
        Reason::Pressure => "pressure",
        Reason::Shutdown => "shutdown",
    };
    parts.counts.traces_evaluated.get_or_create(&ByReason { reason }).inc();
    match found.is_empty() {
        true => parts.buffer.release(room.spans, room.bytes),
        false => hand_over(state, queue, Broken { trace, found, room }),
    }
}

/// Waits until the writer has room; when stopping, no longer than the grace.
fn hand_over(state: &State, queue: &SyncSender<Broken>, mut broken: Broken) {
    loop {
        match queue.try_send(broken) {
            Ok(()) => return,
            Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => broken = back,
        }
        if state.give_up.lock().is_some_and(|at| at <= Instant::now()) {
            state.lost.fetch_add(broken.found.len(), Ordering::SeqCst);
            return;
        }
        std::thread::sleep(LOOK);
    }
}

fn write_all(parts: &Parts, state: &State, queue: &Receiver<Broken>) {
    while let Ok(first) = queue.recv() {
        let mut rooms = vec![first.room];
        let mut batch: Vec<NewViolation> = violations(parts, first);
        while batch.len() < COMMIT {
            let Ok(next) = queue.try_recv() else { break };
            rooms.push(next.room);
            batch.extend(violations(parts, next));
        }
        write(parts, state, &batch);
        for room in rooms {
            parts.buffer.release(room.spans, room.bytes);
        }
    }
}

/// Tries until it is stored; when stopping, no longer than the grace.
fn write(parts: &Parts, state: &State, batch: &[NewViolation]) {
    loop {
        match parts.store.insert(batch) {
            Ok(inserted) => {
                *state.store_failure.lock() = None;
                count(parts, batch, &inserted);
                parts.stored.notify_one();
                return;
            }
            Err(error) => {
                parts.counts.store_failures.inc();
                tracing::error!(%error, violations = batch.len(), "violations can't be stored; trying again");
                *state.store_failure.lock() = Some(error.to_string());
            }
        }
        if state.give_up.lock().is_some_and(|at| at <= Instant::now()) {
            state.lost.fetch_add(batch.len(), Ordering::SeqCst);
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn count(parts: &Parts, batch: &[NewViolation], inserted: &store::Inserted) {
    parts.counts.violations_evicted.inc_by(inserted.evicted as u64);
    let fresh: std::collections::HashSet<&str> = inserted.fresh.iter().map(String::as_str).collect();
    for new in batch.iter().filter(|new| fresh.contains(new.violation.id.as_str())) {
        let severity = store::severity(&new.violation).name();
        let labels = ByRule { rule_id: new.violation.rule_id.clone(), severity };
        parts.counts.violations.get_or_create(&labels).inc();
    }
}

/// The violations of one trace, with time and signature.
fn violations(parts: &Parts, broken: Broken) -> Vec<NewViolation> {
    let trace_id = broken.trace.id;
    let stored = Arc::new(stored_trace(&broken));
    let now = parts.clock.now();
    let violations = broken.found.into_iter().map(|found| {
        let mut violation = proto::Violation {
            id: violation_id(trace_id, &found.rule.id),
            rule_id: found.rule.id.clone(),
            rule_name: found.rule.name.clone(),
            trace_id: trace_id.to_string(),
            span_id: found.span_id.map(|id| id.to_string()).unwrap_or_default(),
            timestamp: Some(timestamp(now)),
            severity: found.rule.severity.name().to_owned(),
            message: found.message,
            context: found.context,
            span_ids: found.span_ids.iter().map(ToString::to_string).collect(),
            ..proto::Violation::default()
        };
        violation.signature = parts.key.sign(&violation);
        NewViolation { trace_id, violation, trace: Arc::clone(&stored) }
    });
    violations.collect()
}

/// The same for a trace and a rule whenever it is found, so that it is stored once.
fn violation_id(trace_id: TraceId, rule_id: &str) -> String {
    let mut hash = Sha256::new_with_prefix(trace_id.as_bytes());
    hash.update(rule_id.as_bytes());
    hex::encode(&hash.finalize()[..16])
}

/// The trace as it is kept: what the rules found, and the first of its other spans.
fn stored_trace(broken: &Broken) -> proto::Trace {
    let found = |span: &Span| broken.found.iter().any(|found| found.span_ids.contains(&span.span_id));
    let spans = broken.trace.spans().iter().enumerate();
    let kept =
        spans.filter(|(index, span)| *index < KEPT_SPANS || found(span)).map(|(_, span)| own::write(span));
    proto::Trace { trace_id: broken.trace.id.to_string(), spans: kept.collect(), ..proto::Trace::default() }
}
