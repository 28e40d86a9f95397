//! How many bytes move when stacks are updated, for each way to plan layers: simulated years, real dates and real locks are
//! replayed by `crates/image/examples/replay`. Nothing is timed, and the same tree gives the same figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::report::{Section, target};
use super::{empty, said};
use crate::run::{Result, capture, cargo, root, say};

/// What is simulated: seeds of chance, and the dates as they were.
const WORLDS: [&[&str]; 8] = [
    &["stable", "1"],
    &["stable", "2"],
    &["stable", "3"],
    &["rolling", "1"],
    &["rolling", "2"],
    &["rolling", "3"],
    &["stable", "0", "--trace"],
    &["rolling", "0", "--trace"],
];
/// Longshore's own strategy, and the number of layers at which strategies are held against each other.
const OURS: &str = "stack";
const LAYERS: u64 = 40;
/// Most over what changed that may be pulled, and most of a package's size where it changes alone.
const OVER: f64 = 0.10;
const ALONE: f64 = 1.15;

/// What was counted and not timed: as it is printed, its title first.
struct Table {
    text: String,
}

/// The tables.
pub fn sections(work: &Path) -> Result<Vec<Section>> {
    empty(work)?;
    say("worlds");
    let mut series = worlds(work)?;
    series.extend(folders(&root().join("benches/replay/locks"))?);
    say("replay");
    let mut command =
        cargo(&["run", "--quiet", "--release", "--package", "longshore-image", "--example", "replay", "--"]);
    let output = capture(command.args(&series))?;
    let parse = |line: &str| {
        serde_json::from_str::<Value>(line).map_err(|error| format!("replay wrote `{line}`: {error}"))
    };
    let figures = output.lines().map(parse).collect::<Result<Vec<_>>>()?;
    let mut tables = groups(&figures);
    tables.push(steps(&figures));
    tables.push(single_packages(&figures));
    tables.push(targets(&figures));
    Ok(tables.into_iter().map(Table::section).collect())
}

impl Table {
    fn section(self) -> Section {
        let (title, rest) = self.text.trim_start().split_once('\n').unwrap_or_default();
        Section { title: title.to_owned(), key: "layers", targets: rest.to_owned(), ..Section::default() }
    }
}

/// Writes the simulated series.
fn worlds(work: &Path) -> Result<Vec<PathBuf>> {
    let write = |arguments: &&[&str]| {
        let mut python = Command::new("python3");
        let text = capture(python.arg(root().join("benches/replay/world.py")).args(*arguments))?;
        let path = work.join(format!("{}.json", arguments.join("-").replace("---", "-")));
        fs::write(&path, text).map_err(|error| said(&path, &error))?;
        Ok(path)
    };
    WORLDS.iter().map(write).collect()
}

/// The folders in a folder, sorted.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| said(folder, &error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| said(folder, &error)));
    let mut paths = paths.collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

/// What several series come to with one strategy.
#[derive(Clone, Copy, Default)]
struct Sum {
    series: f64,
    steps: f64,
    stack: f64,
    single: f64,
    ideal_stack: f64,
    ideal_single: f64,
    registry: f64,
    layers: f64,
    reused: f64,
    /// Layers of one image, on average.
    image_layers: f64,
    most: f64,
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The strategy and how many layers it may have.
fn strategy(figures: &Value) -> (u64, &str) {
    (figures["max_layers"].as_u64().unwrap_or(0), text(figures, "strategy"))
}

impl Sum {
    fn of<'a>(figures: impl Iterator<Item = &'a Value>) -> Self {
        figures.fold(Self::default(), |sum, one| Self {
            series: sum.series + 1.0,
            steps: sum.steps + number(one, "/steps"),
            stack: sum.stack + number(one, "/pulled/stack"),
            single: sum.single + number(one, "/pulled/single"),
            ideal_stack: sum.ideal_stack + number(one, "/ideal/stack"),
            ideal_single: sum.ideal_single + number(one, "/ideal/single"),
            registry: sum.registry + number(one, "/registry"),
            layers: sum.layers + number(one, "/layers"),
            reused: sum.reused + number(one, "/reused"),
            image_layers: sum.image_layers
                + number(one, "/layers") / number(one, "/steps") / number(one, "/images"),
            most: sum.most.max(number(one, "/most_layers")),
        })
    }

    /// How much more is pulled than changed, by a host with the whole stack and by those with one image.
    fn over(&self) -> (f64, f64) {
        (self.stack / self.ideal_stack - 1.0, self.single / self.ideal_single - 1.0)
    }
}

/// A table for each group of series.
fn groups(figures: &[Value]) -> Vec<Table> {
    let mut names: Vec<&str> = Vec::new();
    for figures in figures {
        let name = text(figures, "group");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| group(name, figures)).collect()
}

fn group(name: &str, figures: &[Value]) -> Table {
    let own: Vec<_> = figures.iter().filter(|one| text(one, "group") == name).collect();
    let mut order = Vec::new();
    for one in &own {
        if !order.contains(&strategy(one)) {
            order.push(strategy(one));
        }
    }
    let sum = |which| Sum::of(own.iter().copied().filter(|one| strategy(one) == which));
    let all = order.first().map(|first| sum(*first)).unwrap_or_default();
    let mut table = format!(
        "\nLayers, {name}: {} series, {} steps, {:.1} MB change a step on a host with the whole stack and {:.1} MB on those with one image\n\n\
         | strategy, most layers | whole stack, MB a step | over ideal | one image each, MB a step | over ideal | registry, MB | layers reused | layers, mean / most |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        all.series,
        all.steps,
        all.ideal_stack / all.steps / 1e6,
        all.ideal_single / all.steps / 1e6,
    );
    for (layers, strategy) in order {
        let sum = sum((layers, strategy));
        let (stack, single) = sum.over();
        let mean = sum.image_layers / sum.series;
        let _ = writeln!(
            table,
            "| {strategy} {layers} | {:.1} | {:.0} % | {:.1} | {:.0} % | {:.0} | {:.1} % | {mean:.0} / {} |",
            sum.stack / sum.steps / 1e6,
            stack * 100.0,
            sum.single / sum.steps / 1e6,
            single * 100.0,
            sum.registry / sum.series / 1e6,
            sum.reused / sum.layers * 100.0,
            sum.most,
        );
    }
    Table { text: table }
}

/// What a host with the whole stack pulls in each step of the series that are told in few.
fn steps(figures: &[Value]) -> Table {
    let recorded = |one: &&Value| text(one, "group").starts_with("recorded") && strategy(one).0 == LAYERS;
    let own: Vec<_> = figures.iter().filter(recorded).collect();
    let mut names: Vec<_> = own.iter().map(|one| text(one, "series")).collect();
    names.dedup();
    let mut table = String::new();
    for name in names {
        let all: Vec<_> = own.iter().filter(|one| text(one, "series") == name).collect();
        let strategies: Vec<_> = all.iter().map(|one| strategy(one).1).collect();
        let _ = write!(
            table,
            "\nEvery step of {name}, {LAYERS} layers at most: MB on a host with the whole stack\n\n| step | changed | {} |\n| --- | --- |{}\n",
            strategies.join(" | "),
            " --- |".repeat(strategies.len()),
        );
        let count = all.first().and_then(|one| one["each"].as_array()).map_or(0, Vec::len);
        for step in 0..count {
            let of = |one: &Value, what: &str| number(one, &format!("/each/{step}/{what}/stack")) / 1e6;
            let cells: Vec<_> = all.iter().map(|one| format!("{:.2}", of(one, "pulled"))).collect();
            let first = all[0];
            let _ = writeln!(
                table,
                "| {} | {:.2} | {} |",
                text(&first["each"][step], "what"),
                of(first, "bytes"),
                cells.join(" | ")
            );
        }
    }
    Table { text: table }
}

/// What is pulled for one source package alone, in parts of its size.
struct Alone {
    /// Of the steps that are about one, in their order: what, on a host with the whole stack, on those with one image.
    steps: Vec<(String, f64, f64)>,
    /// Of every source package, all sizes as one, then ascending.
    every: (f64, Vec<f64>),
}

impl Alone {
    fn of<'a>(figures: impl Iterator<Item = &'a Value>) -> Self {
        let (mut steps, mut every) = (Vec::new(), Vec::new());
        let (mut bytes, mut pulled) = (0.0, 0.0);
        for one in figures {
            for step in one["only"].as_array().into_iter().flatten() {
                let ratio = |host: &str| {
                    number(step, &format!("/pulled/{host}")) / number(step, &format!("/bytes/{host}"))
                };
                let what = format!("{}: {}", text(one, "series"), text(step, "what"));
                steps.push((what, ratio("stack"), ratio("single")));
            }
            for package in one["alone"].as_array().into_iter().flatten() {
                bytes += number(package, "/0");
                pulled += number(package, "/1");
                every.push(number(package, "/1") / number(package, "/0"));
            }
        }
        every.sort_by(f64::total_cmp);
        Self { steps, every: (pulled / bytes, every) }
    }

    fn median(&self) -> f64 {
        self.every.1.get(self.every.1.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// How many of all are within the target.
    fn within(&self) -> f64 {
        self.every.1.iter().filter(|ratio| **ratio <= ALONE).count() as f64 / self.every.1.len() as f64
    }
}

fn single_packages(figures: &[Value]) -> Table {
    let mut strategies: BTreeMap<&str, Alone> = BTreeMap::new();
    for one in figures.iter().filter(|one| strategy(one).0 == LAYERS || strategy(one).0 < 20) {
        let name = strategy(one).1;
        strategies
            .entry(name)
            .or_insert_with(|| Alone::of(figures.iter().filter(|other| strategy(other) == strategy(one))));
    }
    let steps: Vec<_> = strategies
        .values()
        .next()
        .into_iter()
        .flat_map(|alone| &alone.steps)
        .map(|(what, ..)| what.clone())
        .collect();
    let mut table = format!(
        "\nOne source package changes, {LAYERS} layers at most: bytes of layers with it that are pulled, in parts of its size (host with the whole stack)\n\n\
         | strategy | {} | every one alone: sum | median | at most {ALONE} × |\n| --- |{}\n",
        steps.join(" | "),
        " --- |".repeat(steps.len() + 3),
    );
    for (name, alone) in &strategies {
        let ratios: Vec<_> = alone.steps.iter().map(|(_, stack, _)| format!("{stack:.2}")).collect();
        let (sum, median, within) = (alone.every.0, alone.median(), alone.within());
        let _ = writeln!(
            table,
            "| {name} | {} | {sum:.2} | {median:.2} | {:.0} % |",
            ratios.join(" | "),
            within * 100.0
        );
    }
    Table { text: table }
}

fn targets(figures: &[Value]) -> Table {
    let ours = (LAYERS, OURS);
    let mut text = format!("\nTargets of `{OURS}` at {LAYERS} layers\n\n");
    for start in ["simulated, stable", "simulated, rolling", "recorded"] {
        let own =
            figures.iter().filter(|one| self::text(one, "group").starts_with(start) && strategy(one) == ours);
        let (stack, single) = Sum::of(own).over();
        let _ = writeln!(
            text,
            "- {start}: {:.1} % over ideal on a host with the whole stack, {:.1} % on those with one image (at most {:.0} %: {}, {})",
            stack * 100.0,
            single * 100.0,
            OVER * 100.0,
            target(stack <= OVER),
            target(single <= OVER),
        );
    }
    let moved = |name: &str| {
        let sum = Sum::of(figures.iter().filter(|one| strategy(one) == (LAYERS, name)));
        (sum.stack + sum.single) / 1e9
    };
    let mut others: Vec<_> =
        figures.iter().map(strategy).filter(|(layers, name)| *layers == LAYERS && *name != OURS).collect();
    others.sort_unstable();
    others.dedup();
    let best = others
        .iter()
        .map(|(_, name)| (moved(name), *name))
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .unwrap_or((f64::NAN, ""));
    let own = moved(OURS);
    let _ = writeln!(
        text,
        "- moved in all series: {own:.2} GB; the best of the others, {}: {:.2} GB (fewer than any: {})",
        best.1,
        best.0,
        target(own < best.0)
    );
    let alone = Alone::of(figures.iter().filter(|one| strategy(one) == ours));
    for (what, stack, single) in &alone.steps {
        let _ = writeln!(
            text,
            "- {what}: {stack:.2} × its size on a host with the whole stack, {single:.2} × on those with one image (at most {ALONE}: {}, {})",
            target(*stack <= ALONE),
            target(*single <= ALONE),
        );
    }
    let _ = writeln!(
        text,
        "- every source package alone: {:.2} × of all their sizes, median {:.2} ×, {:.0} % of them at most {ALONE} ×",
        alone.every.0,
        alone.median(),
        alone.within() * 100.0
    );
    Table { text }
}
