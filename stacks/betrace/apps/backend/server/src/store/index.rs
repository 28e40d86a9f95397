//! What violations are looked for by, in memory: some fifty bytes each.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::{Capacity, severity};
use crate::clock::nanos;
use crate::judge::Severity;
use crate::proto;
use crate::span::TraceId;

/// Which violations are wanted; everything that is not given matches.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub rule_id: Option<String>,
    pub trace_id: Option<TraceId>,
    pub severity: Option<Severity>,
    /// Nanoseconds since 1970.
    pub time: Option<Range<u64>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub offset: usize,
    pub limit: usize,
}

#[derive(Debug)]
pub struct Entry {
    number: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    pub rule_id: Arc<str>,
    trace_id: Option<TraceId>,
    pub severity: Severity,
    bytes: usize,
}

#[derive(Debug, Default)]
struct StoredTrace {
    violations: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
pub struct Index {
    /// Oldest first.
    entries: VecDeque<Entry>,
    rule_names: HashMap<Arc<str>, String>,
    traces: HashMap<TraceId, StoredTrace>,
    bytes: u64,
}

/// What must go for the capacity to be kept.
#[derive(Debug, Default)]
pub struct Evict {
    pub numbers: Vec<u64>,
    /// Those that no other violation was found in.
    pub traces: Vec<TraceId>,
}

impl Index {
    pub fn push(&mut self, number: u64, violation: &proto::Violation, bytes: usize) {
        let rule_id = match self.rule_names.get_key_value(violation.rule_id.as_str()) {
            Some((id, _)) => Arc::clone(id),
            None => Arc::from(violation.rule_id.as_str()),
        };
        self.rule_names.insert(Arc::clone(&rule_id), violation.rule_name.clone());
        let trace_id = TraceId::from_hex(&violation.trace_id);
        if let Some(id) = trace_id {
            self.traces.entry(id).or_default().violations += 1;
        }
        self.bytes += bytes as u64;
        self.entries.push_back(Entry {
            number,
            time: violation.timestamp.as_ref().map(nanos).unwrap_or_default(),
            rule_id,
            trace_id,
            severity: severity(violation),
            bytes,
        });
    }

    pub fn add_trace(&mut self, id: Option<TraceId>, bytes: usize) {
        if let Some(trace) = id.and_then(|id| self.traces.get_mut(&id)) {
            trace.bytes = bytes;
            self.bytes += bytes as u64;
        }
    }

    pub fn next_number(&self) -> u64 {
        self.entries.back().map_or(0, |entry| entry.number + 1)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The latest time of any violation, nanoseconds since 1970.
    pub fn last_time(&self) -> u64 {
        self.entries.iter().map(|entry| entry.time).max().unwrap_or(0)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The oldest that must go when `fresh` more are there and `used` bytes are taken in all.
    pub fn oldest_over(&self, capacity: Capacity, fresh: usize, mut used: u64) -> Evict {
        let mut evict = Evict::default();
        let mut left: HashMap<TraceId, usize> = HashMap::new();
        for entry in &self.entries {
            let count = self.entries.len() - evict.numbers.len() + fresh;
            if count <= capacity.violations && used <= capacity.bytes {
                break;
            }
            evict.numbers.push(entry.number);
            used = used.saturating_sub(entry.bytes as u64);
            let Some((id, trace)) = entry.trace_id.and_then(|id| Some((id, self.traces.get(&id)?))) else {
                continue;
            };
            let left = left.entry(id).or_insert(trace.violations);
            *left -= 1;
            if *left == 0 {
                evict.traces.push(id);
                used = used.saturating_sub(trace.bytes as u64);
            }
        }
        evict
    }

    pub fn drop_oldest(&mut self, count: usize) {
        for entry in self.entries.drain(..count) {
            self.bytes = self.bytes.saturating_sub(entry.bytes as u64);
            let Some(id) = entry.trace_id else { continue };
            let Some(trace) = self.traces.get_mut(&id) else { continue };
            trace.violations -= 1;
            if trace.violations == 0 {
                self.bytes = self.bytes.saturating_sub(trace.bytes as u64);
                self.traces.remove(&id);
            }
        }
    }

    /// The numbers of one page, newest first, and how many match in all.
    pub fn select(&self, filter: &Filter, page: Page) -> (Vec<u64>, usize) {
        let mut numbers = Vec::new();
        let mut total = 0;
        for entry in self.matching(filter) {
            if total >= page.offset && numbers.len() < page.limit {
                numbers.push(entry.number);
            }
            total += 1;
        }
        (numbers, total)
    }

    /// Newest first.
    pub fn matching<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().rev().filter(|entry| {
            filter.rule_id.as_deref().is_none_or(|id| *entry.rule_id == *id)
                && filter.trace_id.is_none_or(|id| entry.trace_id == Some(id))
                && filter.severity.is_none_or(|severity| entry.severity == severity)
                && filter.time.as_ref().is_none_or(|time| time.contains(&entry.time))
        })
    }

    /// What the rule was called when it was last broken.
    pub fn rule_name(&self, id: &str) -> &str {
        self.rule_names.get(id).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(trace: u8) -> proto::Violation {
        proto::Violation { trace_id: hex::encode([trace; 16]), rule_id: "r".into(), ..Default::default() }
    }

    fn id(trace: u8) -> TraceId {
        TraceId::from_bytes(&[trace; 16]).unwrap()
    }

    /// Violations of 10 bytes in these traces, each of 100 bytes.
    fn index(traces: &[u8]) -> Index {
        let mut index = Index::default();
        for (number, trace) in (0..).zip(traces) {
            index.push(number, &violation(*trace), 10);
            if index.traces[&id(*trace)].violations == 1 {
                index.add_trace(Some(id(*trace)), 100);
            }
        }
        index
    }

    #[test]
    fn what_must_go() {
        for (traces, violations, bytes, fresh, numbers, gone) in [
            (&[1, 2, 3][..], 4, 1000, 1, &[][..], &[][..]),
            (&[1, 2, 3], 3, 1000, 1, &[0], &[1]),
            (&[1, 2, 3], 3, 1000, 3, &[0, 1, 2], &[1, 2, 3]),
            // A trace stays as long as there is a violation of it.
            (&[1, 1, 2], 2, 1000, 0, &[0], &[]),
            (&[1, 1, 2], 1, 1000, 0, &[0, 1], &[1]),
            (&[1, 2, 3], 9, 330, 0, &[], &[]),
            (&[1, 2, 3], 9, 329, 0, &[0], &[1]),
            (&[1, 1, 2], 9, 220, 0, &[0], &[]),
            (&[1, 1, 2], 9, 119, 0, &[0, 1], &[1]),
        ] {
            let index = index(traces);
            let capacity = Capacity { violations, bytes };
            let evict = index.oldest_over(capacity, fresh, index.bytes());
            let gone: Vec<TraceId> = gone.iter().map(|trace| id(*trace)).collect();
            assert_eq!(evict.numbers, numbers, "{traces:?} {violations} {bytes} {fresh}");
            assert_eq!(evict.traces, gone, "{traces:?} {violations} {bytes} {fresh}");
        }
    }

    #[test]
    fn what_is_dropped_takes_no_bytes_and_numbers_go_on() {
        let mut index = index(&[1, 1, 2]);
        for (bytes, traces, next) in [(220, 2, 3), (110, 1, 3), (0, 0, 0)] {
            index.drop_oldest(1);
            assert_eq!((index.bytes(), index.traces.len(), index.next_number()), (bytes, traces, next));
        }
        assert!(index.is_empty());
    }
}
