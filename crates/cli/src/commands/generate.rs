//! `longshore generate`: the stack as files for Compose, Kubernetes or podman's units, and its policy as those of others.

use std::collections::{BTreeMap, BTreeSet};

use longshore_deploy::{Deployment, Files, Rendered, compose, kube, quadlet};
use longshore_image::pack::Wanted;
use longshore_oci::{Digest, Platform, Reference};
use longshore_publish::record::Record;
use longshore_stack::lock::Lock;
use longshore_trust::foreign::{self, Other, Strength};
use longshore_trust::policy::{self, Policy};
use serde_json::json;

use super::lock::for_build;
use crate::args::{Compression, Generate, Global, ImagesBy, KubeForm, Target};
use crate::generated::{Folder, Standing};
use crate::machine::Machine;
use crate::others;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, print, print_json};

/// What makes files of services.
type Rendering<'a> = dyn Fn(&Deployment<'_>) -> Result<Rendered, Failure> + 'a;

pub fn run(args: &Generate, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let of_stack = |usual: ImagesBy, render: &Rendering| {
        let by = args.images.unwrap_or(usual);
        services(Naming { by, compression: args.compression }, render, global, project, machine)
    };
    let of_policy = |other: Other| policy(args, other, project, machine);
    let rendered = match args.target {
        Target::Compose => of_stack(ImagesBy::Loaded, &|deployment| {
            compose::compose(deployment).map_err(Failure::GenerateCompose)
        }),
        Target::Quadlet => of_stack(ImagesBy::Loaded, &|deployment| {
            quadlet::quadlet(deployment).map_err(Failure::GenerateQuadlet)
        }),
        Target::Kube => of_stack(ImagesBy::Digest, &|deployment| {
            let options = kube::Options { form: form(args.form), groups: &args.groups };
            kube::kube(deployment, options).map_err(Failure::GenerateKube)
        }),
        Target::Kyverno => of_policy(Other::Kyverno),
        Target::ClusterImagePolicy => of_policy(Other::ClusterImage),
        Target::ContainersPolicy => of_policy(Other::Containers),
    }?;
    let place = args.output.clone().unwrap_or_else(|| project.folder.join("deploy").join(args.target.word()));
    let folder = Folder::new(place);
    let standing = folder.compare(&rendered)?;
    if args.check {
        return check(args, global, project, &folder, &standing);
    }
    folder.write(&rendered)?;
    if global.json {
        print_json(&json!({ "folder": folder.path(), "files": rendered.files.0.keys().collect::<Vec<_>>() }));
        return Ok(());
    }
    let changed = standing.different();
    match changed.as_slice() {
        [] => print(&format!("{}: as it was", folder.path().display())),
        changed => changed.iter().for_each(|line| print(&format!("{}/{line}", folder.path().display()))),
    }
    Ok(())
}

/// The policy of the stack in the words of `other`: nothing of the stack's is built or locked for it.
fn policy(args: &Generate, other: Other, project: &Project, machine: &Machine) -> Result<Rendered, Failure> {
    let policy = match &args.policy {
        Some(file) => Some(Policy::read(file)?),
        None => Policy::of(&project.folder)?,
    };
    let policy = policy.ok_or_else(|| Failure::Usage {
        message: format!("there is no policy `{}`", project.folder.join(policy::FILE).display()),
        hint: format!(
            "say in `{}` beside the stack file who must have signed what, or give `--policy FILE`",
            policy::FILE
        ),
    })?;
    let strength = if args.weaker { Strength::Weaker } else { Strength::Whole };
    let foreign = foreign::write(&policy, other, strength, &project.stack.name)?;
    foreign.notes.iter().for_each(|note| machine.warn(&note.to_string()));
    Ok(Rendered { files: Files(foreign.files), ..Rendered::default() })
}

/// How images are named.
#[derive(Clone, Copy)]
struct Naming {
    by: ImagesBy,
    compression: Compression,
}

/// The services of the stack.
fn services(
    naming: Naming,
    render: &Rendering,
    global: &Global,
    project: &Project,
    machine: &Machine,
) -> Result<Rendered, Failure> {
    if project.stack.services.is_empty() {
        return Err(Failure::Usage {
            message: "the stack has no services".to_owned(),
            hint: "add `[service.NAME]` with `image = …` to stack.toml, then run `longshore check`"
                .to_owned(),
        });
    }
    let locked = for_build(global, project, machine)?;
    let images = references(naming, project, &locked, machine)?;
    let project = &others::inherited_everywhere(project, &locked, machine)?;
    let lock = project.read_lock()?.map(|lock| lock.to_string()).unwrap_or_default();
    let deployment = Deployment { stack: &project.stack, images: &images, lock: Digest::of(lock.as_bytes()) };
    let rendered = render(&deployment)?;
    rendered.notes.iter().for_each(|note| machine.warn(&note.to_string()));
    Ok(rendered)
}

/// Says whether the files are still what the stack says; fails when they aren't.
fn check(
    args: &Generate,
    global: &Global,
    project: &Project,
    folder: &Folder,
    standing: &Standing,
) -> Result<(), Failure> {
    let different = standing.different();
    if global.json {
        print_json(
            &json!({ "folder": folder.path(), "current": different.is_empty(), "different": different }),
        );
    }
    if !different.is_empty() {
        return Err(Failure::Outdated {
            folder: folder.path().display().to_string(),
            different,
            again: project.command(&again(args)),
        });
    }
    if !global.json {
        print(&format!("{} is what the stack says", folder.path().display()));
    }
    Ok(())
}

/// The command that writes the files anew.
fn again(args: &Generate) -> String {
    let mut words = format!("generate {}", args.target.word());
    if args.target == Target::Kube {
        words += &format!(" --form {}", form(args.form).word());
    }
    if let Some(images) = args.images {
        words += &format!(" --images {}", images.word());
    }
    if args.compression != Compression::Default {
        words += &format!(" --compression {}", args.compression.word());
    }
    if let Some(policy) = &args.policy {
        words += &format!(" --policy {}", policy.display());
    }
    if args.weaker {
        words += " --weaker";
    }
    args.groups.iter().for_each(|group| words += &format!(" --group {group}"));
    if let Some(output) = &args.output {
        words += &format!(" --output {}", output.display());
    }
    words
}

fn form(form: KubeForm) -> kube::Form {
    match form {
        KubeForm::File => kube::Form::File,
        KubeForm::Folder => kube::Form::Folder,
        KubeForm::Kustomize => kube::Form::Kustomize,
        KubeForm::Helm => kube::Form::Helm,
    }
}

/// By what the images that services run are found.
fn references(
    naming: Naming,
    project: &Project,
    lock: &Lock,
    machine: &Machine,
) -> Result<BTreeMap<String, Reference>, Failure> {
    let names: BTreeSet<String> =
        project.stack.services.values().map(|service| service.image.clone()).collect();
    match naming.by {
        ImagesBy::Published => published(project, &names),
        ImagesBy::Loaded => {
            let platform = project.own_platform()?;
            let images = pipeline::build(project, lock, machine, &names, &[platform], Wanted::DiffIds)?;
            images
                .0
                .values()
                .map(|image| Ok((image.name.clone(), pipeline::content_reference(project, image)?)))
                .collect()
        }
        ImagesBy::Digest => {
            let platforms: Vec<Platform> = project.stack.platforms.clone();
            let codec = machine.codec(naming.compression);
            let wanted = Wanted::Blobs(codec);
            let images = pipeline::build(project, lock, machine, &names, &platforms, wanted)?;
            let mut references = BTreeMap::new();
            for index in images.indexes(project, "latest")? {
                let (store, jobs) = (&machine.store, machine.jobs().get());
                let top = longshore_publish::descriptor(&index, codec, store, jobs, &*machine.progress)?;
                let Some(first) = index.images.first() else { continue };
                references.insert(first.name.clone(), index.reference.with_digest(top.digest));
            }
            Ok(references)
        }
    }
}

/// What was pushed last of the images called `names`.
fn published(project: &Project, names: &BTreeSet<String>) -> Result<BTreeMap<String, Reference>, Failure> {
    let file = project.record_name();
    let record = Record::read(&project.record_path())?.unwrap_or_default();
    let reference = |name: &String| {
        let image = record.images.get(name).ok_or_else(|| Failure::Usage {
            message: format!("image `{name}` was never pushed: `{file}` does not have it"),
            hint: project.command("push"),
        })?;
        Ok((name.clone(), image.reference()))
    };
    names.iter().map(reference).collect()
}
