//! `longshore why`: which input put a path or a package into an image.

use std::collections::BTreeSet;

use longshore_oci::{Origin, TreePath};
use longshore_stack::lock::Lock;
use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Why};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, print, print_json, why};

pub fn run(args: &Why, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(std::slice::from_ref(&args.image))?;
    let lock = for_build(global, project, machine)?;
    let missing = || Failure::Usage {
        message: format!("image `{}` has no `{}`", args.image, args.subject),
        hint: format!("longshore show --files {}", args.image),
    };
    if !args.subject.starts_with('/') {
        let chain = match why::chain(&lock, &args.image, &args.subject) {
            Some(chain) => chain,
            None => of_nix(args, &names, project, &lock, machine)?.ok_or_else(missing)?,
        };
        if global.json {
            print_json(&json!({ "image": args.image, "package": args.subject, "chain": chain }));
        } else {
            print(&why::sentence(&args.image, &chain));
        }
        return Ok(());
    }
    let path = TreePath::new(&args.subject).map_err(|_| missing())?;
    let mut found = Vec::new();
    for platform in &project.stack.platforms {
        let made = pipeline::compose_some(project, &lock, machine, platform, &names)?;
        let Some(rootfs) = made.rootfs.get(&args.image) else { continue };
        let Some((at, origin)) = rootfs.locate(&path) else { continue };
        let chain = match origin {
            Origin::Package(id) => why::chain(&lock, &args.image, &id.name),
            Origin::Nix(path) => rootfs.store_paths().get(path).map(why::store_path),
            _ => None,
        };
        found.push((platform.to_string(), at, origin.clone(), chain));
    }
    if found.is_empty() {
        return Err(missing());
    }
    for (platform, at, origin, chain) in &found {
        if !global.json {
            let why = why::sentence(&args.image, chain.as_deref().unwrap_or_default());
            print(&format!("{at} ({platform}): {origin}\n  {why}"));
        }
    }
    if global.json {
        let rows = found.iter().map(|(platform, at, origin, chain)| {
            json!({ "path": at.to_string(), "platform": platform, "origin": origin.to_string(), "chain": chain })
        });
        print_json(&rows.collect::<Vec<_>>());
    }
    Ok(())
}

/// The chain of references to a store path that is called so, on the first platform that has one. What is left out of an image is
/// known only once it is composed.
fn of_nix(
    args: &Why,
    names: &BTreeSet<String>,
    project: &Project,
    lock: &Lock,
    machine: &Machine,
) -> Result<Option<Vec<String>>, Failure> {
    if project.stack.images[&args.image].nix().next().is_none() {
        return Ok(None);
    }
    for platform in &project.stack.platforms {
        let made = pipeline::compose_some(project, lock, machine, platform, names)?;
        let rootfs = made.rootfs.get(&args.image);
        if let Some(chain) = rootfs.and_then(|rootfs| why::store_path_called(rootfs, &args.subject)) {
            return Ok(Some(chain));
        }
    }
    Ok(None)
}
