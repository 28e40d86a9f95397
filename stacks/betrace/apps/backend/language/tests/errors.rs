//! What people read who wrote no rule. The whole of it is in `snapshots/errors__messages.snap`.

use std::fmt::Write;

use betrace_language::{Error, MAX_DEPTH, MAX_LENGTH, MAX_PATTERNS, Rule};

const WRONG: &[(&str, &[&str])] = &[
    (
        "the frame",
        &[
            "",
            "  // nothing\n",
            "a",
            "always { a } when { b }",
            "when",
            "when a",
            "when {",
            "when { }",
            "when { a",
            "when { a }",
            "when { a } // and then?\n",
            "when { a } { b }",
            "when { a } always",
            "when { a } always { b } }",
            "when { a } always { b } always { c }",
            "when { a } never { b } always { c } never { d }",
            "when { a always { b }",
            "when { a and always { b }",
            "WHEN { a } always { b }",
            "when { a } Always { b }",
            "when { a } unless { b }",
        ],
    ),
    (
        "names",
        &[
            "when { count } always { b }",
            "when { in } always { b }",
            "when { not } always { b }",
            "when { a.where(contains == 1) } always { b }",
            "when { GET /users } always { b }",
            "when { payment charge } always { b }",
            "when { a..b } always { b }",
            "when { a. } always { b }",
            "when { 1st } always { b }",
            "when { 'a' } always { b }",
            "when { “a” } always { b }",
            "when { \"a } always { b }",
            "when { a@b } always { b }",
            "when { a, b } always { c }",
        ],
    ),
    (
        "logic",
        &[
            "when { a && b } always { c }",
            "when { a || b } always { c }",
            "when { !a } always { c }",
            "when { a AND b } always { c }",
            "when { not not a } always { c }",
            "when { a and } always { c }",
            "when { (a or b } always { c }",
            "when { a or b) } always { c }",
            "when { () } always { c }",
            "when { a } # note\nalways { c }",
            "when { a } /* note */ always { c }",
        ],
    ),
    (
        "comparisons in the wrong place",
        &[
            "when { a.b > 5 } always { c }",
            "when { order.ship.total >= -0.5 } always { c }",
            "when { a == \"x\" } always { c }",
            "when { http.status in [500, 503] } always { c }",
            "when { \"GET /\" > 5 } always { c }",
            "when { a.where(x).b > 5 } always { c }",
            "when { a.where(x) > 5 } always { c }",
            "when { a.b = 5 } always { c }",
        ],
    ),
    (
        "where",
        &[
            "when { a.where } always { c }",
            "when { a.where x > 5 } always { c }",
            "when { a.where() } always { c }",
            "when { a.where(x > 5 } always { c }",
            "when { a.where(x = 5) } always { c }",
            "when { a.where(x => 5) } always { c }",
            "when { a.where(x <> 5) } always { c }",
            "when { a.where(x =~ \"b\") } always { c }",
            "when { a.where(x === 5) } always { c }",
            "when { a.where(x >< 5) } always { c }",
            "when { a.where(x 5) } always { c }",
            "when { a.where(x >) } always { c }",
            "when { a.where(x > 5, y < 6) } always { c }",
            "when { a.where(x > 5 && y < 6) } always { c }",
            "when { a.where(5 < x) } always { c }",
        ],
    ),
    (
        "values",
        &[
            "when { a.where(x == active) } always { c }",
            "when { a.where(x == True) } always { c }",
            "when { a.where(x == null) } always { c }",
            "when { a.where(x == 'active') } always { c }",
            "when { a.where(x == \"it's) } always { c }",
            "when { a.where(x > 10ms) } always { c }",
            "when { a.where(x > 1_000) } always { c }",
            "when { a.where(x > 1.) } always { c }",
            "when { a.where(x > .5) } always { c }",
            "when { a.where(x > +5) } always { c }",
            "when { a.where(x > -y) } always { c }",
            "when { a.where(x > 1.2.3) } always { c }",
            "when { a.where(x > 9223372036854775808) } always { c }",
            "when { a.where(x > 1e999) } always { c }",
            "when { a.where(x > true) } always { c }",
            "when { a.where(x == [1, 2]) } always { c }",
            "when { a.where(x in 5) } always { c }",
            "when { a.where(x in []) } always { c }",
            "when { a.where(x in [1 2]) } always { c }",
            "when { a.where(x in [1, [2]]) } always { c }",
            "when { a.where(x in [1, 2) } always { c }",
            "when { a.where(x in (1, 2)) } always { c }",
            "when { a.where(x contains [1]) } always { c }",
            "when { a.where(x == \"\\q\") } always { c }",
            "when { a.where(x == \"\\u{110000}\") } always { c }",
            "when { a.where(x == \"\\u00e9\") } always { c }",
        ],
    ),
    (
        "regular expressions",
        &[
            "when { a.where(x matches 5) } always { c }",
            "when { a.where(x matches /b/) } always { c }",
            "when { a.where(x matches \"\\d\") } always { c }",
            "when { a.where(x matches \"a(b\") } always { c }",
            "when { a.where(x matches \"é\\\\d[z-a]\") } always { c }",
            "when { a.where(x matches \"a{2,1}\") } always { c }",
            "when { a.where(x matches \"(?=a)\") } always { c }",
            "when { a.where(x matches \"\\\\p{Nonsense}\") } always { c }",
            "when { a.where(x matches \"*\") } always { c }",
            "when { a.where(x matches \"(?i\") } always { c }",
            "when { a.where(x matches \"(\\\\w{100}){100}\") } always { c }",
        ],
    ),
    (
        "count",
        &[
            "when { count(a) } always { c }",
            "when { count a > 5 } always { c }",
            "when { count() > 5 } always { c }",
            "when { count(a) = 5 } always { c }",
            "when { count(a) > \"5\" } always { c }",
            "when { count(a) in [5] } always { c }",
            "when { count(a) > b } always { c }",
            "when { count(a.where(x)) > 5 } always { c }",
            "when { count(a).where(x) > 5 } always { c }",
            "when { count(a, b) > 5 } always { c }",
        ],
    ),
    (
        "places",
        &[
            "when { a }\n  always {\n\té and ü! }\n",
            "when { \"日本\" and ! }",
            "when { a }\r\nalways { b or or }",
        ],
    ),
];

#[test]
fn messages() {
    let mut all = String::new();
    for (title, sources) in WRONG {
        writeln!(all, "== {title} ==\n").unwrap();
        for source in *sources {
            let error = source.parse::<Rule>().err().unwrap_or_else(|| panic!("{source} is a rule"));
            writeln!(all, "{}\n", marked(source, &error)).unwrap();
        }
    }
    insta::assert_snapshot!(all);
}

/// The line that is wrong, what is wrong in it, and why.
fn marked(source: &str, error: &Error) -> String {
    let line = source.split('\n').nth(error.start.line as usize - 1).unwrap();
    let line_end = line.chars().count() as u32 + 1;
    let end = if error.end.line > error.start.line { line_end } else { error.end.column };
    let indent = " ".repeat(error.start.column as usize - 1);
    let marks = "^".repeat((end - error.start.column).max(1) as usize);
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("\n  hint: {hint}"));
    let place = format!("{}:{}", error.start.line, error.start.column);
    format!("{}\n{indent}{marks} {place}\n  {}{hint}", line.replace(['\t', '\r'], " "), error.message)
}

#[test]
fn an_error_prints_its_place() {
    let error = "when { a }\nalways { b && c }".parse::<Rule>().unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 12: unknown operator `&&` (write `and`)");
}

#[test]
fn depth_is_limited_before_anything_recurses() {
    let nested =
        |depth: usize| format!("when {{ {}a{} }} always {{ b }}", "(".repeat(depth), ")".repeat(depth));
    assert!(nested(MAX_DEPTH - 1).parse::<Rule>().is_ok());
    let error = nested(MAX_DEPTH).parse::<Rule>().unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.start.column),
        ("nested more than 64 deep", 8 + MAX_DEPTH as u32 - 1)
    );
    for open in ["(", "{", "[", "when{a.where(", "not(", "count(", "when{a.where(x in ["] {
        let text = open.repeat(MAX_LENGTH / open.len());
        assert!(text.parse::<Rule>().is_err());
        assert!(format!("when {{ a.where(x in {text}").parse::<Rule>().is_err());
    }
}

#[test]
fn length_is_limited() {
    let padded = |length: usize| format!("when {{ a }} always {{ b }}{}", " ".repeat(length - 23));
    assert!(padded(MAX_LENGTH).parse::<Rule>().is_ok());
    let error = padded(MAX_LENGTH + 1).parse::<Rule>().unwrap_err();
    assert_eq!(error.message, "a rule has at most 65536 bytes, and this has 65537");
    assert!("é".repeat(MAX_LENGTH).parse::<Rule>().is_err());
}

#[test]
fn regular_expressions_are_limited() {
    let many =
        |count| format!("when {{ a.where({}) }} always {{ b }}", vec!["x matches \"a\""; count].join(" or "));
    assert!(many(MAX_PATTERNS).parse::<Rule>().is_ok());
    assert_eq!(
        many(MAX_PATTERNS + 1).parse::<Rule>().unwrap_err().message,
        "a rule has at most 32 `matches`"
    );
}
