//! Holds a complete trace to every rule.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use betrace_language::{self as language, Clause, Verdict};

use crate::proto;
use crate::span::{Span, SpanId, TraceId};

/// A rule ready to judge by.
#[derive(Debug)]
pub struct ActiveRule {
    pub id: String,
    pub name: String,
    pub severity: Severity,
    pub rule: language::Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// The rules that are enabled, as they were when they were last changed.
pub type RuleSet = Vec<Arc<ActiveRule>>;

/// A complete trace, its spans found by name.
pub struct Trace {
    pub id: TraceId,
    spans: Vec<Span>,
    by_name: HashMap<String, Vec<u32>>,
}

impl Trace {
    /// The spans in the order of their start.
    pub fn new(id: TraceId, mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|span| (span.start, span.span_id));
        // Sent twice by a client that tried again.
        spans.dedup_by_key(|span| span.span_id);
        let mut by_name: HashMap<String, Vec<u32>> = HashMap::with_capacity(spans.len());
        for (index, span) in (0u32..).zip(&spans) {
            match by_name.get_mut(&span.name) {
                Some(indices) => indices.push(index),
                None => {
                    by_name.insert(span.name.clone(), vec![index]);
                }
            }
        }
        Self { id, spans, by_name }
    }

    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    fn span_id(&self, index: usize) -> SpanId {
        self.spans[index].span_id
    }
}

impl language::Trace for Trace {
    type Span = Span;

    fn len(&self) -> usize {
        self.spans.len()
    }

    fn span(&self, index: usize) -> &Span {
        &self.spans[index]
    }

    fn named(&self, name: &str) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A rule that a trace broke, before it has a time and a signature.
#[derive(Debug)]
pub struct Found {
    pub rule: Arc<ActiveRule>,
    pub trace_id: TraceId,
    pub message: String,
    pub span_id: Option<SpanId>,
    pub span_ids: Vec<SpanId>,
    pub context: BTreeMap<String, String>,
}

/// The rules of the set that the trace broke, in the set's order.
pub fn judge(trace: &Trace, rules: &RuleSet) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in rules {
        let Verdict::Violated(breach) = rule.rule.judge(trace) else { continue };
        let message = match breach.clause {
            Clause::Always => "What must always hold did not".to_owned(),
            Clause::Never => "What must never happen did".to_owned(),
        };
        found.push(Found {
            rule: Arc::clone(rule),
            trace_id: trace.id,
            message,
            span_id: breach.first.map(|index| trace.span_id(index)),
            span_ids: breach.matched.iter().map(|index| trace.span_id(*index)).collect(),
            context: context(trace),
        });
    }
    found
}

/// What a reader wants to know of the trace before looking at its spans.
fn context(trace: &Trace) -> BTreeMap<String, String> {
    let root = trace.spans.iter().find(|span| span.parent.is_none()).or(trace.spans.first());
    let services = trace.spans.iter().filter_map(|span| span.resource.service_name.as_deref());
    let mut services: Vec<&str> = services.collect();
    services.sort_unstable();
    services.dedup();
    let mut context = BTreeMap::from([("spans".to_owned(), trace.spans.len().to_string())]);
    if let Some(root) = root {
        context.insert("rootSpan".to_owned(), root.name.clone());
    }
    if !services.is_empty() {
        context.insert("services".to_owned(), services.join(", "));
    }
    context
}

/// The trace as answers have it.
pub fn write(trace_id: TraceId, spans: &[Span]) -> proto::Trace {
    let mut spans: Vec<&Span> = spans.iter().collect();
    spans.sort_by_key(|span| (span.start, span.span_id));
    proto::Trace {
        trace_id: trace_id.to_string(),
        spans: spans.into_iter().map(crate::ingest::own::write).collect(),
        complete: false,
        violated_rule_ids: Vec::new(),
    }
}
