//! Services as they change: a live table on a terminal, lines elsewhere, events with `--json`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use longshore_deploy::run::{Phase, Row};
use owo_colors::Stream;

use super::Services;
use super::text::{coloured, detail, row_json};
use crate::args::Global;
use crate::report::Event;

/// How services are shown as they change.
pub enum View {
    Quiet,
    Events,
    Lines,
    Table { all: MultiProgress, bars: BTreeMap<String, ProgressBar> },
}

impl View {
    /// As the command line and the terminal ask for.
    pub fn new(global: &Global) -> Self {
        match Self::lines(global) {
            Self::Lines if stderr().is_terminal() => {
                Self::Table { all: MultiProgress::new(), bars: BTreeMap::new() }
            }
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
                let age = services.age(row);
                let told = changed || before.map(|before| &before.answer) != Some(&row.answer);
                if told {
                    Event::Service { service: row_json(row, age) }.print();
                }
            }
            // It is running in the same moment.
            Self::Lines if changed && row.phase != Phase::Starting => {
                let detail = Some(detail(row)).filter(|detail| !detail.is_empty());
                let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
                eprintln!("{:>12} {}{detail}", title(row.phase), row.service);
            }
            Self::Lines => {}
            Self::Table { all, bars } => {
                let bar = bars.entry(row.service.clone()).or_insert_with(|| {
                    let style = ProgressStyle::with_template("{prefix}  {elapsed:>5}  {wide_msg}");
                    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
                    all.add(
                        ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style),
                    )
                });
                let width = services.names().map(str::len).max().unwrap_or_default().max(12);
                let state = coloured(row.phase, &format!("{:10}", row.phase.name()), Stream::Stderr);
                bar.set_prefix(format!("{:width$}  {state}", row.service));
                let ports =
                    row.ports.values().map(|port| port.number.to_string()).collect::<Vec<_>>().join(" ");
                bar.set_message(format!("{}:{ports}  {}", row.address, detail(row)));
                bar.reset_elapsed();
                bar.enable_steady_tick(Duration::from_millis(500));
                bar.tick();
            }
        }
    }

    pub(super) fn gone(&mut self, service: &str) {
        if let Self::Table { all, bars } = self
            && let Some(bar) = bars.remove(service)
        {
            bar.finish_and_clear();
            all.remove(&bar);
        }
    }

    /// Leaves what was shown last.
    pub fn end(&mut self) {
        if let Self::Table { bars, .. } = self {
            bars.values().for_each(ProgressBar::abandon);
            bars.clear();
        }
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
