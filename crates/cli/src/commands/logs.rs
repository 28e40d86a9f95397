//! `longshore logs`: what services wrote, from their files, whether they run or not.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use longshore_deploy::run::log::{Follower, Line, Stream, tail};
use longshore_deploy::run::{Error, Life, Place};

use super::up::known;
use crate::args::{Global, Logs};
use crate::report::services::{log_json, log_line};
use crate::report::{Failure, print};

/// Between two looks at the files.
const TICK: Duration = Duration::from_millis(100);
/// Between two looks at whether anybody writes them.
const LOOK: u32 = 20;

pub fn run(args: &Logs, global: &Global, folder: &Path) -> Result<(), Failure> {
    let place = known(folder)?.ok_or(Error::NotRunning)?;
    let names = names(args, &place)?;
    let mut followers = BTreeMap::new();
    if args.follow {
        // Before the past is read, so that nothing falls in between.
        for name in &names {
            followers.insert(name.clone(), Follower::new(&place.log(name)).map_err(Failure::Io)?);
        }
    }
    let shown = Shown { args, global, width: names.iter().map(String::len).max().unwrap_or_default() };
    let mut past = Vec::new();
    for name in &names {
        let lines = tail(&place.log(name), args.tail.unwrap_or(usize::MAX)).map_err(Failure::Io)?;
        past.extend(lines.into_iter().map(|line| (name.as_str(), line)));
    }
    past.sort_by(|(_, a), (_, b)| a.time.cmp(&b.time));
    past.iter().for_each(|(name, line)| shown.line(names.len(), name, line));
    let mut ticks = 0;
    if !args.follow {
        return Ok(());
    }
    loop {
        for (name, follower) in &mut followers {
            let lines = follower.more().map_err(Failure::Io)?;
            lines.iter().for_each(|line| shown.line(names.len(), name, line));
        }
        ticks += 1;
        if ticks % LOOK == 0 && place.look()? != Life::Lives {
            return Ok(());
        }
        std::thread::sleep(TICK);
    }
}

struct Shown<'a> {
    args: &'a Logs,
    global: &'a Global,
    width: usize,
}

impl Shown<'_> {
    fn line(&self, services: usize, name: &str, line: &Line) {
        if self.global.json {
            print(&log_json(name, line).to_string());
            return;
        }
        let time = if self.args.timestamps { format!("{} ", line.time) } else { String::new() };
        let line = Line { text: format!("{time}{}", line.text), ..line.clone() };
        match (services, line.stream) {
            // As the service wrote it.
            (1, Stream::Out | Stream::Err) => print(&line.text),
            _ => log_line(name, self.width, &line, self.global),
        }
    }
}

/// The services whose logs are shown.
fn names(args: &Logs, place: &Place) -> Result<Vec<String>, Failure> {
    let logs = place.log("x");
    let all = fs_err::read_dir(logs.parent().unwrap_or(place.folder())).map_err(Failure::Io)?;
    let files = all.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut all: Vec<String> =
        files.filter_map(|name| name.strip_suffix(".log").map(str::to_owned)).collect();
    all.sort();
    if let Some(unknown) = args.services.iter().find(|name| !all.contains(name)) {
        return Err(Error::NoLog { service: unknown.clone(), known: all }.into());
    }
    Ok(if args.services.is_empty() { all } else { args.services.clone() })
}
