//! The table for people and the numbers for programs.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Case, Row, said};
use crate::run::Result;

/// Prints the table, and writes `report.md` and `report.json`.
pub fn write(folder: &Path, cases: &[(&Case, usize, Vec<Row>)]) -> Result {
    let mut text = String::new();
    let mut data = Vec::new();
    for (case, packages, rows) in cases {
        let _ = write!(
            text,
            "\n{}: {packages} packages\n\n| | wall | CPU | memory | against cold |\n| --- | --- | --- | --- | --- |\n",
            case.stack
        );
        let cold = rows.first().map_or(f64::NAN, |row| row.runs.figure(|run| run.wall).0);
        for row in rows {
            let (wall, least, most) = row.runs.figure(|run| run.wall);
            let (cpu, ..) = row.runs.figure(|run| run.cpu);
            let (memory, ..) = row.runs.figure(|run| run.memory);
            let ratio = wall / cold;
            let _ = writeln!(
                text,
                "| {} | {:.0} ms [{:.0}, {:.0}] | {:.0} ms | {:.0} MB | {ratio:.2} × |",
                row.name,
                wall * 1e3,
                least * 1e3,
                most * 1e3,
                cpu * 1e3,
                memory / 1e6
            );
            data.push(json!({
                "case": case.package, "row": row.name, "wall_s": wall, "wall_min_s": least, "wall_max_s": most,
                "cpu_s": cpu, "memory_bytes": memory, "against_cold": ratio,
            }));
        }
        text += &targets(rows);
    }
    println!("{text}");
    save(&folder.join("report.md"), text.trim_start())?;
    save(&folder.join("report.json"), &format!("{:#}\n", Value::Array(data)))
}

/// What was wanted, and whether it came.
fn targets(rows: &[Row]) -> String {
    let wall = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.map_or(f64::NAN, |row| row.runs.figure(|run| run.wall).0)
    };
    let best = wall("mmdebstrap + umoci").min(wall("mmdebstrap + buildah"));
    let times = best / wall("longshore, cold");
    let met = |met: bool| if met { "met" } else { "missed" };
    format!(
        "\ncold {times:.1} × as fast as the best of the others (target 3: {}) · no-op under 100 ms: {} · one file under 500 ms: {}\n",
        met(times >= 3.0),
        met(wall("longshore, no-op") < 0.1),
        met(wall("longshore, one file") < 0.5),
    )
}

fn save(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| said(path, &error))
}
