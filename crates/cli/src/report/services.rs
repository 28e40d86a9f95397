//! Services that run: a live table on a terminal, lines elsewhere, events with `--json`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use longshore_deploy::run::log::{Line, Stream as Source, tail};
use longshore_deploy::run::{Gate, Phase, Place, Row, Said, Verdict, Way};
use longshore_stack::model::{Protocol, ServiceKind};
use owo_colors::{OwoColorize, Stream};
use serde_json::{Value, json};

use super::{Event, Failure, duration, print};
use crate::args::Global;

/// Ends in a row after which a service is taken not to get ready.
const HOPELESS: u32 = 5;
/// Last lines of its log that are shown of a service in trouble.
const LAST: usize = 12;

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
            Said::Used(_) | Said::Done | Said::Refused { .. } | Said::OtherVersion | Said::Over => {}
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

/// A service as data.
pub fn row_json(row: &Row, age: Duration) -> Value {
    let ports = row.ports.iter().map(|(name, port)| {
        let gate = row.gates.get(name).map(|gate| gate.address.to_string());
        (name.clone(), json!({ "address": format!("{}:{}", row.address, port.number), "published": gate }))
    });
    json!({
        "service": row.service,
        "kind": row.kind,
        "state": row.phase.name(),
        "seconds": age.as_millis() as f64 / 1000.0,
        "waits_for": row.waits_for,
        "starts": row.run,
        "pid": row.process.map(|(pid, _)| pid),
        "exit": row.exit.map(|exit| exit.to_string()),
        "error": row.why,
        "probe": row.answer.as_ref().map(|answer| json!({
            "healthy": answer.verdict == Verdict::Healthy,
            "answer": answer.line,
        })),
        "ports": ports.collect::<serde_json::Map<_, _>>(),
    })
}

/// What there is to say of a service's state.
pub fn detail(row: &Row) -> String {
    let why = || row.why.clone().or(row.exit.map(|exit| exit.to_string())).unwrap_or_default();
    match row.phase {
        Phase::Waiting if row.waits_for.is_empty() => String::new(),
        Phase::Waiting => format!("for {}", row.waits_for.join(", ")),
        Phase::Running | Phase::Unhealthy => row
            .answer
            .as_ref()
            .filter(|it| it.verdict == Verdict::Unhealthy)
            .map(|it| it.line.clone())
            .unwrap_or_default(),
        Phase::Backoff { .. } => format!("{}; started {}", why(), times(row.run)),
        Phase::Failed => why(),
        Phase::Completed if row.kind == ServiceKind::Service => why(),
        Phase::Starting | Phase::Ready | Phase::Stopping { .. } | Phase::Stopped | Phase::Completed => {
            String::new()
        }
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

/// A state in its colour.
fn coloured(phase: Phase, text: &str, stream: Stream) -> String {
    match phase {
        Phase::Ready | Phase::Completed => text.if_supports_color(stream, |t| t.green()).to_string(),
        Phase::Unhealthy | Phase::Failed => text.if_supports_color(stream, |t| t.red()).to_string(),
        Phase::Backoff { .. } => text.if_supports_color(stream, |t| t.yellow()).to_string(),
        _ => text.to_owned(),
    }
}

/// Where published ports are: `web  http://127.0.0.1:8080`.
pub fn published(services: &Services) -> Vec<String> {
    let gates = services.rows().flat_map(|row| row.gates.iter().map(move |(port, gate)| (row, port, gate)));
    let gates: Vec<(&Row, &String, &Gate)> = gates.collect();
    let width =
        gates.iter().map(|(row, port, _)| row.service.len() + port.len() + 1).max().unwrap_or_default();
    let line = |(row, port, gate): (&Row, &String, &Gate)| {
        let name = format!("{} {port}", row.service);
        let direct = match gate.way {
            Way::Forwarded => "",
            Way::Direct => "  (by itself, on all addresses of this machine)",
        };
        format!("{name:width$}  {}{direct}", address(port, gate))
    };
    gates.into_iter().map(line).collect()
}

fn address(port: &str, gate: &Gate) -> String {
    match gate.protocol {
        Protocol::Udp => format!("{}/udp", gate.address),
        Protocol::Tcp if port.starts_with("http") && !port.starts_with("https") => {
            format!("http://{}", gate.address)
        }
        Protocol::Tcp => gate.address.to_string(),
    }
}

/// A table of all services.
pub fn table(services: &Services) -> String {
    let rows: Vec<[String; 6]> = services
        .rows()
        .map(|row| {
            let ports = row.ports.values().map(|port| port.to_string()).collect::<Vec<_>>().join(" ");
            let ports = if ports.is_empty() { String::new() } else { format!("{} {ports}", row.address) };
            let gates: Vec<String> = row.gates.iter().map(|(port, gate)| address(port, gate)).collect();
            let (state, since) = (row.phase.name().to_owned(), duration(services.age(row)));
            [row.service.clone(), state, since, ports, gates.join(" "), detail(row)]
        })
        .collect();
    let head = ["service", "state", "since", "address", "published", ""].map(str::to_owned);
    columns(&[vec![head], rows].concat())
}

/// Lines with columns as wide as they must be.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width =
        |index: usize| rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|index| width(index).unwrap_or_default()).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

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

    fn show(&mut self, before: Option<&Row>, row: &Row, services: &Services) {
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

    fn gone(&mut self, service: &str) {
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

/// Prints a line of a log.
pub fn log_line(service: &str, width: usize, line: &Line, global: &Global) {
    if global.json {
        print(&log_json(service, line).to_string());
        return;
    }
    let name = format!("{service:width$} |");
    let name = name.if_supports_color(Stream::Stdout, |t| t.cyan()).to_string();
    match line.stream {
        Source::Said => {
            let text = format!("({})", line.text);
            print(&format!("{name} {}", text.if_supports_color(Stream::Stdout, |t| t.dimmed())));
        }
        Source::Out | Source::Err => print(&format!("{name} {}", line.text)),
    }
}

/// A line of a log as data.
pub fn log_json(service: &str, line: &Line) -> Value {
    json!({ "service": service, "time": line.time, "stream": line.stream.mark(), "text": line.text })
}
