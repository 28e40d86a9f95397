//! `./x bench`: longshore against the same images made by hand, its packing against other packers, and its builds against the
//! ecosystems' own commands, each on the same inputs in one run.

mod builds;
mod by_hand;
mod docs;
mod generated;
mod goal;
mod layers;
mod machine;
mod measure;
mod nix;
mod ours;
mod pack;
mod push;
mod registry;
mod report;
mod rounds;
mod scale;
mod services;
mod sign;
mod stack;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Result, build_shipped, root, run, say};
use crate::{registries, setup};
use measure::Runs;
use report::Section;

/// A stack, the package whose closure it is about, and the file of it that is changed.
pub struct Case {
    pub stack: &'static str,
    pub package: &'static str,
    pub file: &'static str,
}

const CASES: [Case; 2] = [
    Case { stack: "examples/nginx", package: "nginx", file: "site/index.html" },
    Case { stack: "examples/python", package: "python3", file: "app/server.py" },
];

/// A row of the report.
pub struct Row {
    pub name: &'static str,
    pub runs: Runs,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Images from packages.
    Images,
    /// Builds from source.
    Builds,
    /// Stacks that start.
    Services,
    /// Stacks that go to a registry.
    Push,
    /// Stacks that are signed and verified.
    Sign,
    /// Closures of the Nix store.
    Nix,
    /// What was never packed, against other packers.
    Cold,
    /// Packing: what it could be at best, and what was packed before.
    Pack,
    /// Trees and stacks that grow.
    Scale,
    /// Plans of layers.
    Layers,
}

impl Part {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 10] = [
        ("images", Self::Images),
        ("builds", Self::Builds),
        ("services", Self::Services),
        ("push", Self::Push),
        ("sign", Self::Sign),
        ("nix", Self::Nix),
        ("cold", Self::Cold),
        ("pack", Self::Pack),
        ("scale", Self::Scale),
        ("layers", Self::Layers),
    ];

    fn sections(self, memory: &Path, effort: Effort) -> Result<Vec<Section>> {
        match self {
            Self::Images => CASES.iter().map(|case| images(case, &memory.join(case.package))).collect(),
            Self::Builds => builds::sections(memory),
            Self::Services => Ok(vec![services::section(&memory.join("services"))?]),
            Self::Push => Ok(vec![push::section(&memory.join("push"))?]),
            Self::Sign => Ok(vec![sign::section(&memory.join("sign"))?]),
            Self::Nix => nix::sections(&memory.join("nix"), effort),
            Self::Cold => pack::cold(&memory.join("cold"), effort),
            Self::Pack => pack::sections(&memory.join("pack"), effort),
            Self::Scale => scale::sections(&memory.join("scale"), effort),
            Self::Layers => layers::sections(&memory.join("layers")),
        }
    }
}

/// How much is done of what is measured in rounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// One round that does not count and five that do.
    Whole,
    /// One round of little, with the binary that is there and programs that are installed: whether a benchmark works. Its figures
    /// say nothing.
    Trial,
}

impl Effort {
    /// Rounds that warm up, and rounds that count.
    pub fn rounds(self) -> (usize, usize) {
        match self {
            Self::Whole => (1, 5),
            Self::Trial => (0, 1),
        }
    }

    /// How much there is of what is `whole`.
    pub fn part_of(self, whole: u64) -> u64 {
        match self {
            Self::Whole => whole,
            Self::Trial => whole.div_ceil(20),
        }
    }
}

/// What becomes of the report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It is printed, and kept below `target`.
    Kept,
    /// It becomes `docs/benchmarks.md` besides.
    Published,
}

/// Does what the words after `./x bench` say.
pub fn command(words: &[&str]) -> Result {
    let (mut parts, mut effort, mut kind) = (Vec::new(), Effort::Whole, Report::Kept);
    for word in words {
        match (*word, Part::ALL.iter().find(|(name, _)| name == word)) {
            ("--trial", _) => effort = Effort::Trial,
            ("--write-docs", _) => kind = Report::Published,
            (_, Some((_, part))) => parts.push(*part),
            _ => {
                let names: Vec<_> = Part::ALL.iter().map(|(name, _)| *name).collect();
                return Err(format!("`./x bench` knows no `{word}`, but: {}", names.join(" ")));
            }
        }
    }
    if (effort, kind) == (Effort::Trial, Report::Published) {
        return Err(String::from("`--write-docs` is for figures, and those of a `--trial` say nothing"));
    }
    if parts.is_empty() {
        parts.extend(Part::ALL.map(|(_, part)| part));
    }
    bench(&parts, effort, kind)
}

/// Measures `parts` and writes the report.
fn bench(parts: &[Part], effort: Effort, kind: Report) -> Result {
    if effort == Effort::Whole {
        setup::setup(crate::test::Length::Short)?;
        build_shipped()?;
    }
    setup::benchmarks()?;
    registries::programs()?;
    let folder = root().join("target/bench");
    let memory = Memory::mount()?;
    let mut measured = Vec::new();
    for (name, part) in Part::ALL.iter().filter(|(_, part)| parts.contains(part)) {
        say(&format!("bench {name}"));
        measured.push((*name, part.sections(&memory.0, effort)?));
    }
    report::print(&measured);
    match (effort, kind) {
        (Effort::Trial, _) => Ok(()),
        (Effort::Whole, Report::Kept) => report::keep(&folder, &measured).map(drop),
        (Effort::Whole, Report::Published) => docs::write(&report::keep(&folder, &measured)?),
    }
}

fn images(case: &Case, work: &Path) -> Result<Section> {
    empty(work)?;
    say(&format!("{}: fetching packages", case.stack));
    let debs = ours::prepare(case, work)?;
    say(&format!("{}: longshore", case.stack));
    let mut rows = ours::rows(case, work, &debs)?;
    say(&format!("{}: by hand", case.stack));
    rows.extend(by_hand::rows(case, work, &debs)?);
    let title = format!("{}: {} packages", case.stack, debs.len());
    Ok(Section { title, key: case.package, targets: report::targets(&rows), rows, ..Section::default() })
}

/// An empty folder at `path`, whatever was there.
pub fn empty(path: &Path) -> Result {
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| said(path, &error))?;
    }
    fs::create_dir_all(path).map_err(|error| said(path, &error))
}

/// Where the file system in memory is.
fn memory() -> PathBuf {
    root().join("target/bench/work")
}

/// A file system in memory, where everything is measured: takes root's rights.
///
/// On a disk a run pays for what was deleted before it. ext4 does not give the inodes of files deleted in the last minutes
/// to new ones, and looks at each of them whenever it needs one: a run right after the deletion of the last one's
/// thousands of files takes up to three times as long.
struct Memory(PathBuf);

impl Memory {
    fn mount() -> Result<Self> {
        let memory = Self(memory());
        empty(&memory.0)?;
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=75%,mode=755", "tmpfs"]).arg(&memory.0))?;
        Ok(memory)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // It goes at the latest with the machine.
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

/// What `make` puts there is to be read by what is measured. It lies in large pieces of memory, as files of ext4 and XFS do that were
/// read before. What is written later does not: here, in contrast to there, the kernel would move memory about until it had such pieces.
fn inputs<T>(make: impl FnOnce() -> Result<T>) -> Result<T> {
    let pieces = |size: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,huge={size}")]).arg(memory());
        // A kernel without huge pages knows no such option, and has small pieces always.
        drop(mount.output());
    };
    pieces("within_size");
    let made = make();
    pieces("never");
    made
}

/// A file as text.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| said(path, &error))
}

/// A text as a file.
pub fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| said(path, &error))
}

/// A locked package on disk: its digest, its name in the archive, and where its bytes are.
pub struct Deb {
    pub digest: String,
    pub name: String,
    pub bytes: PathBuf,
}

/// An error with its path.
pub fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
