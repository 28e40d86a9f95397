//! With `--json`: events, one JSON object a line. `docs/reference/json.md` describes them, and promises them to stay.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::board::{Kind, Running, Show};

/// Between two events about a step that runs.
const AGAIN: Duration = Duration::from_secs(10);

/// What happens.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// A step begins.
    Begin { id: u64, verb: &'a str, what: &'a str, bytes: Option<u64> },
    /// Something can't begin before others are done.
    Waiting {
        id: u64,
        what: &'a str,
        #[serde(rename = "for")]
        on: &'a [String],
    },
    /// A step still runs.
    Running { id: u64, seconds: f64, bytes: u64, detail: Option<String> },
    /// A step or a wait ended.
    End { id: u64, seconds: f64, failed: bool },
    /// A service is in another state, or its health said something else.
    Service {
        #[serde(flatten)]
        service: Value,
    },
    /// Something to know.
    Note { message: &'a str },
    /// Something that is probably wrong; with its place where it is about the stack file.
    Warning {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        diagnostic: Option<Value>,
    },
}

impl Event<'_> {
    /// Prints it.
    pub fn print(&self) {
        // An event holds only strings, numbers and lists.
        eprintln!("{}", serde_json::to_string(self).unwrap_or_default());
    }
}

/// Prints events, and when each running step was last told of.
#[derive(Default)]
pub struct Events {
    told: BTreeMap<u64, Duration>,
}

impl Show for Events {
    fn begun(&mut self, step: &Running) {
        let id = step.id;
        match &step.kind {
            Kind::Work { verb, what, bytes } => Event::Begin { id, verb, what, bytes: *bytes }.print(),
            Kind::Wait { what, on } => Event::Waiting { id, what, on }.print(),
        }
    }

    fn runs(&mut self, step: &Running) {
        let (time, told) = (step.time(), self.told.get(&step.id).copied().unwrap_or_default());
        if time.saturating_sub(told) >= AGAIN {
            self.told.insert(step.id, time);
            let detail = Some(step.detail()).filter(|detail| !detail.is_empty());
            Event::Running { id: step.id, seconds: seconds(time), bytes: step.done(), detail }.print();
        }
    }

    fn ended(&mut self, step: &Running) {
        self.told.remove(&step.id);
        Event::End { id: step.id, seconds: seconds(step.time()), failed: step.failed() }.print();
    }

    fn note(&mut self, message: &str) {
        Event::Note { message }.print();
    }

    fn warn(&mut self, message: &str) {
        Event::Warning { message, diagnostic: None }.print();
    }
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}
