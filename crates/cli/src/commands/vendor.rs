//! `longshore vendor`: every locked input in a folder or a registry of the user's own; with `--check`, whether it is.

mod check;
mod gather;

use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_stack::model::{BuildInput, BuildKind, ContentSpec};
use longshore_vendor::{Input, Place, plan, push, write};
use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Inputs, Vendor};
use crate::builds::source_folder;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failed, Failure, bytes, plural, print, print_json};
use crate::vendored::{place_of_all, tag, usual_place};
use gather::Gathered;

/// `machine` opens it as the command line says, or as a command line with other options would.
pub fn run(
    args: &Vendor,
    global: &Global,
    folder: &Path,
    machine: &dyn Fn(&Global) -> Result<Machine, Failure>,
) -> Result<(), Failed> {
    let projects = match args.all_profiles {
        true => Project::open_all(folder, global)?,
        false => vec![Project::open(folder, global.profile(), global)?],
    };
    let [first, ..] = &projects[..] else { return Ok(()) };
    let place = args.to.clone().unwrap_or_else(|| match args.all_profiles {
        true => place_of_all(first),
        false => usual_place(first),
    });
    let profile = first.profile.clone().filter(|_| !args.all_profiles);
    let done = match args.check {
        true => {
            let global = Global { vendored: Some(Inputs::At(place.clone())), ..global.clone() };
            machine(&global).and_then(|machine| check::run(&global, &projects, &machine, &place))
        }
        false => machine(global).and_then(|machine| copy(global, &projects, &machine, &place)),
    };
    done.map_err(|failure| Failed::of(failure, profile))
}

fn copy(global: &Global, projects: &[Project], machine: &Machine, place: &Place) -> Result<(), Failure> {
    let gathered = Gathered::default();
    for project in projects {
        warn_of_sources(project, machine, place);
        let lock = for_build(global, project, machine)?;
        gathered.all(project, &lock, machine)?;
    }
    let inputs = gathered.into_inputs();
    let planned = plan(&inputs, &machine.store)?;
    let (store, progress) = (&machine.store, &*machine.progress);
    let sent = match place {
        Place::Folder(folder) => write(&planned, folder, store, progress)?,
        Place::Registry(reference) => {
            let registries = machine.registries();
            let repository = registries.repository(reference).map_err(longshore_vendor::Error::from)?;
            push(&planned, &repository, &tag(reference), store, machine.jobs().get(), progress)?
        }
    };
    let size: u64 = planned.layers.iter().map(|layer| layer.descriptor.size).sum();
    if global.json {
        print_json(&json!({
            "place": place.to_string(),
            "digest": sent.manifest,
            "inputs": rows(inputs.iter()),
            "bytes": size,
            "bytes_sent": sent.bytes,
        }));
        return Ok(());
    }
    print(&format!("{}  {place}", sent.manifest));
    print(&format!("vendored {}: {}, {} new", plural(inputs.len(), "input"), bytes(size), bytes(sent.bytes)));
    Ok(())
}

fn rows<'a>(inputs: impl Iterator<Item = &'a Input>) -> serde_json::Value {
    inputs.map(|input| json!(input)).collect()
}

/// Says when the folder lies in one that the stack takes in.
fn warn_of_sources(project: &Project, machine: &Machine, place: &Place) {
    let Place::Folder(folder) = place else { return };
    let folder = whole(folder);
    let stack = &project.stack;
    let mut sources: Vec<(String, &str)> = Vec::new();
    for (name, build) in &stack.builds {
        sources.extend(source_folder(&build.kind).map(|path| (format!("build `{name}`"), path)));
        if let BuildKind::Command(command) = &build.kind {
            sources.extend(command.inputs.iter().filter_map(|input| match input {
                BuildInput::Path { path, .. } => Some((format!("build `{name}`"), path.as_str())),
                _ => None,
            }));
        }
    }
    for (name, image) in &stack.images {
        sources.extend(image.contents.iter().filter_map(|content| match content {
            ContentSpec::Directory(taken) => Some((format!("image `{name}`"), taken.path.as_str())),
            _ => None,
        }));
    }
    if let Some((whose, path)) =
        sources.iter().find(|(_, path)| folder.starts_with(whole(&project.folder.join(path))))
    {
        machine.warn(&format!(
            "`{place}` lies in `{path}`, which {whose} takes in: all of it, or in a git repository what is tracked; \
             `--to` names another place"
        ));
    }
}

/// The path without links, as far as it is there.
fn whole(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            whole(parent).join(name)
        }
        _ => path.to_owned(),
    }
}
