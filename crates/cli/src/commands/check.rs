//! `longshore check`: the stack file alone, before anything is fetched; and whether the lock still fits it. Of a stack with
//! profiles the chosen one is checked, or else all of them.

use std::path::Path;

use longshore_stack::lock::Lock;
use longshore_trust::policy::Policy;
use serde_json::{Value, json};

use super::lock::refused;
use crate::args::Global;
use crate::project::Project;
use crate::report::{Failed, Failure, plural, print, print_json};

pub fn run(global: &Global, folder: &Path) -> Result<(), Failed> {
    let projects = match global.profile() {
        Some(name) => vec![Project::open(folder, Some(name), global)?],
        None => Project::open_all(folder, global)?,
    };
    // One that can't be read would be found out when something is to be held to it.
    Policy::of(folder).map_err(Failure::from)?;
    let mut looked = Vec::new();
    for project in &projects {
        let one = look(global, project).map_err(|failure| Failed::of(failure, project.profile.clone()));
        looked.push(one?);
    }
    match (global.json, &looked[..]) {
        (true, [one]) => print_json(&one.as_json()),
        (true, all) => {
            let profiles: Vec<_> = all.iter().map(Looked::as_json).collect();
            print_json(&json!({ "ok": true, "profiles": profiles }));
        }
        (false, all) => all.iter().for_each(Looked::print),
    }
    Ok(())
}

/// A stack that is as it should be, and its lock.
struct Looked<'a> {
    project: &'a Project,
    lock: Option<Lock>,
    /// Why the lock no longer fits.
    stale: Vec<String>,
}

fn look<'a>(global: &Global, project: &'a Project) -> Result<Looked<'a>, Failure> {
    let lock = project.read_lock()?;
    let stale = lock.as_ref().map(|lock| project.stale(lock)).unwrap_or_default();
    if global.locked && (lock.is_none() || !stale.is_empty()) {
        return Err(refused(project, lock.as_ref()));
    }
    Ok(Looked { project, lock, stale })
}

impl Looked<'_> {
    fn as_json(&self) -> Value {
        let stack = &self.project.stack;
        self.project.with_profile(json!({
            "ok": true,
            "stack": stack.name,
            "images": stack.images.keys().collect::<Vec<_>>(),
            "platforms": stack.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "locked": self.lock.is_some() && self.stale.is_empty(),
            "stale": self.stale,
        }))
    }

    fn print(&self) {
        let (stack, name) = (&self.project.stack, self.project.lock_name());
        let profile = stack.profile.as_ref().map(|name| format!(", profile `{name}`")).unwrap_or_default();
        let platforms: Vec<_> = stack.platforms.iter().map(ToString::to_string).collect();
        let (images, platforms) = (plural(stack.images.len(), "image"), platforms.join(", "));
        print(&format!("stack `{}`{profile}: {images} for {platforms}: ok", stack.name));
        let command = |words| self.project.command(words);
        match (&self.lock, self.stale.is_empty()) {
            (None, _) => print(&format!(
                "not locked yet: `{}` pins its inputs, and so does the first `{}`",
                command("lock"),
                command("build")
            )),
            (Some(_), false) => {
                print(&format!("`{name}` no longer fits; run `{}`:", command("lock")));
                self.stale.iter().for_each(|reason| print(&format!("  {reason}")));
            }
            (Some(lock), true) => {
                print(&format!("`{name}` fits and pins {}", plural(lock.packages.len(), "package")));
            }
        }
    }
}
