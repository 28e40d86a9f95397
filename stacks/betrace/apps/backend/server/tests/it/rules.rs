//! Rules: made, changed, listed and taken away, over HTTP.

use betrace_backend::proto;
use prost::Message;
use redb::TableDefinition;
use serde_json::{Value, json};

use crate::support::{Backend, Setup, otlp, span, trace_id};

const GOOD: &str = "when { a } always { b }";

#[test]
fn a_rule_from_beginning_to_end() {
    let mut backend = Setup::new().start();
    let wanted = json!({"name": "one", "expression": GOOD});
    let answer = backend.post("/v1/rules", &wanted);
    let rule = answer.expect(201);
    let id = rule["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/v1/rules/{id}"));
    let expected = json!({"id": id, "name": "one", "description": "", "expression": GOOD, "enabled": true,
        "severity": "MEDIUM", "tags": [], "createdAt": rule["createdAt"], "updatedAt": rule["createdAt"]});
    assert_eq!(rule, expected);
    let path = format!("/v1/rules/{id}");
    assert_eq!(backend.get(&path).expect(200), rule);

    // Either case is read; what is not given is as it is for a new rule, but `enabled`.
    let disabled = backend.post(&format!("{path}/disable"), &Value::Null).expect(200);
    assert_eq!(disabled["enabled"], false);
    let changed = json!({"name": "two", "expression": "when { c } never { d }", "severity": "LOW", "tags": ["t"],
        "description": "why"});
    let put = backend.put(&path, &changed).expect(200);
    assert_eq!(put["createdAt"], rule["createdAt"]);
    assert_ne!(put["updatedAt"], rule["updatedAt"]);
    for (field, value) in changed.as_object().unwrap() {
        assert_eq!(put[field], *value, "{field}");
    }
    assert_eq!(put["enabled"], false);
    assert_eq!(backend.post(&format!("{path}/enable"), &Value::Null).expect(200)["enabled"], true);

    backend.restart(&[]);
    let kept = backend.get(&path).expect(200);
    assert_eq!((&kept["name"], &kept["createdAt"]), (&json!("two"), &rule["createdAt"]));
    let edited = backend.put(&path, &json!({"name": "three", "expression": GOOD})).expect(200);
    assert_eq!((&edited["createdAt"], &edited["enabled"]), (&rule["createdAt"], &json!(true)));
    assert_eq!(backend.delete(&path).expect(200), json!({"success": true}));
    assert_eq!(backend.get(&path).expect(404)["code"], 5);
    backend.restart(&[]);
    assert_eq!(backend.get("/v1/rules").expect(200), json!({"rules": [], "totalCount": 0}));
}

#[test]
fn what_is_no_rule_is_refused_and_changes_nothing() {
    let backend = Setup::new().start();
    backend.rule("there", GOOD);
    let before = backend.get("/v1/rules").expect(200);
    let text = |length: usize| "x".repeat(length);
    let padded = |length: usize| format!("{GOOD}{}", " ".repeat(length - GOOD.len()));
    let tags = |count: usize| (0..count).map(|tag| tag.to_string()).collect::<Vec<_>>();
    let base = json!({"id": "other", "name": "other", "expression": GOOD});
    let cases = [
        ("name", json!(""), json!(text(256))),
        ("name", json!(text(257)), json!("ä".repeat(128))),
        ("description", json!(text(4097)), json!(text(4096))),
        ("expression", json!(""), json!(padded(65536))),
        ("expression", json!(padded(65537)), json!(GOOD)),
        ("expression", json!("when { a.b > 5 } always { c }"), json!(GOOD)),
        ("severity", json!("high"), json!("CRITICAL")),
        ("severity", json!("URGENT"), json!("")),
        ("tags", json!(tags(33)), json!(tags(32))),
        ("tags", json!([""]), json!([text(64)])),
        ("tags", json!([text(65)]), json!([])),
        ("id", json!("a b"), json!("A.b_c-1")),
        ("id", json!(text(65)), json!(text(64))),
        ("id", json!("validate"), json!("validated")),
        ("colour", json!("red"), Value::Null),
    ];
    for (field, bad, good) in cases {
        let mut rule = base.clone();
        rule[field] = bad;
        let failure = backend.post("/v1/rules", &rule).expect(400);
        assert_eq!(failure["code"], 3, "{field}");
        assert!(failure["message"].as_str().unwrap().contains(field), "{field}: {failure}");
        assert_eq!(backend.get("/v1/rules").expect(200), before, "{field}");
        if field != "id" {
            rule.as_object_mut().unwrap().remove("id");
            assert_eq!(backend.put("/v1/rules/there", &rule).expect(400)["code"], 3, "PUT {field}");
            assert_eq!(backend.get("/v1/rules").expect(200), before, "PUT {field}");
            rule["id"] = json!("other");
        }
        rule[field] = good;
        if rule[field].is_null() {
            continue;
        }
        let made = backend.post("/v1/rules", &rule).expect(201);
        backend.delete(&format!("/v1/rules/{}", made["id"].as_str().unwrap())).expect(200);
    }
    let again = json!({"id": "there", "name": "new", "expression": GOOD});
    assert_eq!(backend.post("/v1/rules", &again).expect(409)["code"], 6);
    let same_name = json!({"id": "new", "name": "there by name", "expression": GOOD});
    assert_eq!(backend.post("/v1/rules", &same_name).expect(409)["code"], 6);
    for (method, path) in [
        ("GET", "/v1/rules/none"),
        ("DELETE", "/v1/rules/none"),
        ("POST", "/v1/rules/none/enable"),
        ("POST", "/v1/rules/none/disable"),
        ("PUT", "/v1/rules/none"),
        ("GET", "/v1/nothing"),
    ] {
        let body =
            (method == "PUT").then(|| json!({"name": "n", "expression": GOOD}).to_string().into_bytes());
        let body = body.or((method == "POST").then(Vec::new));
        let failure = backend.call(method, path, &[], body).expect(404);
        assert_eq!(failure["code"], 5, "{method} {path}");
    }
    let unreadable = json!({"name": "n", "expression": GOOD, "enabled": "yes"});
    assert_eq!(backend.post("/v1/rules", &unreadable).expect(400)["code"], 3);
    let body = Some(b"{\"name\"".to_vec());
    assert_eq!(backend.call("POST", "/v1/rules", &[], body).expect(400)["code"], 3);
    assert_eq!(backend.call("PATCH", "/v1/rules/there", &[], Some(Vec::new())).status, 405);
    assert_eq!(backend.get("/v1/rules").expect(200), before);
}

#[test]
fn where_an_expression_is_wrong() {
    let backend = Setup::new().start();
    let validate = |text: &str| backend.post("/v1/rules/validate", &json!({"expression": text})).expect(200);
    let good =
        json!({"valid": true, "error": "", "line": 0, "column": 0, "hint": "", "endLine": 0, "endColumn": 0});
    assert_eq!(validate(GOOD), good);
    let bad = validate("when { a }\nalways { b.c > 5 }");
    assert_eq!((&bad["valid"], &bad["line"], &bad["endLine"]), (&json!(false), &json!(2), &json!(2)));
    assert!(bad["column"].as_i64() >= Some(10), "{bad}");
    assert!(bad["hint"].as_str().unwrap().contains("where"), "{bad}");
    let rule = json!({"name": "n", "expression": "when { a }\nalways { b.c > 5 }"});
    let detail = &backend.post("/v1/rules", &rule).expect(400)["details"][0];
    for field in ["line", "column", "endLine", "endColumn", "hint"] {
        assert_eq!(detail[field], bad[field], "{field}");
    }
    assert_eq!(backend.get("/v1/rules").expect(200)["totalCount"], 0);
}

#[test]
fn lists_are_by_name_and_filtered_and_old_paths_lead_to_them() {
    let backend = Setup::new().start();
    for (name, severity, tags, enabled) in [
        ("c", "HIGH", json!(["x", "y"]), true),
        ("a", "LOW", json!(["x"]), false),
        ("b", "HIGH", json!([]), false),
    ] {
        let rule = json!({"id": name, "name": name, "expression": GOOD, "severity": severity, "tags": tags,
            "enabled": enabled});
        backend.post("/v1/rules", &rule).expect(201);
    }
    let names = |path: &str| {
        let list = backend.get(path).expect(200);
        let rules = list["rules"].as_array().unwrap();
        assert_eq!(list["totalCount"], rules.len(), "{path}");
        rules.iter().map(|rule| rule["name"].as_str().unwrap()).collect::<String>()
    };
    for (query, expected) in [
        ("", "abc"),
        ("?enabledOnly=true", "c"),
        ("?enabled_only=false", "abc"),
        ("?severity=HIGH", "bc"),
        ("?tags=x", "ac"),
        ("?tags=x&tags=y", "c"),
        ("?tags=x&severity=LOW&enabledOnly=true", ""),
    ] {
        for path in ["/v1/rules", "/api/rules", "/api/v1/rules"] {
            assert_eq!(names(&format!("{path}{query}")), expected, "{path}{query}");
        }
    }
    for query in ["?severity=big", "?enabledOnly=perhaps", "?colour=red"] {
        assert_eq!(backend.get(&format!("/v1/rules{query}")).expect(400)["code"], 3, "{query}");
    }
    let rule = json!({"name": "d", "expression": GOOD});
    let id = backend.post("/api/v1/rules", &rule).expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(backend.get(&format!("/api/rules/{id}")).expect(200)["name"], "d");
    assert_eq!(backend.get("/health").expect(200)["status"], "HEALTHY");
    assert_eq!(backend.get("/api/violations").expect(200)["totalCount"], 0);
}

fn breaks(backend: &Backend) {
    let trace = trace_id();
    assert_eq!(backend.export(&otlp("shop", vec![span(&trace, 1, "a")])).status, 200);
}

#[test]
fn only_rules_that_are_enabled_judge() {
    let backend = Setup::new().start();
    backend.rule("r", GOOD);
    backend.post("/v1/rules/r/disable", &Value::Null).expect(200);
    breaks(&backend);
    backend.wait_judged(1);
    assert_eq!((backend.total(), backend.metric("betrace_rules_active")), (0, 0.0));
    backend.post("/v1/rules/r/enable", &Value::Null).expect(200);
    breaks(&backend);
    backend.violations(1);
    // The one that is stored judges, not the one that was.
    backend.put("/v1/rules/r", &json!({"name": "r", "expression": "when { z } always { b }"})).expect(200);
    breaks(&backend);
    backend.wait_judged(3);
    backend.delete("/v1/rules/r").expect(200);
    breaks(&backend);
    backend.wait_judged(4);
    assert_eq!(backend.violations(1)[0]["ruleName"], "r by name");
}

#[test]
fn a_hundred_thousand_rules_are_the_most() {
    const RULES: TableDefinition<&str, &[u8]> = TableDefinition::new("rules");
    let mut backend = Setup::new().start();
    backend.terminate();
    let database = redb::Database::open(backend.data().join("betrace.redb")).unwrap();
    let write = database.begin_write().unwrap();
    for nth in 0..100_000 {
        let rule = proto::Rule {
            id: format!("r{nth}"),
            name: format!("rule {nth}"),
            expression: GOOD.to_owned(),
            enabled: true,
            severity: "LOW".to_owned(),
            ..proto::Rule::default()
        };
        let bytes = rule.encode_to_vec();
        write.open_table(RULES).unwrap().insert(rule.id.as_str(), bytes.as_slice()).unwrap();
    }
    write.commit().unwrap();
    drop(database);
    backend.restart(&[]);
    let rule = json!({"name": "one more", "expression": GOOD});
    assert_eq!(backend.post("/v1/rules", &rule).expect(429)["code"], 8);
    backend.delete("/v1/rules/r5").expect(200);
    backend.post("/v1/rules", &rule).expect(201);
    assert_eq!(backend.metric("betrace_rules_active"), 100_000.0);
}
