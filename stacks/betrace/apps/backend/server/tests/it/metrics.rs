//! `/metrics`: text that a scraper reads, with values of what happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Receiver, Setup, eventually, otlp, span, trace_id};

/// Every sample by its name and labels, if the text is as OpenMetrics has it.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut families = BTreeSet::new();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.trim_end_matches("# EOF\n").lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<&str> = comment.splitn(3, ' ').collect();
            match words[..] {
                ["HELP", _, help] => assert!(!help.is_empty(), "{line}"),
                ["TYPE", name, "counter" | "gauge" | "histogram"] => {
                    assert!(families.insert(name.to_owned()), "twice: {line}");
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let name = sample.split('{').next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        let ends = ["", "_total", "_sum", "_count", "_bucket"];
        let family =
            ends.iter().find_map(|end| Some(name.strip_suffix(end)?).filter(|it| families.contains(*it)));
        assert!(family.is_some(), "no type before {line}");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
    }
    samples
}

#[test]
fn every_metric_has_its_real_value() {
    let receiver = Receiver::start();
    receiver.refuse(true);
    let backend = Setup::new().set("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address()).start();
    let answer = backend.get("/metrics");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let before = parse(&answer.text());
    for name in ["betrace_spans_ingested_total", "betrace_rules_active", "betrace_evaluation_seconds_count"] {
        assert_eq!(before[name], 0.0, "{name}");
    }

    backend.rule("r", "when { a } always { b }");
    backend.rule("off", "when { a } always { b }");
    backend.post("/v1/rules/off/disable", &serde_json::Value::Null).expect(200);
    let (broken, fine) = (trace_id(), trace_id());
    let bad = opentelemetry_proto::tonic::trace::v1::Span { trace_id: Vec::new(), ..span(&broken, 3, "a") };
    let spans = vec![span(&broken, 1, "a"), span(&broken, 2, "c"), span(&fine, 1, "c"), bad];
    backend.export(&otlp("shop", spans));
    let waiting = parse(&backend.get("/metrics").text());
    assert_eq!((waiting["betrace_buffer_spans"], waiting["betrace_buffer_traces"]), (3.0, 2.0));
    assert!(waiting["betrace_buffer_bytes"] > 300.0, "{}", waiting["betrace_buffer_bytes"]);
    backend.violations(1);
    backend.export(&otlp("shop", vec![span(&broken, 4, "late")]));
    eventually("it was refused", || (backend.metric("betrace_export_failures_total") > 0.0).then_some(()));
    receiver.refuse(false);
    receiver.wait(1);
    eventually("it is known as sent", || {
        (backend.metric("betrace_violations_exported_total") == 1.0).then_some(())
    });
    backend.wait_judged(2);

    let text = backend.get("/metrics").text();
    let samples = parse(&text);
    for (sample, value) in [
        ("betrace_spans_ingested_total", 3.0),
        ("betrace_spans_dropped_total{reason=\"rejected\"}", 1.0),
        ("betrace_spans_dropped_total{reason=\"late\"}", 1.0),
        ("betrace_traces_evaluated_total{reason=\"silence\"}", 2.0),
        ("betrace_violations_total{rule_id=\"r\",severity=\"HIGH\"}", 1.0),
        ("betrace_violations_stored", 1.0),
        ("betrace_violations_evicted_total", 0.0),
        ("betrace_store_failures_total", 0.0),
        ("betrace_evaluation_seconds_count", 2.0),
        ("betrace_evaluation_seconds_bucket{le=\"+Inf\"}", 2.0),
        ("betrace_verdict_seconds_count", 2.0),
        ("betrace_rules_active", 1.0),
        ("betrace_buffer_spans", 0.0),
        ("betrace_buffer_traces", 0.0),
        ("betrace_buffer_bytes", 0.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample} in {text}");
    }
    assert!(samples["betrace_export_failures_total"] >= 1.0);
    assert!(samples["betrace_evaluation_seconds_sum"] > 0.0);
    assert!(samples["betrace_verdict_seconds_sum"] >= 0.6, "{}", samples["betrace_verdict_seconds_sum"]);
}
