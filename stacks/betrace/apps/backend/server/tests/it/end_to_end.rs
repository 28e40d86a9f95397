//! From a real OpenTelemetry SDK to a signed violation, in the store and on its way to a receiver.

use std::sync::atomic::{AtomicU64, Ordering};

use betrace_backend::proto;
use opentelemetry::trace::{Span as _, SpanId, TraceContextExt, TraceId, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, SdkTracerProvider};
use prost::Message;
use redb::{ReadableTable, TableDefinition};
use serde_json::{Value, json};

use crate::support::{Backend, Receiver, Setup, attribute_text, eventually, runtime};

const RULE: &str = "when { payment.charge.where(amount > 500) } always { fraud.check }";

/// The same ids each time, so that a trace can be sent again.
#[derive(Debug)]
struct Ids {
    trace: u128,
    next: AtomicU64,
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from_bytes(self.trace.to_be_bytes())
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from_bytes(self.next.fetch_add(1, Ordering::SeqCst).to_be_bytes())
    }
}

/// What an application with the SDK does: a checkout with a payment in it.
fn check_out(exporter: SpanExporter, trace: u128) {
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_id_generator(Ids { trace, next: AtomicU64::new(0x11) })
        .with_resource(Resource::builder().with_service_name("shop").build())
        .build();
    let tracer = provider.tracer("shop");
    let root = Context::new().with_span(tracer.start_with_context("checkout", &Context::new()));
    let mut payment = tracer.start_with_context("payment.charge", &root);
    payment.set_attribute(KeyValue::new("amount", 900));
    payment.end();
    root.span().end();
    provider.force_flush().unwrap();
    provider.shutdown().unwrap();
}

fn over_grpc(backend: &Backend) -> SpanExporter {
    let _inside = runtime().enter();
    SpanExporter::builder().with_tonic().with_endpoint(backend.grpc()).build().unwrap()
}

fn over_http(backend: &Backend) -> SpanExporter {
    let endpoint = format!("{}/v1/traces", backend.http());
    let builder = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
    builder.with_endpoint(endpoint).build().unwrap()
}

fn from_trace_to_violation(send: impl Fn(&Backend, u128)) {
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128;
    let receiver = Receiver::start();
    let key = "a key of these tests alone";
    let mut backend = Setup::new()
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address())
        .set("BETRACE_SIGNATURE_KEY", key)
        .start();
    backend.rule("fraud", RULE);

    send(&backend, trace);
    let violation = backend.violations(1).remove(0);
    assert_eq!(violation["ruleId"], "fraud");
    assert_eq!(violation["ruleName"], "fraud by name");
    assert_eq!(violation["severity"], "HIGH");
    assert_eq!(violation["traceId"], format!("{trace:032x}"));
    assert_eq!(violation["spanId"], "0000000000000012");
    assert_eq!(violation["spanIds"], json!(["0000000000000012"]));
    assert_eq!(violation["context"], json!({"spans": "2", "rootSpan": "checkout", "services": "shop"}));
    assert_eq!(violation["verified"], true);
    assert_eq!(violation["signature"].as_str().unwrap().len(), 64);
    let path = format!("/v1/violations/{}", violation["id"].as_str().unwrap());
    assert_eq!(backend.get(&path).expect(200), violation);

    let sent = receiver.wait(1).remove(0);
    assert_eq!(sent.trace_id, trace.to_be_bytes());
    assert_eq!(sent.parent_span_id, 0x12_u64.to_be_bytes());
    assert_eq!(attribute_text(&sent, "betrace.violation"), "Some(BoolValue(true))");
    for (name, field) in [
        ("severity", "severity"),
        ("rule_id", "ruleId"),
        ("rule_name", "ruleName"),
        ("message", "message"),
        ("trace_id", "traceId"),
        ("signature", "signature"),
    ] {
        assert_eq!(attribute_text(&sent, &format!("betrace.violation.{name}")), violation[field], "{name}");
    }

    // Only what the store knows as sent is not sent again after the next start.
    eventually("it is known as sent", || {
        (backend.metric("betrace_violations_exported_total") == 1.0).then_some(())
    });
    backend.kill9();
    backend.restart(&[]);
    assert_eq!(backend.get(&path).expect(200), violation);

    // The process knows nothing of the first time any more.
    send(&backend, trace);
    backend.wait_judged(1);
    assert_eq!(backend.total(), 1);
    send(&backend, trace + 1);
    backend.violations(2);
    assert_eq!(receiver.wait(2).len(), 2);

    backend.restart(&[("BETRACE_SIGNATURE_KEY", "another key of these tests")]);
    assert_eq!(backend.get(&path).expect(200)["verified"], false);
    backend.restart(&[("BETRACE_SIGNATURE_KEY", key)]);
    assert_eq!(backend.get(&path).expect(200)["verified"], true);
}

#[test]
fn a_trace_of_a_real_sdk_over_grpc() {
    from_trace_to_violation(|backend, trace| check_out(over_grpc(backend), trace));
}

#[test]
fn a_trace_of_a_real_sdk_over_http() {
    from_trace_to_violation(|backend, trace| check_out(over_http(backend), trace));
}

#[test]
fn the_same_trace_as_json() {
    from_trace_to_violation(|backend, trace| {
        let trace = format!("{trace:032X}");
        let span = |id: &str, parent: &str, name: &str, attributes: Value| {
            json!({"traceId": trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": 1,
                "startTimeUnixNano": "1760000000000000000", "endTimeUnixNano": "1760000001000000000",
                "attributes": attributes, "status": {}})
        };
        let root = span("0000000000000011", "", "checkout", json!([]));
        let amount = json!([{"key": "amount", "value": {"intValue": "900"}}]);
        let payment = span("0000000000000012", "0000000000000011", "payment.charge", amount);
        let service = json!([{"key": "service.name", "value": {"stringValue": "shop"}}]);
        let request = json!({"resourceSpans": [{"resource": {"attributes": service},
            "scopeSpans": [{"spans": [root, payment]}]}]});
        assert_eq!(backend.post("/v1/traces", &request).expect(200), json!({}));
    });
}

/// Changes the one violation in the file of a backend that does not run.
fn tamper(backend: &Backend, change: impl Fn(&mut proto::Violation)) {
    const VIOLATIONS: TableDefinition<u64, &[u8]> = TableDefinition::new("violations");
    let database = redb::Database::open(backend.data().join("betrace.redb")).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(VIOLATIONS).unwrap();
        let (number, bytes) =
            table.first().unwrap().map(|(number, bytes)| (number.value(), bytes.value().to_vec())).unwrap();
        let mut violation = proto::Violation::decode(bytes.as_slice()).unwrap();
        change(&mut violation);
        table.insert(number, violation.encode_to_vec().as_slice()).unwrap();
    }
    write.commit().unwrap();
}

#[test]
fn a_violation_that_someone_changed_is_not_verified() {
    let mut backend = Setup::new().start();
    backend.rule("fraud", RULE);
    check_out(over_http(&backend), 7);
    let id = backend.violations(1)[0]["id"].as_str().unwrap().to_owned();
    let verified = |backend: &mut Backend| {
        backend.restart(&[]);
        backend.get(&format!("/v1/violations/{id}")).expect(200)["verified"].as_bool().unwrap()
    };
    let changes: [fn(&mut proto::Violation); 6] = [
        |it| it.message.push('!'),
        |it| it.severity = "LOW".to_owned(),
        |it| it.timestamp.as_mut().unwrap().nanos ^= 1,
        |it| drop(it.context.insert("spans".to_owned(), "3".to_owned())),
        |it| it.span_ids.clear(),
        |it| it.signature.clear(),
    ];
    for (nth, change) in changes.iter().enumerate() {
        let whole = backend.get(&format!("/v1/violations/{id}")).expect(200);
        assert_eq!(whole["verified"], true, "before change {nth}");
        backend.kill9();
        let copy = std::fs::read(backend.data().join("betrace.redb")).unwrap();
        tamper(&backend, change);
        assert!(!verified(&mut backend), "change {nth}");
        backend.kill9();
        std::fs::write(backend.data().join("betrace.redb"), copy).unwrap();
        assert!(verified(&mut backend), "after change {nth}");
    }
}
