//! `longshore plan`: how images are cut into layers.

use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Plan};
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json};

pub fn run(args: &Plan, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let lock = for_build(global, project, machine)?;
    let mut rows = Vec::new();
    for platform in project.select_platforms(&args.selection)? {
        let composed = pipeline::compose(project, &lock, machine, &platform)?;
        for name in &names {
            let layers = composed.layers(name, &platform).collect::<Vec<_>>();
            if !global.json {
                print(&format!("{name} ({platform}): {}", plural(layers.len(), "layer")));
            }
            let base = project.stack.images.get(name).and_then(|spec| spec.base.as_ref());
            let below = base.and_then(|base| Some((base, lock.image(&base.reference, &platform)?)));
            if let Some((base, pin)) = below.filter(|_| !global.json) {
                print(&format!("  on {} of {}", plural(pin.layers.len(), "layer"), base.reference));
            }
            for layer in layers {
                let shared: Vec<_> = layer.images.iter().map(|(image, _)| image.as_str()).collect();
                if !global.json {
                    let also: Vec<_> =
                        shared.iter().filter(|image| **image != name.as_str()).copied().collect();
                    let also = if also.is_empty() {
                        String::new()
                    } else {
                        format!("  (also in {})", also.join(", "))
                    };
                    print(&format!(
                        "  {:>10}  {:>6} paths  {}{also}",
                        bytes(layer.bytes),
                        layer.paths.len(),
                        layer.name
                    ));
                }
                rows.push(json!({
                    "image": name, "platform": platform.to_string(), "layer": layer.name,
                    "bytes": layer.bytes, "paths": layer.paths.len(), "images": shared,
                }));
            }
        }
    }
    if global.json {
        print_json(&rows);
    }
    Ok(())
}
