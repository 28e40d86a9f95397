//! What the backend does, whoever asks: HTTP and gRPC both come here.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use parking_lot::Mutex;
use tonic::Code;

use crate::buffer::{Buffer, Full};
use crate::clock::{Clock, nanos, timestamp};
use crate::export;
use crate::failure::Failure;
use crate::ingest::{Taken, TooMany, otlp, own};
use crate::judge::{self, Severity};
use crate::limits;
use crate::pipeline::Pipeline;
use crate::proto::{self, health_check_response::Status, service_status::State};
use crate::rules::{self, Rules};
use crate::signature::Key;
use crate::span::TraceId;
use crate::status::Services;
use crate::store::{Filter, Page, Store};

pub struct Backend {
    pub rules: Arc<Rules>,
    pub store: Arc<Store>,
    pub buffer: Arc<Buffer>,
    pub pipeline: Pipeline,
    pub clock: Arc<Clock>,
    pub services: Arc<Services>,
    pub key: Key,
    pub export: Arc<Mutex<export::State>>,
    pub data: PathBuf,
    pub started: Instant,
}

type Result<T> = std::result::Result<T, Failure>;

const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;
/// Violations of a page, where it is not said how many.
const LIMIT: usize = 100;
const PARTS: usize = 24;

impl Backend {
    fn take(&self, taken: std::result::Result<Taken, TooMany>) -> Result<()> {
        let taken = taken.map_err(|error| Failure::new(Code::ResourceExhausted, error.to_string()))?;
        self.pipeline
            .take(taken)
            .map_err(|Full| Failure::new(Code::Unavailable, "there is no room for more spans now; try again"))
    }

    /// Spans by OTLP.
    ///
    /// # Errors
    /// If there are too many spans, or no room for them.
    pub fn export(&self, request: ExportTraceServiceRequest) -> Result<ExportTraceServiceResponse> {
        let taken = otlp::take(request);
        let answer = taken.as_ref().map(otlp::answer).unwrap_or_default();
        self.take(taken)?;
        Ok(answer)
    }

    /// Spans in BeTrace's own form.
    ///
    /// # Errors
    /// If there are too many spans, or no room for them.
    pub fn ingest(&self, request: proto::IngestSpansRequest) -> Result<proto::IngestSpansResponse> {
        let taken = own::take(request);
        let answer = taken.as_ref().map(|taken| proto::IngestSpansResponse {
            accepted: number(taken.spans.len()),
            rejected: number(taken.rejected),
            errors: taken.reasons.clone(),
        });
        let answer = answer.unwrap_or_default();
        self.take(taken)?;
        Ok(answer)
    }

    /// # Errors
    /// If what is asked for is none, or the store can't be read.
    pub fn violations(
        &self,
        request: &proto::ListViolationsRequest,
    ) -> Result<proto::ListViolationsResponse> {
        let filter = Filter {
            rule_id: Some(request.rule_id.clone()).filter(|id| !id.is_empty()),
            trace_id: optional(&request.trace_id, trace_id)?,
            severity: optional(&request.severity, rules::severity)?,
            time: match (&request.start_time, &request.end_time) {
                (None, None) => None,
                (start, end) => Some(start.as_ref().map_or(0, nanos)..end.as_ref().map_or(u64::MAX, nanos)),
            },
        };
        let limit = within("limit", request.limit, LIMIT, limits::PAGE)?;
        let offset =
            usize::try_from(request.offset).map_err(|_| Failure::field("offset", "must not be negative"))?;
        let (mut violations, total) = self.store.violations(&filter, Page { offset, limit })?;
        for violation in &mut violations {
            violation.verified = self.key.verifies(violation);
        }
        Ok(proto::ListViolationsResponse { violations, total_count: number(total) })
    }

    /// # Errors
    /// If there is none, or the store can't be read.
    pub fn violation(&self, id: &str) -> Result<proto::Violation> {
        let mut violation = self.store.violation(id)?.ok_or_else(|| Failure::not_found("violation", id))?;
        violation.verified = self.key.verifies(&violation);
        Ok(violation)
    }

    /// # Errors
    /// If the time that is asked for is none.
    pub fn stats(&self, request: &proto::GetViolationStatsRequest) -> Result<proto::ViolationStats> {
        let end = request.end_time.as_ref().map_or_else(|| self.clock.now().saturating_add(1), nanos);
        let start = request.start_time.as_ref().map_or_else(|| end.saturating_sub(DAY), nanos);
        if start >= end {
            return Err(Failure::field("startTime", "must be before `endTime`"));
        }
        let parts = within("buckets", request.buckets, PARTS, limits::BUCKETS)?;
        Ok(self.store.index(|index| {
            let filter = Filter { time: Some(start..end), ..Filter::default() };
            let mut stats =
                proto::ViolationStats { buckets: buckets(start..end, parts), ..Default::default() };
            let mut by_rule = std::collections::BTreeMap::<&str, i32>::new();
            for entry in index.matching(&filter) {
                let severity = entry.severity.name();
                let bucket = &mut stats.buckets[bucket_of(entry.time, start..end, parts)];
                bucket.count += 1;
                *bucket.by_severity.entry(severity.to_owned()).or_default() += 1;
                stats.total_count += 1;
                *stats.by_severity.entry(severity.to_owned()).or_default() += 1;
                *by_rule.entry(&entry.rule_id).or_default() += 1;
            }
            for severity in Severity::ALL {
                stats.by_severity.entry(severity.name().to_owned()).or_default();
            }
            stats.by_rule = by_rule
                .into_iter()
                .map(|(id, count)| proto::violation_stats::RuleCount {
                    rule_id: id.to_owned(),
                    rule_name: index.rule_name(id).to_owned(),
                    count,
                })
                .collect();
            stats.by_rule.sort_by_key(|rule| std::cmp::Reverse(rule.count));
            stats
        }))
    }

    /// A trace that waits, or that broke a rule.
    ///
    /// # Errors
    /// If there is none, or the store can't be read.
    pub fn trace(&self, id: &str) -> Result<proto::Trace> {
        let trace_id = trace_id(id)?;
        if let Some(spans) = self.buffer.trace(trace_id) {
            return Ok(judge::write(trace_id, &spans));
        }
        let mut trace = self.store.trace(trace_id)?.ok_or_else(|| Failure::not_found("trace", id))?;
        trace.complete = true;
        let filter = Filter { trace_id: Some(trace_id), ..Filter::default() };
        trace.violated_rule_ids = self
            .store
            .index(|index| index.matching(&filter).map(|entry| entry.rule_id.to_string()).collect());
        trace.violated_rule_ids.sort_unstable();
        Ok(trace)
    }

    pub fn health(&self) -> proto::HealthCheckResponse {
        proto::HealthCheckResponse {
            status: Status::Healthy.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX),
            ..Default::default()
        }
    }

    /// Whether everything that it needs works: each part with `ok` or what is wrong with it.
    pub fn ready(&self) -> proto::HealthCheckResponse {
        let mut answer = self.health();
        let data = self.probe_data().err().or_else(|| self.pipeline.store_failure());
        let export = match &*self.export.lock() {
            export::State::Failing(why) => Some(why.clone()),
            export::State::Ok | export::State::Off => None,
        };
        let buffer = self.buffer.is_full().then(|| "full".to_owned());
        for (part, problem) in [("data", data), ("export", export), ("buffer", buffer)] {
            if problem.is_some() {
                answer.set_status(Status::Unhealthy);
            }
            answer.metadata.insert(part.to_owned(), problem.unwrap_or_else(|| "ok".to_owned()));
        }
        answer
    }

    /// Whether a file can be written beside the store: what is full or read-only says so here.
    fn probe_data(&self) -> std::result::Result<(), String> {
        // One at a time: another would take the file away.
        static PROBE: Mutex<()> = Mutex::new(());
        let _probe = PROBE.lock();
        let path = self.data.join(".ready");
        let written = std::fs::write(&path, [0; 4096]).and_then(|()| std::fs::remove_file(&path));
        written.map_err(|error| format!("the data folder can't be written: {error}"))
    }

    pub fn status(&self) -> proto::StackStatus {
        let ready = self.ready();
        let up = ready.status() == Status::Healthy;
        let wrong = ready
            .metadata
            .iter()
            .filter(|(_, text)| *text != "ok")
            .map(|(part, text)| format!("{part}: {text}"));
        let own = proto::ServiceStatus {
            name: "backend".to_owned(),
            state: if up { State::Up } else { State::Down }.into(),
            message: wrong.collect::<Vec<_>>().join("; "),
            checked_at: Some(timestamp(self.clock.now())),
            ..Default::default()
        };
        proto::StackStatus { services: std::iter::once(own).chain(self.services.all()).collect() }
    }
}

fn trace_id(text: &str) -> Result<TraceId> {
    TraceId::from_hex(text)
        .ok_or_else(|| Failure::field("traceId", "must be 32 hexadecimal digits, not all zero"))
}

fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    match text {
        "" => Ok(None),
        text => parse(text).map(Some),
    }
}

/// From 1 to `most`; `default` where it is not said.
fn within(field: &str, value: i32, default: usize, most: usize) -> Result<usize> {
    match usize::try_from(value) {
        Ok(0) => Ok(default),
        Ok(value) if value <= most => Ok(value),
        _ => Err(Failure::field(field, format!("must be from 1 to {most}"))),
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn buckets(time: Range<u64>, parts: usize) -> Vec<proto::violation_stats::Bucket> {
    let length = time.end - time.start;
    let starts = (0..parts as u128)
        .map(|part| time.start + (u128::from(length) * part).div_ceil(parts as u128) as u64);
    starts
        .map(|start| proto::violation_stats::Bucket {
            start_time: Some(timestamp(start)),
            ..Default::default()
        })
        .collect()
}

fn bucket_of(at: u64, time: Range<u64>, parts: usize) -> usize {
    // The last part that starts at or before it.
    let length = u128::from(time.end - time.start);
    let part = (u128::from(at - time.start) * parts as u128) / length;
    usize::try_from(part).unwrap_or(0).min(parts - 1)
}
