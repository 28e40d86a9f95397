//! `longshore save`: images in one archive file, or each in one of its own.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use longshore_image::ImageIndex;
use longshore_image::pack::Wanted;
use longshore_oci::Platform;
use longshore_publish::{Codec, Published, archive};
use serde_json::{Value, json};

use super::lock::for_build;
use crate::args::{Format, Global, Save};
use crate::machine::Machine;
use crate::pipeline::{self, Images};
use crate::project::Project;
use crate::report::{Failure, bytes, print, print_json, published_json};

pub fn run(args: &Save, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let platforms = project.select_platforms(&args.selection)?;
    // Docker's archives hold one platform; in the other form this is the one that engines without indexes get.
    let first = match (&platforms[..], args.format) {
        ([only], _) => only.clone(),
        (_, Format::Docker) => {
            return Err(Failure::Usage {
                message: "Docker's archive form holds one platform, and the stack has several".to_owned(),
                hint: format!(
                    "longshore save --format docker --platform {} -o {}",
                    platforms[0],
                    args.output.display()
                ),
            });
        }
        (all, Format::Oci) => all[0].clone(),
    };
    let lock = for_build(global, project, machine)?;
    let wanted = match args.format {
        Format::Oci => Wanted::Blobs(Codec::Gzip),
        Format::Docker => Wanted::DiffIds,
    };
    let images = pipeline::build(project, &lock, machine, &names, &platforms, wanted)?;
    if !is_folder(&args.output) {
        let published = save(images, &args.output, &first, args, project, machine)?;
        if global.json {
            print_json(&json!({ "archive": args.output, "published": published_json(&published) }));
        } else {
            print(&said(&args.output, &published));
        }
        return Ok(());
    }
    let index = each(images, &first, args, project, machine, global)?;
    if global.json {
        print_json(&index);
    }
    Ok(())
}

/// Every image in an archive of its own, and what these are.
fn each(
    images: Images,
    first: &Platform,
    args: &Save,
    project: &Project,
    machine: &Machine,
    global: &Global,
) -> Result<Value, Failure> {
    let mut by_name: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    for ((name, platform), image) in images.0 {
        by_name.entry(name.clone()).or_default().insert((name, platform), image);
    }
    fs::create_dir_all(&args.output).map_err(Failure::Io)?;
    let mut rows = Vec::new();
    for (name, images) in by_name {
        let ids: BTreeMap<String, String> = images
            .iter()
            .map(|((_, platform), image)| (platform.to_string(), image.id().to_string()))
            .collect();
        let file = format!("{name}.tar");
        let path = args.output.join(&file);
        let published = save(Images(images), &path, first, args, project, machine)?;
        if !global.json {
            print(&said(&path, &published));
        }
        let digest = published.images.first().map(|image| image.identity.digest().to_string());
        let names: Vec<_> = published.images.iter().map(|image| &image.name).collect();
        rows.push(json!({ "image": name, "archive": file, "names": names, "digest": digest, "ids": ids }));
    }
    let index = json!({ "images": rows });
    fs::write(args.output.join("index.json"), format!("{index:#}\n")).map_err(Failure::Io)?;
    Ok(index)
}

/// One archive.
fn save(
    images: Images,
    path: &Path,
    first: &Platform,
    args: &Save,
    project: &Project,
    machine: &Machine,
) -> Result<Published, Failure> {
    let indexes: Vec<ImageIndex> = match args.by_content {
        true => {
            let all = images.by_content_too(project, &args.tag)?;
            // An engine is given the image of its own platform, and knows no other by its content.
            all.into_iter().filter(|index| index.on(first).is_some()).collect()
        }
        false => images.indexes(project, &args.tag)?,
    };
    let (store, jobs, progress) = (&machine.store, machine.jobs().get(), &*machine.progress);
    Ok(archive::save(path, |out| match args.format {
        Format::Oci => archive::oci_dual(&indexes, first, Codec::Gzip, out, store, jobs, progress),
        Format::Docker => archive::docker(&indexes, first, out, store, progress),
    })?)
}

fn said(path: &Path, published: &Published) -> String {
    let mut said = String::new();
    for image in &published.images {
        said += &format!("{}  {}\n", image.identity.digest(), image.name);
    }
    said + &format!("wrote {}: {}", path.display(), bytes(published.bytes_sent))
}

/// Whether several files are to be written below `path`.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with('/')
}
