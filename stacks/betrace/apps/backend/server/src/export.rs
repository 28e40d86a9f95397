//! Sends violations by OTLP, each as a span `betrace.violation` in the trace that it was found in.
//!
//! What is to be sent is in the store until the receiver has taken it, so nothing is lost by a receiver that can't be
//! reached or a restart; one that took spans and could not say so may get them twice, with the same ids.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tonic::transport::Channel;

use crate::clock::nanos;
use crate::metrics::Counts;
use crate::proto::Violation;
use crate::status::innermost;
use crate::store::{self, Store};

const BATCH: usize = 512;
const TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Whether the last attempt worked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// There is no receiver.
    #[default]
    Off,
    Ok,
    Failing(String),
}

pub struct Exporter {
    pub endpoint: String,
    pub store: Arc<Store>,
    pub counts: Arc<Counts>,
    pub service_name: String,
    /// Told when there is something to send.
    pub stored: Arc<Notify>,
    pub state: Arc<Mutex<State>>,
}

impl Exporter {
    /// Sends until it is told to stop, and then what is left for as long as it is let.
    pub async fn run(self, channel: Channel, mut stopping: watch::Receiver<bool>) {
        *self.state.lock() = State::Ok;
        let mut client = TraceServiceClient::new(channel);
        let mut wait = FIRST_WAIT;
        loop {
            match self.send_batch(&mut client).await {
                Ok(0) => {
                    *self.state.lock() = State::Ok;
                    wait = FIRST_WAIT;
                    if *stopping.borrow() {
                        return;
                    }
                    tokio::select! {
                        () = self.stored.notified() => {}
                        _ = stopping.changed() => {}
                    }
                }
                Ok(sent) => {
                    *self.state.lock() = State::Ok;
                    wait = FIRST_WAIT;
                    self.counts.violations_exported.inc_by(sent as u64);
                }
                Err(problem) => {
                    self.counts.export_failures.inc();
                    tracing::warn!(%problem, endpoint = self.endpoint, "violations could not be sent; trying again");
                    *self.state.lock() = State::Failing(match problem {
                        Problem::Store(_) => problem.to_string(),
                        _ => format!("can't send to `{}`: {problem}", self.endpoint),
                    });
                    let stopped = *stopping.borrow();
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = stopping.changed(), if !stopped => {}
                    }
                    wait = (wait * 2).min(if *stopping.borrow() { FIRST_WAIT } else { LONGEST_WAIT });
                }
            }
        }
    }

    /// How many were sent.
    async fn send_batch(&self, client: &mut TraceServiceClient<Channel>) -> Result<usize, Problem> {
        let batch = self.store.unsent(BATCH)?;
        if batch.is_empty() {
            return Ok(0);
        }
        let (numbers, violations): (Vec<u64>, Vec<Violation>) = batch.into_iter().unzip();
        let mut request = tonic::Request::new(self.request(&violations));
        request.set_timeout(TIMEOUT);
        let answer =
            tokio::time::timeout(TIMEOUT, client.export(request)).await.map_err(|_| Problem::Late)??;
        if let Some(partial) =
            answer.into_inner().partial_success.filter(|partial| partial.rejected_spans > 0)
        {
            // The specification forbids to send them again.
            tracing::error!(
                rejected = partial.rejected_spans,
                why = partial.error_message,
                "the receiver rejected violations"
            );
            self.counts.export_failures.inc();
        }
        self.store.sent(&numbers)?;
        Ok(numbers.len())
    }

    fn request(&self, violations: &[Violation]) -> ExportTraceServiceRequest {
        let resource =
            Resource { attributes: vec![text("service.name", &self.service_name)], ..Default::default() };
        let scope = InstrumentationScope {
            name: "betrace".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Default::default()
        };
        let spans = violations.iter().map(span).collect();
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }];
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource),
                scope_spans,
                ..Default::default()
            }],
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Receiver(String),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<tonic::Status> for Problem {
    fn from(status: tonic::Status) -> Self {
        // Where the receiver was not reached, the message is only that.
        Self::Receiver(
            std::error::Error::source(&status).map_or_else(|| status.message().to_owned(), innermost),
        )
    }
}

fn span(violation: &Violation) -> Span {
    let time = violation.timestamp.as_ref().map(nanos).unwrap_or_default();
    let bytes = |hex: &str| hex::decode(hex).unwrap_or_default();
    Span {
        trace_id: bytes(&violation.trace_id),
        // The first half of the violation's own id: the same whenever it is sent.
        span_id: bytes(violation.id.get(..16).unwrap_or_default()),
        parent_span_id: bytes(&violation.span_id),
        name: "betrace.violation".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: time,
        end_time_unix_nano: time,
        attributes: vec![
            KeyValue { key: "betrace.violation".to_owned(), value: value(any_value::Value::BoolValue(true)) },
            text("betrace.violation.severity", &violation.severity),
            text("betrace.violation.rule_id", &violation.rule_id),
            text("betrace.violation.rule_name", &violation.rule_name),
            text("betrace.violation.message", &violation.message),
            text("betrace.violation.trace_id", &violation.trace_id),
            text("betrace.violation.signature", &violation.signature),
        ],
        ..Span::default()
    }
}

fn text(key: &str, text: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value(any_value::Value::StringValue(text.to_owned())) }
}

fn value(value: any_value::Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}
