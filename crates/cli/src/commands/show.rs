//! `longshore show`: what is in images, where it comes from, and what stayed out.

use longshore_build::references;
use longshore_image::lint::Finding;
use longshore_image::rootfs::{Brought, Held, RootFs};
use longshore_oci::{Component, Node, Origin, Platform};
use longshore_stack::model::ImageSpec;
use serde_json::{Value, json};

use super::lock::for_build;
use crate::args::{Global, Show};
use crate::builds;
use crate::machine::Machine;
use crate::others;
use crate::pipeline::{self, Made};
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json};

pub fn run(args: &Show, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let lock = for_build(global, project, machine)?;
    let mut rows = Vec::new();
    for platform in project.select_platforms(&args.selection)? {
        let project = &others::inherited(project, &lock, machine, &platform)?;
        let made = pipeline::compose_some(project, &lock, machine, &platform, &names)?;
        for (name, rootfs) in &made.rootfs {
            let findings = pipeline::findings(project, name, &platform, rootfs);
            let spec = &project.stack.images[name];
            let taken: Vec<_> = taken(spec, &made);
            if global.json {
                rows.push(as_json(name, &platform, project, rootfs, &taken, &findings, args));
            } else {
                as_text(name, &platform, project, rootfs, &taken, &findings, args);
            }
        }
    }
    if global.json {
        print_json(&rows);
    }
    Ok(())
}

/// What a build made, of which an image takes something.
struct Taken<'a> {
    build: &'a str,
    files: usize,
    bytes: u64,
    /// What its programs need at run time that it does not hold.
    references: Vec<String>,
}

/// The builds that an image takes something from, by name.
fn taken<'a>(spec: &'a ImageSpec, made: &Made) -> Vec<Taken<'a>> {
    let taken = |build: &'a str| {
        let Component { tree, facts, .. } = &**made.built.get(build)?;
        let files = tree.iter().filter(|(_, entry)| entry.node != Node::Directory).count();
        Some(Taken { build, files, bytes: tree.size(), references: references(tree, facts) })
    };
    spec.builds().into_iter().filter_map(taken).collect()
}

fn as_text(
    name: &str,
    platform: &Platform,
    project: &Project,
    rootfs: &RootFs,
    taken: &[Taken<'_>],
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
    for (origin, held) in rootfs.components().iter().filter(|(o, _)| !matches!(o, Origin::Package(_))) {
        let how = match origin {
            Origin::Build(build) if builds::toolchain(project, build) == "host" => {
                ", with the machine's own toolchain".to_owned()
            }
            Origin::Nix(_) => format!(", {}", bytes(size(held))),
            _ => String::new(),
        };
        print(&format!("  {origin}: {}{how}", plural(held.len(), "path")));
        if let Origin::Build(name) = origin {
            taken.iter().filter(|taken| taken.build == name).for_each(|taken| print(&made(taken)));
        }
    }
    for finding in findings {
        print(&format!("  {} [{}:{}]: {}", finding.severity, finding.lint, finding.subject, finding.message));
    }
}

/// Bytes of the files among them.
fn size(held: &[Held<'_>]) -> u64 {
    held.iter().map(|(_, entry)| entry.size()).sum()
}

/// What a build made, and what that needs to run.
fn made(taken: &Taken<'_>) -> String {
    let needs = match &taken.references[..] {
        [] => String::from("needs nothing else to run"),
        some => format!("needs to run: {}", some.join(", ")),
    };
    format!("    output of {}, {}; {needs}", plural(taken.files, "file"), bytes(taken.bytes))
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
    taken: &[Taken<'_>],
    findings: &[Finding],
    args: &Show,
) -> Value {
    let builds = taken.iter().map(|taken| {
        json!({
            "build": taken.build,
            "toolchain": builds::toolchain(project, taken.build),
            "files": taken.files,
            "bytes": taken.bytes,
            "references": taken.references,
        })
    });
    let components = rootfs.components();
    let store_paths = rootfs.store_paths().iter().map(|(path, how)| {
        let held = components.get(&Origin::Nix(path.clone())).map(Vec::as_slice).unwrap_or_default();
        json!({
            "path": path.to_string(),
            "installable": how.installable,
            "paths": held.len(),
            "bytes": size(held),
        })
    });
    let mut row = json!({
        "image": name,
        "platform": platform.to_string(),
        "paths": rootfs.tree().len(),
        "bytes": rootfs.tree().size(),
        "packages": rootfs.packages(),
        "builds": builds.collect::<Vec<_>>(),
        "storePaths": store_paths.collect::<Vec<_>>(),
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
