//! Why a text is no rule, and where.

use std::ops::Range;

use pest::iterators::Pair;

use crate::grammar;

/// A text that is no rule: what is wrong, between which positions, and what to write instead where that is
/// known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub message: String,
    pub hint: Option<String>,
    pub start: Position,
    /// The position after the last character that is wrong.
    pub end: Position,
}

/// A place in a rule's text, both numbers from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Error {
    /// `range` is in bytes of `source`, at borders of characters.
    pub(crate) fn new(source: &str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            start: Position::of(source, range.start),
            end: Position::of(source, range.end),
        }
    }

    pub(crate) fn on(pair: &Pair<'_, grammar::Rule>, message: impl Into<String>) -> Self {
        let span = pair.as_span();
        Self::new(span.get_input(), span.start()..span.end(), message)
    }

    /// Hints repeat parts of the text; one that repeats a screenful helps nobody and is left out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        const LONGEST: usize = 400;
        self.hint = Some(hint.into()).filter(|hint| hint.len() <= LONGEST);
        self
    }
}

impl Position {
    pub(crate) fn of(source: &str, offset: usize) -> Self {
        let before = &source[..offset];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        // A rule's text is at most 64 KiB, so both fit.
        Self {
            line: before.matches('\n').count() as u32 + 1,
            column: before[line..].chars().count() as u32 + 1,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.start.line, self.start.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
