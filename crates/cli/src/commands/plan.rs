//! `longshore plan`: how images are cut into layers.

use longshore_image::plan::{LayerPlan, PlannedLayer, Why};
use longshore_oci::Platform;
use longshore_stack::lock::LayoutLayer;
use serde_json::{Value, json};

use super::lock::for_build;
use crate::args::{Global, Plan};
use crate::layers;
use crate::machine::Machine;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, bytes, plural, print, print_json};

pub fn run(args: &Plan, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_images(&args.selection.images)?;
    let lock = for_build(global, project, machine)?;
    let (mut rows, mut platforms) = (Vec::new(), Vec::new());
    for platform in project.select_platforms(&args.selection)? {
        let composed = pipeline::compose(args.strategy.into(), project, &lock, machine, &platform)?;
        for name in &names {
            let layers: Vec<_> = composed.layers(name).collect();
            let base = project.stack.images.get(name).and_then(|spec| spec.base.as_ref());
            let below = base.and_then(|base| Some((base, lock.image(&base.reference, &platform)?)));
            if !global.json {
                print(&format!("{name} ({platform}): {}", plural(layers.len(), "layer")));
                if let Some((base, pin)) = below {
                    print(&format!("  on {} of {}", plural(pin.layers.len(), "layer"), base.reference));
                }
                layers.iter().for_each(|layer| print(&line(layer, name)));
            }
            rows.extend(layers.iter().map(|layer| row(layer, name, &platform)));
        }
        let prior = layers::prior(&lock, &platform);
        let (changes, expected) = (composed.plan.changes(prior), composed.plan.expected());
        if !global.json {
            summary(&composed.plan, &platform, prior);
        }
        platforms.push(json!({
            "platform": platform.to_string(),
            "layers": composed.plan.layers.len(),
            "expected": expected,
            "changes": changes,
        }));
    }
    if global.json {
        print_json(&json!({ "layers": rows, "platforms": platforms }));
    }
    Ok(())
}

/// A layer of `image` in a line.
fn line(layer: &PlannedLayer, image: &str) -> String {
    let others: Vec<_> = layer.images.iter().filter(|other| *other != image).map(String::as_str).collect();
    let also = if others.is_empty() { String::new() } else { format!("  (also in {})", others.join(", ")) };
    let (size, weekly) = (bytes(layer.bytes), bytes(layer.expected.stack));
    format!("  {size:>10}  {weekly:>9}/week  {:>6} paths  {}{also}", layer.paths.len(), layer.name)
}

fn row(layer: &PlannedLayer, image: &str, platform: &Platform) -> Value {
    json!({
        "image": image, "platform": platform.to_string(), "layer": layer.name, "components": layer.members,
        "bytes": layer.bytes, "paths": layer.paths.len(), "images": layer.images, "state": layer.state,
        "expected_bytes_per_week": layer.expected.stack,
    })
}

/// What is expected of all layers, and which of them are new.
fn summary(plan: &LayerPlan, platform: &Platform, prior: &[LayoutLayer]) {
    let expected = plan.expected();
    print(&format!(
        "{platform}: {}; about {} to pull a week for a host with the whole stack, {} for hosts with one image each",
        plural(plan.layers.len(), "layer"),
        bytes(expected.stack),
        bytes(expected.single),
    ));
    if prior.is_empty() {
        return;
    }
    let changes = plan.changes(prior);
    let kept = plan.layers.len() - changes.len();
    print(&format!("since the last layout: {} kept, {} new", plural(kept, "layer"), changes.len()));
    for change in changes {
        let why: Vec<_> = change.why.iter().map(Why::to_string).collect();
        print(&format!("  {} [{}]: {}", change.layer, change.images.join(", "), why.join(", ")));
    }
}
