//! Without a terminal: a line when a step begins, one when it ends if it took long, and one a minute in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::board::{Kind, Running, Show};
use super::past;
use crate::report::{bytes, duration};

/// What took as long gets a line at its end.
const LONG: Duration = Duration::from_secs(2);
/// Between two lines about a step that runs.
const AGAIN: Duration = Duration::from_secs(60);
/// Many short steps of one verb get no more than a line in this time.
const RARE: Duration = Duration::from_millis(200);

/// Plain lines.
#[derive(Default)]
pub struct Lines {
    last: Option<(&'static str, Instant)>,
    /// How long steps had run when they got their last line, where that was not when they began.
    told: BTreeMap<u64, Duration>,
}

impl Show for Lines {
    fn begun(&mut self, step: &Running) {
        let (verb, what) = step.words();
        let size = match step.kind {
            Kind::Work { bytes, .. } => bytes,
            Kind::Wait { .. } => None,
        };
        let small = size.is_none_or(|size| size < 4 << 20);
        let soon = self.last.is_some_and(|(before, at)| before == verb && at.elapsed() < RARE);
        if !(small && soon) || matches!(step.kind, Kind::Wait { .. }) {
            let size = size.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
            eprintln!("{verb:>12} {what}{size}");
            self.last = Some((verb, Instant::now()));
        }
    }

    fn runs(&mut self, step: &Running) {
        let (time, told) = (step.time(), self.told.get(&step.id).copied().unwrap_or_default());
        if time.saturating_sub(told) >= AGAIN {
            self.told.insert(step.id, time);
            let (verb, what) = step.words();
            let detail = Some(step.detail()).filter(|detail| !detail.is_empty());
            let detail = detail.map(|detail| format!(": {detail:.100}")).unwrap_or_default();
            eprintln!("{verb:>12} {what}, {} so far{detail}", duration(time));
        }
    }

    fn ended(&mut self, step: &Running) {
        self.told.remove(&step.id);
        let time = step.time();
        if let (Kind::Work { verb, what, .. }, true) = (&step.kind, time >= LONG) {
            match step.failed() {
                true => eprintln!("{:>12} {what} after {}", "Failed", duration(time)),
                false => eprintln!("{:>12} {what} in {}", past(verb), duration(time)),
            }
        }
    }

    fn note(&mut self, message: &str) {
        eprintln!("note: {message}");
    }

    fn warn(&mut self, message: &str) {
        eprintln!("warning: {message}");
    }
}
