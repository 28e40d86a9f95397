//! `longshore up`: what is needed is built, put in place and run; then shown until all of it is ready, or longer.

pub mod follow;
mod select;
pub mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use longshore_deploy::run::{self, Input, Life, Owners, Place, Plan, Roots, Secrets, Surroundings};
use longshore_image::rootfs::RootFs;
use longshore_oci::Platform;

use super::lock::for_build;
use crate::args::{Global, Up};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, note, plural, print, print_json};
use crate::settings;

pub fn run(args: &Up, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let place = place(project)?;
    let life = look(&place, global)?;
    let services = select::services(args, project, &place, life)?;
    let lock = for_build(global, project, machine)?;
    let images: BTreeSet<String> =
        services.iter().map(|name| project.stack.services[name].image.clone()).collect();
    let rootfs = pipeline::roots(project, &lock, machine, &images, &platform(project)?)?;
    let (plan, roots) = plan(project, machine, &place, &services, &rootfs)?;
    if args.dry_run {
        show(&plan, global);
        return Ok(());
    }
    longshore_sandbox::probe().map_err(run::Error::from)?;
    roots.write(&machine.store, machine.jobs().get(), &*machine.progress)?;
    run::stage(&plan, &place, &secrets(project, &place))?;
    plan.write(&place)?;
    start::start(&place)?;
    follow::follow(args, global, &place, &plan)
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

/// The platform of the stack that this machine runs.
fn platform(project: &Project) -> Result<Platform, Failure> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let fits = |platform: &&Platform| platform.os == "linux" && platform.architecture == architecture;
    project.stack.platforms.iter().find(fits).cloned().ok_or_else(|| Failure::Usage {
        message: format!("the stack is not for `linux/{architecture}`, which this machine runs"),
        hint: "add it to `platforms` in stack.toml, then run `longshore lock`".to_owned(),
    })
}

fn plan(
    project: &Project,
    machine: &Machine,
    place: &Place,
    services: &BTreeSet<String>,
    images: &BTreeMap<String, RootFs>,
) -> Result<(Plan, Roots), Failure> {
    let users = services.iter().filter_map(|name| project.stack.services.get(name)).map(|it| &it.user);
    let owners = match users.map(|user| (user.uid, user.gid)).all(longshore_sandbox::can_become) {
        true => Owners::Tree,
        false => Owners::Caller,
    };
    let (stack, store) = (&project.stack, &machine.store);
    // What can't be read says nothing of addresses.
    let before = Plan::read(place).ok();
    Ok(run::plan(&Input { stack, images, services, place, before: before.as_ref(), store, owners })?)
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
