//! What a comparison is with.

use crate::Error;
use crate::diagnose::{Scene, quoted};
use crate::grammar::Rule as Kind;
use crate::print::Quoted;

pub fn number(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found()?;
    if !scene.wants_value() {
        return None;
    }
    let next = scene.tokens.get(scene.at + 1).filter(|token| token.kind == Kind::numeral);
    match (found.text, found.kind, next) {
        (".", _, Some(next)) => {
            Some(scene.error("a number starts with a digit").hint(format!("write `0.{}`", next.text)))
        }
        ("+", _, Some(next)) => {
            Some(scene.error("a number has no `+`").hint(format!("write `{}`", next.text)))
        }
        (_, Kind::numeral, _) => Some(
            scene
                .error(format!("{} is not a number", quoted(found.text)))
                .hint("numbers are written as `20`, `-3`, `0.25` or `1e6`, without units or separators"),
        ),
        _ => None,
    }
}

pub fn list_in_parentheses(scene: &Scene<'_>) -> Option<Error> {
    let is_list = scene.wants_value() && scene.text() == "(";
    is_list.then(|| scene.error(scene.message()).hint("a list is in brackets, as in `[1, 2]`"))
}

pub fn bare_pattern(scene: &Scene<'_>) -> Option<Error> {
    let after_matches = scene.wants_value() && scene.before(1).is_some_and(|token| token.text == "matches");
    (after_matches && scene.found().is_some())
        .then(|| scene.error(scene.message()).hint("a regular expression is in quotes, as in `\"^5[0-9]\"`"))
}

pub fn unquoted_value(scene: &Scene<'_>) -> Option<Error> {
    let word = scene.found().filter(|token| token.kind == Kind::word && scene.wants_value())?.text;
    let hint = if scene.wants(&[Kind::counting, Kind::COUNT]) {
        format!("write `count({word})` for how many there are")
    } else if matches!(word.to_lowercase().as_str(), "null" | "nil" | "none" | "undefined") {
        "an attribute's name alone asks whether it is there: `a.where(b)`, `a.where(not b)`".to_owned()
    } else {
        format!("write `{}` for the text; an attribute is compared with a fixed value only", Quoted(word))
    };
    Some(scene.error(scene.message()).hint(hint))
}
