//! `longshore lock`: pins every input, keeping what is pinned already.

use longshore_image::pack::ASSEMBLER;
use longshore_oci::Reference;
use longshore_publish::copy::Place;
use longshore_sources::deb::lock::{self, Refresh};
use longshore_sources::{base_image, nix, url};
use longshore_stack::lock::Lock;
use serde_json::json;

use super::trust::Judge;
use crate::args::{self, Global};
use crate::builds;
use crate::layers;
use crate::machine::Machine;
use crate::others::Others;
use crate::project::Project;
use crate::report::{Failure, plural, print, print_json};

pub fn run(args: &args::Lock, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let before = project.read_lock()?;
    let fits = before.as_ref().filter(|lock| project.stale(lock).is_empty());
    if let Some(lock) = fits.filter(|_| args.layers_of.is_none()) {
        report(global, project, Some(lock), lock, Written::AsItWas);
        return Ok(());
    }
    if global.locked {
        return Err(refused(project, before.as_ref()));
    }
    let mut lock = match fits {
        Some(lock) => lock.clone(),
        None => refresh(project, machine, before.as_ref(), &Refresh::Missing)?,
    };
    if let Some(tag) = &args.layers_of {
        lock.layouts = layers::published(project, machine, tag)?;
    }
    let written = project.write_lock(&lock)?;
    report(global, project, before.as_ref(), &lock, written);
    Ok(())
}

/// The lock that a build uses: the one on disk, or a first one. A lock that does not fit is never changed here.
pub fn for_build(global: &Global, project: &Project, machine: &Machine) -> Result<Lock, Failure> {
    if let nix::Settings::Graph(_) = machine.settings.nix {
        return in_nix_build(global, project, machine);
    }
    let Some(lock) = project.read_lock()? else {
        if global.locked {
            return Err(refused(project, None));
        }
        if machine.inputs.is_some() {
            return Err(Failure::Usage {
                message: format!(
                    "there is no `{}`, and vendored inputs are those of a lock",
                    project.lock_name()
                ),
                hint: project.command("lock"),
            });
        }
        let lock = refresh(project, machine, None, &Refresh::Missing)?;
        project.write_lock(&lock)?;
        machine.progress.note(&format!("pinned {} in {}", pins(&lock), project.lock_path().display()));
        return Ok(lock);
    };
    let reasons = project.stale(&lock);
    match reasons.is_empty() {
        true => Ok(lock),
        false => Err(Failure::Stale { lock: project.lock_name(), reasons, refused: global.locked }),
    }
}

/// The lock inside of a Nix build: the one on disk, where there is one, with what was handed over instead of what it has of Nix.
/// Nothing is written.
fn in_nix_build(global: &Global, project: &Project, machine: &Machine) -> Result<Lock, Failure> {
    let Some(lock) = project.read_lock()? else {
        return refresh(project, machine, None, &Refresh::Missing);
    };
    let access = crate::nix::access(project, machine)?;
    let nix::Pins { nix, store_paths } =
        nix::lock(&project.stack, &Lock::default(), &Refresh::Missing, &access)?;
    let lock = Lock { nix, store_paths, ..lock.without_nix_on(&project.stack.platforms) };
    let reasons = project.stale(&lock);
    match reasons.is_empty() {
        true => Ok(lock),
        false => Err(Failure::Stale { lock: project.lock_name(), reasons, refused: global.locked }),
    }
}

/// Resolves what `what` says, and tells what had to move and who was chosen.
pub fn refresh(
    project: &Project,
    machine: &Machine,
    before: Option<&Lock>,
    what: &Refresh,
) -> Result<Lock, Failure> {
    let locked = lock::lock(&machine.archives(project), &project.stack, before, what, ASSEMBLER)?;
    locked.notes.iter().for_each(|note| machine.progress.note(note));
    let previous = before.cloned().unwrap_or_default();
    let Machine { client, store, progress, .. } = machine;
    let urls = url::lock(&project.stack, &previous, what, client, store, &**progress)?;
    let registries = machine.registries();
    let access = Others::access(machine, &registries);
    let images = base_image::lock(&project.stack, &previous, what, &access)
        .map_err(|error| Others::wanted(error, project))?;
    if let Some(judge) = Judge::of(&project.folder, machine)? {
        for (name, locked) in &images {
            let reference: Reference = name.parse().map_err(Failure::Reference)?;
            let place = Place::Registry(reference.with_digest(locked.digest));
            judge.require_at(&place, &registries, machine)?;
        }
    }
    let nix::Pins { nix, store_paths } =
        nix::lock(&project.stack, &previous, what, &crate::nix::access(project, machine)?)?;
    let layouts = previous.layouts.clone();
    let mut lock =
        builds::pinned(project, machine, Lock { urls, images, nix, store_paths, layouts, ..locked.lock })?;
    if let Some(before) = before {
        lock.changes = before.changes.counted(before, &lock);
    }
    Ok(lock)
}

/// `--locked` forbids what would have to become of `lock`.
pub fn refused(project: &Project, lock: Option<&Lock>) -> Failure {
    let name = project.lock_name();
    let reasons = lock.map_or_else(|| vec![format!("there is no `{name}`")], |lock| project.stale(lock));
    Failure::Stale { lock: name, reasons, refused: true }
}

/// What became of the lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Its text is the same.
    AsItWas,
    /// Its text is new.
    Anew,
}

/// Says what changed.
pub fn report(global: &Global, project: &Project, before: Option<&Lock>, lock: &Lock, written: Written) {
    let changes = before.unwrap_or(&Lock::default()).diff(lock);
    if global.json {
        print_json(&project.with_profile(json!({
            "lock": project.lock_path(),
            "changed": written == Written::Anew,
            "packages": lock.packages.len(),
            "changes": changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })));
        return;
    }
    if before.is_some() {
        changes.iter().for_each(|change| print(&change.to_string()));
    }
    let state = match written {
        Written::Anew => "now pins",
        Written::AsItWas => "is up to date and pins",
    };
    print(&format!("{} {state} {}", project.lock_path().display(), pins(lock)));
}

/// What is pinned, in numbers.
fn pins(lock: &Lock) -> String {
    let of = |count: usize, what: &str| (count > 0).then(|| plural(count, what));
    let others = [of(lock.images.len(), "image"), of(lock.store_paths.len(), "store path")];
    let packages = Some(lock.packages.len()).filter(|count| *count > 0 || others.iter().all(Option::is_none));
    let all: Vec<_> = packages
        .map(|count| plural(count, "package"))
        .into_iter()
        .chain(others.into_iter().flatten())
        .collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}
