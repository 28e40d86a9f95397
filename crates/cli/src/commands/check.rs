//! `longshore check`: the stack file alone, before anything is fetched; and whether the lock still fits it.

use std::path::Path;

use serde_json::json;

use crate::args::Global;
use crate::project::Project;
use crate::report::{Failure, plural, print, print_json};

pub fn run(global: &Global, folder: &Path) -> Result<(), Failure> {
    let project = Project::open(folder, global)?;
    let lock = project.read_lock()?;
    let stale = lock.as_ref().map(|lock| project.stale(lock)).unwrap_or_default();
    if global.locked && (lock.is_none() || !stale.is_empty()) {
        let reasons = if lock.is_none() { vec!["there is no `stack.lock`".to_owned()] } else { stale };
        return Err(Failure::Stale { reasons, refused: true });
    }
    let stack = &project.stack;
    if global.json {
        print_json(&json!({
            "ok": true,
            "stack": stack.name,
            "images": stack.images.keys().collect::<Vec<_>>(),
            "platforms": stack.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "locked": lock.is_some() && stale.is_empty(),
            "stale": stale,
        }));
        return Ok(());
    }
    let platforms: Vec<_> = stack.platforms.iter().map(ToString::to_string).collect();
    print(&format!(
        "stack `{}`: {} for {}: ok",
        stack.name,
        plural(stack.images.len(), "image"),
        platforms.join(", ")
    ));
    match (&lock, stale.is_empty()) {
        (None, _) => {
            print("not locked yet: `longshore lock` pins its inputs, and so does the first `longshore build`")
        }
        (Some(_), false) => {
            print("`stack.lock` no longer fits; run `longshore lock`:");
            stale.iter().for_each(|reason| print(&format!("  {reason}")));
        }
        (Some(lock), true) => {
            print(&format!("`stack.lock` fits and pins {}", plural(lock.packages.len(), "package")))
        }
    }
    Ok(())
}
