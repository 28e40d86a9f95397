//! The tree: packages unpacked in our store, and the same packages unpacked in a folder and in a tar for others.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::rounds::size;
use super::super::stack::Stack;
use super::super::{Deb, Effort, empty, inputs, ours};
use super::peers;
use crate::run::{Result, run, say};

const STACK: &str = include_str!("tree.toml");
/// Large programs, small scripts, texts and tables: with all they need some 800 MB.
const PACKAGES: [&str; 9] =
    ["caddy", "git", "locales", "nodejs", "perl", "prometheus", "python3-django", "python3-numpy", "vim"];
/// Those of a trial.
const FEW: [&str; 2] = ["git", "locales"];

pub struct Tree {
    pub work: PathBuf,
    pub stack: Stack,
    pub debs: Vec<Deb>,
    /// What is in the packages.
    pub folder: PathBuf,
    pub tar: PathBuf,
    /// Bytes of the tar.
    pub bytes: u64,
}

impl Tree {
    pub fn prepare(work: &Path, effort: Effort) -> Result<Self> {
        say("fetching and unpacking packages");
        let stack = Stack::begin(work, "tree")?;
        stack.lock(&text("tree", effort))?;
        stack.unpack()?;
        let debs = ours::fetched(&stack.folder, &stack.seed)?;
        let (folder, tar) = (work.join("folder"), work.join("folder.tar"));
        empty(&folder)?;
        inputs(|| {
            for deb in &debs {
                run(Command::new("dpkg-deb").arg("-x").arg(&deb.bytes).arg(&folder))?;
            }
            peers::tar(&folder, &tar)
        })?;
        Ok(Self { work: work.to_owned(), bytes: size(&tar)?, stack, debs, folder, tar })
    }

    /// A stack of another name that is made of the same.
    pub fn another(&self, effort: Effort) -> Result<Stack> {
        let stack = Stack::begin(&self.work, "another")?;
        let stack = Stack { seed: self.stack.seed.clone(), ..stack };
        stack.lock(&text("another", effort))?;
        Ok(stack)
    }

    pub fn title(&self, what: &str) -> String {
        format!("{what}: {} packages, {:.0} MB as a tar", self.debs.len(), self.bytes as f64 / 1e6)
    }
}

fn text(name: &str, effort: Effort) -> String {
    let packages: &[&str] = if effort == Effort::Trial { &FEW } else { &PACKAGES };
    STACK.replace("NAME", name).replace("PACKAGES", &format!("{packages:?}"))
}
