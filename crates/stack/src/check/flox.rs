//! Contents that are Flox environments: what they install, and what they say of variables and containers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::contents::Beside;
use super::{names, nix, runtime};
use crate::file::{At, ContentTable, ImageTable, Shorthand, UserTable};
use crate::findings::Findings;
use crate::flox::{Config, Environment, State, Unresolved, Variables};
use crate::model::{ContentSpec, Installable};

/// The environments that images take, by their folders as written; those that can't be read have been told of.
pub(super) struct Environments(BTreeMap<String, Environment>);

impl Environments {
    pub(super) fn read<'a>(
        tables: impl Iterator<Item = &'a ImageTable>,
        folder: &Path,
        findings: &mut Findings,
    ) -> Self {
        let mut all = BTreeMap::new();
        for written in tables.flat_map(entries).map(|(written, _)| written) {
            if !all.contains_key(&written.value)
                && let Some(environment) = environment(written, folder, findings)
            {
                all.insert(written.value.clone(), environment);
            }
        }
        Self(all)
    }

    /// Gives an image what its environments say where it says nothing itself; of several that say the same the last counts.
    pub(super) fn lend(&self, table: &mut ImageTable, findings: &mut Findings) {
        let mut lent: Vec<(&Environment, At<String>, Option<String>)> = Vec::new();
        for (written, entry) in entries(table) {
            let Some(environment) = self.0.get(&written.value) else { continue };
            let whole = whole(entry);
            match lent.iter_mut().find(|(known, _, _)| known.folder == environment.folder) {
                Some((_, _, known)) => *known = known.take().or(whole),
                None => lent.push((environment, written.clone(), whole)),
            }
        }
        for (environment, written, whole) in lent.into_iter().rev() {
            variables(environment, &written, whole.as_deref(), table, findings);
            if let Some(config) = environment.config() {
                container(config, environment, &written.span, table, findings);
            }
        }
    }
}

/// An image's entries with the key `flox`.
fn entries(table: &ImageTable) -> impl Iterator<Item = (&At<String>, &ContentTable)> {
    table.contents.iter().filter_map(|content| match &content.value {
        Shorthand::Full(entry) => Some((entry.flox.as_ref()?, entry)),
        _ => None,
    })
}

/// The folder in which an entry links everything.
fn whole(entry: &ContentTable) -> Option<String> {
    let to = entry.to.as_ref().filter(|to| entry.from.is_none() && to.starts_with('/'))?;
    Some(match to.trim_end_matches('/') {
        "" => "/".to_owned(),
        folder => folder.to_owned(),
    })
}

fn environment(written: &At<String>, folder: &Path, findings: &mut Findings) -> Option<Environment> {
    let (name, path) = place(written, folder, findings)?;
    match Environment::read(&path, &name) {
        Ok(environment) => {
            if environment.state == State::Stale {
                let message = format!(
                    "the manifest of Flox environment `{}` has been changed since it was locked; the lock counts",
                    environment.name
                );
                findings
                    .warning("stack::flox", &written.span, message)
                    .help(format!("`flox list -d {name}` locks it again"));
            }
            Some(environment)
        }
        Err(error) => {
            findings.error("stack::flox", &written.span, error.to_string()).help(error.hint());
            None
        }
    }
}

/// The folder that holds `.flox`, cleaned of `./`, and where it really is.
fn place(written: &At<String>, folder: &Path, findings: &mut Findings) -> Option<(String, PathBuf)> {
    if matches!(written.as_str(), "." | "./") {
        return Some((".".to_owned(), folder.to_owned()));
    }
    let (name, path) = names::beside(names::Beside::Folder, written, folder, findings)?;
    match name.strip_suffix(".flox").map(|above| above.trim_end_matches('/')) {
        None => Some((name, path)),
        Some(above) => {
            let above = if above.is_empty() { "." } else { above };
            findings
                .error("stack::flox", &written.span, format!("`{name}` is the inside of a Flox environment"))
                .help(format!("write `{above}`, the folder that holds it"));
            None
        }
    }
}

fn variables(
    environment: &Environment,
    written: &At<String>,
    whole: Option<&str>,
    table: &mut ImageTable,
    findings: &mut Findings,
) {
    let at = |text: &str| At { value: text.to_owned(), span: written.span.clone() };
    let (mut variables, unresolved) = Variables::of(environment.manifest(), whole);
    for (name, why) in unresolved {
        // The image's own word counts.
        if !table.env.contains_key(&at(&name)) {
            let message = format!("variable `{name}` of Flox environment `{}` {why}", environment.name);
            let folder = "give the environment a folder: `to = \"/opt/env/\"` in an entry of its own; or ";
            let folder = if why == Unresolved::Folder { folder } else { "" };
            findings
                .error("stack::flox", &written.span, message)
                .help(format!("{folder}say in the image what it is: `env = {{ {name} = \"…\" }}`"));
        }
    }
    let hook = environment.manifest().hook.as_ref().and_then(|hook| hook.on_activate.as_deref());
    let left_out = |allow: &At<String>| {
        allow.value == "flox-hook" || allow.strip_prefix("flox-hook:") == Some(&environment.folder)
    };
    if let Some(script) = hook.filter(|_| !table.allow.iter().any(left_out))
        && let Err(impure) = variables.activate(script)
    {
        let message = format!(
            "the hook of Flox environment `{}` {}, and nothing runs when an image is made: `{}`",
            environment.name, impure.does, impure.line
        );
        findings.error("stack::flox-hook", &written.span, message).help(
            "move what it sets into `[vars]` of the manifest; or say it as `env` of the image and add `allow = [\"flox-hook\"]`, which leaves the hook out"
                .to_owned(),
        );
    }
    for (name, value) in variables.exported() {
        table.env.entry(at(&name)).or_insert_with(|| at(&value));
    }
}

/// `[containerize.config]`.
fn container(
    config: &Config,
    environment: &Environment,
    span: &Range<usize>,
    table: &mut ImageTable,
    findings: &mut Findings,
) {
    let at = |text: &str| At { value: text.to_owned(), span: span.clone() };
    if let (Some(user), None) = (&config.user, &table.user) {
        table.user = account(user, span);
        if table.user.is_none() {
            let message = format!(
                "the user `{user}` of Flox environment `{}` has no number, and is not taken",
                environment.name
            );
            findings
                .warning("stack::flox", span, message)
                .help("say who runs the image: `user = { name = \"app\", uid = 10001 }`".to_owned());
        }
    }
    if table.command.is_none() && table.entrypoint.is_none() {
        table.command = config.cmd.as_ref().map(|cmd| cmd.iter().map(|word| at(word)).collect());
    }
    let known: Vec<_> = table.ports.values().filter_map(|port| runtime::parse_port(&port.value)).collect();
    for text in config.exposed_ports.iter().flatten() {
        let port = Shorthand::Text(text.clone());
        if runtime::parse_port(&port).is_some_and(|port| known.contains(&port)) {
            continue;
        }
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let name = at(&format!("{protocol}-{number}"));
        table.ports.entry(name).or_insert(At { value: port, span: span.clone() });
    }
    for folder in config.volumes.iter().flatten() {
        let known =
            |known: &At<Shorthand<_>>| matches!(&known.value, Shorthand::Text(path) if path == folder);
        if !table.writable.iter().any(known) {
            table.writable.push(At { value: Shorthand::Text(folder.clone()), span: span.clone() });
        }
    }
    table.workdir = table.workdir.take().or_else(|| config.working_dir.as_deref().map(at));
    table.stop_signal = table.stop_signal.take().or_else(|| config.stop_signal.as_deref().map(at));
    for (key, value) in config.labels.iter().flatten() {
        table.labels.entry(at(key)).or_insert_with(|| value.clone());
    }
}

/// `uid`, `uid:gid` or `root`; none where a number is missing.
fn account(user: &str, span: &Range<usize>) -> Option<UserTable> {
    let (uid, gid) = user.split_once(':').map_or((user, None), |(uid, gid)| (uid, Some(gid)));
    let number = |text: &str| if text == "root" { Some(0) } else { text.parse().ok() };
    let uid = number(uid)?;
    let gid = gid.map_or(Some(None), |gid| number(gid).map(Some))?;
    let name = if uid == 0 { "root" } else { "app" };
    Some(UserTable {
        name: At { value: name.to_owned(), span: span.clone() },
        uid: At { value: uid, span: span.clone() },
        gid,
        home: None,
        shell: None,
    })
}

/// An entry with the key `flox`.
pub(super) fn content(
    written: &At<String>,
    table: &ContentTable,
    beside: &Beside<'_>,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let environment = beside.flox.0.get(&written.value)?;
    let mut outputs = BTreeMap::new();
    for platform in beside.platforms {
        match environment.outputs(platform) {
            Ok(paths) => drop(outputs.insert(platform.clone(), paths)),
            Err(error) => {
                findings.error("stack::flox", &written.span, error.to_string()).help(error.hint());
            }
        }
    }
    nix::request(Installable::Flox { folder: environment.folder.clone(), outputs }, table, findings)
}
