//! `longshore show`: what is in images, where it comes from, and what stayed out.

use longshore_image::lint::Finding;
use longshore_image::rootfs::{Brought, RootFs};
use longshore_oci::{Origin, Platform};
use longshore_stack::model::ImageSpec;
use serde_json::{Value, json};

use super::lock::for_build;
use crate::args::{Global, Show};
use crate::builds;
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json};

pub fn run(args: &Show, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let lock = for_build(global, project, machine)?;
    let mut rows = Vec::new();
    for platform in project.select_platforms(&args.selection)? {
        let composed = pipeline::compose(project, &lock, machine, &platform)?;
        for (name, rootfs) in composed.rootfs.iter().filter(|(name, _)| names.contains(*name)) {
            let findings = pipeline::findings(project, name, &platform, rootfs);
            if global.json {
                rows.push(as_json(name, &platform, project, rootfs, &findings, args));
            } else {
                as_text(name, &platform, project, rootfs, &findings, args);
            }
        }
    }
    if global.json {
        print_json(&rows);
    }
    Ok(())
}

fn as_text(
    name: &str,
    platform: &Platform,
    project: &Project,
    rootfs: &RootFs,
    findings: &[Finding],
    args: &Show,
) {
    let tree = rootfs.tree();
    print(&format!("{name} ({platform}): {}, {}", plural(tree.len(), "path"), bytes(tree.size())));
    if args.files {
        print(&rootfs.dump());
        return;
    }
    if !args.scripts {
        run_lines(&project.stack.images[name]).iter().for_each(|line| print(&format!("  {line}")));
    }
    let width = rootfs.packages().iter().map(|package| package.id.name.len()).max().unwrap_or(0);
    for package in rootfs.packages() {
        if args.scripts {
            if !package.skipped.is_empty() {
                print(&format!("  {} {}", package.id.name, package.id.version));
                package.skipped.iter().for_each(|sentence| print(&format!("    {sentence}")));
            }
            continue;
        }
        let how = match package.brought {
            Brought::Whole => "",
            Brought::Slice => "  slice",
            Brought::Fragment => "  fragment",
        };
        let (left, left_bytes) =
            package.left_out.values().fold((0, 0), |(files, size), (f, s)| (files + f, size + s));
        let left = match left {
            0 => String::new(),
            _ => format!("  left out: {}, {}", plural(left, "file"), bytes(left_bytes)),
        };
        let (id, size, files) = (&package.id, bytes(package.bytes), plural(package.files, "file"));
        print(&format!("  {:width$}  {:>10}  {files:>11}  {}{how}{left}", id.name, size, id.version));
    }
    if args.scripts {
        return;
    }
    for (origin, paths) in rootfs.components().iter().filter(|(o, _)| !matches!(o, Origin::Package(_))) {
        let how = match origin {
            Origin::Build(build) if builds::toolchain(project, build) == "host" => {
                ", with the machine's own toolchain"
            }
            _ => "",
        };
        print(&format!("  {origin}: {}{how}", plural(paths.len(), "path")));
    }
    for finding in findings {
        print(&format!("  {} [{}:{}]: {}", finding.severity, finding.lint, finding.subject, finding.message));
    }
}

/// How it runs.
fn run_lines(spec: &ImageSpec) -> Vec<String> {
    let mut lines = vec![format!("user {} ({}:{})", spec.user.name, spec.user.uid, spec.user.gid)];
    let mut line = |what: &str, words: Vec<String>| {
        if !words.is_empty() {
            lines.push(format!("{what} {}", words.join(" ")));
        }
    };
    line("entrypoint", spec.entrypoint.clone());
    line("command", spec.command.clone());
    line("workdir", spec.workdir.iter().map(ToString::to_string).collect());
    line("writable", spec.writable.iter().map(|folder| folder.path.to_string()).collect());
    line("ports", spec.ports.iter().map(|(name, port)| format!("{name}={port}")).collect());
    lines
}

fn as_json(
    name: &str,
    platform: &Platform,
    project: &Project,
    rootfs: &RootFs,
    findings: &[Finding],
    args: &Show,
) -> Value {
    let components = rootfs.components();
    let builds = components.keys().filter_map(|origin| match origin {
        Origin::Build(build) => {
            Some(json!({ "build": build, "toolchain": builds::toolchain(project, build) }))
        }
        _ => None,
    });
    let mut row = json!({
        "image": name,
        "platform": platform.to_string(),
        "paths": rootfs.tree().len(),
        "bytes": rootfs.tree().size(),
        "packages": rootfs.packages(),
        "builds": builds.collect::<Vec<_>>(),
        "findings": findings,
    });
    if args.files {
        let files = rootfs.tree().iter().map(|(path, entry)| {
            json!({
                "path": path.to_string(),
                "mode": format!("{:04o}", entry.mode),
                "uid": entry.uid,
                "gid": entry.gid,
                "origin": rootfs.origin(path).map(ToString::to_string),
            })
        });
        row["files"] = files.collect();
    }
    row
}
