//! The table for people and the numbers for programs.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::goal::{Goal, worse};
use super::{Part, Row, machine, read, said};
use crate::run::Result;

/// What was measured of one thing; the first row is what the others are held against.
#[derive(Default)]
pub struct Section {
    pub title: String,
    pub key: &'static str,
    pub rows: Vec<Row>,
    /// What was wanted, and whether it came: in words.
    pub targets: String,
    /// The same as figures.
    pub goals: Vec<Goal>,
    /// Rows of ours, each with one of a peer that does the same.
    pub pairs: Vec<(&'static str, &'static str)>,
    /// What the rows of peers are: scripts for a shell.
    pub commands: Vec<(&'static str, String)>,
}

impl Section {
    fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.title);
        if !self.rows.is_empty() {
            text += "\n| | wall | CPU | memory | output | against the first |\n| --- | --- | --- | --- | --- | --- |\n";
        }
        let cold = self.rows.first().map_or(f64::NAN, |row| row.runs.figure(|run| run.wall).0);
        for row in &self.rows {
            let (wall, least, most) = row.runs.figure(|run| run.wall);
            let (cpu, ..) = row.runs.figure(|run| run.cpu);
            let (memory, ..) = row.runs.figure(|run| run.memory);
            let (output, ..) = row.runs.figure(|run| run.output);
            let spread = format!("{:.0} ms [{:.0}, {:.0}]", wall * 1e3, least * 1e3, most * 1e3);
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} ms | {} | {} | {} |",
                row.name.replace('|', "\\|"),
                known(wall, spread),
                cpu * 1e3,
                known(memory, format!("{:.0} MB", memory / 1e6)),
                known(output, format!("{:.1} MB", output / 1e6)),
                known(wall, format!("{:.2} ×", wall / cold))
            );
        }
        if !self.goals.is_empty() {
            text += "\n| wanted | came | target | |\n| --- | --- | --- | --- |\n";
            text.extend(self.goals.iter().map(Goal::row));
        }
        text + &self.targets
    }

    fn json(&self, part: &str) -> Value {
        let cold = self.rows.first().map_or(f64::NAN, |row| row.runs.figure(|run| run.wall).0);
        let rows = self.rows.iter().map(|row| {
            let (wall, least, most) = row.runs.figure(|run| run.wall);
            let (cpu, ..) = row.runs.figure(|run| run.cpu);
            let (memory, ..) = row.runs.figure(|run| run.memory);
            let (output, ..) = row.runs.figure(|run| run.output);
            json!({
                "row": row.name, "wall_s": wall, "wall_min_s": least, "wall_max_s": most, "cpu_s": cpu,
                "memory_bytes": memory, "output_bytes": output, "against_first": wall / cold,
            })
        });
        let commands = self.commands.iter().map(|(row, script)| json!({ "row": row, "script": script }));
        json!({
            "part": part,
            "case": self.key,
            "title": self.title,
            "rows": rows.collect::<Vec<_>>(),
            "targets": self.targets.trim(),
            "goals": self.goals.iter().map(Goal::json).collect::<Vec<_>>(),
            "worse": worse(&self.rows, &self.pairs),
            "commands": commands.collect::<Vec<_>>(),
            "text": self.text().trim(),
        })
    }
}

/// A figure as it is shown, or that there is none.
fn known(figure: f64, shown: String) -> String {
    if figure.is_nan() { String::from("–") } else { shown }
}

/// Prints the tables.
pub fn print(measured: &[(&str, Vec<Section>)]) {
    let sections = measured.iter().flat_map(|(_, sections)| sections);
    println!("{}", sections.map(Section::text).collect::<String>());
}

/// Writes `report.json`, which it gives: what was measured, and of an earlier report the parts that were not measured now.
pub fn keep(folder: &Path, measured: &[(&str, Vec<Section>)]) -> Result<Value> {
    let file = folder.join("report.json");
    // What can't be read is made anew.
    let earlier = read(&file).ok().and_then(|text| text.parse().ok()).unwrap_or(Value::Null);
    let report = json!({
        "machine": facts(machine::machine()),
        "versions": facts(machine::versions()),
        "sections": merged(&earlier, measured),
    });
    save(&file, &format!("{report:#}\n"))?;
    Ok(report)
}

/// All sections in the order of parts, those of a part of one run.
fn merged(earlier: &Value, measured: &[(&str, Vec<Section>)]) -> Vec<Value> {
    let part = |(name, _): &(&str, Part)| match measured.iter().find(|(of, _)| of == name) {
        Some((_, sections)) => sections.iter().map(|section| section.json(name)).collect(),
        None => {
            let sections = earlier["sections"].as_array().into_iter().flatten();
            sections.filter(|section| section["part"] == *name).cloned().collect::<Vec<_>>()
        }
    };
    Part::ALL.iter().flat_map(part).collect()
}

fn facts(facts: machine::Facts) -> Value {
    facts.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
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

pub fn save(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| said(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_takes_the_place_of_its_part_alone() {
        let section = |part: &str, title: &str| json!({ "part": part, "title": title });
        let earlier = json!({ "sections": [section("nix", "a"), section("pack", "b"), section("pack", "c"), section("gone", "d")] });
        let measured = [
            ("scale", Vec::new()),
            ("pack", vec![Section { title: "new".to_owned(), ..Section::default() }]),
        ];
        let merged = merged(&earlier, &measured);
        let titles: Vec<_> = merged.iter().map(|section| section["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["a", "new"]);
    }
}
