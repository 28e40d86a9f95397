//! Violations: looked for, counted, and the oldest of them dropped when there are too many.

use serde_json::{Value, json};

use crate::support::{Backend, Setup, eventually, otlp, span, trace_id};

/// One violation after the other, each of the rules that its spans break.
fn break_rules(backend: &Backend, spans: &[&str]) -> String {
    let before = backend.total();
    let trace = trace_id();
    let sent = (1..).zip(spans).map(|(nth, name)| span(&trace, nth, name)).collect();
    assert_eq!(backend.export(&otlp("shop", sent)).body, b"");
    backend.violations(before + spans.len() as i64);
    hex::encode(trace)
}

fn listed(backend: &Backend, query: &str) -> (Vec<Value>, i64) {
    let list = backend.get(&format!("/v1/violations{query}")).expect(200);
    (list["violations"].as_array().unwrap().clone(), list["totalCount"].as_i64().unwrap())
}

#[test]
fn newest_first_and_by_every_filter() {
    let backend = Setup::new().start();
    for (rule, severity) in [("a", "HIGH"), ("b", "LOW")] {
        let expression = format!("when {{ {rule} }} always {{ z }}");
        let rule = json!({"id": rule, "name": rule, "expression": expression, "severity": severity});
        backend.post("/v1/rules", &rule).expect(201);
    }
    let traces: Vec<String> =
        [&["a"][..], &["b"], &["a", "b"], &["a"]].map(|it| break_rules(&backend, it)).into();
    let (all, total) = listed(&backend, "");
    assert_eq!((all.len(), total), (5, 5));
    let times: Vec<&str> = all.iter().map(|it| it["timestamp"].as_str().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "{times:?}");
    let of =
        |list: &[Value]| list.iter().map(|it| it["traceId"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let expected = [3, 2, 2, 1, 0].map(|nth: usize| traces[nth].clone());
    assert_eq!(of(&all), expected);

    // The times that the violations have: inclusive, exclusive.
    let (from, to) = (times[3], times[0]);
    for (query, count) in [
        ("?ruleId=a".to_owned(), 3),
        ("?rule_id=b".to_owned(), 2),
        ("?ruleId=none".to_owned(), 0),
        ("?severity=LOW".to_owned(), 2),
        (format!("?traceId={}", traces[2]), 2),
        (format!("?traceId={}&ruleId=b", traces[2].to_uppercase()), 1),
        (format!("?startTime={from}"), 4),
        (format!("?endTime={to}"), 4),
        (format!("?startTime={from}&endTime={to}"), 3),
        (format!("?startTime={from}&endTime={to}&severity=HIGH"), 1),
        ("?startTime=2100-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let (list, total) = listed(&backend, &query);
        assert_eq!((list.len(), total), (count, count as i64), "{query}");
    }
    for offset in 0..7 {
        let (page, total) = listed(&backend, &format!("?limit=2&offset={offset}"));
        let rest = &all[offset.min(5)..];
        assert_eq!((page.as_slice(), total), (&rest[..rest.len().min(2)], 5), "{offset}");
    }
    for query in
        ["limit=1001", "limit=-1", "offset=-1", "severity=x", "traceId=12", "startTime=noon", "colour=red"]
    {
        assert_eq!(backend.get(&format!("/v1/violations?{query}")).expect(400)["code"], 3, "{query}");
    }
    assert_eq!(backend.get("/v1/violations/none").expect(404)["code"], 5);

    let stats = backend.get("/v1/violations/stats?buckets=10").expect(200);
    assert_eq!(stats["totalCount"], 5);
    assert_eq!(stats["bySeverity"], json!({"CRITICAL": 0, "HIGH": 3, "MEDIUM": 0, "LOW": 2}));
    let by_rule =
        json!([{"ruleId": "a", "ruleName": "a", "count": 3}, {"ruleId": "b", "ruleName": "b", "count": 2}]);
    assert_eq!(stats["byRule"], by_rule);
    let buckets = stats["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 10);
    assert_eq!(buckets.iter().map(|it| it["count"].as_i64().unwrap()).sum::<i64>(), 5);
    let range = format!("startTime={from}&endTime={to}&buckets=500");
    let stats = backend.get(&format!("/v1/violations/stats?{range}")).expect(200);
    let buckets = stats["buckets"].as_array().unwrap();
    assert_eq!((buckets.len(), &stats["totalCount"]), (500, &json!(3)));
    assert_eq!((&buckets[0]["startTime"], &buckets[0]["count"]), (&json!(from), &json!(1)));
    for bucket in buckets {
        let severities = bucket["bySeverity"].as_object().unwrap().values();
        assert_eq!(severities.map(|it| it.as_i64().unwrap()).sum::<i64>(), bucket["count"].as_i64().unwrap());
    }
    for query in ["buckets=501", "startTime=2030-01-01T00:00:00Z&endTime=2029-01-01T00:00:00Z"] {
        assert_eq!(backend.get(&format!("/v1/violations/stats?{query}")).status, 400, "{query}");
    }
}

#[test]
fn the_oldest_go_when_there_are_too_many() {
    let mut backend = Setup::new().set("BETRACE_MAX_VIOLATIONS", 3).start();
    backend.rule("a", "when { a } always { z }");
    let traces: Vec<String> = (0..3).map(|_| break_rules(&backend, &["a"])).collect();
    let last = hex::encode(trace_id());
    let span = |trace: &str| json!({"traceId": trace, "spanId": "00000000000000aa", "name": "a"});
    backend.post("/v1/spans", &json!({"spans": [span(&last)]})).expect(200);
    backend.wait_judged(4);
    let evicted = "betrace_violations_evicted_total";
    eventually("the oldest is dropped", || (backend.metric(evicted) == 1.0).then_some(()));
    let kept = |backend: &Backend| {
        let (list, total) = listed(backend, "");
        assert_eq!(list.len() as i64, total);
        list.iter().map(|it| it["traceId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = [last.clone(), traces[2].clone(), traces[1].clone()];
    assert_eq!(kept(&backend), expected);
    assert_eq!(backend.get(&format!("/v1/traces/{}", traces[0])).status, 404);
    assert_eq!(backend.get(&format!("/v1/traces/{}", traces[1])).status, 200);
    assert_eq!(backend.metric("betrace_violations_stored"), 3.0);
    backend.restart(&[]);
    assert_eq!(kept(&backend), expected);

    // Many at once, far more than may be kept.
    let many: Vec<Value> = (0..50).map(|_| span(&hex::encode(trace_id()))).collect();
    backend.post("/v1/spans", &json!({"spans": many})).expect(200);
    eventually("all but three are dropped", || (backend.metric(evicted) == 50.0).then_some(()));
    let left = kept(&backend);
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|trace| !expected.contains(trace)));
    backend.restart(&[("BETRACE_MAX_VIOLATIONS", "2")]);
    break_rules_at_capacity(&backend);
    assert_eq!(kept(&backend).len(), 2);
}

/// One more, where the number of them says nothing.
fn break_rules_at_capacity(backend: &Backend) {
    backend.export(&otlp("shop", vec![span(&trace_id(), 1, "a")]));
    eventually("it is stored", || (backend.metric("betrace_violations_stored") == 2.0).then_some(()));
}

#[test]
fn a_trace_while_it_waits_and_after() {
    let mut backend = Setup::new().set("BETRACE_TRACE_SILENCE_MS", 2000).start();
    backend.rule("a", "when { a } always { z }");
    backend.rule("b", "when { b } always { z }");
    let (trace, fine) = (trace_id(), trace_id());
    let path = format!("/v1/traces/{}", hex::encode(&trace));
    let fine_path = format!("/v1/traces/{}", hex::encode(&fine));
    let spans = vec![span(&trace, 2, "b"), span(&trace, 1, "a"), span(&fine, 1, "c")];
    backend.export(&otlp("shop", spans));
    let waiting = backend.get(&path).expect(200);
    assert_eq!((&waiting["complete"], &waiting["violatedRuleIds"]), (&json!(false), &json!([])));
    let names = |trace: &Value| {
        let spans = trace["spans"].as_array().unwrap();
        spans.iter().map(|span| span["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&waiting), ["a", "b"]);
    assert_eq!(names(&backend.get(&fine_path).expect(200)), ["c"]);
    backend.violations(2);
    let judged = backend.get(&path).expect(200);
    assert_eq!((&judged["complete"], &judged["violatedRuleIds"]), (&json!(true), &json!(["a", "b"])));
    assert_eq!(judged["spans"], waiting["spans"]);
    assert_eq!(judged["spans"][0]["serviceName"], "shop");
    eventually("the other is judged", || (backend.get(&fine_path).status == 404).then_some(()));
    backend.restart(&[]);
    assert_eq!(backend.get(&path).expect(200), judged);
    for (id, status) in
        [("xyz", 400), ("00000000000000000000000000000000", 400), ("000000000000000000000000000000aa", 404)]
    {
        assert_eq!(backend.get(&format!("/v1/traces/{id}")).status, status, "{id}");
    }
}
