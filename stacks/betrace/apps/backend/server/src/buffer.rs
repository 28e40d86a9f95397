//! Traces that wait until they are complete: nothing came for a while, or they are as old as a trace may get.
//!
//! Bounded by spans and bytes. When nine tenths are taken the oldest traces are judged as they are; when all is taken,
//! requests are refused until there is room, so that nothing is lost that its sender believes taken.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::limits;
use crate::span::{Span, TraceId};

#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long nothing may come until a trace is complete.
    pub silence: Duration,
    /// After how long it is judged whatever comes.
    pub max_age: Duration,
    /// How long a judged trace is remembered, so that what is late is known as late.
    pub memory: Duration,
    pub spans: usize,
    pub bytes: usize,
}

const SHARDS: usize = 16;
/// How exactly the end of a silence is seen.
const TICK: Duration = Duration::from_millis(50);
/// Judged traces that are remembered in all.
const REMEMBERED: usize = 512 * 1024;

/// Why spans that were well formed are not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Their trace was judged before they came.
    Late,
    /// Their trace has as many spans as a trace may have.
    TraceFull,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub kept: usize,
    pub late: usize,
    pub trace_full: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// Why a trace was judged when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Silence,
    Age,
    /// To make room.
    Pressure,
    Shutdown,
}

pub struct Complete {
    pub id: TraceId,
    pub spans: Vec<Span>,
    pub reason: Reason,
    /// When the last of its spans came.
    pub last: Instant,
    bytes: usize,
}

struct Waiting {
    spans: Vec<Span>,
    bytes: usize,
    first: Instant,
    last: Instant,
}

#[derive(Default)]
struct Shard {
    traces: HashMap<TraceId, Waiting>,
    /// In which tick to look at a trace again.
    due: BTreeMap<u64, Vec<TraceId>>,
    /// In the order of their first span; some may be judged already.
    born: VecDeque<TraceId>,
    judged: HashSet<TraceId>,
    /// In the order in which they were judged.
    forget: VecDeque<(Instant, TraceId)>,
}

pub struct Buffer {
    bounds: Bounds,
    /// When tick 0 began.
    start: Instant,
    shards: Vec<Mutex<Shard>>,
    spans: AtomicUsize,
    bytes: AtomicUsize,
    traces: AtomicUsize,
}

impl Buffer {
    pub fn new(bounds: Bounds, start: Instant) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            bounds,
            start,
            shards,
            spans: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            traces: AtomicUsize::new(0),
        }
    }

    /// Takes all of the spans or, when there is no room, none.
    ///
    /// # Errors
    /// If there is no room.
    pub fn add(&self, spans: Vec<Span>, now: Instant) -> Result<Added, Full> {
        if self.is_full() {
            return Err(Full);
        }
        let mut by_shard: [Vec<Span>; SHARDS] = Default::default();
        for span in spans {
            by_shard[shard_of(span.trace_id)].push(span);
        }
        let mut added = Added::default();
        for (shard, spans) in self.shards.iter().zip(by_shard) {
            if !spans.is_empty() {
                self.add_to(&mut shard.lock(), spans, now, &mut added);
            }
        }
        Ok(added)
    }

    fn add_to(&self, shard: &mut Shard, spans: Vec<Span>, now: Instant, added: &mut Added) {
        let (mut count, mut memory) = (0, 0);
        for span in spans {
            let id = span.trace_id;
            if shard.judged.contains(&id) {
                added.late += 1;
                continue;
            }
            let waiting = shard.traces.entry(id).or_insert_with(|| {
                shard.due.entry(self.tick(now + self.bounds.silence)).or_default().push(id);
                shard.born.push_back(id);
                self.traces.fetch_add(1, Ordering::Relaxed);
                Waiting { spans: Vec::new(), bytes: 0, first: now, last: now }
            });
            waiting.last = now;
            if waiting.spans.len() >= limits::TRACE_SPANS {
                added.trace_full += 1;
                continue;
            }
            let bytes = span.memory();
            waiting.bytes += bytes;
            waiting.spans.push(span);
            count += 1;
            memory += bytes;
        }
        added.kept += count;
        self.spans.fetch_add(count, Ordering::Relaxed);
        self.bytes.fetch_add(memory, Ordering::Relaxed);
    }

    /// The traces of one shard that are complete now. They count as waiting until they are given to [`Self::release`].
    pub fn take_complete(&self, shard: usize, now: Instant) -> Vec<Complete> {
        let mut shard = self.shards[shard].lock();
        let mut complete = Vec::new();
        let later = shard.due.split_off(&(self.tick(now) + 1));
        for id in std::mem::replace(&mut shard.due, later).into_values().flatten() {
            let Some(waiting) = shard.traces.get(&id) else { continue };
            let (silent, aged) = (waiting.last + self.bounds.silence, waiting.first + self.bounds.max_age);
            let next = silent.min(aged);
            if next > now {
                // Not in this tick, which has been taken out.
                let tick = self.tick(next).max(self.tick(now) + 1);
                shard.due.entry(tick).or_default().push(id);
                continue;
            }
            let reason = if silent <= now { Reason::Silence } else { Reason::Age };
            complete.extend(shard.take(id, reason, now));
        }
        shard.forget_before(now, self.bounds.memory);
        complete
    }

    /// The oldest traces of one shard, as many as must go to make room; none while there is room.
    pub fn take_oldest(&self, shard: usize, now: Instant) -> Vec<Complete> {
        let mut complete = Vec::new();
        // What one shard can give: the others do the same.
        let (spans, bytes) =
            (self.excess(&self.spans, self.bounds.spans), self.excess(&self.bytes, self.bounds.bytes));
        let (mut spans, mut bytes) = (spans.div_ceil(SHARDS), bytes.div_ceil(SHARDS));
        let mut shard = self.shards[shard].lock();
        while spans > 0 || bytes > 0 {
            let Some(id) = shard.born.pop_front() else { break };
            let Some(taken) = shard.take(id, Reason::Pressure, now) else { continue };
            spans = spans.saturating_sub(taken.spans.len());
            bytes = bytes.saturating_sub(taken.bytes);
            complete.push(taken);
        }
        complete
    }

    /// Everything that waits in one shard.
    pub fn take_all(&self, shard: usize, now: Instant) -> Vec<Complete> {
        let mut shard = self.shards[shard].lock();
        let mut ids: Vec<TraceId> = shard.traces.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| shard.take(id, Reason::Shutdown, now)).collect()
    }

    /// Gives back the room of a trace that has been judged.
    pub fn release(&self, spans: usize, complete_bytes: usize) {
        self.spans.fetch_sub(spans, Ordering::Relaxed);
        self.bytes.fetch_sub(complete_bytes, Ordering::Relaxed);
        self.traces.fetch_sub(1, Ordering::Relaxed);
    }

    /// The spans of a trace that waits.
    pub fn trace(&self, id: TraceId) -> Option<Vec<Span>> {
        let shard = self.shards[shard_of(id)].lock();
        shard.traces.get(&id).map(|waiting| waiting.spans.clone())
    }

    pub fn is_full(&self) -> bool {
        self.spans() >= self.bounds.spans || self.bytes() >= self.bounds.bytes
    }

    pub fn spans(&self) -> usize {
        self.spans.load(Ordering::Relaxed)
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn traces(&self) -> usize {
        self.traces.load(Ordering::Relaxed)
    }

    pub fn shards(&self) -> std::ops::Range<usize> {
        0..SHARDS
    }

    fn tick(&self, at: Instant) -> u64 {
        let ticks = at.saturating_duration_since(self.start).as_millis() / TICK.as_millis();
        u64::try_from(ticks).unwrap_or(u64::MAX - 1)
    }

    fn excess(&self, used: &AtomicUsize, bound: usize) -> usize {
        used.load(Ordering::Relaxed).saturating_sub(bound / 10 * 9)
    }
}

impl Complete {
    /// What it counts for until it is released.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Shard {
    fn take(&mut self, id: TraceId, reason: Reason, now: Instant) -> Option<Complete> {
        let waiting = self.traces.remove(&id)?;
        self.judged.insert(id);
        self.forget.push_back((now, id));
        // So that the marks of traces that are gone are never many more than those that wait.
        if self.born.len() > 1024 + 2 * self.traces.len() {
            let traces = &self.traces;
            self.born.retain(|id| traces.contains_key(id));
        }
        Some(Complete { id, spans: waiting.spans, reason, last: waiting.last, bytes: waiting.bytes })
    }

    fn forget_before(&mut self, now: Instant, memory: Duration) {
        while let Some(&(judged, id)) = self.forget.front() {
            if self.forget.len() <= REMEMBERED / SHARDS && judged + memory > now {
                break;
            }
            self.forget.pop_front();
            self.judged.remove(&id);
        }
    }
}

fn shard_of(id: TraceId) -> usize {
    // The last byte: the first ones are a time in some senders' ids.
    usize::from(id.as_bytes()[15]) % SHARDS
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::span::{Kind, Resource, SpanId, Status};

    const BOUNDS: Bounds = Bounds {
        silence: Duration::from_secs(3),
        max_age: Duration::from_secs(10),
        memory: Duration::from_secs(60),
        spans: 1000,
        bytes: 1 << 20,
    };

    fn trace(nth: u8) -> TraceId {
        TraceId::from_bytes(&[nth; 16]).unwrap()
    }

    fn span(trace_id: TraceId) -> Span {
        Span {
            trace_id,
            span_id: SpanId::from_bytes(&[1; 8]).unwrap(),
            parent: None,
            name: "a".into(),
            kind: Kind::Internal,
            status: Status::Unset,
            start: 0,
            end: 0,
            attributes: Vec::new(),
            resource: Arc::new(Resource::default()),
        }
    }

    struct Test {
        buffer: Buffer,
        start: Instant,
    }

    impl Test {
        fn new(bounds: Bounds) -> Self {
            let start = Instant::now();
            Self { buffer: Buffer::new(bounds, start), start }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        fn add(&self, millis: u64, nth: u8, count: usize) -> Result<Added, Full> {
            self.buffer.add(vec![span(trace(nth)); count], self.at(millis))
        }

        /// Those that are complete at that time, released.
        fn complete(&self, millis: u64) -> Vec<(TraceId, usize, Reason)> {
            self.all(|shard| self.buffer.take_complete(shard, self.at(millis)))
        }

        fn all(&self, take: impl Fn(usize) -> Vec<Complete>) -> Vec<(TraceId, usize, Reason)> {
            let taken = self.buffer.shards().flat_map(take);
            let taken = taken.map(|it| {
                self.buffer.release(it.spans.len(), it.bytes());
                (it.id, it.spans.len(), it.reason)
            });
            taken.collect()
        }
    }

    #[test]
    fn a_trace_is_complete_when_nothing_came_for_a_while() {
        let test = Test::new(BOUNDS);
        for (millis, count) in [(0, 1), (2900, 2), (5800, 3)] {
            assert_eq!(test.add(millis, 1, count).unwrap().kept, count);
            assert_eq!(test.complete(millis + 2800), [], "{millis}");
        }
        assert_eq!(test.complete(8900), [(trace(1), 6, Reason::Silence)]);
        assert_eq!((test.buffer.spans(), test.buffer.bytes(), test.buffer.traces()), (0, 0, 0));
    }

    #[test]
    fn or_when_it_is_old() {
        let test = Test::new(BOUNDS);
        for millis in (0..10_000).step_by(1000) {
            test.add(millis, 1, 1).unwrap();
            assert_eq!(test.complete(millis), [], "{millis}");
        }
        assert_eq!(test.complete(10_050), [(trace(1), 10, Reason::Age)]);
    }

    #[test]
    fn what_is_late_is_known_as_late_until_it_is_forgotten() {
        let test = Test::new(BOUNDS);
        test.add(0, 1, 1).unwrap();
        assert_eq!(test.complete(3050).len(), 1);
        for (millis, late) in [(3050, 2), (60_000, 2), (63_049, 2), (63_050, 0)] {
            test.complete(millis);
            let added = test.add(millis, 1, 2).unwrap();
            assert_eq!((added.late, added.kept), (late, 2 - late), "{millis}");
        }
    }

    #[test]
    fn a_trace_has_so_many_spans_and_no_more() {
        let test = Test::new(Bounds { spans: 1 << 20, bytes: 1 << 30, ..BOUNDS });
        let added = test.add(0, 1, limits::TRACE_SPANS + 5).unwrap();
        assert_eq!(added, Added { kept: limits::TRACE_SPANS, late: 0, trace_full: 5 });
        // They count as a sign of life all the same.
        assert_eq!(test.add(2000, 1, 1).unwrap().trace_full, 1);
        assert_eq!(test.complete(4000), []);
        assert_eq!(test.complete(5050), [(trace(1), limits::TRACE_SPANS, Reason::Silence)]);
    }

    #[test]
    fn the_oldest_make_room_and_a_full_buffer_takes_nothing() {
        let test = Test::new(BOUNDS);
        // All in one shard, so that their order is known.
        let ids = [16, 32, 48, 64];
        for (millis, nth) in (0..).zip(ids) {
            test.add(millis, nth, 220).unwrap();
        }
        assert_eq!(test.all(|shard| test.buffer.take_oldest(shard, test.at(5))), []);
        test.add(5, 80, 300).unwrap();
        assert_eq!(test.add(6, 96, 1), Err(Full));
        let oldest = test.all(|shard| test.buffer.take_oldest(shard, test.at(7)));
        assert_eq!(oldest, [(trace(16), 220, Reason::Pressure)]);
        assert_eq!(test.add(8, 96, 1).unwrap().kept, 1);
        // It was judged.
        assert_eq!(test.add(8, 16, 1).unwrap().late, 1);
        let rest = test.all(|shard| test.buffer.take_all(shard, test.at(9)));
        assert_eq!(rest.len(), 5);
        assert!(rest.iter().all(|(_, _, reason)| *reason == Reason::Shutdown));
        assert_eq!((test.buffer.spans(), test.buffer.bytes(), test.buffer.traces()), (0, 0, 0));
    }

    #[test]
    fn bytes_are_a_bound_too_and_those_of_the_resource_count() {
        let test = Test::new(Bounds { spans: 1 << 20, bytes: 100_000, ..BOUNDS });
        let name = Some("s".repeat(50_000));
        let resource = Arc::new(Resource::new(name, Vec::new(), 1));
        let large = |nth| Span { resource: Arc::clone(&resource), ..span(trace(nth)) };
        assert!(test.buffer.add(vec![large(1)], test.at(0)).is_ok());
        assert!(!test.buffer.is_full());
        assert!(test.buffer.add(vec![large(2)], test.at(0)).is_ok());
        assert!(test.buffer.is_full());
        assert_eq!(test.buffer.add(vec![large(3)], test.at(0)), Err(Full));
    }

    #[test]
    fn what_is_taken_counts_until_it_is_released() {
        let test = Test::new(BOUNDS);
        test.add(0, 1, 5).unwrap();
        let complete = test.buffer.take_complete(1, test.at(4000)).remove(0);
        assert_eq!((test.buffer.spans(), test.buffer.traces()), (5, 1));
        assert!(test.buffer.trace(trace(1)).is_none());
        test.buffer.release(complete.spans.len(), complete.bytes());
        assert_eq!((test.buffer.spans(), test.buffer.bytes(), test.buffer.traces()), (0, 0, 0));
    }
}
