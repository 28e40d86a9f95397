//! `longshore prune`: what the stack file does not keep leaves its registries.

use std::collections::BTreeMap;

use fs_err as fs;
use longshore_oci::{Reference, read_bounded};
use longshore_publish::prune::{Decision, Deployed, Plan, Removed, Rules, Why, carry_out, plan, take_stock};
use longshore_stack::model::Retention;
use serde_json::{Value, json};

use crate::args::{Global, Prune};
use crate::machine::Machine;
use crate::project::Project;
use crate::report::{Failure, plural, print, print_json};

/// More than this is no file that says what runs.
const MAX_DEPLOYED: u64 = 64 << 20;

pub fn run(args: &Prune, global: &Global, project: &Project, machine: &Machine) -> Result<(), Failure> {
    let Some(retention) = &project.stack.publish.retention else {
        return Err(Failure::Usage {
            message: "the stack file does not say what is kept, so everything is".to_owned(),
            hint: "write what is kept below `[publish.retention]`: `keep = [\"latest\", \"v*\"]`, `newest = 10`, \
                   `younger-than = \"30d\"`"
                .to_owned(),
        });
    };
    let rules = rules(retention, project, machine)?;
    let client = machine.registries();
    let mut rows = BTreeMap::new();
    for reference in repositories(args, project)? {
        let repository = client.repository(&reference)?;
        let name = repository.name().to_owned();
        let stock = machine.progress.during("Reading", &name, None, |_| take_stock(&repository, &client))?;
        let planned = plan(&name, &stock, &rules);
        if !global.json {
            tell(&name, &planned);
        }
        let removed = match args.yes {
            true => Some(carry_out(&repository, &stock, &planned, &rules, &client, &*machine.progress)?),
            false => None,
        };
        rows.insert(name, (planned, removed));
    }
    report(global, project, &rows);
    Ok(())
}

fn rules<'a>(retention: &'a Retention, project: &Project, machine: &Machine) -> Result<Rules<'a>, Failure> {
    let mut deployed = Deployed::default();
    for path in &retention.deployed {
        let full = project.folder.join(path);
        let read = fs::File::open(&full).and_then(|file| read_bounded(file, MAX_DEPLOYED));
        let bytes = read.map_err(|error| Failure::Usage {
            message: format!("can't read `{path}`, which `deployed` names: {error}"),
            hint: "what runs can't be known without it: mend it, or take it out of `deployed`".to_owned(),
        })?;
        deployed.read(&String::from_utf8_lossy(&bytes));
    }
    let since = retention.younger_than.map(|age| machine.settings.now.saturating_sub(age));
    Ok(Rules { keep: &retention.keep, newest: retention.newest, since, deployed })
}

fn repositories(args: &Prune, project: &Project) -> Result<Vec<Reference>, Failure> {
    if !args.repositories.is_empty() {
        return Ok(args.repositories.clone());
    }
    let below = args.to.as_ref().unwrap_or(&project.stack.repository);
    let parse = |image: &String| format!("{below}/{image}").parse().map_err(Failure::Reference);
    project.stack.images.keys().map(parse).collect()
}

fn tell(name: &str, planned: &Plan) {
    print(name);
    let width = planned.tags.keys().map(String::len).max().unwrap_or(0);
    for (tag, (digest, decision)) in &planned.tags {
        let what = match decision {
            Decision::Kept(why) => format!("stays: {}", words(why)),
            Decision::Removed if planned.untag.contains(tag) => "goes; what it names stays".to_owned(),
            Decision::Removed => "goes".to_owned(),
        };
        print(&format!("  {tag:width$}  {}  {what}", digest.short()));
    }
}

fn words(why: &Why) -> String {
    match why {
        Why::Pattern(pattern) => format!("`{pattern}` keeps it"),
        Why::Newest => "it is among the newest".to_owned(),
        Why::Young => "it is young".to_owned(),
        Why::Ageless => "it does not say how old it is".to_owned(),
        Why::Deployed => "it is deployed".to_owned(),
    }
}

fn report(global: &Global, project: &Project, rows: &BTreeMap<String, (Plan, Option<Removed>)>) {
    if global.json {
        let row = |(name, (planned, removed)): (&String, &(Plan, Option<Removed>))| {
            let tags = planned.tags.iter().map(|(tag, (digest, decision))| {
                let why = match decision {
                    Decision::Kept(why) => json!(words(why)),
                    Decision::Removed => Value::Null,
                };
                json!({ "tag": tag, "digest": digest, "kept": why })
            });
            json!({
                "repository": name,
                "tags": tags.collect::<Vec<_>>(),
                "manifests": planned.remove,
                "untag": planned.untag,
                "removed": removed.as_ref().map(|removed| {
                    json!({ "manifests": removed.manifests, "tags": removed.tags, "left": removed.left })
                }),
            })
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        print_json(&project.with_profile(json!({ "repositories": rows })));
        return;
    }
    let left: Vec<_> = rows
        .iter()
        .flat_map(|(name, (_, removed))| {
            removed.iter().flat_map(move |r| r.left.iter().map(move |tag| format!("{name}:{tag}")))
        })
        .collect();
    if !left.is_empty() {
        print(&format!(
            "the registry removes no tag alone, so these stay beside others: {}",
            left.join(", ")
        ));
    }
    let planned: usize = rows.values().map(|(planned, _)| planned.remove.len()).sum();
    let removed: Option<usize> =
        rows.values().map(|(_, removed)| removed.as_ref().map(|r| r.manifests.len())).sum();
    print(&match removed {
        Some(removed) => format!("removed {}", plural(removed, "manifest")),
        None if planned == 0 => "nothing would go".to_owned(),
        None => {
            format!("{} would go; `{}` does it", plural(planned, "manifest"), project.command("prune --yes"))
        }
    });
}
