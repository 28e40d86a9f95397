//! The table for people and the numbers for programs.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Row, said};
use crate::run::Result;

/// What was measured of one thing; the first row is what the others are held against.
pub struct Section {
    pub title: String,
    pub key: &'static str,
    pub rows: Vec<Row>,
    /// What was wanted, and whether it came.
    pub targets: String,
}

/// What was counted and not timed: as it is printed, and for programs.
pub struct Table {
    pub text: String,
    pub data: Vec<Value>,
}

/// Prints the tables, and writes `report.md` and `report.json`.
pub fn write(folder: &Path, sections: &[Section], tables: &[Table]) -> Result {
    let mut text = String::new();
    let mut data = Vec::new();
    for Section { title, key, rows, targets } in sections {
        let _ = write!(
            text,
            "\n{title}\n\n| | wall | CPU | memory | against the first |\n| --- | --- | --- | --- | --- |\n",
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
                "case": key, "row": row.name, "wall_s": wall, "wall_min_s": least, "wall_max_s": most,
                "cpu_s": cpu, "memory_bytes": memory, "against_first": ratio,
            }));
        }
        text += targets;
    }
    for table in tables {
        text += &table.text;
        data.extend(table.data.clone());
    }
    println!("{text}");
    fs::create_dir_all(folder).map_err(|error| said(folder, &error))?;
    save(&folder.join("report.md"), text.trim_start())?;
    save(&folder.join("report.json"), &format!("{:#}\n", Value::Array(data)))
}

/// Median seconds of the row called `name`.
pub fn wall(rows: &[Row], name: &str) -> f64 {
    let row = rows.iter().find(|row| row.name == name);
    row.map_or(f64::NAN, |row| row.runs.figure(|run| run.wall).0)
}

/// How a target is spoken of.
pub fn target(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// What was wanted of images from packages, and whether it came.
pub fn targets(rows: &[Row]) -> String {
    let wall = |name: &str| wall(rows, name);
    let best = wall("mmdebstrap + umoci").min(wall("mmdebstrap + buildah"));
    let times = best / wall("longshore, cold");
    format!(
        "\ncold {times:.1} × as fast as the best of the others (target 3: {}) · no-op under 100 ms: {} · one file under 500 ms: {}\n",
        target(times >= 3.0),
        target(wall("longshore, no-op") < 0.1),
        target(wall("longshore, one file") < 0.5),
    )
}

fn save(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| said(path, &error))
}
