//! gRPC says and does what HTTP does.

use betrace_backend::proto;
use betrace_backend::proto::health_check_response::Status;
use betrace_backend::proto::health_service_client::HealthServiceClient;
use betrace_backend::proto::rule_service_client::RuleServiceClient;
use betrace_backend::proto::span_service_client::SpanServiceClient;
use betrace_backend::proto::violation_service_client::ViolationServiceClient;
use serde_json::{Value, json};
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::support::{Backend, Setup, eventually, free_port, otlp, runtime, span, trace_id};

fn same<T: serde::Serialize>(message: &T, answer: &Value) {
    assert_eq!(serde_json::to_value(message).unwrap(), *answer);
}

#[test]
fn rules() {
    let backend = Setup::new().start();
    let mut client = RuleServiceClient::new(backend.channel());
    runtime().block_on(async {
        let create = proto::CreateRuleRequest {
            id: "r".into(),
            name: "one".into(),
            expression: "when { a } always { b }".into(),
            tags: vec!["t".into()],
            ..Default::default()
        };
        let rule = client.create_rule(create.clone()).await.unwrap().into_inner();
        same(&rule, &backend.get("/v1/rules/r").expect(200));
        assert_eq!(client.create_rule(create.clone()).await.unwrap_err().code(), Code::AlreadyExists);
        let bad = proto::CreateRuleRequest { id: "s".into(), expression: "when".into(), ..create };
        assert_eq!(client.create_rule(bad).await.unwrap_err().code(), Code::InvalidArgument);
        let id = || "r".to_owned();
        assert!(
            !client.disable_rule(proto::DisableRuleRequest { id: id() }).await.unwrap().into_inner().enabled
        );
        assert!(
            client.enable_rule(proto::EnableRuleRequest { id: id() }).await.unwrap().into_inner().enabled
        );
        let update = proto::UpdateRuleRequest {
            id: id(),
            name: "two".into(),
            expression: "when { a } never { c }".into(),
            severity: "LOW".into(),
            ..Default::default()
        };
        let updated = client.update_rule(update).await.unwrap().into_inner();
        assert_eq!(updated.created_at, rule.created_at);
        same(&updated, &backend.get("/v1/rules/r").expect(200));
        let list = client.list_rules(proto::ListRulesRequest::default()).await.unwrap().into_inner();
        same(&list, &backend.get("/v1/rules").expect(200));
        let expression = "when { a.b > 1 } always { c }".to_owned();
        let answer =
            client.validate_rule(proto::ValidateRuleRequest { expression: expression.clone() }).await;
        let over_http = backend.post("/v1/rules/validate", &json!({"expression": expression}));
        same(&answer.unwrap().into_inner(), &over_http.expect(200));
        assert!(
            client.delete_rule(proto::DeleteRuleRequest { id: id() }).await.unwrap().into_inner().success
        );
        let gone = client.get_rule(proto::GetRuleRequest { id: id() }).await.unwrap_err();
        assert_eq!((gone.code(), gone.message()), (Code::NotFound, "there is no rule `r`"));
    });
}

#[test]
fn spans_and_violations() {
    let backend = Setup::new().start();
    backend.rule("r", "when { a } always { b }");
    let trace = hex::encode(trace_id());
    let span = proto::Span {
        trace_id: trace.clone(),
        span_id: "00000000000000aa".into(),
        name: "a".into(),
        ..Default::default()
    };
    let bad = proto::Span::default();
    let answer = runtime().block_on(async {
        let mut client = SpanServiceClient::new(backend.channel());
        client.ingest_spans(proto::IngestSpansRequest { spans: vec![span, bad] }).await.unwrap().into_inner()
    });
    assert_eq!((answer.accepted, answer.rejected, answer.errors.len()), (1, 1, 1));
    let violation = backend.violations(1).remove(0);
    runtime().block_on(async {
        let mut client = ViolationServiceClient::new(backend.channel());
        let list =
            client.list_violations(proto::ListViolationsRequest::default()).await.unwrap().into_inner();
        same(&list, &backend.get("/v1/violations").expect(200));
        let id = violation["id"].as_str().unwrap().to_owned();
        let got = client.get_violation(proto::GetViolationRequest { id }).await.unwrap().into_inner();
        same(&got, &violation);
        let got =
            client.get_trace(proto::GetTraceRequest { trace_id: trace.clone() }).await.unwrap().into_inner();
        same(&got, &backend.get(&format!("/v1/traces/{trace}")).expect(200));
        let time = |field: &str| serde_json::from_value(json!(field)).unwrap();
        let request = proto::GetViolationStatsRequest {
            start_time: Some(time("2020-01-01T00:00:00Z")),
            end_time: Some(time("2100-01-01T00:00:00Z")),
            buckets: 7,
        };
        let stats = client.get_violation_stats(request).await.unwrap().into_inner();
        let query = "startTime=2020-01-01T00:00:00Z&endTime=2100-01-01T00:00:00Z&buckets=7";
        same(&stats, &backend.get(&format!("/v1/violations/stats?{query}")).expect(200));
        let none = client.get_violation(proto::GetViolationRequest { id: "none".into() }).await.unwrap_err();
        assert_eq!(none.code(), Code::NotFound);
        let bad = proto::ListViolationsRequest { limit: 1001, ..Default::default() };
        assert_eq!(client.list_violations(bad).await.unwrap_err().code(), Code::InvalidArgument);
    });
}

fn serving(backend: &Backend, service: &str) -> i32 {
    let mut client = HealthClient::new(backend.channel());
    let request = HealthCheckRequest { service: service.to_owned() };
    runtime().block_on(client.check(request)).unwrap().into_inner().status
}

#[test]
fn health_of_both_kinds() {
    let endpoint = format!("127.0.0.1:{}", free_port());
    let backend = Setup::new().set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).start();
    let mut client = HealthServiceClient::new(backend.channel());
    let mut ready = || runtime().block_on(client.ready(proto::HealthCheckRequest {})).unwrap().into_inner();
    assert_eq!(ready().status(), Status::Healthy);
    for service in ["", "betrace.v1.RuleService", "betrace.v1.ViolationService", "betrace.v1.SpanService"] {
        eventually("it serves", || {
            (serving(&backend, service) == ServingStatus::Serving as i32).then_some(())
        });
    }
    // A receiver that is not there is what is wrong.
    backend.rule("r", "when { a } always { b }");
    backend.export(&otlp("shop", vec![span(&trace_id(), 1, "a")]));
    eventually("it does not serve", || {
        (serving(&backend, "") == ServingStatus::NotServing as i32).then_some(())
    });
    let unready = ready();
    assert_eq!(unready.status(), Status::Unhealthy);
    assert_ne!(unready.metadata["export"], "ok");
    let alive = runtime().block_on(client.check(proto::HealthCheckRequest {})).unwrap().into_inner();
    assert_eq!((alive.status(), alive.version.as_str()), (Status::Healthy, env!("CARGO_PKG_VERSION")));
    let status = runtime().block_on(client.get_status(proto::GetStatusRequest {})).unwrap().into_inner();
    assert_eq!(status.services[0].name, "backend");
}

#[test]
fn reflection_lists_the_services() {
    let backend = Setup::new().start();
    let mut client = ServerReflectionClient::new(backend.channel());
    let ask = |request| ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let requests = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("betrace.v1.RuleService".to_owned())),
    ];
    let answers: Vec<ServerReflectionResponse> = runtime().block_on(async {
        let stream = client.server_reflection_info(tokio_stream::iter(requests)).await.unwrap().into_inner();
        stream.map(Result::unwrap).collect().await
    });
    let Some(MessageResponse::ListServicesResponse(list)) = &answers[0].message_response else {
        panic!("{answers:?}")
    };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    for service in ["HealthService", "RuleService", "SpanService", "ViolationService"] {
        assert!(names.contains(&format!("betrace.v1.{service}").as_str()), "{names:?}");
    }
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    assert!(matches!(answers[1].message_response, Some(MessageResponse::FileDescriptorResponse(_))));
}
