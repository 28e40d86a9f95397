//! What was never packed: to layouts, to diff ids, and with how much memory.

use std::path::Path;
use std::process::Command;

use super::super::goal::{Goal, median};
use super::super::measure::Figure::{Cpu, Memory, Output, Wall};
use super::super::report::Section;
use super::super::rounds::{Contestant, remove, rounds};
use super::super::stack::Stack;
use super::super::{Effort, empty, generated, inputs};
use super::peers::{self, Peers};
use super::tree::Tree;
use crate::run::Result;

const GZIP: &str = "longshore";
const FAST: &str = "longshore fast";
const ZSTD: &str = "longshore zstd";

/// To a layout, with every compression, against everybody.
pub fn section(tree: &Tree, effort: Effort) -> Result<Section> {
    let peers = Peers::new(&tree.work)?;
    let (store, layout, theirs) =
        (tree.work.join("store"), tree.work.join("layout"), tree.work.join("theirs"));
    let mut contestants = Vec::new();
    for (name, compression) in [(GZIP, "default"), (FAST, "fast"), (ZSTD, "zstd")] {
        let (stack, store, layout) = (&tree.stack, &store, &layout);
        let timed = move || stack.layout(store, layout, &["--compression", compression]);
        contestants.push(Contestant::new(name, timed).before(move || stack.unpacked(store)).writes(layout));
    }
    for peer in peers::ALL {
        let (peers, theirs) = (&peers, &theirs);
        let timed = move || peers.command(peer, theirs, &tree.folder, &tree.tar);
        contestants.push(Contestant::new(peer.0, timed).before(move || empty(theirs)).writes(theirs));
    }
    let rows = rounds(effort, &tree.work, contestants)?;
    remove(&store)?;
    let [gzip, pigz, zstd, umoci, buildah, crane] = peers::ALL.map(|(name, _)| name);
    let times = |figure, ours, peer, wanted| Goal::times(&rows, figure, ours, peer, wanted);
    let goals = vec![
        times(Cpu, GZIP, gzip, 3.8),
        times(Wall, GZIP, gzip, 6.0),
        times(Output, GZIP, gzip, 1.0),
        times(Cpu, GZIP, umoci, 1.3),
        times(Output, GZIP, umoci, 1.0),
        times(Cpu, GZIP, buildah, 1.5),
        times(Output, GZIP, buildah, 1.0),
        times(Cpu, GZIP, crane, 1.5),
        times(Output, GZIP, crane, 1.0),
        times(Cpu, FAST, umoci, 2.9),
        times(Cpu, FAST, crane, 2.9),
        times(Wall, ZSTD, zstd, 1.7),
        times(Memory, GZIP, umoci, 1.0),
    ];
    Ok(Section {
        title: tree.title("cold, to a layout"),
        key: "pack-cold",
        goals,
        pairs: vec![
            (GZIP, gzip),
            (GZIP, pigz),
            (GZIP, umoci),
            (GZIP, buildah),
            (GZIP, crane),
            (FAST, umoci),
            (FAST, buildah),
            (FAST, crane),
            (ZSTD, zstd),
        ],
        commands: peers::ALL.map(|(name, script)| (name, script.to_owned())).into(),
        rows,
        ..Section::default()
    })
}

const IDS: &str = "longshore, diff ids";
const PASS: &str = "a sequential pass in Go";

/// To images that an engine here can run, for which the layers' diff ids are enough.
pub fn diff_ids(tree: &Tree, effort: Effort) -> Result<Section> {
    let store = tree.work.join("store");
    let program = peers::digest()?;
    let pass = || {
        let mut command = Command::new(&program);
        command.arg(&tree.folder);
        command
    };
    let contestants = vec![
        Contestant::new(IDS, || tree.stack.longshore(&store, &["build"]))
            .before(|| tree.stack.unpacked(&store)),
        Contestant::new(PASS, pass),
    ];
    let rows = rounds(effort, &tree.work, contestants)?;
    remove(&store)?;
    let a_gigabyte = median(&rows, Cpu, IDS) / (tree.bytes as f64 / 1e9);
    Ok(Section {
        title: tree.title("cold, to images that run"),
        key: "pack-diff-ids",
        goals: vec![
            Goal::at_most(format!("{IDS}: CPU for a GB"), a_gigabyte, 1.0, " s"),
            Goal::times(&rows, Wall, IDS, PASS, 2.5),
        ],
        pairs: vec![(IDS, PASS)],
        commands: vec![(PASS, String::from("digest \"$1\" # benches/digest"))],
        rows,
        ..Section::default()
    })
}

/// The most memory, with an image of 2 GB.
pub fn memory(work: &Path, effort: Effort) -> Result<Section> {
    const NAME: &str = "longshore, a large folder";
    let count = effort.part_of(20_000);
    let stack = folder(work, "memory", count, 100_000)?;
    let (store, layout) = (work.join("store"), work.join("layout"));
    let timed = || stack.layout(&store, &layout, &[]);
    let contestant = Contestant::new(NAME, timed).before(|| stack.unpacked(&store)).writes(&layout);
    let rows = rounds(effort, work, vec![contestant])?;
    let mebibytes = median(&rows, Memory, NAME) / f64::from(1 << 20);
    Ok(Section {
        title: format!("memory: a folder of {count} generated files of 100 kB in one layer"),
        key: "pack-memory",
        goals: vec![Goal::at_most("the most memory", mebibytes, 128.0, " MiB")],
        rows,
        ..Section::default()
    })
}

/// A stack of one folder of generated files, in one layer.
pub fn folder(work: &Path, name: &str, count: u64, size: u64) -> Result<Stack> {
    let stack = Stack::begin(work, name)?;
    inputs(|| generated::folder(&stack.folder.join("files"), SEED, count, size))?;
    stack.lock(include_str!("folder.toml"))?;
    stack.unpack()?;
    Ok(stack)
}

/// Of the files that are generated.
pub const SEED: u64 = 1;
