//! `longshore rebuild`: the same recipes under other conditions must make the same bytes.

use longshore_build::rebuild::rebuild;
use serde_json::json;

use super::lock::for_build;
use crate::args::{Global, Rebuild};
use crate::builds::{self, Builds};
use crate::inputs::Loader;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, print, print_json};

pub fn run(args: &Rebuild, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let names = project.select_builds(&args.builds)?;
    let lock = for_build(global, project, machine)?;
    let loader = Loader::new(project, &lock, machine);
    let builds = Builds::new(project, &lock, machine, &loader);
    let (mut rows, mut differ) = (Vec::new(), Vec::new());
    for platform in &project.stack.platforms {
        for name in &names {
            let needed = builds.needed(platform, name)?;
            let recipe = builds.prepare(name, platform, &needed)?.recipe;
            let limits = builds::limits(&project.stack.builds[name]);
            let difference = rebuild(builds.executor(), &recipe, &limits)?.map(|found| found.to_string());
            rows.push(json!({ "build": name, "platform": platform.to_string(), "difference": difference }));
            match difference {
                Some(what) => differ.push((format!("{name} ({platform})"), what)),
                None if !global.json => print(&format!("{name} ({platform}): the same bytes")),
                None => {}
            }
        }
    }
    if !differ.is_empty() {
        return Err(Failure::Differs(differ));
    }
    match global.json {
        true => print_json(&rows),
        false if names.is_empty() => print("the stack has no builds"),
        false => {}
    }
    Ok(())
}
