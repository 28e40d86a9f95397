//! The rest of an image: how it runs, what it may write, what is accepted of it.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_oci::{Epoch, TreePath};

use super::names::{self, Beside};
use super::runtime::Runtime;
use super::{others, secrets};
use crate::diagnostic::suggestion;
use crate::file::{At, ImageTable, Shorthand, StackTable, WritableTable};
use crate::findings::Findings;
use crate::model::{Allow, ContentSpec, ImageSpec, Keep, LINTS, WritableSpec};

/// Signals that a program can be asked to stop with (signal(7)).
const SIGNALS: [&str; 11] = [
    "SIGTERM",
    "SIGINT",
    "SIGQUIT",
    "SIGHUP",
    "SIGKILL",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
    "SIGABRT",
    "SIGPWR",
    "SIGRTMIN+3",
];

pub(super) fn check(
    name: &At<String>,
    table: ImageTable,
    runtime: Runtime,
    contents: Vec<ContentSpec>,
    stack: &StackTable,
    folder: &Path,
    findings: &mut Findings,
) -> ImageSpec {
    let allow = check_allow(&table, findings);
    check_env(name, &table, &allow, findings);
    check_command(name, &table, findings);
    let base = others::base(&table, findings);
    let labels = labels(name, &table, stack, findings);
    let stop_signal = check_signal(table.stop_signal.as_ref(), findings);
    let alternatives = check_alternatives(&table, findings);
    let writable = check_writable(name, &table, &runtime, &contents, findings);
    let values = |list: Option<Vec<At<String>>>| list.into_iter().flatten().map(|item| item.value).collect();
    let mut certificates = Vec::new();
    for certificate in &table.certificates {
        if let Some((path, _)) = names::beside(Beside::File, certificate, folder, findings)
            && !certificates.contains(&path)
        {
            certificates.push(path);
        }
    }
    ImageSpec {
        base,
        contents,
        user: runtime.user,
        users: runtime.users,
        entrypoint: values(table.entrypoint),
        command: values(table.command),
        env: table.env.into_iter().map(|(name, value)| (name.value, value.value)).collect(),
        workdir: runtime.workdir,
        labels,
        ports: runtime.ports,
        stop_signal,
        writable,
        alternatives,
        certificates,
        keep: keep(&table.keep),
        allow,
        max_layers: table.max_layers.unwrap_or(40),
        // A service may say one.
        healthcheck: None,
    }
}

fn keep(written: &[At<String>]) -> Vec<Keep> {
    let mut keep: Vec<Keep> = written
        .iter()
        .filter_map(|text| match text.as_str() {
            "docs" => Some(Keep::Docs),
            "man" => Some(Keep::Man),
            "locales" => Some(Keep::Locales),
            // The schema has refused it.
            _ => None,
        })
        .collect();
    keep.sort();
    keep.dedup();
    keep
}

fn check_allow(table: &ImageTable, findings: &mut Findings) -> Vec<Allow> {
    let mut all = Vec::new();
    for text in &table.allow {
        let (lint, subject) = match text.split_once(':') {
            Some((lint, subject)) => (lint, Some(subject.to_owned())),
            None => (text.as_str(), None),
        };
        if !LINTS.contains(&lint) {
            findings
                .error(
                    "stack::unknown-name",
                    &text.span,
                    format!("there is no check `{lint}` whose findings could be accepted"),
                )
                .help(suggestion(lint, LINTS));
        }
        all.push(Allow { lint: lint.to_owned(), subject });
    }
    all.sort();
    all.dedup();
    all
}

fn check_env(image: &At<String>, table: &ImageTable, allow: &[Allow], findings: &mut Findings) {
    for (name, value) in &table.env {
        names::check_env(name, value, findings);
        let accepted = |allow: &Allow| {
            allow.lint == "secret" && allow.subject.as_ref().is_none_or(|subject| *subject == name.value)
        };
        if let Some(reason) = secrets::reason(name, value)
            && !allow.iter().any(accepted)
        {
            findings
                .warning(
                    "stack::secret",
                    &name.span,
                    format!("`{}` of image `{}` looks like a secret: {reason}", name.value, image.value),
                )
                .label("everyone who has the image can read it")
                .help(format!(
                    "give it to the container when it starts; if it is none, add `allow = [\"secret:{}\"]`",
                    name.value
                ));
        }
    }
}

fn check_command(image: &At<String>, table: &ImageTable, findings: &mut Findings) {
    let program = [&table.entrypoint, &table.command].into_iter().flatten().find_map(|list| list.first());
    match program {
        // The base's word holds.
        None if table.base.is_some() => {}
        None => {
            findings
                .warning("stack::no-command", &image.span, format!("image `{}` starts nothing", image.value))
                .help("add `command = [\"/path/of/program\", …]`".to_owned());
        }
        Some(program) if program.is_empty() => {
            findings.error("stack::command", &program.span, "the program's name is empty");
        }
        Some(_) => {}
    }
    for argument in [&table.entrypoint, &table.command].into_iter().flatten().flatten() {
        if argument.contains('\0') {
            findings.error("stack::command", &argument.span, "an argument holds a NUL character");
        }
    }
}

fn labels(
    image: &At<String>,
    table: &ImageTable,
    stack: &StackTable,
    findings: &mut Findings,
) -> BTreeMap<String, String> {
    for key in table.labels.keys() {
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c.is_control()) {
            findings.error("stack::name", &key.span, format!("`{}` can't be the name of a label", key.value));
        }
    }
    let own = [
        ("title", Some(table.title.clone().unwrap_or_else(|| image.value.clone()))),
        ("description", table.description.clone()),
        ("vendor", stack.vendor.clone()),
        ("source", stack.source.clone()),
        ("version", stack.version.clone()),
        ("licenses", stack.licenses.clone()),
        ("created", Some(Epoch(stack.epoch.unwrap_or(0)).to_string())),
    ];
    let own =
        own.into_iter().filter_map(|(key, value)| Some((format!("org.opencontainers.image.{key}"), value?)));
    own.chain(table.labels.iter().map(|(key, value)| (key.value.clone(), value.clone()))).collect()
}

pub(super) fn check_signal(signal: Option<&At<String>>, findings: &mut Findings) -> Option<String> {
    let signal = signal?;
    let number = signal.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    let realtime = |prefix: &str| {
        signal.strip_prefix(prefix).is_some_and(|rest| rest.parse::<u8>().is_ok_and(|n| n <= 30))
    };
    if !number && !SIGNALS.contains(&signal.as_str()) && !realtime("SIGRTMIN+") && !realtime("SIGRTMAX-") {
        findings
            .error(
                "stack::unknown-name",
                &signal.span,
                format!("there is no signal `{}` to stop a program with", signal.value),
            )
            .help(suggestion(signal, SIGNALS));
    }
    Some(signal.value.clone())
}

fn check_alternatives(table: &ImageTable, findings: &mut Findings) -> BTreeMap<TreePath, String> {
    let mut links = BTreeMap::new();
    for (link, target) in &table.alternatives {
        if target.is_empty() {
            findings.error(
                "stack::path",
                &target.span,
                format!("alternative `{}` needs a target", link.value),
            );
        }
        if let Some(link) = names::below_root("an alternative's link", link, findings) {
            links.insert(link, target.value.clone());
        }
    }
    links
}

fn check_writable(
    image: &At<String>,
    table: &ImageTable,
    runtime: &Runtime,
    contents: &[ContentSpec],
    findings: &mut Findings,
) -> Vec<WritableSpec> {
    let mut all: Vec<WritableSpec> = Vec::new();
    for written in &table.writable {
        let full = match &written.value {
            Shorthand::Text(path) => WritableTable {
                path: At { value: path.clone(), span: written.span.clone() },
                owner: None,
                mode: None,
            },
            Shorthand::Full(full) => full.clone(),
            // The schema has refused it.
            Shorthand::Number(_) => continue,
        };
        let owner = full
            .owner
            .as_ref()
            .map_or((runtime.user.uid, runtime.user.gid), |owner| runtime.owner(owner, findings));
        let mode = names::mode(full.mode.as_ref(), findings).unwrap_or(0o750);
        let Some(path) = names::below_root("a writable folder", &full.path, findings) else { continue };
        if all.iter().any(|other| other.path == path) {
            findings.error(
                "stack::doubled",
                &full.path.span,
                format!("image `{}` has `{path}` twice among its writable folders", image.value),
            );
            continue;
        }
        if contents.iter().any(|content| super::contents::paths(content).contains(&path)) {
            findings.error(
                "stack::doubled",
                &full.path.span,
                format!("`{path}` of image `{}` is one of its contents and no empty folder", image.value),
            );
        }
        all.push(WritableSpec { path, owner, mode });
    }
    all
}
