use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// One that no other call gives.
pub fn trace_id() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    [0x0a0b_0c0d_0000_0000_u64.to_be_bytes(), nth.to_be_bytes()].concat()
}

/// The id of a span.
pub fn id(nth: u64) -> Vec<u8> {
    nth.to_be_bytes().to_vec()
}

/// A span of a second; the `nth` of its trace.
pub fn span(trace: &[u8], nth: u64, name: &str) -> Span {
    let start = 1_760_000_000_000_000_000 + nth * 1_000_000;
    Span {
        trace_id: trace.to_vec(),
        span_id: id(nth),
        name: name.to_owned(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000_000,
        ..Span::default()
    }
}

pub fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

/// A request with the spans of one service.
pub fn otlp(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let name = attribute("service.name", Value::StringValue(service.to_owned()));
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![name], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}
