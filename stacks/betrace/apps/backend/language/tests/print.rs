//! Rules as text: what is canonical, and which rules are equal.

use betrace_language::Rule;

#[track_caller]
fn check(source: &str, expected: &str) {
    let rule: Rule = source.parse().unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(rule.to_string(), expected);
    assert_eq!(expected.parse::<Rule>().unwrap(), rule);
}

#[test]
fn canonical_text() {
    check("when{a}never{b}", "when { a } never { b }");
    check("when { a } never { b } always { c }", "when { a } always { c } never { b }");
    check("when { ((a)) or (b and c) } always { not (d) }", "when { a or b and c } always { not d }");
    check("when { (a or b) and (c and d) } always { e }", "when { (a or b) and (c and d) } always { e }");
    check(
        "when { a or (b or c) } always { not (not (a or b)) }",
        "when { a or (b or c) } always { not (not (a or b)) }",
    );
    check(
        "when { \"a\" and \"a b\" and \"when\" and \"\" } always { b }",
        "when { a and \"a b\" and \"when\" and \"\" } always { b }",
    );
    check("when { count ( a )>=count(\"b\") } always { b }", "when { count(a) >= count(b) } always { b }");
    check(
        "when { a .where(x==1.50 or y in[1,\"b\",true,- 2e3]).where(not z) } always { b }",
        "when { a.where(x == 1.5 or y in [1, \"b\", true, -2000.0]).where(not z) } always { b }",
    );
    check(
        r#"when { a.where(x matches "\\d\u{2e}\"") } always { b.where(y contains "\t\u{1}é\n") }"#,
        r#"when { a.where(x matches "\\d.\"") } always { b.where(y contains "\t\u{1}é\n") }"#,
    );
}

#[test]
fn what_is_equal() {
    let equal = |a: &str, b: &str| a.parse::<Rule>().unwrap() == b.parse::<Rule>().unwrap();
    assert!(equal("when { a } always { b }", "when{(a)} // c\nalways{\"b\"}"));
    assert!(equal("when { a } always { b } never { c }", "when { a } never { c } always { b }"));
    assert!(equal(
        "when { a.where(x matches \"b\") } always { b }",
        "when { a.where(x matches \"\\u{62}\") } always { b }"
    ));
    for other in [
        "when { b } always { b }",
        "when { a } never { b }",
        "when { a } always { b } never { b }",
        "when { not a } always { b }",
        "when { a.where(x) } always { b }",
        "when { count(a) > 0 } always { b }",
    ] {
        assert!(!equal("when { a } always { b }", other), "{other}");
    }
    assert!(!equal(
        "when { a.where(x matches \"b\") } always { b }",
        "when { a.where(x matches \"c\") } always { b }"
    ));
    assert!(!equal("when { a.where(x == 1) } always { b }", "when { a.where(x == \"1\") } always { b }"));
}
