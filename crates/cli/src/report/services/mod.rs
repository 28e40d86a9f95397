//! Services that run, as the supervisor tells of them.

mod logs;
mod text;
mod trouble;
mod view;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_deploy::run::{Phase, Row, Said};
use serde_json::Value;

pub use logs::{log_json, log_line};
use text::row_json;
pub use text::{columns, published, table};
pub use trouble::Trouble;
pub use view::View;

/// Ends in a row after which a service is taken not to get ready.
const HOPELESS: u32 = 5;

/// How all services are, as the supervisor tells it.
#[derive(Default)]
pub struct Services {
    rows: BTreeMap<String, Row>,
    /// When the supervisor began, on this program's clock.
    began: Option<Instant>,
    unbounded: Option<String>,
}

/// What has come of them.
pub enum Outcome {
    /// Not all are ready.
    Pending,
    /// All are, and all jobs ended well.
    Ready,
    /// These don't get ready by themselves.
    Stuck(Vec<Row>),
}

impl Services {
    /// Takes in what is told, and shows it.
    pub fn take(&mut self, said: Said, view: &mut View) {
        match said {
            Said::Stack { now, rows, unbounded, .. } => {
                self.began = Instant::now().checked_sub(now);
                self.unbounded = unbounded;
                for row in rows {
                    self.put(row, view);
                }
            }
            Said::Row { row, .. } => self.put(*row, view),
            Said::Gone { service } => {
                self.rows.remove(&service);
                view.gone(&service);
            }
            Said::Used(_)
            | Said::Done
            | Said::Updated(_)
            | Said::Refused { .. }
            | Said::OtherVersion
            | Said::Over => {}
        }
    }

    fn put(&mut self, row: Row, view: &mut View) {
        let before = self.rows.insert(row.service.clone(), row.clone());
        view.show(before.as_ref(), &row, self);
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// All of them.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// One of them.
    pub fn get(&self, service: &str) -> Option<&Row> {
        self.rows.get(service)
    }

    /// Why their use is not bounded, if it isn't.
    pub fn unbounded(&self) -> Option<&str> {
        self.unbounded.as_deref()
    }

    /// How long a service has been where it is.
    pub fn age(&self, row: &Row) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed().saturating_sub(row.since))
    }

    /// Whether nothing runs and nothing will.
    pub fn is_over(&self) -> bool {
        self.rows().all(|row| row.phase.is_over())
    }

    /// What has come of them.
    pub fn outcome(&self) -> Outcome {
        let stuck: Vec<_> = self.rows().filter(|row| is_stuck(row)).cloned().collect();
        let ready = |row: &Row| matches!(row.phase, Phase::Ready | Phase::Completed);
        match stuck.is_empty() {
            false => Outcome::Stuck(stuck),
            true if !self.rows.is_empty() && self.rows().all(ready) => Outcome::Ready,
            true => Outcome::Pending,
        }
    }

    /// As data.
    pub fn as_json(&self) -> Vec<Value> {
        self.rows().map(|row| row_json(row, self.age(row))).collect()
    }
}

/// Whether a service does not get ready by itself.
pub fn is_stuck(row: &Row) -> bool {
    match row.phase {
        Phase::Failed | Phase::Unhealthy | Phase::Stopped => true,
        Phase::Ready | Phase::Completed => false,
        _ => row.failures >= HOPELESS,
    }
}
