//! `longshore exec`: a program of a service's image, beside the service.

use std::path::{Path, PathBuf};

use longshore_deploy::run::{Ask, Error, Mode, Plan, Planned, client};
use longshore_sandbox::{Command, Process};

use super::up::running;
use crate::args::{Exec, Global};
use crate::report::Failure;
use crate::report::services::{Services, View};

pub fn run(args: &Exec, global: &Global, folder: &Path) -> Result<(), Failure> {
    let place = running(folder, global)?;
    let mut services = Services::default();
    services.take(client::one(&place, Ask::Status)?, &mut View::Quiet);
    let service = &args.service;
    let Some(row) = services.get(service) else {
        let known = services.names().map(str::to_owned).collect();
        return Err(Error::NoService { service: service.clone(), known }.into());
    };
    let plan = Plan::read(&place)?;
    let (Some((pid, born)), Some(planned)) = (row.process, plan.services.get(service)) else {
        let state = row.phase.name().to_owned();
        return Err(Error::NotThere { service: service.clone(), state }.into());
    };
    let mut argv = args.command.clone();
    if let Some(program) = argv.first_mut() {
        *program = find(program, planned)
            .ok_or_else(|| Error::NoProgram { service: service.clone(), program: program.clone() })?;
    }
    let command = Command { argv, env: planned.env.clone(), cwd: planned.cwd.clone() };
    let exit = Process { pid, born }.interactive(&command).map_err(Error::from)?;
    if exit.status.success() { Ok(()) } else { Err(Failure::Shell(exit.status)) }
}

/// The program as an absolute path inside, found as a shell finds it.
fn find(program: &str, planned: &Planned) -> Option<String> {
    if program.starts_with('/') {
        return Some(program.to_owned());
    }
    let folders: Vec<PathBuf> = match program.contains('/') {
        true => vec![planned.cwd.clone()],
        false => {
            let path = planned.env.get("PATH").map(String::as_str).unwrap_or_default();
            path.split(':').filter(|folder| folder.starts_with('/')).map(PathBuf::from).collect()
        }
    };
    let inside = |path: &PathBuf| {
        let below = path.strip_prefix("/").unwrap_or(path);
        let path = match planned.mode {
            Mode::Container => &planned.root.join(below),
            Mode::Native => path,
        };
        fs_err::symlink_metadata(path).is_ok()
    };
    let found = folders.into_iter().map(|folder| folder.join(program)).find(inside)?;
    found.into_os_string().into_string().ok()
}
