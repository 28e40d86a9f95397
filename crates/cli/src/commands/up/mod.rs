//! `longshore up`: what is needed is built, put in place and run; then shown until all of it is ready, or longer.

pub mod follow;
mod published;
mod select;
mod start;
mod task;
mod watch;

use std::path::PathBuf;

use longshore_deploy::run::{self, Life, Mode, Place, Plan, Secrets, Surroundings};

use self::start::Started;
use self::task::Task;
use self::watch::Seen;
use super::lock::for_build;
use crate::args::{Global, Up};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, note, plural, print, print_json};
use crate::settings;

pub fn run(args: &Up, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let place = place(project)?;
    let life = look(&place, global)?;
    let services = select::services(args, project, &place, life)?;
    let built = !args.published && args.from.is_none();
    let lock = built.then(|| for_build(global, project, machine)).transpose()?;
    // Before anything is read of it, so that no change goes unseen.
    let seen = args.watch.then(|| Seen::of(project, machine.settings.path.clone()));
    let task = Task { args, project, machine, place: &place };
    let (plan, roots) = match &lock {
        Some(lock) => task.plan(&services, lock)?,
        None => task.plan_published(&services)?,
    };
    if args.dry_run {
        show(&plan, global);
        return Ok(());
    }
    if plan.services.values().any(|service| service.mode == Mode::Container) {
        longshore_sandbox::probe().map_err(run::Error::from)?;
    }
    task.unpack(roots)?;
    let also = task.stage(&plan)?;
    if let Started::Updated(changes) = start::start(&place, &plan, &also)? {
        note(&watch::words(&changes), global);
    }
    // What runs is held by the supervisor; looking on takes nothing of the store.
    machine.store.let_go();
    let watch = seen.map(|seen| watch::start(args, global, &place, project, seen));
    follow::follow(args, global, &place, &plan, watch)
}

/// Where the state of the stack is.
pub fn place(project: &Project) -> Result<Place, Failure> {
    Ok(Place::of(&settings::stacks()?, &project.stack.name, &file(&project.folder)?))
}

/// Where the stack file really is, whether it is there or not.
pub fn file(folder: &std::path::Path) -> Result<PathBuf, Failure> {
    Ok(fs_err::canonicalize(folder).map_err(Failure::Io)?.join("stack.toml"))
}

/// Where the state of the stack in `folder` is, if it ever ran.
pub fn known(folder: &std::path::Path) -> Result<Option<Place>, Failure> {
    Ok(Place::find(&settings::stacks()?, &file(folder)?))
}

/// The same, where it runs.
pub fn running(folder: &std::path::Path, global: &Global) -> Result<Place, Failure> {
    let place = known(folder)?.ok_or(run::Error::NotRunning)?;
    match look(&place, global)? {
        Life::Lives => Ok(place),
        Life::None | Life::Killed => Err(run::Error::NotRunning.into()),
    }
}

/// Whether the stack runs; says so where it had been killed.
pub fn look(place: &Place, global: &Global) -> Result<Life, Failure> {
    let life = place.look()?;
    if life == Life::Killed {
        note(
            "the stack's supervisor had been killed, and its services with it; what it left is cleared away",
            global,
        );
    }
    Ok(life)
}

/// Where its secrets come from.
pub fn secrets<'a>(project: &'a Project, place: &'a Place) -> Secrets<'a> {
    let around = Surroundings { folder: &project.folder, variable: &settings::variable };
    Secrets::new(&project.stack.secrets, place, around)
}

/// What would be run.
fn show(plan: &Plan, global: &Global) {
    if global.json {
        print_json(plan);
        return;
    }
    print(&format!("{} would run:", plural(plan.services.len(), "service")));
    for (name, service) in &plan.services {
        print(&format!("{name}  {}", service.argv.join(" ")));
        let line = |what: &str, text: String| print(&format!("  {what:8}  {text}"));
        let (uid, gid) = service.user;
        line("user", format!("{uid}:{gid} in {}", service.cwd.display()));
        if service.mode == Mode::Native {
            line("native", "a plain process of this machine".to_owned());
        }
        line("root", service.root.display().to_string());
        let ports: Vec<_> = service.ports.iter().map(|(name, port)| format!("{name} {port}")).collect();
        line("address", format!("{}  {}", service.address, ports.join(", ")));
        for (port, gate) in &service.gates {
            line("publish", format!("{} → {port}", gate.address));
        }
        if !service.needs.is_empty() {
            line("needs", service.needs.keys().cloned().collect::<Vec<_>>().join(", "));
        }
        for (volume, spec) in &service.volumes {
            line("volume", format!("{volume} at {}", spec.path.display()));
        }
        for path in service.files.keys().chain(service.secrets.values()) {
            line("file", path.display().to_string());
        }
    }
}
