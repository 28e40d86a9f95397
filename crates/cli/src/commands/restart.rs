//! `longshore restart`: services are stopped and started anew, and waited for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::channel;

use longshore_deploy::run::{Ask, Error, Phase, Said, client};

use super::up::follow::{Heard, hear};
use super::up::running;
use crate::args::{Global, Restart};
use crate::report::Failure;
use crate::report::services::{Services, Trouble, View, is_stuck};

pub fn run(args: &Restart, global: &Global, folder: &Path) -> Result<(), Failure> {
    let place = running(folder, global)?;
    let mut view = View::new(global);
    let mut services = Services::default();
    services.take(client::one(&place, Ask::Status)?, &mut View::Quiet);
    let mut before = BTreeMap::new();
    for service in &args.services {
        let Some(row) = services.get(service) else {
            let known = services.names().map(str::to_owned).collect();
            return Err(Error::NoService { service: service.clone(), known }.into());
        };
        before.insert(service.clone(), row.run);
    }
    let (tell, heard) = channel();
    hear(client::ask(&place, Ask::Follow)?, tell);
    for service in &args.services {
        client::one(&place, Ask::Restart { service: service.clone() })?;
    }
    for heard in heard {
        match heard {
            Heard::Said(Said::Row { row, .. }) if !before.contains_key(&row.service) => {}
            Heard::Said(Said::Stack { now, rows, stack, profile, unbounded }) => {
                let rows = rows.into_iter().filter(|row| before.contains_key(&row.service)).collect();
                services = Services::default();
                services.take(Said::Stack { now, rows, stack, profile, unbounded }, &mut View::Quiet);
            }
            Heard::Said(said) => services.take(said, &mut view),
            Heard::Ended(error) => return Err(error.unwrap_or(Error::NotRunning).into()),
            Heard::Interrupted => {}
        }
        let anew = |service: &String, run: u32| services.get(service).filter(|row| row.run > run);
        let now: Vec<_> = before.iter().filter_map(|(service, run)| anew(service, *run)).collect();
        if let Some(stuck) = now.iter().find(|row| is_stuck(row)) {
            view.end();
            return Err(Failure::NotReady(Trouble::all(vec![(*stuck).clone()], &place)?));
        }
        let ready = now.iter().filter(|row| matches!(row.phase, Phase::Ready | Phase::Completed)).count();
        if ready == before.len() {
            view.end();
            return Ok(());
        }
    }
    Ok(())
}
