//! `./x bench`: longshore against the same images made by hand, and its builds against the ecosystems' own commands, each
//! on the same inputs in one run.

mod builds;
mod by_hand;
mod layers;
mod measure;
mod nix;
mod ours;
mod push;
mod registry;
mod report;
mod services;
mod sign;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Result, build_shipped, root, run, say};
use crate::setup;
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
    /// Plans of layers.
    Layers,
}

/// Measures `parts` and writes the report.
pub fn bench(parts: &[Part]) -> Result {
    let folder = root().join("target/bench");
    // What is counted takes none of what is timed: no other programs, no shipped binary, no rights.
    let counted = |part: &Part| *part == Part::Layers;
    let sections = if parts.iter().all(counted) { Vec::new() } else { timed(parts, &folder)? };
    let tables = if parts.iter().any(counted) { layers::tables(&folder.join("replay"))? } else { Vec::new() };
    report::write(&folder, &sections, &tables)
}

fn timed(parts: &[Part], folder: &Path) -> Result<Vec<Section>> {
    setup::setup(crate::test::Length::Short)?;
    build_shipped()?;
    let memory = Memory::mount(folder.join("work"))?;
    let mut sections = Vec::new();
    if parts.contains(&Part::Images) {
        for case in &CASES {
            sections.push(images(case, &memory.0.join(case.package))?);
        }
    }
    if parts.contains(&Part::Builds) {
        say("builds from source");
        sections.extend(builds::sections(&memory.0)?);
    }
    if parts.contains(&Part::Services) {
        say("services");
        sections.push(services::section(&memory.0.join("services"))?);
    }
    if parts.contains(&Part::Push) {
        say("pushes");
        sections.push(push::section(&memory.0.join("push"))?);
    }
    if parts.contains(&Part::Sign) {
        say("signatures");
        sections.push(sign::section(&memory.0.join("sign"))?);
    }
    if parts.contains(&Part::Nix) {
        say("closures of the Nix store");
        sections.extend(nix::sections(&memory.0.join("nix"))?);
    }
    Ok(sections)
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
    Ok(Section { title, key: case.package, targets: report::targets(&rows), rows })
}

/// An empty folder at `path`, whatever was there.
pub fn empty(path: &Path) -> Result {
    if path.exists() {
        fs::remove_dir_all(path).map_err(|error| said(path, &error))?;
    }
    fs::create_dir_all(path).map_err(|error| said(path, &error))
}

/// A file system in memory, where everything is measured: takes root's rights.
///
/// On a disk a run pays for what was deleted before it. ext4 does not give the inodes of files deleted in the last minutes
/// to new ones, and looks at each of them whenever it needs one: a run right after the deletion of the last one's
/// thousands of files takes up to three times as long.
struct Memory(PathBuf);

impl Memory {
    fn mount(path: PathBuf) -> Result<Self> {
        empty(&path)?;
        let memory = Self(path);
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
