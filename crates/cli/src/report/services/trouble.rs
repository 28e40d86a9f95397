//! What is known of services that don't get ready.

use std::time::Duration;

use longshore_deploy::run::log::{Line, Stream as Source, tail};
use longshore_deploy::run::{Phase, Place, Row};
use serde_json::{Value, json};

use super::text::{detail, row_json};
use crate::report::Failure;

/// Last lines of its log that are shown of a service in trouble.
const LAST: usize = 12;

/// A service that doesn't get ready, and what is known of why.
#[derive(Debug)]
pub struct Trouble {
    pub row: Row,
    log: Vec<Line>,
}

impl Trouble {
    /// What is known of `rows`.
    pub fn all(rows: Vec<Row>, place: &Place) -> Result<Vec<Self>, Failure> {
        let one = |row: Row| {
            let log = tail(&place.log(&row.service), LAST).map_err(Failure::Io)?;
            Ok(Self { row, log })
        };
        rows.into_iter().map(one).collect()
    }

    /// For people.
    pub fn as_text(&self) -> String {
        let detail = Some(detail(&self.row)).filter(|detail| !detail.is_empty());
        let mut text = format!("  `{}` is {}", self.row.service, state_words(self.row.phase));
        text += &detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        text.push('\n');
        if let Some(answer) = &self.row.answer {
            text += &format!("  its probe saw: {}\n", answer.line);
        }
        let log = self.log.iter().filter(|line| line.stream != Source::Said);
        text + &log.map(|line| format!("    | {}\n", line.text)).collect::<String>()
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let mut value = row_json(&self.row, Duration::ZERO);
        value["log"] = self.log.iter().map(|line| json!(line.text)).collect();
        value
    }
}

fn state_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Backoff { .. } => "started again and again",
        other => other.name(),
    }
}
