//! A disk that is full, and has room again. The disk is a `tmpfs` of the test's own, so this needs root.

use std::collections::BTreeSet;
use std::io::Write;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde_json::json;

use crate::support::{Backend, Setup, attribute, eventually, otlp, span, trace_id};

fn fill(backend: &Backend) {
    let mut file = std::fs::File::create(backend.data_inside().join("filler")).unwrap();
    let full = (0..).find_map(|_| file.write_all(&[7; 4096]).err()).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

fn free(backend: &Backend) {
    std::fs::remove_file(backend.data_inside().join("filler")).unwrap();
}

/// A rule of 60 KiB, most of it a comment.
fn large_rule(nth: usize) -> serde_json::Value {
    let expression = format!("when {{ a }} always {{ b }} // {}", "x".repeat(60_000));
    json!({"id": format!("large{nth}"), "name": format!("large {nth}"), "expression": expression})
}

#[test]
fn rules_are_refused_while_the_disk_is_full_and_nothing_has_changed() {
    let backend = Setup::new().disk("24m").start();
    assert_eq!(backend.get("/v1/ready").status, 200);
    fill(&backend);
    let ready = backend.get("/v1/ready").expect(503);
    assert_eq!(ready["status"], "UNHEALTHY");
    assert!(ready["metadata"]["data"].as_str().unwrap().contains("No space left"), "{ready}");
    assert_eq!(backend.get("/v1/health").status, 200);

    let refused = (0..200).find(|nth| match backend.post("/v1/rules", &large_rule(*nth)) {
        answer if answer.status == 503 => true,
        answer => !answer.expect(201).is_object(),
    });
    let stored = refused.expect("a full disk takes only so much");
    assert_eq!(backend.post("/v1/rules", &large_rule(stored)).expect(503)["code"], 14);
    let ids = |backend: &Backend| {
        let rules = backend.get("/v1/rules").expect(200)["rules"].as_array().unwrap().clone();
        rules.iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let expected = (0..stored).map(|nth| format!("large{nth}")).collect::<BTreeSet<_>>();
    assert_eq!(ids(&backend), expected);
    assert_eq!(backend.get("/v1/violations").expect(200)["totalCount"], 0);

    free(&backend);
    backend.post("/v1/rules", &large_rule(stored)).expect(201);
    assert_eq!(ids(&backend).len(), stored + 1);
    assert_eq!(backend.get("/v1/ready").status, 200);
    assert!(!backend.log().contains("panicked"), "{}", backend.log());
}

#[test]
fn what_was_found_while_the_disk_was_full_is_stored_once_when_there_is_room() {
    let backend = Setup::new().disk("48m").set("BETRACE_BUFFER_MIB", 4).start();
    backend.rule("r", "when { a } always { b }");
    fill(&backend);
    // Large ones, for which the file has to grow; until there is no room for more.
    let attributes: Vec<_> =
        (0..100).map(|nth| attribute(&format!("k{nth}"), Value::StringValue("v".repeat(4000)))).collect();
    let mut taken = BTreeSet::new();
    eventually("spans are refused", || {
        let trace = trace_id();
        let mut spans = vec![span(&trace, 1, "a")];
        spans[0].attributes.clone_from(&attributes);
        match backend.export(&otlp("shop", spans)).status {
            200 => {
                taken.insert(hex::encode(trace));
                None
            }
            status => {
                assert_eq!(status, 503);
                Some(())
            }
        }
    });
    eventually("it says so", || {
        let data = backend.get("/v1/ready").expect(503)["metadata"]["data"].as_str().unwrap().to_owned();
        (data != "ok" && backend.metric("betrace_store_failures_total") > 0.0).then_some(())
    });
    free(&backend);
    let violations = backend.violations(taken.len() as i64);
    let stored: BTreeSet<_> =
        violations.iter().map(|violation| violation["traceId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(stored, taken);
    let broken = "betrace_violations_total{rule_id=\"r\",severity=\"HIGH\"}";
    assert_eq!(backend.metric(broken), taken.len() as f64);
    eventually("it is well again", || (backend.get("/v1/ready").status == 200).then_some(()));
    assert_eq!(backend.metric("betrace_buffer_spans"), 0.0);
    assert!(!backend.log().contains("panicked"), "{}", backend.log());
}
