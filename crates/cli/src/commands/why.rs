//! `longshore why`: which input put a path or a package into an image.

use longshore_oci::{Origin, TreePath};
use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Why};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, print, print_json, why};

pub fn run(args: &Why, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    project.select_images(std::slice::from_ref(&args.image))?;
    let lock = for_build(global, project, machine)?;
    let missing = || Failure::Usage {
        message: format!("image `{}` has no `{}`", args.image, args.subject),
        hint: format!("longshore show --files {}", args.image),
    };
    if !args.subject.starts_with('/') {
        let spec = &project.stack.images[&args.image];
        let package = why::chain(&lock, &args.image, &args.subject);
        let chain =
            package.or_else(|| why::store_path_called(&lock, spec, &project.stack.platforms, &args.subject));
        let chain = chain.ok_or_else(missing)?;
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
        let composed = pipeline::compose(project, &lock, machine, platform)?;
        let Some(rootfs) = composed.rootfs.get(&args.image) else { continue };
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
