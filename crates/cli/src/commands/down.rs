//! `longshore down`: services are stopped, those that need others first; with `--volumes` their data goes too.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use longshore_deploy::run::{Ask, Error, Life, Place, client, delete_volumes};
use serde_json::json;

use super::up::follow::{Heard, hear, hear_interrupts, wait_for_end};
use super::up::{known, look};
use crate::args::{Down, Global};
use crate::report::services::{Services, View};
use crate::report::{Failure, note, plural, print_json};

pub fn run(args: &Down, global: &Global, folder: &Path) -> Result<(), Failure> {
    let place = known(folder)?;
    let life = place.as_ref().map_or(Ok(Life::None), |place| look(place, global))?;
    if let (Life::Lives, Some(place)) = (life, &place) {
        stop(place, global)?;
    } else if life == Life::None {
        note("the stack does not run", global);
    }
    let volumes = match (&place, args.volumes) {
        (Some(place), true) => delete_volumes(place)?,
        _ => 0,
    };
    if global.json {
        print_json(&json!({ "ok": true, "ran": life == Life::Lives, "volumes_deleted": volumes }));
    } else if args.volumes {
        note(&format!("{} deleted", plural(volumes, "volume")), global);
    }
    Ok(())
}

fn stop(place: &Place, global: &Global) -> Result<(), Failure> {
    let (tell, heard) = channel();
    match client::ask(place, Ask::Stop) {
        Ok(answers) => hear(answers, tell.clone()),
        // It is ending already.
        Err(Error::NotRunning) => drop(tell.send(Heard::Ended(None))),
        Err(error) => return Err(error.into()),
    }
    hear_interrupts(tell);
    let (mut services, mut view) = (Services::default(), View::new(global));
    wait_for_end(place, &heard, &mut services, &mut view)?;
    // Until it let go of its state.
    let began = Instant::now();
    while place.look()? == Life::Lives && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
