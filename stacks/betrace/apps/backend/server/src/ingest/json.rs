//! OTLP as JSON: protobuf's JSON mapping, but ids as hexadecimal digits, and fields that are not known ignored.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>
//!
//! The reader of `opentelemetry-proto` refuses much of what the mapping allows: 64-bit integers as numbers, `null`, empty
//! values and lists, messages without their lists. And an id that is none would spoil the request, not only its span.

use std::str::FromStr;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value as Kind,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode,
};
use serde::de::{Deserialize, Deserializer, Error};

/// What is looked at of a request: events, links and scopes are not.
///
/// # Errors
/// If it is not JSON, or a field is not what it must be.
pub fn read(bytes: &[u8]) -> Result<ExportTraceServiceRequest, serde_json::Error> {
    // Of a list, the fields would be taken in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Error::custom("it is not an object"));
    }
    let request: Request = serde_json::from_slice(bytes)?;
    Ok(ExportTraceServiceRequest {
        resource_spans: request.resource_spans.into_iter().map(Into::into).collect(),
    })
}

pub fn write(answer: &ExportTraceServiceResponse) -> serde_json::Value {
    match &answer.partial_success {
        None => serde_json::json!({}),
        Some(partial) => serde_json::json!({"partialSuccess": {
            "rejectedSpans": partial.rejected_spans.to_string(),
            "errorMessage": partial.error_message,
        }}),
    }
}

/// A message whose fields may each be missing or `null`, and what it stands for.
macro_rules! message {
    ($name:ident { $($field:ident: $kind:ty,)* } -> $target:ty: |$it:ident| $value:expr) => {
        #[derive(Default, serde::Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct $name {
            $(#[serde(deserialize_with = "or_default")] $field: $kind,)*
        }

        impl From<$name> for $target {
            fn from($it: $name) -> Self {
                $value
            }
        }
    };
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request {
    #[serde(deserialize_with = "or_default")]
    resource_spans: Vec<JsonResourceSpans>,
}

message!(JsonResourceSpans { resource: JsonResource, scope_spans: Vec<JsonScopeSpans>, } -> ResourceSpans: |it| Self {
    resource: Some(it.resource.into()),
    scope_spans: all(it.scope_spans),
    ..Self::default()
});
message!(JsonResource { attributes: Vec<JsonKeyValue>, } -> Resource: |it| Self {
    attributes: all(it.attributes),
    ..Self::default()
});
message!(JsonScopeSpans { spans: Vec<JsonSpan>, } -> ScopeSpans: |it| Self {
    spans: all(it.spans),
    ..Self::default()
});
message!(JsonSpan {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: Word<i32>,
    start_time_unix_nano: Number<u64>,
    end_time_unix_nano: Number<u64>,
    attributes: Vec<JsonKeyValue>,
    status: JsonStatus,
} -> Span: |it| Self {
    trace_id: id(&it.trace_id),
    span_id: id(&it.span_id),
    parent_span_id: id(&it.parent_span_id),
    name: it.name,
    kind: it.kind.value(|name| Some(SpanKind::from_str_name(name)?.into())),
    start_time_unix_nano: it.start_time_unix_nano.0,
    end_time_unix_nano: it.end_time_unix_nano.0,
    attributes: all(it.attributes),
    status: Some(it.status.into()),
    ..Self::default()
});
message!(JsonStatus { code: Word<i32>, } -> Status: |it| Self {
    code: it.code.value(|name| Some(StatusCode::from_str_name(name)?.into())),
    ..Self::default()
});
message!(JsonKeyValue { key: String, value: JsonValue, } -> KeyValue: |it| Self {
    key: it.key,
    value: Some(it.value.into()),
});
message!(JsonList { values: Vec<JsonValue>, } -> ArrayValue: |it| Self { values: all(it.values) });
message!(JsonMap { values: Vec<JsonKeyValue>, } -> KeyValueList: |it| Self { values: all(it.values) });
message!(JsonValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Number<i64>>,
    double_value: Option<Number<f64>>,
    array_value: Option<JsonList>,
    kvlist_value: Option<JsonMap>,
    bytes_value: Option<Base64>,
} -> AnyValue: |it| {
    let value = it.string_value.map(Kind::StringValue);
    let value = value.or_else(|| it.bool_value.map(Kind::BoolValue));
    let value = value.or_else(|| it.int_value.map(|number| Kind::IntValue(number.0)));
    let value = value.or_else(|| it.double_value.map(|number| Kind::DoubleValue(number.0)));
    let value = value.or_else(|| it.array_value.map(|list| Kind::ArrayValue(list.into())));
    let value = value.or_else(|| it.kvlist_value.map(|map| Kind::KvlistValue(map.into())));
    Self { value: value.or_else(|| it.bytes_value.map(|bytes| Kind::BytesValue(bytes.0))) }
});

fn all<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The bytes of an id. One byte, which no id has, for what is not hexadecimal, so that its span is rejected alone.
fn id(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|_| vec![1])
}

/// A number, as a number or as text.
#[derive(Default)]
struct Number<T>(T);

impl<'de, T: Deserialize<'de> + FromStr> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Word::deserialize(deserializer)? {
            Word::Number(number) => Ok(Self(number)),
            Word::Text(text) => {
                text.parse().map(Self).map_err(|_| D::Error::custom(format!("`{text}` is no such number")))
            }
        }
    }
}

/// An enumeration is sent as its number; readers of the mapping take its name too.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Word<T> {
    Number(T),
    Text(String),
}

impl<T: Default> Default for Word<T> {
    fn default() -> Self {
        Self::Number(T::default())
    }
}

impl<T: Default> Word<T> {
    fn value(self, named: impl FnOnce(&str) -> Option<T>) -> T {
        match self {
            Self::Number(number) => number,
            Self::Text(name) => named(&name).unwrap_or_default(),
        }
    }
}

struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Either alphabet, padded or not.
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let text = String::deserialize(deserializer)?.replace('-', "+").replace('_', "/");
        GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Option<Kind> {
        let text = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":[{{"key":"k","value":{json}}}]}}]}}]}}]}}"#
        );
        let request = read(text.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"));
        let span = &request.resource_spans[0].scope_spans[0].spans[0];
        span.attributes[0].value.clone().and_then(|value| value.value)
    }

    #[test]
    fn every_kind_of_value() {
        let empty = || Kind::ArrayValue(ArrayValue::default());
        for (json, expected) in [
            (r#"{"stringValue":"a"}"#, Some(Kind::StringValue("a".into()))),
            (r#"{"stringValue":""}"#, Some(Kind::StringValue(String::new()))),
            (r#"{"boolValue":false}"#, Some(Kind::BoolValue(false))),
            (r#"{"intValue":-5}"#, Some(Kind::IntValue(-5))),
            (r#"{"intValue":"9223372036854775807"}"#, Some(Kind::IntValue(i64::MAX))),
            (r#"{"doubleValue":1.5}"#, Some(Kind::DoubleValue(1.5))),
            (r#"{"doubleValue":2}"#, Some(Kind::DoubleValue(2.0))),
            (r#"{"doubleValue":"Infinity"}"#, Some(Kind::DoubleValue(f64::INFINITY))),
            (r#"{"arrayValue":{}}"#, Some(empty())),
            (r#"{"arrayValue":{"values":null}}"#, Some(empty())),
            (r#"{"kvlistValue":{}}"#, Some(Kind::KvlistValue(KeyValueList::default()))),
            (r#"{"bytesValue":"_-8"}"#, Some(Kind::BytesValue(vec![0xff, 0xef]))),
            (r#"{"bytesValue":"/+8="}"#, Some(Kind::BytesValue(vec![0xff, 0xef]))),
            (r#"{"ofTomorrow":1}"#, None),
            ("{}", None),
            ("null", None),
        ] {
            assert_eq!(value(json), expected, "{json}");
        }
    }

    #[test]
    fn what_may_be_missing_and_what_may_not_be() {
        for json in ["{}", r#"{"resourceSpans":null}"#, r#"{"resourceSpans":[{}]}"#, r#"{"x":[1,{}]}"#] {
            assert!(read(json.as_bytes()).is_ok(), "{json}");
        }
        for json in ["", "[]", "7", "{", r#"{"resourceSpans":{}}"#, r#"{"resourceSpans":[{"resource":5}]}"#] {
            assert!(read(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn answers() {
        let partial = opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "why".into(),
        };
        let text = |partial_success| write(&ExportTraceServiceResponse { partial_success }).to_string();
        assert_eq!(text(None), "{}");
        let expected = r#"{"partialSuccess":{"errorMessage":"why","rejectedSpans":"2"}}"#;
        assert_eq!(text(Some(partial)), expected);
    }
}
