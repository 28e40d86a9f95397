//! What holds for every rule, trace and text.

mod model;
mod support;

use std::collections::BTreeSet;

use betrace_language::{MAX_PATTERNS, Rule, Verdict};
use model::{Writer, eval, strategies};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use support::TestTrace;

/// Rules come with more `matches` than allowed once in a blue moon; that is another test's.
fn parse(text: &str) -> Result<Rule, TestCaseError> {
    if text.matches(" matches ").count() > MAX_PATTERNS {
        return Err(TestCaseError::reject("too many regular expressions"));
    }
    text.parse().map_err(|error| TestCaseError::fail(format!("{error} in {text}")))
}

/// A text is a rule, which prints as itself, or an error within the text, told in words that are not the
/// grammar's.
fn check_any_text(text: &str) -> Result<(), TestCaseError> {
    let error = match text.parse::<Rule>() {
        Ok(rule) => {
            let printed = rule.to_string();
            prop_assert_eq!(&parse(&printed)?, &rule);
            prop_assert_eq!(parse(&printed)?.to_string(), printed);
            return Ok(());
        }
        Err(error) => error,
    };
    let lines = text.split('\n').map(|line| line.chars().count() as u32 + 1).collect::<Vec<_>>();
    for place in [error.start, error.end] {
        let width = lines.get(place.line as usize - 1);
        prop_assert!(
            width.is_some_and(|width| (1..=*width).contains(&place.column)),
            "{error:?} in {text:?}"
        );
    }
    prop_assert!(error.start <= error.end, "{error:?}");
    prop_assert!(error.message.len() < 500 && error.hint.iter().all(|hint| hint.len() < 500), "{error:?}");
    let message = error.message.split('`').step_by(2).collect::<String>();
    for word in ["something else", "spanref", "pneg", "EOI", "CLOSE"] {
        prop_assert!(!message.contains(word), "{error:?} in {text:?}");
    }
    Ok(())
}

const PIECES: &[&str] = &[
    "when",
    "always",
    "never",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".where",
    ".where(",
    "and",
    "or",
    "not",
    "count",
    "count(",
    "in",
    "matches",
    "contains",
    "true",
    "==",
    "!=",
    "<",
    ">=",
    "=",
    "&&",
    "-",
    "5",
    "1.5e3",
    "10ms",
    "\"a\"",
    "\"a",
    "'a'",
    "\"\\q\"",
    "\"(\"",
    "a",
    "b.c",
    "// d\n",
    "\n",
    "é",
    "#",
    ".",
    "a.where(x > 5)",
    "when { a } always { b }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(512), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_parses_to_the_same(model in strategies::model(), noise in strategies::noise()) {
        let rule = parse(&Writer::write(&model, &noise))?;
        let plain = parse(&Writer::write(&model, &[3]))?;
        prop_assert_eq!(&rule, &plain);
        let printed = rule.to_string();
        prop_assert_eq!(&parse(&printed)?, &rule, "{}", printed);
        prop_assert_eq!(parse(&printed)?.to_string(), printed);
    }

    #[test]
    fn rules_are_equal_when_they_print_the_same(a in strategies::model(), b in strategies::model()) {
        let (a, b) = (parse(&Writer::write(&a, &[3]))?, parse(&Writer::write(&b, &[3]))?);
        prop_assert_eq!(a == b, a.to_string() == b.to_string());
    }

    #[test]
    fn verdicts_are_those_of_the_naive_evaluator(
        model in strategies::model(),
        noise in strategies::noise(),
        traces in vec(strategies::spans(), 1..6),
    ) {
        let text = Writer::write(&model, &noise);
        let rule = parse(&text)?;
        for spans in traces {
            let expected = eval::verdict(&model, &spans);
            let trace = TestTrace::new(spans);
            prop_assert_eq!(rule.judge(&trace), expected, "{} for {:?}", text, trace);
        }
    }

    #[test]
    fn names_and_triggers_are_sound(model in strategies::model(), traces in vec(strategies::spans(), 1..6)) {
        let rule = parse(&Writer::write(&model, &[3]))?;
        let names = rule.names().map(str::to_owned).collect::<BTreeSet<_>>();
        prop_assert_eq!(&names, &eval::names(&model));
        let Some(triggers) = rule.triggers().map(|triggers| triggers.map(str::to_owned).collect::<BTreeSet<_>>()) else {
            return Ok(());
        };
        prop_assert!(triggers.is_subset(&names));
        for spans in traces {
            let trace = TestTrace::new(spans);
            let triggered = trace.spans.iter().any(|span| triggers.contains(&span.name));
            prop_assert!(triggered || rule.judge(&trace) == Verdict::NotApplicable, "{rule} for {trace:?}");
        }
    }

    #[test]
    fn any_text_is_a_rule_or_an_error(text in any::<String>()) {
        check_any_text(&text)?;
    }

    #[test]
    fn any_pieces_are_a_rule_or_an_error(pieces in vec(select(PIECES), 0..30), spaced in any::<bool>()) {
        check_any_text(&pieces.join(if spaced { " " } else { "" }))?;
    }

    #[test]
    fn a_rule_with_a_mistake_is_a_rule_or_an_error(
        model in strategies::model(),
        noise in strategies::noise(),
        mistakes in vec((any::<Index>(), select(PIECES), 0..4_usize), 1..4),
    ) {
        let mut text = Writer::write(&model, &noise).chars().collect::<Vec<_>>();
        for (place, piece, removed) in mistakes {
            let start = place.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars().take(8 - removed));
        }
        check_any_text(&text.into_iter().collect::<String>())?;
    }
}
