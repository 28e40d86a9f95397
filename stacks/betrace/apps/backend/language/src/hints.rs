//! What people mean by what they write instead of a rule: each function knows one habit, and answers with its
//! own error or not at all.

mod comparisons;
mod values;

use crate::diagnose::{Scene, quoted};
use crate::grammar::Rule as Kind;
use crate::print::Quoted;
use crate::{Error, Position};

/// The first that knows better than a list of what was expected; a function is before those that it is an
/// exception to.
pub fn error(scene: &Scene<'_>) -> Option<Error> {
    let habits = [
        quotes,
        comment,
        comparisons::comparison_outside_where,
        comparisons::operator,
        values::number,
        letter_case,
        values::list_in_parentheses,
        values::bare_pattern,
        comparisons::where_on_count,
        comparisons::count_alone,
        comparisons::count_as_name,
        twice_not,
        name_without_quotes,
        values::unquoted_value,
        comparisons::value_first,
        comparisons::no_comparison,
        no_when,
        no_clause,
        empty,
        comma,
        spaced_name,
        unclosed_bracket,
    ];
    habits.iter().find_map(|habit| habit(scene))
}

fn quotes(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found()?;
    let error = match found.kind {
        Kind::unclosed => scene
            .error("this string has no closing quote")
            .hint("a string ends on the line it begins on: `\\n` stands for a new line, `\\\"` for a quote"),
        Kind::single_quoted => {
            let inner = found.text.trim_matches('\'');
            scene.error("strings are in double quotes").hint(format!("write `{}`", Quoted(inner)))
        }
        _ if matches!(found.text, "“" | "”" | "„" | "‘" | "’" | "`") => scene
            .error(format!("{} is no quote here", quoted(found.text)))
            .hint("strings are in double quotes: `\"`"),
        _ => return None,
    };
    Some(error)
}

fn comment(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found()?;
    let next = scene.tokens.get(scene.at + 1).map_or("", |token| token.text);
    let is_comment =
        found.text == "#" || (found.text, next) == ("/", "*") || (found.text, next) == ("-", "-");
    is_comment.then(|| scene.error(scene.message()).hint("a comment starts with `//`"))
}

const WORDS: [&str; 13] = [
    "when", "always", "never", "not", "and", "or", "count", "where", "in", "matches", "contains", "true",
    "false",
];

fn letter_case(scene: &Scene<'_>) -> Option<Error> {
    let lower = scene.text().to_lowercase();
    let is_word = WORDS.contains(&lower.as_str()) && lower != scene.text();
    is_word.then(|| scene.error(scene.message()).hint(format!("write `{lower}` in lower case")))
}

fn twice_not(scene: &Scene<'_>) -> Option<Error> {
    let twice = scene.text() == "not" && scene.before(1).is_some_and(|token| token.text == "not");
    twice.then(|| scene.error(scene.message()).hint("leave out both, or write `not (not …)`"))
}

/// A name that is a word of the language or starts with a digit.
fn name_without_quotes(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found()?;
    let starts_block = scene.tokens.get(scene.at + 1).is_some_and(|token| token.text == "{");
    let is_word = WORDS.contains(&found.text) && !matches!(found.text, "and" | "or") && !starts_block;
    let is_number = found.kind == Kind::numeral && !scene.wants_attribute();
    if !scene.wants_name() || !(is_word || is_number) {
        return None;
    }
    let what = if scene.wants_attribute() { "an attribute" } else { "a span" };
    let hint = format!("for {what} of that name, write `{}`", Quoted(found.text));
    Some(scene.error(scene.message()).hint(hint))
}

fn no_when(scene: &Scene<'_>) -> Option<Error> {
    scene.wants(&[Kind::WHEN]).then(|| {
        scene
            .error("a rule starts with `when`")
            .hint("write `when { … } always { … }` or `when { … } never { … }`")
    })
}

fn no_clause(scene: &Scene<'_>) -> Option<Error> {
    let missing =
        scene.wants(&[Kind::clause, Kind::ALWAYS]) && !scene.wants(&[Kind::EOI]) && scene.found().is_none();
    missing.then(|| {
        scene
            .error("a rule has `always` or `never`, or both")
            .hint("add `always { … }` or `never { … }` after `when { … }`")
    })
}

fn empty(scene: &Scene<'_>) -> Option<Error> {
    let open = scene.before(1)?.text;
    let (what, hint) = match (open, scene.text()) {
        ("{", "}") => ("a block", "name a span that must be there, as in `{ order.ship }`"),
        ("(", ")") if scene.wants_attribute() => {
            ("`.where`", "name an attribute, as in `.where(total > 500)`")
        }
        ("[", "]") => ("a list", "put at least one value in it, as in `[1, 2]`"),
        _ => return None,
    };
    Some(scene.error(format!("{what} can't be empty")).hint(hint))
}

fn comma(scene: &Scene<'_>) -> Option<Error> {
    let between = matches!(scene.text(), "," | ";") && scene.wants(&[Kind::AND]);
    between.then(|| scene.error(scene.message()).hint("conditions are joined by `and` or `or`"))
}

/// A name with spaces, slashes and so on that is not in quotes.
fn spaced_name(scene: &Scene<'_>) -> Option<Error> {
    let (found, name) = (scene.found()?, scene.before(1)?);
    let bracket = |text| matches!(text, "(" | ")" | "{" | "}" | "[" | "]");
    if name.kind != Kind::word
        || !scene.wants(&[Kind::AND])
        || WORDS.contains(&found.text)
        || bracket(found.text)
    {
        return None;
    }
    let rest = &scene.tokens[scene.at..];
    let is_part = |text| !bracket(text) && !WORDS.contains(&text) && text != ".where";
    let count = rest.iter().take_while(|token| is_part(token.text)).count();
    let whole = &scene.source[name.start..rest[count.checked_sub(1)?].end()];
    let fits = whole.len() <= 80 && !whole.contains(['"', '\n']);
    let hint = if fits {
        format!("if it is one name, write `{}`", Quoted(whole))
    } else {
        "put `and` or `or` between names, and quotes around one that has other characters".to_owned()
    };
    Some(scene.error(scene.message()).hint(hint))
}

fn unclosed_bracket(scene: &Scene<'_>) -> Option<Error> {
    let mut open = Vec::new();
    for token in &scene.tokens[..scene.at] {
        match token.text {
            "(" | "{" | "[" => open.push(token),
            ")" | "}" | "]" => _ = open.pop(),
            _ => {}
        }
    }
    let opening = match scene.text() {
        ")" => Some("("),
        "}" => Some("{"),
        "]" => Some("["),
        "" | "always" | "never" => None,
        _ => return None,
    };
    if let Some(opening) = opening.filter(|opening| open.iter().all(|token| token.text != *opening)) {
        let hint = format!("there is no `{opening}` that it closes");
        return Some(scene.error(scene.message()).hint(hint));
    }
    let last = open.last().filter(|last| Some(last.text) != opening)?;
    let Position { line, column } = Position::of(scene.source, last.start);
    let hint = format!("the `{}` at line {line}, column {column} is open", last.text);
    Some(scene.error(scene.message()).hint(hint))
}
