//! `longshore sbom`: what images are made of, as documents that other programs read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;
use longshore_image::pack::Wanted;
use longshore_oci::Platform;
use longshore_sbom::{Bill, Detail, Format, Subject};
use serde_json::json;

use super::lock::for_build;
use super::save::is_folder;
use crate::args::{Global, Sbom};
use crate::bills;
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, plural, print, print_json};

pub fn run(args: &Sbom, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let platforms = project.select_platforms(&args.selection)?;
    let format = Format::from(args.format);
    let folder = args.output.as_deref().filter(|path| is_folder(path));
    let subjects = match folder {
        Some(_) => all(&names, &platforms, args),
        None => vec![one(&names, &platforms, args)?],
    };
    let lock = for_build(global, project, machine)?;
    let detail = if args.files { Detail::Files } else { Detail::Components };
    let built = pipeline::build_each(project, &lock, machine, &names, &platforms, Wanted::DiffIds)?;
    let bill = bills::bill(project, &lock, machine, &names, &built, detail)?;
    let mut written = Vec::new();
    for subject in &subjects {
        let Some(about) = bill.about(subject) else { continue };
        let Some(text) = format.write(&about) else { continue };
        let Some(output) = &args.output else {
            print(&text);
            return Ok(());
        };
        let path = match folder {
            Some(folder) => folder.join(file_name(&bill, subject, format)),
            None => output.clone(),
        };
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(Failure::Io)?;
        fs::write(&path, text).map_err(Failure::Io)?;
        written.push((path, about.components.len()));
    }
    if written.is_empty() && format == Format::OpenVex {
        return Err(Failure::Sbom(longshore_sbom::Error::NothingPatched));
    }
    report(&written, global);
    Ok(())
}

fn report(written: &[(PathBuf, usize)], global: &Global) {
    if global.json {
        let rows = written.iter().map(|(path, components)| json!({ "path": path, "components": components }));
        print_json(&rows.collect::<Vec<_>>());
        return;
    }
    for (path, components) in written {
        print(&format!("{}  {}", path.display(), plural(*components, "component")));
    }
}

/// What the one document is about.
fn one(names: &BTreeSet<String>, platforms: &[Platform], args: &Sbom) -> Result<Subject, Failure> {
    if args.stack {
        return Ok(Subject::Stack);
    }
    let mut all = names.iter();
    match (all.next(), all.next(), platforms) {
        (Some(name), None, [platform]) => Ok(Subject::Image(name.clone(), platform.clone())),
        (Some(name), None, _) => Ok(Subject::Index(name.clone())),
        _ => Err(Failure::Usage {
            message: format!("one document is about one image, and {} are asked for", names.len()),
            hint: "name one image; or give `--stack` for one document about all, or `-o FOLDER/` for one about each"
                .to_owned(),
        }),
    }
}

/// What the documents in a folder are about: every image for each platform, and for all where there are several.
fn all(names: &BTreeSet<String>, platforms: &[Platform], args: &Sbom) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for name in names {
        subjects.extend(platforms.iter().map(|platform| Subject::Image(name.clone(), platform.clone())));
        if platforms.len() > 1 {
            subjects.push(Subject::Index(name.clone()));
        }
    }
    if args.stack {
        subjects.push(Subject::Stack);
    }
    subjects
}

/// `web.linux-amd64.spdx.json`, `web.spdx.json`; `STACK.stack.spdx.json`.
fn file_name(bill: &Bill, subject: &Subject, format: Format) -> String {
    let stem = match subject {
        Subject::Image(name, platform) => format!("{name}.{}", platform.to_string().replace('/', "-")),
        Subject::Index(name) => name.clone(),
        Subject::Stack => format!("{}.stack", bill.name),
    };
    format!("{stem}.{}", format.ending())
}
