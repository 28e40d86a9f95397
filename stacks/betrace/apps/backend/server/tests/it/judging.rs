//! When a trace is judged, and what of it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;

use crate::support::{Backend, PATIENCE, Setup, eventually, otlp, runtime, span, trace_id};

const RULE: &str = "when { a } always { b }";

fn send(backend: &Backend, trace: &[u8], spans: &[(u64, &str)]) {
    let spans = spans.iter().map(|(nth, name)| span(trace, *nth, name)).collect();
    assert_eq!(backend.export(&otlp("shop", spans)).body, b"");
}

fn dropped(backend: &Backend, reason: &str) -> f64 {
    backend.metric(&format!("betrace_spans_dropped_total{{reason=\"{reason}\"}}"))
}

#[test]
fn spans_that_come_late_make_no_rule_fire_again() {
    let backend = Setup::new().start();
    backend.rule("first", RULE);
    backend.rule("second", "when { b } never { b }");
    let trace = trace_id();
    send(&backend, &trace, &[(1, "a")]);
    backend.violations(1);
    send(&backend, &trace, &[(2, "b"), (3, "a")]);
    assert_eq!(dropped(&backend, "late"), 2.0);
    send(&backend, &trace_id(), &[(1, "c")]);
    backend.wait_judged(2);
    assert_eq!(backend.violations(1)[0]["ruleId"], "first");
}

#[test]
fn a_trace_in_several_requests_is_judged_once_and_whole() {
    let backend = Setup::new().set("BETRACE_TRACE_SILENCE_MS", 1500).start();
    backend.rule("r", RULE);
    backend.rule("whole", "when { a and c } never { count(part) > 3 }");
    let trace = trace_id();
    send(&backend, &trace, &[(1, "a")]);
    for nth in 2..6 {
        std::thread::sleep(Duration::from_millis(200));
        send(&backend, &trace, &[(nth, "part")]);
    }
    send(&backend, &trace, &[(7, "b"), (8, "c")]);
    assert_eq!(backend.judged(), 0.0);
    let violation = backend.violations(1).remove(0);
    assert_eq!((&violation["ruleId"], &violation["context"]["spans"]), (&"whole".into(), &"7".into()));
    assert_eq!(backend.metric("betrace_traces_evaluated_total{reason=\"silence\"}"), 1.0);
}

#[test]
fn a_trace_without_end_is_judged_when_it_is_old() {
    let backend =
        Setup::new().set("BETRACE_TRACE_SILENCE_MS", 3000).set("BETRACE_TRACE_MAX_AGE_MS", 1500).start();
    backend.rule("r", RULE);
    let (trace, start) = (trace_id(), Instant::now());
    let mut nth = 0;
    eventually("the trace is judged", || {
        nth += 1;
        send(&backend, &trace, &[(nth, "a")]);
        (backend.total() > 0).then_some(())
    });
    assert!(start.elapsed() >= Duration::from_millis(1400), "{:?}", start.elapsed());
    assert_eq!(backend.metric("betrace_traces_evaluated_total{reason=\"age\"}"), 1.0);
    send(&backend, &trace, &[(nth + 1, "a")]);
    assert!(dropped(&backend, "late") >= 1.0);
    backend.violations(1);
}

#[test]
fn a_trace_has_no_more_than_ten_thousand_spans() {
    let backend = Setup::new().set("BETRACE_TRACE_SILENCE_MS", 1500).start();
    backend.rule("r", "when { a } never { count(a) >= 10000 }");
    backend.rule("more", "when { late } never { late }");
    let trace = trace_id();
    send(&backend, &trace, &(1..=9990).map(|nth| (nth, "a")).collect::<Vec<_>>());
    send(&backend, &trace, &(9991..=10_010).map(|nth| (nth, "a")).collect::<Vec<_>>());
    send(&backend, &trace, &[(10_011, "late")]);
    assert_eq!((dropped(&backend, "trace_full"), backend.metric("betrace_buffer_spans")), (11.0, 10_000.0));
    let violation = backend.violations(1).remove(0);
    assert_eq!(violation["context"]["spans"], "10000");
    assert_eq!(violation["spanIds"].as_array().unwrap().len(), 100);
    eventually("the buffer is empty", || (backend.metric("betrace_buffer_bytes") == 0.0).then_some(()));
    assert_eq!(backend.metric("betrace_buffer_spans"), 0.0);
}

#[test]
fn what_was_taken_is_judged_and_the_rest_refused_when_the_buffer_is_full() {
    let backend =
        Setup::new().set("BETRACE_BUFFER_SPANS", 1000).set("BETRACE_TRACE_SILENCE_MS", 60_000).start();
    backend.rule("r", RULE);
    let taken = AtomicI64::new(0);
    let request = || {
        let trace = trace_id();
        otlp("shop", (1..=5000).map(|nth| span(&trace, nth, "a")).collect())
    };
    let until_refused = |send: &dyn Fn() -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while send() {
            taken.fetch_add(1, Ordering::SeqCst);
            assert!(Instant::now() < deadline, "it never was full");
        }
    };
    let over_http = || {
        let answer = backend.export(&request());
        if answer.status == 503 {
            assert!(!answer.header("retry-after").is_empty());
        }
        answer.status == 200
    };
    let over_grpc = || {
        let mut client = TraceServiceClient::new(backend.channel());
        let answer = runtime().block_on(client.export(request()));
        if let Err(status) = &answer {
            assert_eq!(status.code(), tonic::Code::Unavailable);
        }
        answer.is_ok()
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| until_refused(&over_http));
            scope.spawn(|| until_refused(&over_grpc));
        }
    });
    // Early, since there is no room to wait for their silence.
    let taken = taken.into_inner();
    assert_eq!(backend.violations(taken).len() as i64, taken);
    assert_eq!(dropped(&backend, "buffer_full"), 6.0 * 5000.0);
    assert_eq!(backend.metric("betrace_spans_ingested_total"), taken as f64 * 5000.0);
    assert!(backend.metric("betrace_traces_evaluated_total{reason=\"pressure\"}") >= 1.0);
    eventually("there is room again", || over_http().then_some(()));
}
