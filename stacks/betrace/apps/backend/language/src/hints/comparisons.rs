//! Comparisons: signs of other languages, comparisons in the wrong place or order, and counts.

use crate::Error;
use crate::diagnose::{Scene, quoted};
use crate::grammar::Rule as Kind;
use crate::print::Quoted;

pub fn operator(scene: &Scene<'_>) -> Option<Error> {
    let found =
        scene.found().filter(|token| token.kind == Kind::signs && !COMPARISONS.contains(&token.text))?;
    let hint = match instead(found.text) {
        Some(known) => format!("write `{known}`"),
        None => format!("comparisons are `{}`", COMPARISONS.join("`, `")),
    };
    Some(scene.error(format!("unknown operator {}", quoted(found.text))).hint(hint))
}

const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// What this language has for the signs of others.
fn instead(signs: &str) -> Option<&'static str> {
    Some(match signs {
        "=" | "===" => "==",
        "<>" | "!==" | "=!" | "~=" => "!=",
        "=>" => ">=",
        "=<" => "<=",
        "=~" | "~" => "matches",
        "&&" | "&" => "and",
        "||" | "|" => "or",
        "!" => "not",
        _ => return None,
    })
}

pub fn comparison_outside_where(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found()?;
    let sign = if found.kind == Kind::signs { instead(found.text).unwrap_or(found.text) } else { found.text };
    let compares = COMPARISONS.contains(&sign) || matches!(sign, "in" | "matches" | "contains");
    if !compares || !scene.wants(&[Kind::DOT_WHERE]) {
        return None;
    }
    let name = scene.before(1).filter(|token| token.kind == Kind::word || token.kind == Kind::string);
    let comparison = format!("{sign} {}", operand(scene).unwrap_or("…"));
    let hint = match name.map(|token| (token.text, token.text.rsplit_once('.'))) {
        Some((name, Some((span, attribute)))) if !name.starts_with('"') => {
            format!(
                "for the attribute `{attribute}` of the span `{span}`, write `{span}.where({attribute} {comparison})`"
            )
        }
        Some((name, _)) => {
            format!("write `{name}.where(attribute {comparison})`, or `count({name})` for how many there are")
        }
        None => "move it into the parentheses of `.where(…)`".to_owned(),
    };
    Some(scene.error("attributes are compared inside `.where(…)` only").hint(hint))
}

/// What follows a comparison sign, as it is written.
fn operand<'s>(scene: &Scene<'s>) -> Option<&'s str> {
    let rest = &scene.tokens[scene.at + 1..];
    let length = match rest.first()?.text {
        "[" => rest.iter().position(|token| token.text == "]")? + 1,
        "-" => 2,
        _ => 1,
    };
    let last = rest.get(length - 1)?;
    let is_value = |kind| matches!(kind, Kind::string | Kind::numeral | Kind::word);
    (is_value(last.kind) || last.text == "]").then(|| &scene.source[rest[0].start..last.end()])
}

pub fn value_first(scene: &Scene<'_>) -> Option<Error> {
    let value = scene.found().is_some_and(|token| token.kind == Kind::numeral) && scene.wants_attribute();
    value.then(|| scene.error(scene.message()).hint("the attribute comes first, as in `total > 500`"))
}

pub fn no_comparison(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found().filter(|token| matches!(token.kind, Kind::numeral | Kind::string))?;
    let attribute = scene.before(1)?;
    scene.wants(&[Kind::operator]).then(|| {
        let hint = format!("put a comparison between them, as in `{} == {}`", attribute.text, found.text);
        scene.error(scene.message()).hint(hint)
    })
}

pub fn where_on_count(scene: &Scene<'_>) -> Option<Error> {
    let in_count = scene.before(2).is_some_and(|token| token.text == "(")
        && scene.before(3).is_some_and(|token| token.text == "count");
    let after_count = scene.wants(&[Kind::relop]);
    (scene.text() == ".where" && (in_count || after_count)).then(|| {
        scene
            .error("`count` counts all spans of a name")
            .hint("to ask for one span, write `name.where(…)` without `count`")
    })
}

pub fn count_alone(scene: &Scene<'_>) -> Option<Error> {
    if !scene.wants(&[Kind::relop]) {
        return None;
    }
    let name = scene.before(2).map_or("…", |token| token.text);
    Some(
        scene
            .error(scene.message())
            .hint(format!("a count is a number: write `count({name}) > 0`, or only `{name}`")),
    )
}

pub fn count_as_name(scene: &Scene<'_>) -> Option<Error> {
    let count = scene.before(1).filter(|token| token.text == "count")?;
    scene.wants(&[Kind::OPEN_PAREN]).then(|| {
        let hint = format!("write `count(name)`, or `{}` for a span of that name", Quoted(count.text));
        scene.error(scene.message()).hint(hint)
    })
}
