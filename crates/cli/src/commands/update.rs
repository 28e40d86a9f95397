//! `longshore update`: moves pins to what the archives offer now.

use std::collections::BTreeSet;

use longshore_sources::deb::lock::Refresh;

use super::lock::{refresh, report};
use crate::args::{Global, Update};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;

pub fn run(args: &Update, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let before = project.read_lock()?;
    let names: BTreeSet<_> = args.packages.iter().cloned().collect();
    let what = if names.is_empty() { Refresh::All } else { Refresh::Packages(names) };
    let lock = refresh(project, machine, before.as_ref(), &what)?;
    if global.locked && before.as_ref() != Some(&lock) {
        return Err(Failure::Stale {
            lock: project.lock_name(),
            reasons: vec!["the archives offer other versions".to_owned()],
            refused: true,
        });
    }
    let written = project.write_lock(&lock)?;
    report(global, project, before.as_ref(), &lock, written);
    Ok(())
}
