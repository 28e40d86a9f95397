//! The commands: what fetches tarballs, and what installs and builds with them.

use std::collections::BTreeMap;

use longshore_stack::model::NpmBuild;

use super::project::Selection;
use crate::root::CERTIFICATES;
use crate::{Input, Root, Step};

/// Where the project is built: always there, since source maps name files relative to it.
const APP: &str = "/build/app";

/// Brings packages into the cache at `/out/cache`. It starts in the project, whose settings say where its registries are.
pub(super) fn fetch(input: &Input<'_>, requests: &[&str]) -> Step {
    let mut arguments = vec!["cache", "add", "--cache", "/out/cache"];
    arguments.extend(requests);
    let mut env = quiet();
    if matches!(input.root, Root::Packages(_)) {
        // Debian's Node asks the system's certificates; as its authors release it, Node only asks its own.
        env.insert(String::from("NODE_EXTRA_CA_CERTS"), format!("/{CERTIFICATES}"));
    }
    step(format!("npm cache add ({} packages)", requests.len()), npm(input, &arguments), env, "/src")
}

/// Installs, runs the script, and puts what it left into `/out`.
pub(super) fn build(spec: &NpmBuild, selection: &Selection, lock: &str, input: &Input<'_>) -> Vec<Step> {
    let mut env = quiet();
    env.insert(String::from("npm_config_offline"), String::from("true"));
    env.insert(String::from("npm_config_cache"), String::from("/tmp/cache"));
    env.extend(input.env.clone());
    let copy = |what: &str, from: &str, to: &str| {
        let argv = ["/usr/bin/cp", "-R", from, to].map(str::to_owned).into();
        step(what.to_owned(), argv, BTreeMap::new(), "/build")
    };
    let run = |arguments: &[&str], cwd: &str| {
        step(format!("npm {}", arguments.join(" ")), npm(input, arguments), env.clone(), cwd)
    };
    let mut steps = vec![
        copy("copy the sources", "/src", APP),
        copy("copy the lock", "/deps/package-lock.json", &format!("{APP}/{lock}")),
        run(&["ci", "--ignore-scripts"], APP),
    ];
    if !selection.install_scripts.is_empty() {
        let mut arguments = vec!["rebuild", "--ignore-scripts=false"];
        arguments.extend(selection.install_scripts.iter().map(String::as_str));
        steps.push(run(&arguments, APP));
    }
    let mut arguments = vec!["run", spec.script.as_str()];
    if !selection.folder.is_empty() {
        arguments.extend(["--workspace", selection.folder.as_str()]);
    }
    steps.push(run(&arguments, APP));
    steps.push(copy("copy the output", &format!("{APP}/{}/.", selection.output), "/out"));
    steps
}

fn npm(input: &Input<'_>, arguments: &[&str]) -> Vec<String> {
    let mut argv = input.command("npm");
    argv.extend(arguments.iter().map(|word| (*word).to_owned()));
    argv
}

fn quiet() -> BTreeMap<String, String> {
    ["audit", "fund", "progress", "update_notifier"]
        .map(|setting| (format!("npm_config_{setting}"), String::from("false")))
        .into()
}

fn step(what: String, argv: Vec<String>, env: BTreeMap<String, String>, cwd: &str) -> Step {
    Step { what, argv, env, cwd: cwd.to_owned() }
}
