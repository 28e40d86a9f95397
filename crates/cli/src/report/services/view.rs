//! Services as they change: a live table on a terminal, lines elsewhere, events with `--json`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use longshore_deploy::run::{Phase, Row, Used};
use owo_colors::Stream;

use super::Services;
use super::text::{coloured, detail, row_json};
use crate::args::Global;
use crate::report::{Event, bytes};

/// Between two drawings.
const TICK: Duration = Duration::from_millis(500);

/// How services are shown as they change.
pub enum View {
    Quiet,
    Events,
    Lines,
    Table(Table),
}

impl View {
    /// As the command line and the terminal ask for.
    pub fn new(global: &Global) -> Self {
        match Self::lines(global) {
            Self::Lines if stderr().is_terminal() => Self::Table(Table::default()),
            other => other,
        }
    }

    /// The same, but never a table.
    pub fn lines(global: &Global) -> Self {
        match (global.quiet, global.json) {
            (true, _) => Self::Quiet,
            (_, true) => Self::Events,
            _ => Self::Lines,
        }
    }

    pub(super) fn show(&mut self, before: Option<&Row>, row: &Row, services: &Services) {
        let changed = before.map(|before| before.phase) != Some(row.phase);
        match self {
            Self::Quiet => {}
            Self::Events => {
                let told = changed || before.map(|before| &before.answer) != Some(&row.answer);
                if told {
                    Event::Service { service: row_json(row, services.age(row)) }.print();
                }
            }
            // It is running in the same moment.
            Self::Lines if changed && row.phase != Phase::Starting => {
                let detail = Some(detail(row)).filter(|detail| !detail.is_empty());
                let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
                eprintln!("{:>12} {}{detail}", title(row.phase), row.service);
            }
            Self::Lines => {}
            Self::Table(table) => {
                table.width = services.names().map(str::len).max().unwrap_or_default();
                table.show(row, services.age(row));
            }
        }
    }

    pub(super) fn gone(&mut self, service: &str) {
        if let Self::Table(table) = self
            && let Some(shown) = table.rows.remove(service)
        {
            shown.bar.finish_and_clear();
            table.all.remove(&shown.bar);
        }
    }

    /// Whether it shows what services use.
    pub fn has_memory(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// Shows what services use.
    pub fn used(&mut self, used: &BTreeMap<String, Used>) {
        if let Self::Table(table) = self {
            for (service, shown) in &mut table.rows {
                shown.memory = used.get(service).map(|used| used.memory);
                shown.bar.set_message(shown.message());
            }
        }
    }

    /// Leaves what was shown last.
    pub fn end(&mut self) {
        if let Self::Table(table) = self {
            table.rows.values().for_each(|shown| shown.bar.abandon());
            table.rows.clear();
        }
    }
}

/// A line a service, redrawn as time goes on.
#[derive(Default)]
pub struct Table {
    all: MultiProgress,
    rows: BTreeMap<String, Shown>,
    /// Characters of the longest name.
    width: usize,
}

struct Shown {
    bar: ProgressBar,
    row: Row,
    memory: Option<u64>,
}

impl Table {
    fn show(&mut self, row: &Row, age: Duration) {
        let all = &self.all;
        let shown = self.rows.entry(row.service.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix}  {elapsed:>5}  {wide_msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style);
            let bar = all.add(bar);
            bar.enable_steady_tick(TICK);
            Shown { bar, row: row.clone(), memory: None }
        });
        shown.row = row.clone();
        let state = coloured(row.phase, &format!("{:10}", row.phase.name()), Stream::Stderr);
        shown.bar.set_prefix(format!("{:width$}  {state}", row.service, width = self.width));
        shown.bar.set_message(shown.message());
        shown.bar.set_elapsed(age);
        shown.bar.tick();
    }
}

impl Shown {
    fn message(&self) -> String {
        let numbers: Vec<_> = self.row.ports.values().map(|port| port.number.to_string()).collect();
        let place = match numbers.is_empty() {
            true => String::new(),
            false => format!("{}:{}", self.row.address, numbers.join(",")),
        };
        let memory = self.memory.filter(|_| self.row.phase.is_alive()).map(bytes).unwrap_or_default();
        format!("{place:22}  {memory:>8}  {}", detail(&self.row))
    }
}

/// A state as lines begin with it.
fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "Waiting",
        Phase::Starting | Phase::Running => "Starting",
        Phase::Ready => "Ready",
        Phase::Unhealthy => "Unhealthy",
        Phase::Backoff { .. } => "Ended",
        Phase::Stopping { .. } => "Stopping",
        Phase::Stopped => "Stopped",
        Phase::Failed => "Failed",
        Phase::Completed => "Completed",
    }
}
