//! What is shown of services that are coming up: until all are ready with `--detach`, else until they are stopped.

use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use longshore_deploy::run::client::{self, Answers};
use longshore_deploy::run::log::Follower;
use longshore_deploy::run::{Ask, Error, Phase, Place, Plan, Planned, Said};
use serde_json::json;

use super::watch::Watch;
use crate::args::{Global, Up};
use crate::interrupt;
use crate::report::services::{Outcome, Services, Trouble, View, log_line, published};
use crate::report::{Failure, note, print, print_json};

/// Between two looks at the logs.
const TICK: Duration = Duration::from_millis(100);

/// Between two looks at what services use.
const AGAIN: Duration = Duration::from_millis(500);

/// What is waited for.
pub enum Heard {
    Said(Said),
    /// The supervisor says no more.
    Ended(Option<Error>),
    Interrupted,
}

pub fn follow(
    args: &Up,
    global: &Global,
    place: &Place,
    plan: &Plan,
    watch: Option<Watch>,
) -> Result<(), Failure> {
    let ask = if args.detach { Ask::Follow } else { Ask::Own };
    let (tell, heard) = channel();
    hear(client::ask(place, ask)?, tell.clone());
    if !args.detach {
        hear_interrupts(tell);
    }
    // A table would be in the way of what is said of changes.
    let mut view = if watch.is_some() { View::lines(global) } else { View::new(global) };
    let mut services = Services::default();
    loop {
        match heard.recv_timeout(AGAIN) {
            Ok(Heard::Said(said)) => services.take(said, &mut view),
            Ok(Heard::Interrupted) => return stop(place, heard, services, view, watch),
            Ok(Heard::Ended(error)) => return Err(error.unwrap_or(Error::NotRunning).into()),
            Err(RecvTimeoutError::Timeout) if view.has_memory() => {
                // It is a column of a table; that it can't be had now is no failure.
                if let Ok(Said::Used(used)) = client::one(place, Ask::Usage) {
                    view.used(&used);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Error::NotRunning.into()),
        }
        match services.outcome() {
            Outcome::Pending => {}
            Outcome::Ready => break,
            Outcome::Stuck(rows) if args.detach => {
                view.end();
                return Err(Failure::NotReady(Trouble::all(rows, place)?));
            }
            // It may come right yet; whoever looks on decides.
            Outcome::Stuck(_) => break,
        }
    }
    view.end();
    say_unbounded(plan, &services, global);
    if args.detach {
        say_ready(&services, global);
        return Ok(());
    }
    if let Outcome::Stuck(rows) = services.outcome() {
        for trouble in Trouble::all(rows, place)? {
            note(
                &format!("`{}` does not get ready\n{}", trouble.row.service, trouble.as_text().trim_end()),
                global,
            );
        }
    } else if !global.json {
        published(&services).iter().for_each(|line| print(line));
    }
    look_on(global, place, heard, services, watch)
}

/// Says where limits that are asked for can't be held.
fn say_unbounded(plan: &Plan, services: &Services, global: &Global) {
    let bounded = |it: &Planned| {
        it.resources.memory.is_some() || it.resources.cpu.is_some() || it.resources.pids.is_some()
    };
    if let Some(why) = services.unbounded().filter(|_| plan.services.values().any(bounded)) {
        note(&format!("`resources` are not held: {why}"), global);
    }
}

/// Says where what is published is.
fn say_ready(services: &Services, global: &Global) {
    match global.json {
        true => print_json(&json!({ "ok": true, "services": services.as_json() })),
        false => published(services).iter().for_each(|line| print(line)),
    }
}

/// Shows what services write and what becomes of them, until they are stopped.
fn look_on(
    global: &Global,
    place: &Place,
    heard: Receiver<Heard>,
    mut services: Services,
    watch: Option<Watch>,
) -> Result<(), Failure> {
    let mut view = View::lines(global);
    let mut logs: BTreeMap<String, Follower> = BTreeMap::new();
    loop {
        for name in services.names() {
            // Services may be added.
            if let Entry::Vacant(new) = logs.entry(name.to_owned()) {
                new.insert(Follower::new(&place.log(name)).map_err(Failure::Io)?);
            }
        }
        match heard.recv_timeout(TICK) {
            Ok(Heard::Said(said)) => {
                services.take(said, &mut view);
                // Nothing runs, and nothing will, unless somebody changes it.
                if services.is_over() && watch.is_none() {
                    return stop(place, heard, services, view, watch);
                }
            }
            Ok(Heard::Interrupted) => return stop(place, heard, services, view, watch),
            Ok(Heard::Ended(error)) => return error.map_or(Ok(()), |error| Err(error.into())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        let width = logs.keys().map(String::len).max().unwrap_or_default();
        for (name, log) in &mut logs {
            for line in log.more().map_err(Failure::Io)? {
                log_line(name, width, &line, global);
            }
        }
    }
}

/// Has all services stopped in order; a second interrupt ends them at once.
fn stop(
    place: &Place,
    heard: Receiver<Heard>,
    mut services: Services,
    mut view: View,
    watch: Option<Watch>,
) -> Result<(), Failure> {
    if let Some(watch) = watch {
        watch.end();
    }
    // The connection that owns the stack stays open, and says what happens.
    match client::ask(place, Ask::Stop) {
        Ok(_) | Err(Error::NotRunning) => {}
        Err(error) => return Err(error.into()),
    }
    let failed: Vec<_> = services.rows().filter(|row| row.phase == Phase::Failed).cloned().collect();
    wait_for_end(place, &heard, &mut services, &mut view)?;
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::NotReady(Trouble::all(failed, place)?)),
    }
}

/// Waits for the end of a supervisor that was asked to stop; an interrupt has it end all services at once.
pub fn wait_for_end(
    place: &Place,
    heard: &Receiver<Heard>,
    services: &mut Services,
    view: &mut View,
) -> Result<(), Failure> {
    for heard in heard {
        match heard {
            Heard::Said(Said::Over) | Heard::Ended(None) => break,
            // How they are now is no news.
            Heard::Said(said @ Said::Stack { .. }) => services.take(said, &mut View::Quiet),
            Heard::Said(said) => services.take(said, view),
            Heard::Ended(Some(error)) => return Err(error.into()),
            Heard::Interrupted => drop(client::ask(place, Ask::Kill)),
        }
    }
    view.end();
    Ok(())
}

/// Has what the supervisor says come in.
pub fn hear(mut answers: Answers, tell: Sender<Heard>) {
    std::thread::spawn(move || {
        loop {
            let heard = match answers.next() {
                Ok(Some(said)) => Heard::Said(said),
                Ok(None) => Heard::Ended(None),
                Err(error) => Heard::Ended(Some(error)),
            };
            let last = matches!(heard, Heard::Ended(_));
            if tell.send(heard).is_err() || last {
                return;
            }
        }
    });
}

/// Has signals come in.
pub fn hear_interrupts(tell: Sender<Heard>) {
    let interrupts = interrupt::listen();
    std::thread::spawn(move || {
        interrupts.iter().take_while(|()| tell.send(Heard::Interrupted).is_ok()).for_each(drop);
    });
}
