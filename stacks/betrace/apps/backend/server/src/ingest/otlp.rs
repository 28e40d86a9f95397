//! Spans as OpenTelemetry sends them. <https://opentelemetry.io/docs/specs/otlp/>

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span as Sent, span::SpanKind, status::StatusCode};

use super::{Rejection, Taken, TooMany, checked};
use crate::limits;
use crate::span::{Kind, Resource, Span, SpanId, Status, TraceId, Value};

/// # Errors
/// If there are more spans than are taken at once.
pub fn take(request: ExportTraceServiceRequest) -> Result<Taken, TooMany> {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let count = scopes.map(|scope| scope.spans.len()).sum();
    if count > limits::REQUEST_SPANS {
        return Err(TooMany(count));
    }
    let mut taken = Taken { spans: Vec::with_capacity(count), ..Taken::default() };
    let mut index = 0;
    for group in request.resource_spans {
        let spans = group.scope_spans.iter().map(|scope| scope.spans.len()).sum();
        let resource = resource(group.resource.map(|it| it.attributes).unwrap_or_default(), spans);
        for sent in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            taken.push(index, resource.clone().and_then(|resource| read(sent, resource)));
            index += 1;
        }
    }
    Ok(taken)
}

/// What the sender is told: nothing, unless a span was rejected.
pub fn answer(taken: &Taken) -> ExportTraceServiceResponse {
    let partial = (taken.rejected > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(taken.rejected).unwrap_or(i64::MAX),
        error_message: taken.reasons.join("; "),
    });
    ExportTraceServiceResponse { partial_success: partial }
}

/// `spans`: how many share it.
fn resource(attributes: Vec<KeyValue>, spans: usize) -> Result<Arc<Resource>, Rejection> {
    let mut attributes = values(attributes)?;
    super::attributes_within_limits(&attributes)?;
    let name = attributes.iter().position(|(key, _)| key == "service.name").map(|at| attributes.remove(at));
    Ok(Arc::new(Resource::new(name.map(|(_, name)| name.to_string()), attributes, spans)))
}

fn read(sent: Sent, resource: Arc<Resource>) -> Result<Span, Rejection> {
    let kind = match sent.kind() {
        SpanKind::Unspecified | SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Producer => Kind::Producer,
        SpanKind::Consumer => Kind::Consumer,
    };
    let status = match sent.status.as_ref().map(|status| status.code()) {
        None | Some(StatusCode::Unset) => Status::Unset,
        Some(StatusCode::Ok) => Status::Ok,
        Some(StatusCode::Error) => Status::Error,
    };
    checked(Span {
        trace_id: TraceId::from_bytes(&sent.trace_id)
            .ok_or(Rejection::Id { field: "traceId", digits: 32 })?,
        span_id: SpanId::from_bytes(&sent.span_id).ok_or(Rejection::Id { field: "spanId", digits: 16 })?,
        // The specification has a parent of zeros mean none.
        parent: match sent.parent_span_id.as_slice() {
            [] => None,
            bytes if bytes.iter().all(|byte| *byte == 0) => None,
            bytes => {
                Some(SpanId::from_bytes(bytes).ok_or(Rejection::Id { field: "parentSpanId", digits: 16 })?)
            }
        },
        name: sent.name,
        kind,
        status,
        start: sent.start_time_unix_nano,
        end: sent.end_time_unix_nano,
        attributes: values(sent.attributes)?,
        resource,
    })
}

fn values(attributes: Vec<KeyValue>) -> Result<Vec<(String, Value)>, Rejection> {
    let mut flat = Vec::with_capacity(attributes.len());
    for KeyValue { key, value } in attributes {
        flatten(key, value, &mut flat)?;
    }
    Ok(flat)
}

/// What lies in a map is an attribute of its own, its key that of the map, a dot and its own. How deep it goes is bounded by
/// what reads the message: protobuf's and JSON's readers refuse more than a hundred levels. How much comes of it is bounded
/// here, since the key of a map is written again for each of its entries.
fn flatten(key: String, value: Option<AnyValue>, into: &mut Vec<(String, Value)>) -> Result<(), Rejection> {
    if key.len() > limits::KEY_BYTES {
        return Err(Rejection::Key(key.len()));
    }
    match value.and_then(|value| value.value) {
        Some(any_value::Value::KvlistValue(map)) => {
            for inner in map.values {
                flatten(format!("{key}.{}", inner.key), inner.value, into)?;
            }
        }
        Some(value) => into.push((key, plain(value))),
        None => into.push((key, Value::Text(String::new()))),
    }
    Ok(())
}

fn plain(value: any_value::Value) -> Value {
    match value {
        any_value::Value::StringValue(text) => Value::Text(text),
        any_value::Value::BoolValue(truth) => Value::Bool(truth),
        any_value::Value::IntValue(number) => Value::Int(number),
        any_value::Value::DoubleValue(number) => Value::Float(number),
        any_value::Value::BytesValue(bytes) => Value::Text(hex::encode(bytes)),
        any_value::Value::ArrayValue(list) => {
            let items = list.values.into_iter().filter_map(|item| item.value);
            Value::List(items.map(plain).collect())
        }
        any_value::Value::KvlistValue(map) => {
            let items = map.values.into_iter().filter_map(|item| Some((item.key, item.value?.value?)));
            Value::List(items.map(|(key, item)| Value::Text(format!("{key}={}", plain(item)))).collect())
        }
    }
}
