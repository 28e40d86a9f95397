//! Services in words, in tables and as data.

use std::time::Duration;

use longshore_deploy::run::{Gate, Mode, Phase, Row, Verdict, Way};
use longshore_stack::model::{Protocol, ServiceKind};
use owo_colors::{OwoColorize, Stream};
use serde_json::{Value, json};

use super::Services;
use crate::report::duration;

/// A service as data.
pub fn row_json(row: &Row, age: Duration) -> Value {
    let ports = row.ports.iter().map(|(name, port)| {
        let gate = row.gates.get(name).map(|gate| gate.address.to_string());
        (name.clone(), json!({ "address": format!("{}:{}", row.address, port.number), "published": gate }))
    });
    json!({
        "service": row.service,
        "kind": row.kind,
        "mode": row.mode,
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
pub(super) fn coloured(phase: Phase, text: &str, stream: Stream) -> String {
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
            let native = (row.mode == Mode::Native).then(|| "native".to_owned());
            let remarks: Vec<_> =
                native.into_iter().chain([detail(row)]).filter(|it| !it.is_empty()).collect();
            [row.service.clone(), state, since, ports, gates.join(" "), remarks.join("; ")]
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
