//! `longshore push`: the images of the stack into their registry, all or none.

use std::collections::BTreeSet;
use std::path::Path;

use longshore_net::each;
use longshore_oci::Reference;
use longshore_publish::Codec;
use longshore_publish::copy::{Place, Referrers, Whole, fetch};
use longshore_publish::record::Record;
use longshore_publish::registry::{Moved, Parcel, Survey, Tagging, move_tags, send, survey};
use longshore_sources::path::{self, WorkTree};
use longshore_stack::tags::{GitFacts, TagFacts};
use serde_json::{Value, json};

use super::layouts;
use super::lock::for_build;
use super::trust::{Documents, Judge, Subject, sign_parcels};
use crate::args::{Global, Push};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json};

pub fn run(args: &Push, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let tags = tags(args, project, machine)?;
    let signs = (args.sign || args.attest || args.author.key.is_some()) && !args.dry_run;
    let mut documents = None;
    let mut parcels = match &args.from {
        Some(layout) => written(args, &tags, &names, layout, project, machine)?,
        None => {
            let platforms = project.select_platforms(&args.selection)?;
            let lock = for_build(global, project, machine)?;
            let codec = machine.codec(args.compression);
            let wanted = machine.wanted(project, codec);
            let built = pipeline::build_each(project, &lock, machine, &names, &platforms, wanted)?;
            if signs && args.attest {
                documents = Some(Documents::new(project, &lock, machine, &names, &built, &args.builder)?);
            }
            parcels(args, &tags, codec, pipeline::Images::of(built), project, machine)?
        }
    };
    let mut read_back = None;
    if signs {
        let root = args.trusted_root.as_deref();
        read_back = sign_parcels(&mut parcels, &args.author, documents.as_ref(), root, machine)?;
    }
    let client = machine.registries();
    // What was built elsewhere is held to the policy that holds for what comes from elsewhere.
    if let Some(layout) = &args.from
        && let Some(judge) = Judge::of(&project.folder, machine)?
    {
        let place = Place::Layout { folder: layout.clone(), name: None };
        parcels.iter().try_for_each(|parcel| judge.require(parcel, &place, &client))?;
    }
    let tagging =
        Tagging { immutable: if args.force { Vec::new() } else { project.stack.publish.immutable.clone() } };
    let survey = survey(&parcels, &tagging, &client)?;
    if args.dry_run {
        return tell(global, project, &survey);
    }
    // Before anything moves: a record that can't be read must not make a failure of a push that was done.
    let path = project.record_path();
    let mut record = Record::read(&path)?.unwrap_or_default();
    let sent = send(&survey, &client, &*machine.progress)?;
    // No tag names what others would not find signed.
    if let Some(read_back) = read_back {
        each(client.jobs(), &parcels, |parcel| read_back.require(parcel, &client, machine))?;
    }
    let moved = move_tags(&survey, &client)?;
    record.take(&project.stack.name, &parcels);
    record.write(&path)?;
    report(global, project, &survey, sent, &moved, &record);
    Ok(())
}

/// What the images will be called.
fn tags(args: &Push, project: &Project, machine: &Machine) -> Result<Vec<String>, Failure> {
    if !args.tags.is_empty() {
        if let Some(wrong) = args.tags.iter().find(|tag| !longshore_oci::is_tag(tag)) {
            return Err(Failure::Usage {
                message: format!("`{wrong}` can't be a tag"),
                hint: "a tag is 1 to 128 of `A-Za-z0-9_.-`, not starting with `.` or `-`".to_owned(),
            });
        }
        return Ok(args.tags.clone());
    }
    // Templates that need no commit cost none.
    let says = project.stack.publish.tags.iter().any(|template| template.contains("git"));
    let commit = says.then(|| path::commit(&project.folder, &machine.settings.path)).flatten();
    if commit.as_ref().is_some_and(|commit| commit.tree == WorkTree::Changed) {
        machine.warn("files are not as the commit has them by which the images are called");
    }
    let facts = TagFacts {
        git: commit.map(|commit| GitFacts { sha: commit.sha, branch: commit.branch }),
        date: machine.settings.today(),
    };
    Ok(project.stack.tags(&facts)?)
}

fn parcels(
    args: &Push,
    tags: &[String],
    codec: Codec,
    images: pipeline::Images,
    project: &Project,
    machine: &Machine,
) -> Result<Vec<Parcel>, Failure> {
    let mut parcels = Vec::new();
    let indexes = images.indexes(project, "latest")?;
    machine.take_layers(project, &indexes, codec);
    for index in &indexes {
        let mut index = index.clone();
        let name = index.images.first().map(|image| image.name.clone()).unwrap_or_default();
        if let Some(to) = &args.to {
            index.reference = format!("{to}/{name}").parse::<Reference>().map_err(Failure::Reference)?;
        }
        let jobs = machine.jobs().get();
        parcels.push(Parcel::of(&index, tags.to_vec(), codec, &machine.store, jobs, &*machine.progress)?);
    }
    machine.give_layers(project, &indexes, codec);
    Ok(parcels)
}

/// The images called `names` in a layout that was built before.
fn written(
    args: &Push,
    tags: &[String],
    names: &BTreeSet<String>,
    layout: &Path,
    project: &Project,
    machine: &Machine,
) -> Result<Vec<Parcel>, Failure> {
    let names: Vec<&String> = names.iter().collect();
    let client = machine.registries();
    let mut parcels = Vec::new();
    for Subject { name, place } in layouts::images(layout, &names, project)? {
        let whole = Whole { platform: None, referrers: Referrers::Along };
        let parcel = fetch(&place, whole, &client, &*machine.progress)?;
        let to = format!("{}/{name}", args.to.as_ref().unwrap_or(&project.stack.repository));
        let repository = to.parse::<Reference>().map_err(Failure::Reference)?;
        parcels.push(Parcel { image: name, repository, tags: tags.to_vec(), ..parcel });
    }
    Ok(parcels)
}

/// `--dry-run`.
fn tell(global: &Global, project: &Project, survey: &Survey<'_>) -> Result<(), Failure> {
    let (to_send, all) = (survey.bytes_to_send(), survey.bytes());
    if global.json {
        let images = survey.parcels.iter().map(|surveyed| {
            let tags = surveyed.tags.iter().map(|(tag, now)| json!({ "tag": tag, "from": now }));
            json!({
                "image": surveyed.parcel.image,
                "reference": surveyed.parcel.repository.with_digest(surveyed.parcel.top.digest),
                "there": surveyed.manifests.is_empty(),
                "moves": tags.collect::<Vec<_>>(),
            })
        });
        let answer = json!({
            "images": images.collect::<Vec<_>>(),
            "uploads": survey.uploads.iter().map(|(content, _)| content.digest).collect::<Vec<_>>(),
            "mounts": survey.mounts.len(),
            "bytes_to_send": to_send,
            "bytes": all,
        });
        print_json(&project.with_profile(answer));
        return Ok(());
    }
    for surveyed in &survey.parcels {
        let own = survey.uploads.iter().filter(|(content, _)| surveyed.parcel.blobs.contains_key(content));
        let what = match surveyed.manifests.as_slice() {
            [] => "is there".to_owned(),
            _ => format!("needs {}", bytes(own.map(|(content, _)| content.size).sum())),
        };
        print(&format!("{}  {what}", surveyed.parcel.repository.with_digest(surveyed.parcel.top.digest)));
        for (tag, now) in &surveyed.tags {
            let now = now.map_or_else(|| "nothing".to_owned(), |now| now.short());
            print(&format!("  {tag}: {now} → {}", surveyed.parcel.top.digest.short()));
        }
    }
    let (uploads, mounts) = (plural(survey.uploads.len(), "blob"), survey.mounts.len());
    print(&format!("would send {} of {}: {uploads}, {mounts} mounted", bytes(to_send), bytes(all)));
    Ok(())
}

fn report(
    global: &Global,
    project: &Project,
    survey: &Survey<'_>,
    sent: u64,
    moved: &[Moved],
    record: &Record,
) {
    let all = survey.bytes();
    if global.json {
        let moved =
            moved.iter().map(|tag| json!({ "reference": tag.reference, "from": tag.from, "to": tag.to }));
        let mut answer: Value = json!(record);
        answer["moved"] = moved.collect();
        answer["bytes_sent"] = json!(sent);
        answer["bytes"] = json!(all);
        print_json(&project.with_profile(answer));
        return;
    }
    for surveyed in &survey.parcels {
        let reference = surveyed.parcel.repository.with_digest(surveyed.parcel.top.digest);
        let mark = if surveyed.tags.is_empty() { "" } else { "moved " };
        print(&format!("{reference}  {mark}{}", surveyed.parcel.tags.join(", ")));
    }
    let kept = bytes(all.saturating_sub(sent));
    print(&format!(
        "pushed {}: {} sent, {kept} there already",
        plural(survey.parcels.len(), "image"),
        bytes(sent)
    ));
}
