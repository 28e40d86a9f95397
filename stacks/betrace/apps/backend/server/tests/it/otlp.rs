//! OTLP in its details, and BeTrace's own form of spans.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use crate::support::{Backend, Setup, attribute, otlp, runtime, span, trace_id};

const REJECTED: &str = "betrace_spans_dropped_total{reason=\"rejected\"}";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn text(key: &str, value: String) -> opentelemetry_proto::tonic::common::v1::KeyValue {
    attribute(key, Value::StringValue(value))
}

/// One span with something wrong, and a word of what is said of it.
fn bad_spans(trace: &[u8]) -> Vec<(Span, &'static str)> {
    let good = || span(trace, 1, "a");
    let many = |count| (0..count).map(|nth| text(&format!("k{nth}"), String::new())).collect();
    vec![
        (Span { trace_id: vec![0; 16], ..good() }, "traceId"),
        (Span { trace_id: vec![1; 15], ..good() }, "traceId"),
        (Span { span_id: vec![0; 8], ..good() }, "spanId"),
        (Span { parent_span_id: vec![1; 7], ..good() }, "parentSpanId"),
        (Span { name: String::new(), ..good() }, "no name"),
        (Span { name: "x".repeat(1025), ..good() }, "1025 bytes"),
        (Span { end_time_unix_nano: 1, ..good() }, "before it starts"),
        (Span { attributes: many(129), ..good() }, "129 attributes"),
        (Span { attributes: vec![text(&"k".repeat(257), String::new())], ..good() }, "257 bytes"),
        (Span { attributes: vec![text("k", "v".repeat(4097))], ..good() }, "4097 bytes"),
    ]
}

#[test]
fn a_bad_span_is_rejected_alone_and_counted() {
    let backend = Setup::new().start();
    let trace = trace_id();
    let mut rejected = 0.0;
    for (bad, why) in bad_spans(&trace) {
        let name = bad.name.chars().take(20).collect::<String>();
        let answer = backend.export(&otlp("shop", vec![bad, span(&trace_id(), 2, "a")]));
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-protobuf"));
        let answer = ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap();
        let partial = answer.partial_success.unwrap_or_else(|| panic!("{why}: nothing was rejected"));
        assert_eq!(partial.rejected_spans, 1, "{name}: {why}");
        assert!(partial.error_message.contains(why), "{name}: {} has no {why}", partial.error_message);
        rejected += 1.0;
        assert_eq!(backend.metric(REJECTED), rejected);
        assert_eq!(backend.metric("betrace_spans_ingested_total"), rejected);
    }
    // At the limits, all is well.
    let attributes = (0..127).map(|nth| text(&format!("k{nth}"), String::new()));
    let longest = text(&"k".repeat(256), "v".repeat(4096));
    let full = Span { attributes: attributes.chain([longest]).collect(), ..span(&trace, 1, "a") };
    assert_eq!(backend.export(&otlp("shop", vec![full])).body, b"");
    assert_eq!(backend.metric(REJECTED), rejected);
    // A resource that is too large is that of each of its spans; others are none the worse.
    let mut request = otlp(&"s".repeat(4097), vec![span(&trace, 1, "a"), span(&trace, 2, "b")]);
    request.resource_spans.extend(otlp("shop", vec![span(&trace, 3, "c")]).resource_spans);
    let answer = ExportTraceServiceResponse::decode(backend.export(&request).body.as_slice()).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 2);
}

fn json_span(trace: &str, extra: &serde_json::Value) -> serde_json::Value {
    let mut span = json!({"traceId": trace, "spanId": "00000000000000aa", "name": "a",
        "startTimeUnixNano": "1760000000000000000", "endTimeUnixNano": "1760000000002000000"});
    span.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
}

#[test]
fn json_as_the_specification_has_it() {
    let backend = Setup::new().start();
    backend.rule("r", "when { a.where(n == 900719925474099) } always { b }");
    let attributes = |value: serde_json::Value| json!({"attributes": [{"key": "n", "value": value}]});
    let cases = [
        attributes(json!({"intValue": "900719925474099"})),
        attributes(json!({"intValue": 900719925474099_i64})),
        json!({"startTimeUnixNano": 1760000000000000000_u64, "attributes": [
            {"key": "empty", "value": {}}, {"key": "none"}, {"key": "list", "value": {"arrayValue": {}}},
            {"key": "n", "value": {"intValue": "900719925474099", "ofTomorrow": []}}]}),
        json!({"ofTomorrow": {"deep": [1]}, "kind": null, "parentSpanId": null, "flags": 257, "traceState": "",
            "events": [{"timeUnixNano": 5, "name": "e"}], "links": [{}], "status": null,
            "attributes": [{"key": "n", "value": {"doubleValue": 900719925474099.0}}]}),
    ];
    for (nth, extra) in cases.iter().enumerate() {
        let request = json_span(&hex::encode(trace_id()), extra);
        let answer = backend.post("/v1/traces", &request);
        assert_eq!((answer.expect(200), answer.header("content-type")), (json!({}), "application/json"));
        backend.violations(nth as i64 + 1);
    }
    let request = json_span("no id at all", &json!({}));
    let partial = &backend.post("/v1/traces", &request).expect(200)["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1");
    assert!(partial["errorMessage"].as_str().unwrap().contains("traceId"));
    for body in ["", "{", "[]", r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}"#] {
        let headers = [("content-type", "application/json")];
        let answer = backend.call("POST", "/v1/traces", &headers, Some(body.into()));
        assert_eq!(answer.expect(400)["code"], 3, "{body}");
    }
}

#[test]
fn gzip_and_what_is_too_much_of_it() {
    let backend = Setup::new().start();
    backend.rule("r", "when { a } always { b }");
    let request = otlp("shop", vec![span(&trace_id(), 1, "a")]).encode_to_vec();
    let headers = [("content-type", "application/x-protobuf"), ("content-encoding", "gzip")];
    assert_eq!(backend.call("POST", "/v1/traces", &headers, Some(gzip(&request))).status, 200);
    backend.violations(1);

    let before = memory(&backend);
    let bomb = gzip(&vec![0; 512 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    for kind in ["application/x-protobuf", "application/json"] {
        let headers = [("content-type", kind), ("content-encoding", "gzip")];
        let answer = backend.call("POST", "/v1/traces", &headers, Some(bomb.clone()));
        assert_eq!((answer.status, answer.header("content-type")), (413, kind));
    }
    let headers = [("content-encoding", "gzip")];
    assert_eq!(backend.call("POST", "/v1/spans", &headers, Some(bomb)).expect(413)["code"], 8);
    let grown = memory(&backend).saturating_sub(before);
    assert!(grown < 100, "{grown} MiB more at its height");
    let answer = backend.call("POST", "/v1/spans", &headers, Some(b"no gzip".to_vec()));
    assert_eq!(answer.expect(400)["code"], 3);
}

/// The most memory that the process ever had, in MiB.
fn memory(backend: &Backend) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", backend.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn nested_attributes_are_flat_and_their_keys_never_many_times_the_request() {
    let backend = Setup::new().start();
    backend.rule("r", "when { a.where(http.request.method == \"GET\") } always { b }");
    let map = |entries| Value::KvlistValue(KeyValueList { values: entries });
    let method = map(vec![text("method", "GET".into())]);
    let http = attribute("http", map(vec![attribute("request", method)]));
    let nested = Span { attributes: vec![http], ..span(&trace_id(), 1, "a") };
    assert_eq!(backend.export(&otlp("shop", vec![nested])).body, b"");
    backend.violations(1);

    let before = memory(&backend);
    let entry = || opentelemetry_proto::tonic::common::v1::KeyValue {
        key: "k".into(),
        value: Some(AnyValue { value: Some(Value::BoolValue(true)) }),
    };
    let wide = attribute(&"k".repeat(1024 * 1024), map((0..100_000).map(|_| entry()).collect()));
    let span = Span { attributes: vec![wide], ..span(&trace_id(), 1, "a") };
    let answer = backend.export(&otlp("shop", vec![span]));
    let answer = ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    assert!(memory(&backend) - before < 100);
}

#[test]
fn requests_that_are_refused_as_a_whole() {
    /// `google.rpc.Status`.
    #[derive(Clone, PartialEq, Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }

    let backend = Setup::new().start();
    let trace = trace_id();
    let spans = |count| (1..=count).map(|nth| span(&trace, nth, "a")).collect::<Vec<_>>();
    let too_many = otlp("shop", spans(10_001));
    let answer = backend.export(&too_many);
    assert_eq!((answer.status, answer.header("content-type")), (413, "application/x-protobuf"));
    let status = Status::decode(answer.body.as_slice()).unwrap();
    assert_eq!(status.code, 8);
    assert!(status.message.contains("10001 spans"), "{}", status.message);
    let over_grpc = |request: ExportTraceServiceRequest| {
        let mut client = TraceServiceClient::new(backend.channel());
        runtime().block_on(client.export(request))
    };
    assert_eq!(over_grpc(too_many).unwrap_err().code(), tonic::Code::ResourceExhausted);
    assert_eq!(backend.metric("betrace_buffer_spans"), 0.0);

    let protobuf = [("content-type", "application/x-protobuf")];
    let answer = backend.call("POST", "/v1/traces", &protobuf, Some(b"\xff\xff no protobuf".to_vec()));
    assert_eq!((answer.status, Status::decode(answer.body.as_slice()).unwrap().code), (400, 3));
    for length in [10 * 1024 * 1024 + 1, 50 * 1024 * 1024] {
        let answer = backend.call("POST", "/v1/traces", &protobuf, Some(vec![0; length]));
        assert_eq!((answer.status, Status::decode(answer.body.as_slice()).unwrap().code), (413, 8));
    }
    for kind in ["text/plain", ""] {
        let answer = backend.call("POST", "/v1/traces", &[("content-type", kind)], Some(b"x".to_vec()));
        assert_eq!(answer.status, 415, "{kind}");
    }
    // Nothing at all is a request without spans.
    let answer = backend.call("POST", "/v1/traces", &protobuf, Some(Vec::new()));
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
    assert_eq!(over_grpc(otlp("shop", spans(10_000))).unwrap().into_inner().partial_success, None);
}

#[test]
fn what_the_backend_itself_sent_is_not_judged() {
    let backend = Setup::new().set("OTEL_SERVICE_NAME", "watcher").start();
    backend.rule("r", "when { a } always { b }");
    let mark = attribute("betrace.violation", Value::BoolValue(true));
    let violation = Span { attributes: vec![mark], ..span(&trace_id(), 1, "a") };
    for request in [otlp("watcher", vec![span(&trace_id(), 1, "a")]), otlp("tempo", vec![violation])] {
        assert_eq!(backend.export(&request).body, b"");
    }
    assert_eq!(backend.metric("betrace_spans_dropped_total{reason=\"own\"}"), 2.0);
    backend.export(&otlp("shop", vec![span(&trace_id(), 1, "a")]));
    assert_eq!(backend.violations(1)[0]["context"]["services"], "shop");
}

#[test]
fn spans_in_betrace_own_form() {
    let backend = Setup::new().start();
    backend.rule("r", "when { a.where(service.name == \"shop\" and total == \"7\") } always { b }");
    let trace = hex::encode(trace_id());
    let good = json!({"traceId": trace, "span_id": "00000000000000aa", "name": "a", "startTime": "1760000000000000000",
        "endTime": 1760000000002000000_i64, "attributes": {"total": "7"}, "status": "OK", "serviceName": "shop"});
    let with = |field: &str, value: serde_json::Value| {
        let mut span = good.clone();
        span[field] = value;
        span
    };
    let bad = [with("traceId", json!("xyz")), with("status", json!("GREEN")), with("startTime", json!("-1"))];
    let bad = bad.into_iter().chain([with("serviceName", json!("s".repeat(4097)))]);
    let spans: Vec<_> = bad.chain([good.clone()]).collect();
    let answer = backend.post("/v1/spans", &json!({"spans": spans})).expect(200);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(4)));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 4);
    let waiting = backend.get(&format!("/v1/traces/{trace}")).expect(200);
    assert_eq!((&waiting["complete"], &waiting["spans"][0]["durationMs"]), (&json!(false), &json!("2")));
    backend.violations(1);
    assert_eq!(
        backend.post("/v1/spans", &json!({"spans": [with("colour", json!(1))]})).expect(400)["code"],
        3
    );
    let many = json!({"spans": vec![json!({}); 10_001]});
    assert_eq!(backend.post("/v1/spans", &many).expect(413)["code"], 8);
}
