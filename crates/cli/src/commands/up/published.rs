//! Images that are there already, run as they are: those that were pushed last, or those in a layout. None of them is unpacked
//! before the policy takes it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_image::rootfs::RootFs;
use longshore_net::each;
use longshore_oci::{ImageConfig, ImageFiles, Platform};
use longshore_publish::copy::{Referrers, Whole, fetch};
use longshore_publish::registry::Parcel;
use longshore_registry::Client;
use longshore_sources::base_image::{self, Want};
use longshore_stack::model::Account;

use crate::args::Up;
use crate::commands::layouts;
use crate::commands::trust::{Judge, Subject, pushed};
use crate::machine::Machine;
use crate::others::{self, Others};
use crate::project::Project;
use crate::report::Failure;

/// The images called `names`, and the project with what they say of themselves.
pub fn images(
    args: &Up,
    names: &BTreeSet<String>,
    project: &Project,
    machine: &Machine,
) -> Result<(Project, BTreeMap<String, RootFs>), Failure> {
    let platform = project.own_platform()?;
    let names: Vec<&String> = names.iter().collect();
    let subjects = match &args.from {
        Some(layout) => layouts::images(layout, &names, project)?,
        None => pushed(project, &names)?,
    };
    let client = machine.registries();
    let parcels = each(client.jobs(), &subjects, |subject| {
        let whole = Whole { platform: None, referrers: Referrers::Beside };
        fetch(&subject.place, whole, &client, &*machine.progress)
    })?;
    if let Some(judge) = Judge::of(&project.folder, machine)? {
        judge.require_all(subjects.iter().zip(&parcels), &client)?;
    }
    let (mut project, mut images) = (project.clone(), BTreeMap::new());
    for (Subject { name, .. }, parcel) in subjects.iter().zip(&parcels) {
        let (config, files) = files(parcel, &platform, &client, machine)?;
        let accounts = Account::all(&others::passwd(&files, machine)?);
        let adopted = project.stack.adopt(name, &config, &accounts);
        adopted.map_err(|error| Failure::Usage {
            message: format!("image `{name}` can't be run: {error}"),
            hint: project.command("push"),
        })?;
        images.insert(name.clone(), RootFs::of_image(files, &platform));
    }
    Ok((project, images))
}

/// What `parcel` is on `platform`, its layers unpacked in the store.
fn files(
    parcel: &Parcel,
    platform: &Platform,
    client: &Client,
    machine: &Machine,
) -> Result<(ImageConfig, ImageFiles), Failure> {
    let wanted = match parcel.platforms.is_empty() {
        // An image of a single platform has no index; its configuration says which.
        true => Some(parcel.top.digest),
        false => parcel.platforms.get(&platform.to_string()).copied(),
    };
    let found = parcel.manifests.iter().find(|(descriptor, _)| Some(descriptor.digest) == wanted);
    let lacks = || Failure::Usage {
        message: format!("image `{}` was published without {platform}, which this machine is", parcel.image),
        hint: format!("longshore push --platform {platform}"),
    };
    let (descriptor, bytes) = found.ok_or_else(lacks)?;
    let (access, reference) = (Others::access(machine, client), &parcel.repository);
    let (pin, config) = base_image::pin(reference, &descriptor.media_type, bytes, &access)?;
    if config.platform != *platform {
        return Err(lacks());
    }
    let (files, _) = base_image::files(reference, &pin, Want::Files, &access)?;
    Ok((config, files))
}
