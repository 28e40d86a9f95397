//! Runs a command as a whole process tree and takes its times and its memory, by GNU time.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::run::Result;

/// One run.
#[derive(Clone, Copy)]
pub struct Run {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of user and system time of all its processes.
    pub cpu: f64,
    /// Bytes of the largest process.
    pub memory: f64,
    /// Bytes of what it wrote, where that was asked for; not a number elsewhere.
    pub output: f64,
}

/// What is told of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Wall,
    Cpu,
    Memory,
    Output,
}

impl Figure {
    pub const ALL: [Self; 4] = [Self::Wall, Self::Cpu, Self::Memory, Self::Output];

    pub fn of(self, run: &Run) -> f64 {
        match self {
            Self::Wall => run.wall,
            Self::Cpu => run.cpu,
            Self::Memory => run.memory,
            Self::Output => run.output,
        }
    }
}

/// Several runs of one thing.
pub struct Runs(Vec<Run>);

impl Runs {
    /// Runs `before` untimed and `timed` timed, `times` times.
    pub fn take(
        times: usize,
        work: &Path,
        mut before: impl FnMut() -> Result,
        timed: impl Fn() -> Command,
    ) -> Result<Self> {
        let mut runs = Vec::new();
        for _ in 0..times {
            before()?;
            runs.push(measure(&timed(), work)?);
            eprint!(".");
        }
        eprintln!();
        Ok(Self(runs))
    }

    /// Runs that were measured elsewhere.
    pub fn of(runs: Vec<Run>) -> Self {
        Self(runs)
    }

    /// All of them as one.
    pub fn together(runs: Vec<Self>) -> Self {
        Self(runs.into_iter().flat_map(|runs| runs.0).collect())
    }

    /// Median, smallest and largest of a figure.
    pub fn figure(&self, of: impl Fn(&Run) -> f64) -> (f64, f64, f64) {
        let mut values: Vec<_> = self.0.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        (at(values.len() / 2), at(0), at(values.len().saturating_sub(1)))
    }
}

pub(super) fn measure(command: &Command, work: &Path) -> Result<Run> {
    let figures = work.join("time");
    let mut time = Command::new("/usr/bin/time");
    time.args(["-q", "-f", "%U %S %M", "-o"])
        .arg(&figures)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => time.env(name, value),
            None => time.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        time.current_dir(folder);
    }
    let start = Instant::now();
    let output = time
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("/usr/bin/time can't be started: {error}"))?;
    let wall = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!(
            "{command:?} ended with {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let text = fs::read_to_string(&figures).map_err(|error| super::said(&figures, &error))?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [user, system, kilobytes] => {
            Ok(Run { wall, cpu: user + system, memory: kilobytes * 1024.0, output: f64::NAN })
        }
        _ => Err(format!("GNU time wrote `{}`", text.trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let run = |wall| Run { wall, cpu: 0.0, memory: 0.0, output: f64::NAN };
        let runs = Runs(vec![run(3.0), run(1.0), run(2.0)]);
        assert_eq!(runs.figure(|run| run.wall), (2.0, 1.0, 3.0));
    }
}
