//! A receiver that can't be reached, or takes nothing: violations wait for it.

use std::collections::BTreeSet;

use crate::support::{Backend, Receiver, Setup, eventually, free_port, otlp, span, trace_id};

fn break_rule(backend: &Backend) {
    assert_eq!(backend.export(&otlp("shop", vec![span(&trace_id(), 1, "a")])).status, 200);
}

fn distinct(receiver: &Receiver) -> usize {
    receiver.violations().iter().map(|span| span.span_id.clone()).collect::<BTreeSet<_>>().len()
}

#[test]
fn violations_wait_for_a_receiver_that_is_not_there_also_over_a_restart() {
    let port = free_port();
    let mut backend = Setup::new().set("OTEL_EXPORTER_OTLP_ENDPOINT", format!("127.0.0.1:{port}")).start();
    backend.rule("r", "when { a } always { b }");
    assert_eq!(backend.get("/v1/ready").expect(200)["metadata"]["export"], "ok");
    break_rule(&backend);
    backend.violations(1);
    let export = eventually("it is not ready", || {
        let ready = backend.get("/v1/ready");
        (ready.status == 503).then(|| ready.json()["metadata"]["export"].as_str().unwrap().to_owned())
    });
    assert!(export.contains(&format!("127.0.0.1:{port}")), "{export}");
    assert!(export.contains("refused"), "{export}");
    assert!(backend.metric("betrace_export_failures_total") >= 1.0);
    assert_eq!(backend.metric("betrace_violations_exported_total"), 0.0);

    backend.restart(&[]);
    break_rule(&backend);
    backend.violations(2);
    let receiver = Receiver::start_on(port);
    receiver.wait(2);
    eventually("it is ready", || (backend.get("/v1/ready").status == 200).then_some(()));
    break_rule(&backend);
    // Only what the store knows as sent is not sent again after the next start.
    eventually("all are known as sent", || {
        (backend.metric("betrace_violations_exported_total") == 3.0).then_some(())
    });
    backend.restart(&[]);
    break_rule(&backend);
    assert_eq!(receiver.wait(4).len(), 4);
    assert_eq!(distinct(&receiver), 4);
}

#[test]
fn a_receiver_that_refuses_is_asked_again() {
    let receiver = Receiver::start();
    receiver.refuse(true);
    let backend = Setup::new().set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address()).start();
    backend.rule("r", "when { a } always { b }");
    (0..5).for_each(|_| break_rule(&backend));
    eventually("it was refused twice", || (receiver.refused() >= 2).then_some(()));
    let ready = backend.get("/v1/ready").expect(503);
    assert!(ready["metadata"]["export"].as_str().unwrap().contains("not now"), "{ready}");
    receiver.refuse(false);
    assert_eq!(receiver.wait(5).len(), 5);
    assert_eq!(distinct(&receiver), 5);
    eventually("it is ready", || (backend.get("/v1/ready").status == 200).then_some(()));
    assert_eq!(backend.metric("betrace_violations_exported_total"), 5.0);
}
