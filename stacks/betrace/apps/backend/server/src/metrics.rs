//! What `/metrics` shows.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::buffer::Buffer;
use crate::rules::Rules;
use crate::store::Store;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByReason {
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByRule {
    pub rule_id: String,
    pub severity: &'static str,
}

/// Counted where it happens.
pub struct Counts {
    pub spans_ingested: Counter,
    /// `rejected`, `late`, `trace_full`, `buffer_full`, `own`.
    pub spans_dropped: Family<ByReason, Counter>,
    /// `silence`, `age`, `pressure`, `shutdown`.
    pub traces_evaluated: Family<ByReason, Counter>,
    pub violations: Family<ByRule, Counter>,
    pub violations_evicted: Counter,
    pub violations_exported: Counter,
    pub export_failures: Counter,
    pub store_failures: Counter,
    pub evaluation_seconds: Histogram,
    /// From the last span of a trace to its verdict.
    pub verdict_seconds: Histogram,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            spans_ingested: Counter::default(),
            spans_dropped: Family::default(),
            traces_evaluated: Family::default(),
            violations: Family::default(),
            violations_evicted: Counter::default(),
            violations_exported: Counter::default(),
            export_failures: Counter::default(),
            store_failures: Counter::default(),
            evaluation_seconds: Histogram::new(exponential_buckets(1e-6, 4.0, 12)),
            verdict_seconds: Histogram::new([
                0.5, 1.0, 2.0, 3.0, 3.1, 3.25, 3.5, 4.0, 5.0, 10.0, 30.0, 120.0, 600.0,
            ]),
        }
    }
}

impl Counts {
    pub fn dropped(&self, reason: &'static str, spans: usize) {
        if spans > 0 {
            self.spans_dropped.get_or_create(&ByReason { reason }).inc_by(spans as u64);
        }
    }
}

/// Looked at when asked for.
struct Levels {
    buffer: Arc<Buffer>,
    rules: Arc<Rules>,
    store: Arc<Store>,
}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Levels")
    }
}

impl Collector for Levels {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let stored = self.store.index(crate::store::Index::len);
        let levels = [
            ("betrace_rules_active", "Rules that traces are held to", self.rules.active().len()),
            ("betrace_buffer_spans", "Spans that wait for their trace to be complete", self.buffer.spans()),
            ("betrace_buffer_traces", "Traces that wait to be complete", self.buffer.traces()),
            ("betrace_buffer_bytes", "About what the waiting spans take in memory", self.buffer.bytes()),
            ("betrace_violations_stored", "Violations in the store", stored),
        ];
        for (name, help, value) in levels {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    pub fn new(it: &Counts, buffer: Arc<Buffer>, rules: Arc<Rules>, store: Arc<Store>) -> Self {
        let mut registry = Registry::default();
        registry.register("betrace_spans_ingested", "Spans taken", it.spans_ingested.clone());
        registry.register("betrace_spans_dropped", "Spans not judged, by reason", it.spans_dropped.clone());
        registry.register(
            "betrace_traces_evaluated",
            "Traces judged, by why they were then",
            it.traces_evaluated.clone(),
        );
        registry.register(
            "betrace_violations",
            "Violations stored, by rule and severity",
            it.violations.clone(),
        );
        registry.register(
            "betrace_violations_evicted",
            "Old violations dropped to make room",
            it.violations_evicted.clone(),
        );
        registry.register(
            "betrace_violations_exported",
            "Violations sent by OTLP",
            it.violations_exported.clone(),
        );
        registry.register(
            "betrace_export_failures",
            "Attempts to send violations that failed",
            it.export_failures.clone(),
        );
        registry.register(
            "betrace_store_failures",
            "Attempts to store violations that failed",
            it.store_failures.clone(),
        );
        registry.register(
            "betrace_evaluation_seconds",
            "Time to judge one trace",
            it.evaluation_seconds.clone(),
        );
        registry.register(
            "betrace_verdict_seconds",
            "Time from the last span of a trace to its verdict",
            it.verdict_seconds.clone(),
        );
        registry.register_collector(Box::new(Levels { buffer, rules, store }));
        Self { registry }
    }

    /// In the text format of OpenMetrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("a string takes all that is written");
        text
    }
}
