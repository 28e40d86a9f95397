//! `longshore rebuild`: the same recipes under other conditions must make the same bytes.

use std::collections::BTreeSet;

use longshore_build::graph::{Graph, Job};
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
    let platforms = &project.stack.platforms;
    let wanted =
        names.iter().flat_map(|name| platforms.iter().map(|platform| (name.clone(), platform.clone())));
    let jobs = wanted.map(|(build, platform)| (Job { build, platform }, BTreeSet::new())).collect();
    // None needs another here: what they are made of is made already, or first of all.
    let graph = Graph::new(&jobs, jobs.keys().cloned())?;
    let compared = graph.run(machine.jobs().get(), &*machine.progress, |job, _| {
        let needed = builds.needed(&job.platform, &job.build)?;
        let recipe = builds.prepare(&job.build, &job.platform, &needed)?.recipe;
        let limits = builds::limits(&project.stack.builds[&job.build]);
        let difference = rebuild(builds.executor(), &recipe, &limits)?.map(|found| found.to_string());
        if difference.is_none() && !global.json {
            print(&format!("{} ({}): the same bytes", job.build, job.platform));
        }
        Ok::<_, Failure>(difference)
    })?;
    let (mut rows, mut differ) = (Vec::new(), Vec::new());
    for (Job { build, platform }, difference) in compared {
        rows.push(json!({ "build": build, "platform": platform.to_string(), "difference": difference }));
        differ.extend(difference.map(|what| (format!("{build} ({platform})"), what)));
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
