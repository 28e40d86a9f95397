//! `longshore ps`: how the services are.

use std::path::Path;

use longshore_deploy::run::{Ask, Error, client};
use serde_json::json;

use super::up::running;
use crate::args::Global;
use crate::report::services::{Services, View, table};
use crate::report::{Failure, note, print, print_json};

pub fn run(global: &Global, folder: &Path) -> Result<(), Failure> {
    let asked = running(folder, global).and_then(|place| Ok(client::one(&place, Ask::Status)?));
    let services = match asked {
        Ok(said) => {
            let mut services = Services::default();
            services.take(said, &mut View::Quiet);
            Some(services)
        }
        Err(Failure::Run(Error::NotRunning)) => None,
        Err(failure) => return Err(failure),
    };
    let rows = services.as_ref().map(Services::as_json).unwrap_or_default();
    match (global.json, &services) {
        (true, _) => print_json(&json!({ "running": services.is_some(), "services": rows })),
        (false, Some(services)) => print(&table(services)),
        (false, None) => note("the stack does not run; start it: `longshore up --detach`", global),
    }
    Ok(())
}
