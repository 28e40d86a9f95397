//! `longshore load`: images into a container engine, without a file and without compression.

use longshore_image::pack::Wanted;
use longshore_publish::copy::Engine;
use longshore_publish::engine::{containerd, docker, podman};
use longshore_publish::registry::Parcel;
use longshore_publish::{Codec, Published};
use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Load};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json, published_json};

pub fn run(args: &Load, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.images)?;
    let engine: Engine = args.engine.map_or_else(|| find(machine), |engine| Ok(engine.into()))?;
    let lock = for_build(global, project, machine)?;
    let client = engine.client();
    let platforms = match engine {
        // Engines do not tell their variant.
        Engine::Docker => vec![project.platform(&docker::platform(&client)?, "the engine runs")?],
        Engine::Podman => vec![project.platform(&podman::platform(&client)?, "the engine runs")?],
        // With all platforms, so that images have the digests that they have in a registry.
        Engine::Containerd | Engine::K3s => project.stack.platforms.clone(),
    };
    let wanted = match engine {
        Engine::Docker | Engine::Podman => Wanted::DiffIds,
        Engine::Containerd | Engine::K3s => Wanted::Blobs(Codec::Gzip),
    };
    let images = pipeline::build(project, &lock, machine, &names, &platforms, wanted)?;
    let (store, progress) = (&machine.store, &*machine.progress);
    let published = match engine {
        Engine::Docker => {
            docker::load(&client, &images.by_content_too(project, &args.tag)?, store, progress)?
        }
        Engine::Podman => {
            podman::load(&client, &images.by_content_too(project, &args.tag)?, store, progress)?
        }
        Engine::Containerd | Engine::K3s => {
            let indexes = images.indexes(project, &args.tag)?;
            let parcels = Parcel::all(&indexes, Codec::Gzip, store, machine.jobs().get(), progress)?;
            containerd::load(&client, &parcels, store, progress)?
        }
    };
    report(global, engine, &published);
    Ok(())
}

fn report(global: &Global, engine: Engine, published: &Published) {
    if global.json {
        print_json(&json!({ "engine": engine.name(), "published": published_json(published) }));
        return;
    }
    for image in &published.images {
        print(&format!("{}  {}", image.identity.digest(), image.name));
    }
    let (sent, kept) = (bytes(published.bytes_sent), bytes(published.bytes_skipped));
    let count = plural(published.images.len(), "image");
    print(&format!("loaded {count} into {}: {sent} sent, {kept} there already", engine.name()));
}

/// The engine whose command is on the search path; Docker first.
fn find(machine: &Machine) -> Result<Engine, Failure> {
    let has =
        |name: &str| std::env::split_paths(&machine.settings.path).any(|folder| folder.join(name).is_file());
    match (has("docker"), has("podman")) {
        (true, _) => Ok(Engine::Docker),
        (false, true) => Ok(Engine::Podman),
        (false, false) => Err(Failure::Usage {
            message: "neither `docker` nor `podman` is on the search path".to_owned(),
            hint: "write an archive for another machine: `longshore save -o images.tar`".to_owned(),
        }),
    }
}
