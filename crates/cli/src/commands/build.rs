//! `longshore build`: images, known by their config digests; with `--output` an OCI layout of them.

use longshore_build::explain;
use longshore_image::pack::Wanted;
use longshore_oci::Platform;
use longshore_publish::layout;
use longshore_stack::lock::Lock;
use serde_json::{Value, json};

use super::lock::for_build;
use crate::args::{Build, Global};
use crate::builds::{self, Builds};
use crate::inputs::Loader;
use crate::machine::Machine;
use crate::pipeline::{self, Images};
use crate::project::Project;
use crate::report::{Failure, bytes, print, print_json, published_json};
use crate::unchanged::{Asked, Done, Row};

pub fn run(args: &Build, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let platforms = project.select_platforms(&args.selection)?;
    let asked = match &args.explain {
        None => Asked::of(project, machine, &names, &platforms)?,
        Some(_) => None,
    };
    if let (Some(asked), None) = (&asked, &args.output)
        && let Some(done) = asked.done()?
    {
        return tell(global, project, &done.rows);
    }
    let lock = for_build(global, project, machine)?;
    if let Some(build) = &args.explain {
        return explain(build, global, project, machine, &lock, &platforms);
    }
    let codec = args.output.as_ref().map(|_| machine.codec(args.compression));
    let wanted = codec.map_or(Wanted::DiffIds, |codec| machine.wanted(project, codec));
    let built = pipeline::build_each(project, &lock, machine, &names, &platforms, wanted)?;
    let done = Done::of(&built);
    if let Some(asked) = asked {
        asked.keep(&lock, &built, &done);
    }
    let (Some(folder), Some(codec)) = (&args.output, codec) else {
        // This process is about to end: its memory goes with it, sooner than path by path.
        std::mem::forget(built);
        return tell(global, project, &done.rows);
    };
    let images = Images::of(built);
    let indexes = images.indexes(project, &args.tag)?;
    machine.take_layers(project, &indexes, codec);
    let published =
        layout::write(&indexes, folder, codec, &machine.store, machine.jobs().get(), &*machine.progress)?;
    machine.give_layers(project, &indexes, codec);
    if global.json {
        let answer = json!({
            "images": rows(&done.rows),
            "builds": toolchains(project),
            "layout": folder,
            "published": published_json(&published),
        });
        print_json(&project.with_profile(answer));
        return Ok(());
    }
    print(&table(&done.rows));
    print("");
    for image in &published.images {
        print(&format!("{}  {}", image.identity.digest(), image.name));
    }
    print(&format!("wrote {}: {} new", folder.display(), bytes(published.bytes_sent)));
    Ok(())
}

/// Says what images are.
fn tell(global: &Global, project: &Project, done: &[Row]) -> Result<(), Failure> {
    if global.json {
        let answer = json!({ "images": rows(done), "builds": toolchains(project) });
        print_json(&project.with_profile(answer));
    } else {
        print(&table(done));
    }
    Ok(())
}

/// Says what would make one build run again.
fn explain(
    name: &str,
    global: &Global,
    project: &Project,
    machine: &Machine,
    lock: &Lock,
    platforms: &[Platform],
) -> Result<(), Failure> {
    project.select_builds(&[name.to_owned()])?;
    let loader = Loader::new(project, lock, machine);
    let builds = Builds::new(project, lock, machine, &loader);
    let mut rows = Vec::new();
    for platform in platforms {
        let needed = builds.needed(platform, name)?;
        let recipe = builds.prepare(name, platform, &needed)?.recipe;
        let executor = builds.executor();
        let reasons = match executor.last(name, platform)? {
            None => vec!["it was never built on this machine".to_owned()],
            Some(last) => explain::explain(executor, &last, &recipe)?,
        };
        rows.push(json!({ "build": name, "platform": platform.to_string(), "reasons": reasons }));
        if !global.json {
            match &reasons[..] {
                [] => print(&format!("`{name}` ({platform}) is as it was built last")),
                _ => {
                    print(&format!("`{name}` ({platform}) would be built again:\n  {}", reasons.join("\n  ")))
                }
            }
        }
    }
    if global.json {
        print_json(&rows);
    }
    Ok(())
}

/// What the stack's builds run on.
fn toolchains(project: &Project) -> Vec<Value> {
    let row = |build: &String| json!({ "build": build, "toolchain": builds::toolchain(project, build) });
    project.stack.builds.keys().map(row).collect()
}

/// One row an image.
fn table(done: &[Row]) -> String {
    let width = done.iter().map(|row| row.image.len()).max().unwrap_or(0).max(5);
    let mut table = format!("{:width$}  {:13}  {:6}  {:>9}  id\n", "image", "platform", "layers", "size");
    for Row { image, platform, id, size, layers } in done {
        let (platform, size, layers) = (platform.to_string(), bytes(*size), layers.len());
        table += &format!("{image:width$}  {platform:13}  {layers:>6}  {size:>9}  {id}\n");
    }
    table
}

/// The same as data.
fn rows(done: &[Row]) -> Vec<Value> {
    let row = |Row { image, platform, id, size, layers }: &Row| {
        let layers = layers
            .iter()
            .map(|(name, diff_id, size)| json!({ "name": name, "diff_id": diff_id, "size": size }));
        json!({
            "image": image,
            "platform": platform.to_string(),
            "id": id,
            "size": size,
            "layers": layers.collect::<Vec<_>>(),
        })
    };
    done.iter().map(row).collect()
}
