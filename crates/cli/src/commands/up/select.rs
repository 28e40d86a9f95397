//! Which services are started.

use std::collections::BTreeSet;

use longshore_deploy::run::{Life, Place, Plan};

use crate::args::Up;
use crate::project::Project;
use crate::report::Failure;

/// Those that are named or all that are in no group, with all that they need; and those that run already.
pub fn services(
    args: &Up,
    project: &Project,
    place: &Place,
    life: Life,
) -> Result<BTreeSet<String>, Failure> {
    let all = &project.stack.services;
    if all.is_empty() {
        return Err(Failure::Usage {
            message: "the stack has no services".to_owned(),
            hint: "add one to stack.toml: `[service.NAME]` with the image that it runs; `longshore check` says what is missing"
                .to_owned(),
        });
    }
    check_names("service", &args.services, &all.keys().collect())?;
    check_names("service", &args.native, &all.keys().collect())?;
    let groups: BTreeSet<&String> = all.values().flat_map(|service| &service.groups).collect();
    check_names("group", &args.groups, &groups)?;
    let mut wanted: Vec<String> = match &args.services[..] {
        [] => all.iter().filter(|(_, spec)| spec.is_in(&args.groups)).map(|(name, _)| name.clone()).collect(),
        some => some.to_vec(),
    };
    wanted.extend(args.native.iter().cloned());
    if life == Life::Lives
        && let Ok(running) = Plan::read(place)
    {
        wanted.extend(running.services.into_keys().filter(|name| all.contains_key(name)));
    }
    let mut chosen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if chosen.insert(name.clone())
            && let Some(spec) = all.get(&name)
        {
            wanted.extend(spec.needs.keys().cloned());
        }
    }
    match chosen.is_empty() {
        false => Ok(chosen),
        true => Err(Failure::Usage {
            message: "every service of the stack is in a group, and none was asked for".to_owned(),
            hint: format!("longshore up --group {}", groups.first().map_or("NAME", |name| name.as_str())),
        }),
    }
}

fn check_names(what: &str, names: &[String], known: &BTreeSet<&String>) -> Result<(), Failure> {
    let Some(name) = names.iter().find(|name| !known.contains(name)) else { return Ok(()) };
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Failure::Usage {
        message: format!("the stack has no {what} `{name}`; it has {known}"),
        hint: "longshore check".to_owned(),
    })
}
