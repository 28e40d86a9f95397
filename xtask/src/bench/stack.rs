//! A stack that is built in stores that begin with all it needs, read and unpacked, and without any layer.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::rounds::remove;
use super::{empty, inputs, ours, said, write};
use crate::run::{Result, run};

pub struct Stack {
    pub folder: PathBuf,
    /// A store with all that the stack is made of.
    pub seed: PathBuf,
}

impl Stack {
    /// An empty folder for a stack in `work`, with nothing around it that git would tell.
    pub fn begin(work: &Path, name: &str) -> Result<Self> {
        let folder = work.join(name);
        empty(&folder)?;
        run(Command::new("git").args(["init", "--quiet"]).arg(&folder))?;
        let stack = Self { folder, seed: work.join(format!("{name}-seed")) };
        remove(&stack.seed)?;
        Ok(stack)
    }

    /// Writes the stack file and locks it anew.
    pub fn lock(&self, text: &str) -> Result {
        write(&self.folder.join("stack.toml"), text)?;
        // What a lock says of layers holds for those that come after.
        remove(&self.folder.join("stack.lock"))?;
        // Their bytes are of no interest: git is only to know of them.
        run(Command::new("git").arg("-C").arg(&self.folder).args(["add", "--intent-to-add", "--all"]))?;
        quiet(&mut ours::command(&self.folder, &self.seed, &["--quiet", "lock"]))
    }

    /// Fetches, reads and unpacks all that it is made of; makes no layer.
    pub fn unpack(&self) -> Result {
        inputs(|| quiet(&mut ours::command(&self.folder, &self.seed, &["--quiet", "plan"])))
    }

    /// A store at `to` that is the seed; what is added to it, the seed does not get.
    pub fn unpacked(&self, to: &Path) -> Result {
        remove(to)?;
        run(Command::new("cp").arg("--archive").arg("--link").arg(&self.seed).arg(to))
    }

    /// longshore, with a store and without network.
    pub fn longshore(&self, store: &Path, arguments: &[&str]) -> Command {
        ours::command(&self.folder, store, &[&["--offline", "--quiet"], arguments].concat())
    }

    /// `longshore build -o LAYOUT`, and what more it is told.
    pub fn layout(&self, store: &Path, layout: &Path, more: &[&str]) -> Command {
        let mut command = self.longshore(store, &["build"]);
        command.args(more).arg("--output").arg(layout);
        command
    }

    /// Builds its images alone, as they are then when nothing changes.
    pub fn settle(&self, store: &Path) -> Result {
        quiet(&mut self.longshore(store, &["build"]))
    }

    /// Builds it once, to a layout.
    pub fn build(&self, store: &Path, layout: &Path) -> Result {
        self.unpacked(store)?;
        remove(layout)?;
        quiet(&mut self.layout(store, layout, &[]))
    }
}

/// Runs what would say more than anybody wants to know; unless it fails.
fn quiet(command: &mut Command) -> Result {
    let output = command.output().map_err(|error| said(Path::new(command.get_program()), &error))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?} ended with {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
