//! How much of what packing takes can't be saved: reading, hashing, compressing, hashing. An example of the crate that packs tells
//! both, without what a whole program does besides.

use std::path::PathBuf;
use std::process::Command;

use super::super::goal::Goal;
use super::super::measure::{Run, Runs};
use super::super::report::Section;
use super::super::rounds::remove;
use super::super::{Effort, Row};
use super::tree::Tree;
use crate::run::{Result, capture, cargo, root, run};

/// A compression: what the example calls it, the row of packing and that of its floor.
const ALL: [(&str, &str, &str); 3] = [
    ("gzip", "packing", "what of it can't be saved"),
    ("fast", "packing, fast", "what of it can't be saved, fast"),
    ("zstd", "packing, zstd", "what of it can't be saved, zstd"),
];

pub fn section(tree: &Tree, effort: Effort) -> Result<Section> {
    let program = program(effort)?;
    let (seed, store) = (tree.work.join("efficiency-seed"), tree.work.join("efficiency-store"));
    let jobs = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let (warm, counted) = effort.rounds();
    let call = |store: &PathBuf, codec: &str, what: &str| {
        measured(Command::new(&program).arg(store).arg(&tree.folder).args([jobs.as_str(), codec, what]))
    };
    let mut runs: [[Vec<Run>; 2]; 3] = Default::default();
    for round in 0..warm + counted {
        for (kind, (codec, ..)) in ALL.iter().enumerate() {
            // With the files in the store and no layer; the first time the files go there.
            let floor = call(&seed, codec, "floor")?;
            remove(&store)?;
            run(Command::new("cp").arg("--archive").arg("--link").arg(&seed).arg(&store))?;
            let packed = call(&store, codec, "40")?;
            if round >= warm {
                runs[kind][0].push(packed);
                runs[kind][1].push(floor);
            }
            eprint!(".");
        }
    }
    eprintln!();
    remove(&seed)?;
    remove(&store)?;
    let (mut rows, mut goals) = (Vec::new(), Vec::new());
    for ((codec, name, of_floor), [packed, floor]) in ALL.into_iter().zip(runs) {
        let (packed, floor) = (Runs::of(packed), Runs::of(floor));
        let cpu = |runs: &Runs| runs.figure(|run| run.cpu).0;
        let percent = cpu(&floor) / cpu(&packed) * 100.0;
        goals.push(Goal::at_least(format!("{codec}: of packing can't be saved"), percent, 92.0, " %"));
        rows.push(Row { name, runs: packed });
        rows.push(Row { name: of_floor, runs: floor });
    }
    Ok(Section { title: tree.title("efficiency"), key: "pack-efficiency", rows, goals, ..Section::default() })
}

/// The example, built as the binary that is shipped; for a trial, the one that is there.
fn program(effort: Effort) -> Result<PathBuf> {
    if effort == Effort::Whole {
        let example =
            ["build", "--profile", "dist", "--package", "longshore-image", "--example", "pack_folder"];
        run(&mut cargo(&example))?;
    }
    Ok(root().join("target/dist/examples/pack_folder"))
}

fn measured(command: &mut Command) -> Result<Run> {
    let text = capture(command)?;
    parse(&text).ok_or_else(|| format!("pack_folder printed `{}`", text.trim()))
}

/// Reads `…: 1.00 s, 1.50 + 0.25 s of processor, …; 90 MiB of memory at most`. A floor has neither the first nor the last.
fn parse(text: &str) -> Option<Run> {
    let (_, figures) = text.lines().next()?.split_once(": ")?;
    let (times, _) = figures.split_once(" s of processor")?;
    let (wall, times) = match times.split_once(" s, ") {
        Some((wall, times)) => (wall.parse().ok()?, times),
        None => (f64::NAN, times),
    };
    let (user, system) = times.split_once(" + ")?;
    let memory = figures.split_once("; ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
    let cpu = user.parse::<f64>().ok()? + system.parse::<f64>().ok()?;
    Some(Run {
        wall,
        cpu,
        memory: memory.map_or(f64::NAN, |mebibytes| mebibytes * f64::from(1 << 20)),
        output: f64::NAN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_example_says_is_read() {
        let packed = parse(
            "10 bytes to 5: 1.00 s, 1.50 + 0.25 s of processor, 0.9 s of it a GB; 2 MiB of memory at most\n",
        )
        .unwrap();
        assert_eq!((packed.wall, packed.cpu, packed.memory), (1.0, 1.75, 2_097_152.0));
        let floor = parse("floor 10 bytes to 5: 1.50 + 0.25 s of processor, 0.9 s of it a GB\n").unwrap();
        assert!(floor.wall.is_nan() && floor.memory.is_nan());
        assert!(parse("nothing").is_none());
    }
}
