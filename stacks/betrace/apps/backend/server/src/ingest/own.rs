//! Spans in BeTrace's own form, in and out.

use std::sync::Arc;

use super::{Rejection, Taken, TooMany, checked};
use crate::limits;
use crate::proto;
use crate::span::{Kind, Resource, Span, SpanId, Status, TraceId, Value};

/// # Errors
/// If there are more spans than are taken at once.
pub fn take(request: proto::IngestSpansRequest) -> Result<Taken, TooMany> {
    if request.spans.len() > limits::REQUEST_SPANS {
        return Err(TooMany(request.spans.len()));
    }
    let mut taken = Taken::default();
    for (index, span) in request.spans.into_iter().enumerate() {
        taken.push(index, read(span));
    }
    Ok(taken)
}

/// # Errors
/// If it is no span, or over a limit.
pub fn read(span: proto::Span) -> Result<Span, Rejection> {
    let nanos = |value: i64| u64::try_from(value).map_err(|_| Rejection::Before1970);
    let mut service_name = Some(span.service_name).filter(|name| !name.is_empty());
    let mut attributes = span.attributes;
    // Where it is given as an attribute, as OpenTelemetry has it.
    if let Some(name) = attributes.remove("service.name") {
        service_name.get_or_insert(name);
    }
    checked(Span {
        trace_id: TraceId::from_hex(&span.trace_id).ok_or(Rejection::Id { field: "traceId", digits: 32 })?,
        span_id: SpanId::from_hex(&span.span_id).ok_or(Rejection::Id { field: "spanId", digits: 16 })?,
        parent: match span.parent_span_id.as_str() {
            "" => None,
            text => Some(SpanId::from_hex(text).ok_or(Rejection::Id { field: "parentSpanId", digits: 16 })?),
        },
        name: span.name,
        kind: word(
            "kind",
            &span.kind,
            Kind::Internal,
            Kind::from_name,
            "INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER",
        )?,
        status: word("status", &span.status, Status::Unset, Status::from_name, "UNSET, OK, ERROR")?,
        start: nanos(span.start_time)?,
        end: nanos(span.end_time)?,
        attributes: attributes.into_iter().map(|(key, value)| (key, Value::Text(value))).collect(),
        resource: Arc::new(Resource::new(service_name, Vec::new(), 1)),
    })
}

fn word<T>(
    field: &'static str,
    text: &str,
    default: T,
    parse: fn(&str) -> Option<T>,
    expected: &'static str,
) -> Result<T, Rejection> {
    match text {
        "" => Ok(default),
        text => parse(text).ok_or_else(|| Rejection::Word { field, value: text.to_owned(), expected }),
    }
}

/// The span as answers have it; its resource's attributes among its own.
pub fn write(span: &Span) -> proto::Span {
    let own = span.attributes.iter();
    let resource = span.resource.attributes.iter();
    proto::Span {
        trace_id: span.trace_id.to_string(),
        span_id: span.span_id.to_string(),
        parent_span_id: span.parent.map(|parent| parent.to_string()).unwrap_or_default(),
        name: span.name.clone(),
        start_time: i64::try_from(span.start).unwrap_or(i64::MAX),
        end_time: i64::try_from(span.end).unwrap_or(i64::MAX),
        duration_ms: i64::try_from(span.end.saturating_sub(span.start) / 1_000_000).unwrap_or(i64::MAX),
        attributes: resource.chain(own).map(|(key, value)| (key.clone(), value.to_string())).collect(),
        status: span.status.name().to_owned(),
        kind: span.kind.name().to_owned(),
        service_name: span.resource.service_name.clone().unwrap_or_default(),
    }
}
