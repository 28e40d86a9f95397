//! The rules that the stack brings, each with a trace that keeps it and one that breaks it.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use betrace_language::{Rule, Verdict};
use serde::Deserialize;
use support::{Owned, TestSpan, TestTrace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    rule: Described,
    keeps: Vec<OwnSpan>,
    breaks: Vec<OwnSpan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    id: String,
    name: String,
    description: String,
    expression: String,
    severity: String,
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OwnSpan {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    start_time: String,
    end_time: String,
    attributes: BTreeMap<String, String>,
    status: String,
    kind: String,
    service_name: String,
}

fn examples() -> Vec<(String, Example)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../rules");
    let files = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let example = |path: std::path::PathBuf| {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs_err::read_to_string(&path).unwrap();
        (stem, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).map(example).collect()
}

/// As the backend sees it: what a span has besides its attributes is among them, under keys of its own.
fn trace(spans: &[OwnSpan]) -> TestTrace {
    let span = |span: &OwnSpan| {
        let (start, end) = times(span);
        let mut attributes = span
            .attributes
            .iter()
            .map(|(key, value)| (key.clone(), Owned::Text(value.clone())))
            .collect::<BTreeMap<_, _>>();
        for (key, value) in
            [("service.name", &span.service_name), ("span.status", &span.status), ("span.kind", &span.kind)]
        {
            attributes.insert(key.to_owned(), Owned::Text(value.clone()));
        }
        attributes.insert("duration_ms".to_owned(), Owned::Float((end - start) as f64 / 1e6));
        TestSpan { name: span.name.clone(), attributes }
    };
    TestTrace::new(spans.iter().map(span).collect())
}

fn times(span: &OwnSpan) -> (i64, i64) {
    (span.start_time.parse().unwrap(), span.end_time.parse().unwrap())
}

#[test]
fn every_example_keeps_and_breaks_its_rule() {
    let examples = examples();
    assert!(examples.len() >= 12, "{} examples", examples.len());
    for (file, Example { rule, keeps, breaks }) in &examples {
        let parsed: Rule = rule.expression.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(parsed.judge(&trace(keeps)), Verdict::Kept, "{file} keeps");
        match parsed.judge(&trace(breaks)) {
            Verdict::Violated(breach) => assert!(breach.first.is_some(), "{file} names no span"),
            verdict => panic!("{file} breaks: {verdict:?}"),
        }
    }
}

#[test]
fn every_example_is_one_that_the_backend_takes() {
    let mut names = BTreeSet::new();
    for (file, Example { rule, keeps, breaks }) in examples() {
        assert_eq!(rule.id, file);
        assert!(names.insert(rule.name.clone()), "{file}: another has this name");
        assert!(
            (1..=256).contains(&rule.name.len()) && (1..=4096).contains(&rule.description.len()),
            "{file}"
        );
        assert!(matches!(rule.severity.as_str(), "CRITICAL" | "HIGH" | "MEDIUM" | "LOW"), "{file}");
        assert!(["reliability", "compliance", "ai-safety"].contains(&rule.tags[0].as_str()), "{file}");
        assert_ne!(keeps[0].trace_id, breaks[0].trace_id, "{file}");
        check_trace(&file, &keeps);
        check_trace(&file, &breaks);
    }
}

fn check_trace(file: &str, spans: &[OwnSpan]) {
    let is_id = |id: &str, digits| {
        id.len() == digits
            && id.bytes().all(|byte| byte.is_ascii_hexdigit())
            && id.bytes().any(|byte| byte != b'0')
    };
    let ids = spans.iter().map(|span| span.span_id.as_str()).collect::<BTreeSet<_>>();
    assert_eq!(ids.len(), spans.len(), "{file}: a span id is there twice");
    for span in spans {
        assert!(is_id(&span.trace_id, 32) && span.trace_id == spans[0].trace_id, "{file}: {}", span.trace_id);
        assert!(is_id(&span.span_id, 16), "{file}: {}", span.span_id);
        assert!(
            span.parent_span_id.is_empty() || ids.contains(span.parent_span_id.as_str()),
            "{file}: {}",
            span.name
        );
        assert!(matches!(span.status.as_str(), "UNSET" | "OK" | "ERROR"), "{file}: {}", span.status);
        assert!(
            matches!(span.kind.as_str(), "INTERNAL" | "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER"),
            "{file}: {}",
            span.kind
        );
        let (start, end) = times(span);
        assert!(start <= end, "{file}: {} ends before it starts", span.name);
    }
}
