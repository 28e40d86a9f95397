//! The API key: needed to write, by whatever way, and never to read.

use betrace_backend::proto;
use betrace_backend::proto::rule_service_client::RuleServiceClient;
use betrace_backend::proto::span_service_client::SpanServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use serde_json::json;
use tonic::{Code, Request};

use crate::support::{Backend, Setup, otlp, runtime, span, trace_id};

fn over_http(backend: &Backend, headers: &[(&str, &str)]) -> Vec<u16> {
    let rule = json!({"id": "r", "name": "r", "expression": "when { a } always { b }"}).to_string();
    let own = json!({"spans": []}).to_string();
    let otlp = otlp("shop", vec![span(&trace_id(), 1, "a")]).encode_to_vec();
    let calls = [
        ("POST", "/v1/rules", Some(rule.clone())),
        ("PUT", "/v1/rules/r", Some(rule)),
        ("POST", "/api/v1/rules/r/disable", Some(String::new())),
        ("POST", "/api/rules/r/enable", Some(String::new())),
        ("DELETE", "/v1/rules/r", None),
        ("POST", "/v1/spans", Some(own.clone())),
    ];
    let calls = calls
        .map(|(method, path, body)| backend.call(method, path, headers, body.map(String::into_bytes)).status);
    let protobuf = [headers, &[("content-type", "application/x-protobuf")]].concat();
    let json = [headers, &[("content-type", "application/json")]].concat();
    let exports = [(protobuf, otlp), (json, b"{}".to_vec())]
        .map(|(headers, body)| backend.call("POST", "/v1/traces", &headers, Some(body)));
    for (export, kind) in exports.iter().zip(["application/x-protobuf", "application/json"]) {
        assert_eq!(export.header("content-type"), kind);
    }
    calls.into_iter().chain(exports.map(|answer| answer.status)).collect()
}

fn over_grpc(backend: &Backend, key: Option<(&'static str, &str)>) -> Vec<Code> {
    fn with<T>(message: T, key: Option<(&'static str, &str)>) -> Request<T> {
        let mut request = Request::new(message);
        if let Some((name, value)) = key {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        request
    }
    let code = |status: Result<(), tonic::Status>| status.map_or_else(|status| status.code(), |()| Code::Ok);
    let mut rules = RuleServiceClient::new(backend.channel());
    let mut spans = SpanServiceClient::new(backend.channel());
    let mut otlp = TraceServiceClient::new(backend.channel());
    runtime().block_on(async {
        let (name, expression) = ("r".to_owned(), "when { a } always { b }".to_owned());
        let create = proto::CreateRuleRequest {
            id: name.clone(),
            name: name.clone(),
            expression: expression.clone(),
            ..Default::default()
        };
        let update = proto::UpdateRuleRequest { id: name.clone(), name, expression, ..Default::default() };
        let id = || "r".to_owned();
        vec![
            code(rules.create_rule(with(create, key)).await.map(drop)),
            code(rules.update_rule(with(update, key)).await.map(drop)),
            code(rules.disable_rule(with(proto::DisableRuleRequest { id: id() }, key)).await.map(drop)),
            code(rules.enable_rule(with(proto::EnableRuleRequest { id: id() }, key)).await.map(drop)),
            code(rules.delete_rule(with(proto::DeleteRuleRequest { id: id() }, key)).await.map(drop)),
            code(spans.ingest_spans(with(proto::IngestSpansRequest::default(), key)).await.map(drop)),
            code(otlp.export(with(Default::default(), key)).await.map(drop)),
        ]
    })
}

fn check(backend: &Backend, key: &str) {
    for headers in [vec![], vec![("x-api-key", "wrong")], vec![("authorization", "Basic wrong")]] {
        assert_eq!(over_http(backend, &headers), [401; 8], "{headers:?}");
    }
    for key in [None, Some(("x-api-key", "wrong")), Some(("authorization", "Bearer wrong"))] {
        assert_eq!(over_grpc(backend, key), [Code::Unauthenticated; 7], "{key:?}");
    }
    assert_eq!(backend.post("/v1/rules", &json!({})).expect(401)["code"], 16);
    for path in ["/v1/rules", "/v1/violations", "/v1/violations/stats", "/v1/ready", "/metrics", "/v1/status"]
    {
        assert_eq!(backend.get(path).status, 200, "{path}");
    }
    let expression = json!({"expression": "when { a } always { b }"});
    assert_eq!(backend.post("/v1/rules/validate", &expression).expect(200)["valid"], true);
    assert_eq!(backend.get("/v1/rules").expect(200)["totalCount"], 0);

    let bearer = format!("Bearer {key}");
    for header in [("x-api-key", key), ("authorization", bearer.as_str())] {
        assert_eq!(over_http(backend, &[header]), [201, 200, 200, 200, 200, 200, 200, 200], "{header:?}");
        assert_eq!(over_grpc(backend, Some(header)), [Code::Ok; 7], "{header:?}");
    }
}

#[test]
fn from_the_environment() {
    check(&Setup::new().set("BETRACE_API_KEY", "a key").start(), "a key");
}

#[test]
fn from_a_file() {
    let setup = Setup::new();
    let path = setup.folder().join("key");
    std::fs::write(&path, "the key of a file\n").unwrap();
    check(&setup.set("BETRACE_API_KEY_FILE", path.display()).start(), "the key of a file");
}
