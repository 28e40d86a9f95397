//! What rules say of traces.

mod support;

use betrace_language::{Breach, Clause, Rule, Verdict};
use support::{Owned, TestSpan, TestTrace};

/// `expected` is `-` for a rule that does not apply, `kept`, `always` or `never`.
#[track_caller]
fn check(rule: &str, trace: &str, expected: &str) {
    check_trace(rule, &TestTrace::from_json(trace), expected);
}

#[track_caller]
fn check_trace(rule: &str, trace: &TestTrace, expected: &str) {
    let parsed: Rule = rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}"));
    let actual = match parsed.judge(trace) {
        Verdict::NotApplicable => "-",
        Verdict::Kept => "kept",
        Verdict::Violated(Breach { clause: Clause::Always, .. }) => "always",
        Verdict::Violated(Breach { clause: Clause::Never, .. }) => "never",
    };
    assert_eq!(actual, expected, "{rule}\nfor {trace:?}");
}

/// Whether a predicate holds for a span `s` whose attribute `x` is this JSON; nothing is a span without it.
#[track_caller]
fn check_where(pred: &str, x: &str, expected: bool) {
    let x = if x.is_empty() { String::new() } else { format!(", \"x\": {x}") };
    check(
        &format!("when {{ s }} always {{ s.where({pred}) }}"),
        &format!("[{{\"name\": \"s\"{x}}}]"),
        if expected { "kept" } else { "always" },
    );
}

#[test]
fn blocks() {
    let always = "when { a } always { b }";
    check(always, "[]", "-");
    check(always, r#"[{"name": "b"}]"#, "-");
    check(always, r#"[{"name": "a"}, {"name": "b"}]"#, "kept");
    check(always, r#"[{"name": "a"}]"#, "always");

    let both = "when { a } never { c } always { b }";
    check(both, r#"[{"name": "a"}, {"name": "b"}]"#, "kept");
    check(both, r#"[{"name": "a"}, {"name": "b"}, {"name": "c"}]"#, "never");
    check(both, r#"[{"name": "a"}, {"name": "c"}]"#, "always");
}

#[test]
fn the_examples_of_the_guide() {
    let ship = "when { order.ship.where(total > 500) } always { label.scan } never { ship.override }";
    check(ship, r#"[{"name": "order.ship", "total": 500}]"#, "-");
    check(ship, r#"[{"name": "order.ship", "total": 501}, {"name": "label.scan"}]"#, "kept");
    check(ship, r#"[{"name": "order.ship", "total": "501"}]"#, "always");
    check(
        ship,
        r#"[{"name": "order.ship", "total": 501}, {"name": "label.scan"}, {"name": "ship.override"}]"#,
        "never",
    );

    let queries = "when { count(db.query) > 0 } always { count(db.query) <= 20 }";
    let spans = |count| format!("[{}]", vec![r#"{"name": "db.query"}"#; count].join(","));
    check(queries, &spans(0), "-");
    check(queries, &spans(20), "kept");
    check(queries, &spans(21), "always");
}

#[test]
fn logic() {
    let trace = r#"[{"name": "t"}]"#;
    // `t` is there and `f` is not.
    for (expr, expected) in [
        ("t and f", false),
        ("t or f", true),
        ("not f", true),
        ("not t", false),
        ("t or f and f", true),
        ("(t or f) and f", false),
        ("not f and f", false),
        ("not (f and f)", true),
        ("not (not t)", true),
        ("f or f or t", true),
        ("t and t and f", false),
    ] {
        check(&format!("when {{ t }} always {{ {expr} }}"), trace, if expected { "kept" } else { "always" });
        check(&format!("when {{ t }} never {{ {expr} }}"), trace, if expected { "never" } else { "kept" });
        check(&format!("when {{ {expr} }} always {{ t }}"), trace, if expected { "kept" } else { "-" });
    }
}

#[test]
fn chained_wheres_are_about_one_span() {
    let rule = "when { a } always { a.where(x == 1).where(y == 2) }";
    check(rule, r#"[{"name": "a", "x": 1}, {"name": "a", "y": 2}]"#, "always");
    check(rule, r#"[{"name": "a", "x": 1}, {"name": "a", "x": 1, "y": 2}]"#, "kept");
    check(
        "when { a } always { a.where(x == 1 and y == 2) }",
        r#"[{"name": "a", "x": 1}, {"name": "a", "y": 2}]"#,
        "always",
    );
}

#[test]
fn counts() {
    let trace = r#"[{"name": "a"}, {"name": "a"}, {"name": "b"}]"#;
    for (expr, expected) in [
        ("count(a) == 2", true),
        ("count(a) != 2", false),
        ("count(a) < 2.5", true),
        ("count(a) > 1e0", true),
        ("count(a) >= count(b)", true),
        ("count(a) == count(b)", false),
        ("count(c) == 0", true),
        ("count(c) < -1", false),
        ("count(\"a\") <= 2", true),
    ] {
        check(&format!("when {{ a }} always {{ {expr} }}"), trace, if expected { "kept" } else { "always" });
    }
}

#[test]
fn numbers_compare_as_numbers() {
    for (pred, x, expected) in [
        ("x > 9", "10", true),
        ("x > 9", "\"10\"", true),
        ("x > 9", "\"1e1\"", true),
        ("x == 10", "10.0", true),
        ("x == 10.0", "10", true),
        ("x == 10", "\"10.0\"", true),
        ("x == - 10", "-10", true),
        ("x == 1e3", "1000", true),
        ("x == 0.1", "\"0.1\"", true),
        ("x >= 5", "\"five\"", false),
        ("x < 5", "\"five\"", false),
        ("x == 5", "\"five\"", false),
        ("x != 5", "\"five\"", true),
        ("x == 1", "true", false),
        ("x < 5", "\"-inf\"", false),
        ("x > 5", "\"infinity\"", false),
        ("x == 5", "\" 5\"", false),
        // 2^53 + 1, which a float can't hold.
        ("x == 9007199254740993", "9007199254740993", true),
        ("x == 9007199254740992", "9007199254740993", false),
        ("x > 9007199254740992.0", "9007199254740993", true),
        ("x == 9007199254740992.0", "9007199254740993", false),
        ("x < 9223372036854775808.0", "9223372036854775807", true),
        ("x >= -9223372036854775808.0", "-9223372036854775808", true),
        ("x < 2.5", "2", true),
        ("x > -2.5", "-2", true),
        ("x < -2.5", "-3", true),
    ] {
        check_where(pred, x, expected);
    }
}

#[test]
fn texts_compare_as_texts() {
    for (pred, x, expected) in [
        ("x == \"a\"", "\"a\"", true),
        ("x == \"a\"", "\"A\"", false),
        ("x != \"a\"", "\"b\"", true),
        ("x < \"b\"", "\"a\"", true),
        ("x < \"10\"", "\"9\"", false),
        ("x == \"500\"", "500", true),
        ("x == \"1.5\"", "1.5", true),
        ("x == \"1\"", "1.0", true),
        ("x == \"true\"", "true", true),
        ("x == \"\\u{e9}\\n\\\"\"", "\"é\\n\\\"\"", true),
        ("x contains \"bc\"", "\"abcd\"", true),
        ("x contains \"bd\"", "\"abcd\"", false),
        ("x contains \"0\"", "500", true),
        ("x contains 0", "500", false),
        ("x matches \"^5\"", "500", true),
        ("x matches \"^5..$\"", "\"500\"", true),
        ("x matches \"0\"", "\"500\"", true),
        ("x matches \"^0\"", "\"500\"", false),
        ("x matches \"\\\\d+\"", "\"a1\"", true),
    ] {
        check_where(pred, x, expected);
    }
}

#[test]
fn booleans_are_booleans_or_their_words() {
    for (pred, x, expected) in [
        ("x == true", "true", true),
        ("x == true", "\"true\"", true),
        ("x == false", "\"false\"", true),
        ("x == true", "\"TRUE\"", false),
        ("x == true", "1", false),
        ("x != true", "1", true),
        ("x != true", "false", true),
        ("x", "true", true),
        ("x", "false", false),
        ("x", "\"false\"", false),
        ("x", "0", true),
        ("x", "\"\"", true),
        ("x", "[]", true),
        ("not x", "false", true),
    ] {
        check_where(pred, x, expected);
    }
}

#[test]
fn lists() {
    for (pred, x, expected) in [
        ("x == 2", "[1, 2]", true),
        ("x != 2", "[1, 2]", false),
        ("x != 3", "[1, 2]", true),
        ("x > 1", "[1, 2]", true),
        ("x > 2", "[1, 2]", false),
        ("x in [2, 3]", "[1, 2]", true),
        ("x in [3, 4]", "[1, 2]", false),
        ("x in [3, 4]", "4", true),
        ("x in [\"a\", 4, true]", "\"4\"", true),
        ("x in [\"a\", 4, true]", "\"b\"", false),
        ("x contains \"a\"", "[\"a\", \"b\"]", true),
        ("x contains \"a\"", "[\"ab\"]", false),
        ("x contains 2", "[1, 2]", true),
        ("x matches \"^b\"", "[\"a\", \"b\"]", true),
        ("x == 1", "[]", false),
    ] {
        check_where(pred, x, expected);
    }
}

#[test]
fn what_is_missing_compares_with_nothing() {
    for pred in [
        "x",
        "x == 1",
        "x != 1",
        "x < 1",
        "x in [1]",
        "x contains \"\"",
        "x matches \"\"",
        "x != \"\"",
        "x != true",
    ] {
        check_where(pred, "", false);
        check_where(&format!("not {pred}"), "", true);
    }
}

#[test]
fn not_a_number_compares_with_nothing() {
    for pred in [
        "x == 1",
        "x != 1",
        "x < 1",
        "x >= 1",
        "x == \"NaN\"",
        "x != \"a\"",
        "x in [1]",
        "x contains \"N\"",
        "x matches \"\"",
    ] {
        let span = TestSpan { name: "s".into(), attributes: [("x".into(), Owned::Float(f64::NAN))].into() };
        check_trace(
            &format!("when {{ s }} never {{ s.where({pred}) }}"),
            &TestTrace::new(vec![span]),
            "kept",
        );
    }
}

#[test]
fn names() {
    let quoted = "when { \"GET /users\" and \"count\" and order-service.v2 } always { a.0.b_c-d }";
    check(
        quoted,
        r#"[{"name": "GET /users"}, {"name": "count"}, {"name": "order-service.v2"}, {"name": "a.0.b_c-d"}]"#,
        "kept",
    );
    let keys = "when { a.where(http.response.status_code >= 500 and \"my key\" and not.quite and \"in\") } never { a }";
    check(
        keys,
        r#"[{"name": "a", "http.response.status_code": 503, "my key": 1, "not.quite": 1, "in": 1}]"#,
        "never",
    );
    check("when{a}always{b}//c", r#"[{"name": "a"}, {"name": "b"}]"#, "kept");
    check(
        "// x }\nwhen { a // b\n} always { b\n.where ( x>-1 ) }",
        r#"[{"name": "a"}, {"name": "b", "x": 0}]"#,
        "kept",
    );
    check("when { orders and nothing and whenever and a.wherever } always { a }", "[]", "-");
}

#[track_caller]
fn breach(rule: &str, trace: &str) -> (Option<usize>, Vec<usize>) {
    match rule.parse::<Rule>().unwrap().judge(&TestTrace::from_json(trace)) {
        Verdict::Violated(breach) => (breach.first, breach.matched),
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn a_breach_names_the_spans() {
    let trace =
        r#"[{"name": "x"}, {"name": "b"}, {"name": "a", "n": 1}, {"name": "a", "n": 2}, {"name": "c"}]"#;
    assert_eq!(breach("when { a.where(n == 2) } never { b }", trace), (Some(3), vec![1, 3]));
    assert_eq!(breach("when { a and not z } always { not c }", trace), (Some(2), vec![2, 3, 4]));
    assert_eq!(breach("when { not z } never { c }", trace), (None, vec![4]));
    assert_eq!(breach("when { not b.where(n == 1) and c } never { a }", trace), (Some(4), vec![2, 3, 4]));
    assert_eq!(breach("when { count(a) > count(b) } always { z }", trace), (Some(1), vec![1, 2, 3]));
    let many = format!("[{}]", vec![r#"{"name": "a"}"#; 250].join(","));
    assert_eq!(breach("when { a } never { a }", &many), (Some(0), (0..100).collect()));
}

#[test]
fn names_and_triggers() {
    #[track_caller]
    fn check(rule: &str, names: &[&str], triggers: Option<&[&str]>) {
        let rule: Rule = rule.parse().unwrap();
        assert_eq!(rule.names().collect::<Vec<_>>(), names);
        assert_eq!(rule.triggers().map(Iterator::collect::<Vec<_>>).as_deref(), triggers);
    }
    check("when { b.where(x) } always { a and count(c) > 1 and b }", &["a", "b", "c"], Some(&["b"]));
    check("when { a or b } always { c }", &["a", "b", "c"], Some(&["a", "b"]));
    check("when { (a or b) and c } always { d }", &["a", "b", "c", "d"], Some(&["c"]));
    check("when { not a } always { b }", &["a", "b"], None);
    check("when { a or not b } always { c }", &["a", "b", "c"], None);
    check("when { a and not b } always { c }", &["a", "b", "c"], Some(&["a"]));
    check("when { count(a) > 0 } always { b }", &["a", "b"], Some(&["a"]));
    check("when { count(a) >= 0 } always { b }", &["a", "b"], None);
    check("when { count(a) > count(c) } always { b }", &["a", "b", "c"], Some(&["a", "c"]));
    check("when { count(a) == count(c) } always { b }", &["a", "b", "c"], None);
}
