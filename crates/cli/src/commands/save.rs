//! `longshore save`: images in one archive file.

use longshore_publish::{Codec, archive};
use serde_json::json;

use super::lock::for_build;
use crate::args::{Format, Global, Save};
use crate::machine::Machine;
use crate::pipeline;
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
    let images = pipeline::build(project, &lock, machine, &names, &platforms)?;
    let indexes = images.indexes(project, &args.tag)?;
    let (store, jobs, progress) = (&machine.store, machine.jobs().get(), &*machine.progress);
    let published = archive::save(&args.output, |out| match args.format {
        Format::Oci => archive::oci_dual(&indexes, &first, Codec::Gzip, out, store, jobs, progress),
        Format::Docker => archive::docker(&indexes, &first, out, store, progress),
    })?;
    if global.json {
        print_json(&json!({ "archive": args.output, "published": published_json(&published) }));
        return Ok(());
    }
    for image in &published.images {
        print(&format!("{}  {}", image.identity.digest(), image.name));
    }
    print(&format!("wrote {}: {}", args.output.display(), bytes(published.bytes_sent)));
    Ok(())
}
