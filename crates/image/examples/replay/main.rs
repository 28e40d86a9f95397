//! Replays what became of stacks, and counts the bytes that move when each is planned in one way or another.
//!
//! `replay PATH…`: each path is a series as JSON (`benches/replay/world.py` writes them) or a folder of locks
//! (`benches/replay/locks`). One JSON object a series and strategy goes to standard output. `./x bench layers` makes tables of
//! them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's own program")]

mod meter;
mod peers;
mod planner;
mod recorded;
mod series;
mod synthetic;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use planner::{Contender, contenders};
use series::Series;

/// What goes wrong is said once, to a person.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    match replay(&paths) {
        Ok(lines) => {
            lines.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn replay(paths: &[String]) -> Result<Vec<String>> {
    let read = |path: &String| match Path::new(path) {
        path if path.is_dir() => recorded::read(path),
        path => series::read(path),
    };
    let all = paths.iter().map(read).collect::<Result<Vec<_>>>()?;
    let contenders = contenders();
    let tasks: Vec<_> =
        all.iter().flat_map(|series| contenders.iter().map(move |contender| (series, contender))).collect();
    measured(&tasks)
}

/// The figures of every task in their order, by as many threads as there are processors.
fn measured(tasks: &[(&Series, &Contender)]) -> Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((series, contender)) = tasks.get(number) else { break };
            let line = meter::measure(series, contender).map(|figures| figures.line(series, contender));
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, line);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
