//! `longshore secrets`: where the stack's secrets come from; and their values, where somebody else is to have them.

use std::path::Path;

use longshore_deploy::run::{Error, Found, Secret, export};
use longshore_stack::model::SecretOrigin;
use serde_json::{Value, json};

use super::up::{place, secrets};
use crate::args::{Export, Global, Secrets, SecretsCommand};
use crate::project::Project;
use crate::report::services::columns;
use crate::report::{Failure, plural, print, print_json};

pub fn run(args: &Secrets, global: &Global, project: &Project) -> Result<(), Failure> {
    match &args.command {
        None => list(global, project),
        Some(SecretsCommand::Export(args)) => export(args, global, project),
    }
}

fn list(global: &Global, project: &Project) -> Result<(), Failure> {
    let place = place(project)?;
    let secrets = secrets(project, &place);
    let all = &project.stack.secrets;
    if global.json {
        let row = |(name, spec): (&String, &longshore_stack::model::SecretSpec)| {
            let (origin, state) = (origin(&spec.origin), state(secrets.look(name)));
            json!({ "secret": name, "origin": origin, "state": state, "description": spec.description })
        };
        print_json(&all.iter().map(row).collect::<Vec<Value>>());
        return Ok(());
    }
    let rows = all.iter().map(|(name, spec)| {
        let (origin, state) = (origin(&spec.origin), state(secrets.look(name)).to_owned());
        [name.clone(), origin, state, spec.description.clone().unwrap_or_default()]
    });
    let head = ["secret", "origin", "state", "what for"].map(str::to_owned);
    print(&columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    Ok(())
}

fn origin(origin: &SecretOrigin) -> String {
    match origin {
        SecretOrigin::Generate { bytes, .. } => format!("generated, {bytes} bytes"),
        SecretOrigin::File(path) => format!("file `{path}`"),
        SecretOrigin::Env(name) => format!("variable `{name}`"),
        SecretOrigin::Command(argv) => format!("program `{}`", argv.first().map_or("", String::as_str)),
    }
}

fn state(found: Found) -> &'static str {
    match found {
        Found::There => "there",
        Found::ToBeMade => "to be made",
        Found::Missing => "missing",
        Found::Unknown => "asked when needed",
    }
}

fn export(args: &Export, global: &Global, project: &Project) -> Result<(), Failure> {
    let place = place(project)?;
    let secrets = secrets(project, &place);
    let mut values: Vec<(String, Secret)> = Vec::new();
    for name in project.stack.secrets.keys() {
        if let Some(value) = secrets.get(name).map_err(Error::from)? {
            values.push((name.clone(), value));
        }
    }
    let Some(folder) = args.folder.as_deref() else {
        print(&export::kube(&project.stack, &values));
        return Ok(());
    };
    export::folder(folder, &values)?;
    say(folder, values.len(), global);
    Ok(())
}

fn say(folder: &Path, count: usize, global: &Global) {
    match global.json {
        true => print_json(&json!({ "folder": folder, "secrets": count })),
        false => {
            print(&format!("wrote {} to {}, for this user alone", plural(count, "secret"), folder.display()))
        }
    }
}
