//! Several programs that do the same, measured in turns: what disturbs the machine for a while disturbs all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{Run, Runs, measure};
use super::{Effort, Row, said};
use crate::run::Result;

/// Somebody who is measured.
pub struct Contestant<'a> {
    pub name: &'static str,
    /// Untimed, before every run.
    before: Box<dyn FnMut() -> Result + 'a>,
    timed: Box<dyn Fn() -> Command + 'a>,
    /// A file or folder that a run writes. Its size is told, and it goes.
    output: Option<PathBuf>,
}

impl<'a> Contestant<'a> {
    pub fn new(name: &'static str, timed: impl Fn() -> Command + 'a) -> Self {
        Self { name, before: Box::new(|| Ok(())), timed: Box::new(timed), output: None }
    }

    pub fn before(self, before: impl FnMut() -> Result + 'a) -> Self {
        Self { before: Box::new(before), ..self }
    }

    pub fn writes(self, output: &Path) -> Self {
        Self { output: Some(output.to_owned()), ..self }
    }

    fn run(&mut self, work: &Path) -> Result<Run> {
        (self.before)()?;
        let mut run = measure(&(self.timed)(), work)?;
        if let Some(output) = &self.output {
            run.output = size(output)? as f64;
            remove(output)?;
        }
        eprint!(".");
        Ok(run)
    }
}

/// Runs all of them, round by round, each round from another one on. The first rounds warm up, and are forgotten.
pub fn rounds(effort: Effort, work: &Path, mut contestants: Vec<Contestant<'_>>) -> Result<Vec<Row>> {
    let (warm, counted) = effort.rounds();
    let mut runs: Vec<Vec<Run>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..warm + counted {
        for at in order(round, contestants.len()) {
            let run = contestants[at].run(work)?;
            if round >= warm {
                runs[at].push(run);
            }
        }
    }
    eprintln!();
    let named = contestants.iter().map(|contestant| contestant.name).zip(runs);
    Ok(named.map(|(name, runs)| Row { name, runs: Runs::of(runs) }).collect())
}

fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |step| (round + step) % count)
}

/// Bytes of a file, or of all files in a folder.
pub fn size(path: &Path) -> Result<u64> {
    let meta = fs::symlink_metadata(path).map_err(|error| said(path, &error))?;
    if !meta.is_dir() {
        return Ok(if meta.is_file() { meta.len() } else { 0 });
    }
    let entries = fs::read_dir(path).map_err(|error| said(path, &error))?;
    entries.flatten().try_fold(0, |sum, entry| Ok(sum + size(&entry.path())?))
}

/// Removes a file or folder, if it is there.
pub fn remove(path: &Path) -> Result {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return Ok(()),
    }
    .map_err(|error| said(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_begins_with_another() {
        let orders: Vec<Vec<_>> = (0..3).map(|round| order(round, 3).collect()).collect();
        assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }
}
