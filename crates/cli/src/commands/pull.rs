//! `longshore pull`: pushed images into a layout.

use std::path::Path;

use longshore_oci::Reference;
use longshore_publish::copy::{Place, Referrers, Whole, fetch};
use longshore_publish::record::{Record, RecordedImage};
use longshore_publish::{Published, layout};
use serde_json::json;

use super::trust::Judge;
use crate::args::{Global, Pull};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json, published_json};

pub fn run(
    args: &Pull,
    global: &Global,
    project: Option<&Project>,
    folder: &Path,
    machine: &Machine,
) -> Result<(), Failure> {
    let references = match project {
        Some(project) => pushed(project)?,
        None => args.references.clone(),
    };
    let client = machine.registries();
    let judge = Judge::of(folder, machine)?;
    let mut published = Published::default();
    for reference in references {
        let whole = Whole { platform: args.platform.clone(), referrers: Referrers::Along };
        let place = Place::Registry(reference);
        let parcel = fetch(&place, whole, &client, &*machine.progress)?;
        if let Some(judge) = &judge {
            judge.require(&parcel, &place, &client)?;
        }
        let put = layout::put(&[parcel], &args.output, &machine.store, &*machine.progress)?;
        published.images.extend(put.images);
        published.bytes_sent += put.bytes_sent;
        published.bytes_skipped += put.bytes_skipped;
    }
    if global.json {
        print_json(&json!({ "layout": args.output, "published": published_json(&published) }));
        return Ok(());
    }
    for image in &published.images {
        print(&format!("{}  {}", image.identity.digest(), image.name));
    }
    let count = plural(published.images.len(), "image");
    print(&format!("pulled {count} into {}: {} new", args.output.display(), bytes(published.bytes_sent)));
    Ok(())
}

/// What the stack pushed last, each under its first tag and by digest.
fn pushed(project: &Project) -> Result<Vec<Reference>, Failure> {
    let record = Record::read(&project.record_path())?.ok_or_else(|| Failure::Usage {
        message: format!("there is no `{}`: the stack was not pushed from here", project.record_name()),
        hint: "name the images to pull: `longshore pull REGISTRY/NAME:TAG -o DIR`".to_owned(),
    })?;
    let reference =
        |image: &RecordedImage| Reference { tag: image.tags.first().cloned(), ..image.reference() };
    Ok(record.images.values().map(reference).collect())
}
