//! A closure that is read already, packed: what other packers make of a folder of the same paths.

use std::process::Command;

use super::super::goal::{Goal, median};
use super::super::measure::Figure::{Cpu, Output, Wall};
use super::super::pack::peers::{self, GZIP, Peers, UMOCI};
use super::super::report::Section;
use super::super::rounds::{Contestant, remove, rounds};
use super::super::{Effort, empty, inputs};
use super::Bench;
use crate::run::{Result, capture, run};

const LAYOUT: &str = "longshore, paths read before";
const IDS: &str = "longshore, diff ids";
const PASS: &str = "a sequential pass in Go";

pub(super) fn section(bench: &Bench<'_>, key: &'static str, effort: Effort) -> Result<Section> {
    let work = &bench.work;
    let (content, seed, layout) = (work.join("content"), work.join("seed"), work.join("layout"));
    empty(&content)?;
    bench.change(0)?;
    inputs(|| capture(&mut bench.longshore("plan")))?;
    remove(&seed)?;
    run(Command::new("cp").arg("--archive").arg("--link").arg(&content).arg(&seed))?;
    let (folder, theirs) = (work.join("folder"), work.join("theirs"));
    let paths = folder.join("nix/store");
    empty(&paths)?;
    let stored = |path: &String| bench.store.folder.join(path.trim_start_matches('/'));
    inputs(|| {
        run(Command::new("cp").arg("--archive").args(bench.closure.paths.iter().map(stored)).arg(&paths))
    })?;

    let peers = Peers::new(work)?;
    let program = peers::digest()?;
    let unpacked = || {
        remove(&content)?;
        remove(&layout)?;
        run(Command::new("cp").arg("--archive").arg("--link").arg(&seed).arg(&content))
    };
    let to_layout = || {
        let mut build = bench.longshore("build");
        build.arg("--output").arg(&layout);
        build
    };
    let pass = || {
        let mut command = Command::new(&program);
        command.arg(&folder);
        command
    };
    let contestants = vec![
        Contestant::new(LAYOUT, to_layout).before(unpacked).writes(&layout),
        Contestant::new(GZIP.0, || peers.command(GZIP, &theirs, &folder, &folder))
            .before(|| empty(&theirs))
            .writes(&theirs),
        Contestant::new(UMOCI.0, || peers.command(UMOCI, &theirs, &folder, &folder))
            .before(|| empty(&theirs))
            .writes(&theirs),
        Contestant::new(IDS, || bench.longshore("build")).before(unpacked),
        Contestant::new(PASS, pass),
    ];
    let rows = rounds(effort, work, contestants)?;
    let a_gigabyte = median(&rows, Cpu, IDS) / (bench.closure.bytes as f64 / 1e9);
    let times = |figure, ours, peer, wanted| Goal::times(&rows, figure, ours, peer, wanted);
    Ok(Section {
        title: format!("{}: packed", bench.title()),
        key,
        goals: vec![
            times(Cpu, LAYOUT, GZIP.0, 3.8),
            times(Wall, LAYOUT, GZIP.0, 6.0),
            times(Output, LAYOUT, GZIP.0, 1.0),
            times(Cpu, LAYOUT, UMOCI.0, 1.3),
            times(Output, LAYOUT, UMOCI.0, 1.0),
            Goal::at_most(format!("{IDS}: CPU for a GB"), a_gigabyte, 1.0, " s"),
            times(Wall, IDS, PASS, 2.5),
        ],
        pairs: vec![(LAYOUT, GZIP.0), (LAYOUT, UMOCI.0), (IDS, PASS)],
        commands: [GZIP, UMOCI].map(|(name, script)| (name, script.to_owned())).into(),
        rows,
        ..Section::default()
    })
}
