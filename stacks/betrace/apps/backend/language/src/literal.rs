//! Strings, numbers, lists and regular expressions as they are written.

use std::ops::Range;

use pest::iterators::Pair;
use regex::RegexBuilder;

use crate::Error;
use crate::ast::{Number, Pattern, Scalar};
use crate::diagnose::quoted;
use crate::grammar::Rule as Kind;

/// What the program of one regular expression may take, and what the cache of its automaton may.
const MAX_PATTERN_BYTES: usize = 1 << 20;

pub enum Literal {
    One(Scalar),
    List(Vec<Scalar>),
}

pub fn literal(node: Pair<'_, Kind>) -> Result<Literal, Error> {
    let it = node.into_inner().next().expect("a literal is something");
    if it.as_rule() != Kind::list {
        return scalar(it).map(Literal::One);
    }
    let mut scalars = Vec::new();
    for element in it.into_inner().filter(|part| part.as_rule() == Kind::literal) {
        let inner = element.into_inner().next().expect("a literal is something");
        if inner.as_rule() == Kind::list {
            return Err(Error::on(&inner, "a list holds no lists"));
        }
        scalars.push(scalar(inner)?);
    }
    Ok(Literal::List(scalars))
}

fn scalar(node: Pair<'_, Kind>) -> Result<Scalar, Error> {
    Ok(match node.as_rule() {
        Kind::string => Scalar::Text(string(&node)?),
        Kind::number => Scalar::Number(number(&node)?),
        boolean => Scalar::Bool(boolean == Kind::TRUE),
    })
}

fn number(node: &Pair<'_, Kind>) -> Result<Number, Error> {
    let text = node.clone().into_inner().map(|part| part.as_str()).collect::<String>();
    let is_float = text.contains(['.', 'e', 'E']);
    match Number::parse(&text) {
        Some(Number::Float(_)) if !is_float => {
            Err(Error::on(node, format!("whole numbers go from {} to {}", i64::MIN, i64::MAX))
                .hint(format!("with a point it is rounded to the nearest number of 64 bits: `{text}.0`")))
        }
        Some(number) => Ok(number),
        None => Err(Error::on(node, "this number is too large")),
    }
}

/// The name of a span or an attribute, from `name` or `attr`.
pub fn name(node: Pair<'_, Kind>) -> Result<String, Error> {
    let it = node.into_inner().next().expect("a name is something");
    if it.as_rule() == Kind::string { string(&it) } else { Ok(it.as_str().to_owned()) }
}

fn string(node: &Pair<'_, Kind>) -> Result<String, Error> {
    let span = node.as_span();
    units(node.as_str())
        .map(|(range, unit)| {
            unit.ok_or_else(|| {
                let escape = &node.as_str()[range.clone()];
                let hint = if escape.starts_with("\\u") {
                    "`\\u{…}` holds the 1 to 6 hexadecimal digits of a character, as in `\\u{e9}`".to_owned()
                } else {
                    format!("write `\\{escape}` for a backslash, as in a regular expression")
                };
                let range = span.start() + range.start..span.start() + range.end;
                Error::new(span.get_input(), range, format!("unknown escape {}", quoted(escape))).hint(hint)
            })
        })
        .collect()
}

/// The characters that a string literal stands for, each with where it is written; `None` for an escape that
/// is none.
fn units(literal: &str) -> impl Iterator<Item = (Range<usize>, Option<char>)> {
    let end = literal.len() - 1;
    let mut start = 1;
    std::iter::from_fn(move || {
        if start == end {
            return None;
        }
        let (length, unit) = unit(&literal[start..end]);
        let range = start..start + length;
        start += length;
        Some((range, unit))
    })
}

fn unit(text: &str) -> (usize, Option<char>) {
    let mut chars = text.chars();
    let first = chars.next().expect("a unit has a character");
    if first != '\\' {
        return (first.len_utf8(), Some(first));
    }
    let escaped = chars.next().expect("a string ends with no backslash");
    let simple = match escaped {
        '"' | '\\' => Some(escaped),
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'u' => return unicode(text),
        _ => None,
    };
    (1 + escaped.len_utf8(), simple)
}

fn unicode(text: &str) -> (usize, Option<char>) {
    let Some((digits, _)) = text.strip_prefix("\\u{").and_then(|rest| rest.split_once('}')) else {
        return (2, None);
    };
    let is_code = (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_code);
    ("\\u{}".len() + digits.len(), code.and_then(char::from_u32))
}

/// Compiles the regular expression that a string literal holds.
pub fn pattern(node: &Pair<'_, Kind>, text: &str) -> Result<Pattern, Error> {
    if let Err(error) = regex_syntax::Parser::new().parse(text) {
        let (range, what) = match &error {
            regex_syntax::Error::Parse(it) => {
                (it.span().start.offset..it.span().end.offset, it.kind().to_string())
            }
            regex_syntax::Error::Translate(it) => {
                (it.span().start.offset..it.span().end.offset, it.kind().to_string())
            }
            other => (0..text.len(), other.to_string()),
        };
        let message = format!("bad regular expression: {what}");
        return Err(Error::new(node.as_span().get_input(), written(node, range), message));
    }
    RegexBuilder::new(text)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build()
        .map(Pattern)
        .map_err(|_| {
            Error::on(node, "this regular expression needs more than 1 MiB")
                .hint("repeat less: `{1000}` is a thousand copies")
        })
}

/// Where in the source the bytes `range` of a string literal's value are written.
fn written(node: &Pair<'_, Kind>, range: Range<usize>) -> Range<usize> {
    let start = node.as_span().start();
    let mut offset = 0;
    let mut written: Option<Range<usize>> = None;
    for (source, unit) in units(node.as_str()) {
        if offset >= range.start && (offset < range.end || written.is_none()) {
            let from = written.map_or(start + source.start, |it| it.start);
            written = Some(from..start + source.end);
        }
        offset += unit.map_or(0, char::len_utf8);
    }
    written.unwrap_or_else(|| {
        let quote = node.as_span().end() - 1;
        quote..quote + 1
    })
}
