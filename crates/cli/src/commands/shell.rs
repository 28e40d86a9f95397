//! `longshore shell`: the environment of a build, for a person.

use super::lock::for_build;
use crate::args::{Global, Shell};
use crate::builds::Builds;
use crate::inputs::Loader;
use crate::machine::Machine;
use crate::project::Project;
use crate::report::Failure;

pub fn run(args: &Shell, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    project.select_builds(std::slice::from_ref(&args.build))?;
    let lock = for_build(global, project, machine)?;
    let loader = Loader::new(project, &lock, machine);
    let builds = Builds::new(project, &lock, machine, &loader);
    let platform = project.stack.build_platform();
    let needed = builds.needed(&platform, &args.build)?;
    let recipe = builds.prepare(&args.build, &platform, &needed)?.recipe;
    let exit = builds.executor().shell(&recipe, &args.command)?;
    if exit.status.success() { Ok(()) } else { Err(Failure::Shell(exit.status)) }
}
