//! What is wrong with a file, and where. Rendering is the binary's business.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Whether a finding stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The stack can't be used.
    Error,
    /// Worth a look.
    Warning,
}

/// A text file that findings point into.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// As it was named to longshore, or relative to the stack file's folder.
    pub path: String,
    /// Its text; empty when it could not be read.
    pub text: Arc<str>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.text.len())
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the work.
    pub severity: Severity,
    /// A stable name: `stack::unknown-key`.
    pub code: &'static str,
    /// What is wrong: names the thing, what was expected and what was found.
    pub message: String,
    /// The file it is in.
    pub source: Source,
    /// Byte range in the file's text; empty at 0 when the file as a whole is meant.
    pub span: Range<usize>,
    /// A few words to stand under the span; may be empty.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// The profiles that have it, where several were looked at and some do not; else empty.
    pub profiles: Vec<String>,
}

impl Diagnostic {
    /// Line and column of its start, both counted from 1; the column counts characters.
    pub fn position(&self) -> (usize, usize) {
        let text = &self.source.text;
        let start = (0..=self.span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        let before = &text[..start.unwrap_or(0)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
        (line, column)
    }
}

impl Diagnostic {
    /// Its message; and whose it is, where not all profiles have it: `… (profile `source`)`.
    pub fn summary(&self) -> String {
        let names = self.profiles.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match self.profiles.len() {
            0 => self.message.clone(),
            1 => format!("{} (profile {names})", self.message),
            _ => format!("{} (profiles {names})", self.message),
        }
    }
}

impl fmt::Display for Diagnostic {
    /// `path:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        match self.source.text.is_empty() {
            true => write!(f, "{}: {}", self.source.path, self.summary()),
            false => write!(f, "{}:{line}:{column}: {}", self.source.path, self.summary()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// Why a stack file was refused: at least one error, and the warnings found on the way; sorted by file and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    /// One finding a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, diagnostic)| {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{diagnostic}")
        })
    }
}

impl std::error::Error for Diagnostics {}

/// The nearest of `names` to `wanted`, when one is near enough to be meant.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wanted.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        // Of equals the first wins, so that the answer does not depend on anything but the order of names.
        .fold(
            None,
            |best: Option<(f64, &str)>, next| {
                if best.is_some_and(|(b, _)| b >= next.0) { best } else { Some(next) }
            },
        )
        .map(|(_, name)| name)
}

/// `did you mean `x`? ` if one is near, then every name that would do.
pub(crate) fn suggestion<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let all = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (nearest(wanted, names.iter().copied()), names.len()) {
        (_, 0) => None,
        (Some(near), 1) => Some(format!("did you mean `{near}`?")),
        (Some(near), _) => Some(format!("did you mean `{near}`? Known here: {all}")),
        (None, _) => Some(format!("known here: {all}")),
    }
}
