//! From where the grammar gave up to a message for a person. What it wanted there is known from the grammar;
//! `hints` knows what people mean by what they wrote instead.

use pest::error::{Error as Failure, ErrorVariant, InputLocation};

use crate::Error;
use crate::grammar::Rule as Kind;
use crate::hints;
use crate::tokens::Token;

/// A failure: the tokens, which of them is wrong (none at the end), and what may stand in its place.
pub struct Scene<'s> {
    pub source: &'s str,
    pub tokens: &'s [Token<'s>],
    pub at: usize,
    pub expected: &'s [Kind],
}

pub fn diagnose(source: &str, tokens: &[Token<'_>], failure: &Failure<Kind>) -> Error {
    let offset = match failure.location {
        InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
    };
    let expected = match &failure.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        ErrorVariant::CustomError { .. } => &[],
    };
    let at = tokens.iter().position(|token| token.end() > offset).unwrap_or(tokens.len());
    let scene = Scene { source, tokens, at, expected };
    hints::error(&scene).unwrap_or_else(|| scene.error(scene.message()))
}

impl<'s> Scene<'s> {
    pub fn found(&self) -> Option<&Token<'s>> {
        self.tokens.get(self.at)
    }

    /// The token so many before the wrong one, from 1.
    pub fn before(&self, count: usize) -> Option<&Token<'s>> {
        self.tokens.get(self.at.checked_sub(count)?)
    }

    /// The text of the wrong token, nothing at the end.
    pub fn text(&self) -> &'s str {
        self.found().map_or("", |token| token.text)
    }

    pub fn wants(&self, any_of: &[Kind]) -> bool {
        any_of.iter().any(|kind| self.expected.contains(kind))
    }

    pub fn wants_name(&self) -> bool {
        self.wants(&NAMES) || self.wants_attribute()
    }

    pub fn wants_attribute(&self) -> bool {
        self.wants(&ATTRIBUTES)
    }

    pub fn wants_value(&self) -> bool {
        self.wants(&VALUES)
    }

    /// An error that marks the wrong token, or where the text ends.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let end = self.tokens.last().map_or(0, Token::end);
        let range = self.found().map_or(end..end, |token| token.start..token.end());
        Error::new(self.source, range, message)
    }

    /// What was expected and what is there.
    pub fn message(&self) -> String {
        let expected = self.expected_words();
        let after = self.before(1).map_or(String::new(), |token| format!(" after {}", quoted(token.text)));
        let found = self
            .found()
            .map_or("but the rule ends".to_owned(), |token| format!("found {}", quoted(token.text)));
        format!("expected {expected}{after}, {found}")
    }

    fn expected_words(&self) -> String {
        let words = ORDER.iter().filter(|(_, kinds)| self.wants(kinds)).map(|(word, _)| *word);
        let words = words.collect::<Vec<_>>();
        match words.as_slice() {
            [] => "something else".to_owned(),
            [one] => (*one).to_owned(),
            [most @ .., last] => format!("{} or {last}", most.join(", ")),
        }
    }
}

const NAMES: [Kind; 6] = [Kind::name, Kind::spanref, Kind::neg, Kind::conj, Kind::expr, Kind::plain];
const ATTRIBUTES: [Kind; 5] = [Kind::attr, Kind::test, Kind::pneg, Kind::pconj, Kind::pred];
const VALUES: [Kind; 3] = [Kind::literal, Kind::number, Kind::digits];

/// What to call what the grammar wants, in the order in which a message lists it.
const ORDER: [(&str, &[Kind]); 18] = [
    ("`when`", &[Kind::WHEN]),
    ("`{`", &[Kind::OPEN_BRACE]),
    ("a span name", &NAMES),
    ("an attribute", &ATTRIBUTES),
    ("a value", &VALUES),
    ("a comparison", &[Kind::operator, Kind::relop]),
    ("`.where`", &[Kind::DOT_WHERE]),
    ("`count`", &[Kind::counted, Kind::counting, Kind::COUNT]),
    ("`and`", &[Kind::AND]),
    ("`or`", &[Kind::OR]),
    ("`,`", &[Kind::COMMA]),
    ("`(`", &[Kind::OPEN_PAREN]),
    ("`)`", &[Kind::CLOSE_PAREN]),
    ("`]`", &[Kind::CLOSE_BRACKET]),
    ("`}`", &[Kind::CLOSE_BRACE]),
    ("`always`", &[Kind::ALWAYS, Kind::clause]),
    ("`never`", &[Kind::NEVER, Kind::clause]),
    ("the end", &[Kind::EOI]),
];

/// A token within a message, cut where it is long.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let short = text.chars().take(LONGEST).collect::<String>();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("`{short}{dots}`")
}
