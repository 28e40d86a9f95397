//! `[build.*]`: what all kinds share. Each kind's own keys are in its file.

mod command;
mod go;
mod programs;
mod toolchain;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longshore_oci::Platform;

use super::names::{self, Beside};
use super::packages::PackageOrigin;
use super::quantity;
use crate::file::{At, BuildTable};
use crate::findings::Findings;
use crate::model::{BuildKind, BuildSpec, Limits, UrlSpec};

/// What a build's `timeout` is.
const BUILD_TIME: &str = "a time that a build may take";

/// What builds refer to.
pub(super) struct Around<'a> {
    pub(super) folder: &'a Path,
    pub(super) origin: &'a PackageOrigin,
    pub(super) urls: &'a BTreeMap<String, UrlSpec>,
    /// The platform that builds.
    pub(super) host: &'a Platform,
    /// The names of all builds.
    pub(super) builds: BTreeSet<String>,
}

pub(super) fn check(
    tables: BTreeMap<At<String>, BuildTable>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> BTreeMap<String, BuildSpec> {
    let mut builds = BTreeMap::new();
    for (name, table) in &tables {
        super::check_name("build", name, findings);
        check_keys(name, table, findings);
        if let Some(spec) = build(name, table, around, findings) {
            builds.insert(name.value.clone(), spec);
        }
    }
    for name in tables.keys() {
        check_cycle(name, &builds, findings);
    }
    builds
}

/// Keys that only other kinds have.
fn check_keys(name: &At<String>, table: &BuildTable, findings: &mut Findings) {
    fn at<T>(key: &Option<At<T>>) -> Option<&std::ops::Range<usize>> {
        key.as_ref().map(|at| &at.span)
    }
    fn first<T>(key: &Option<Vec<At<T>>>, name: &At<String>) -> Option<std::ops::Range<usize>> {
        key.as_ref().map(|list| list.first().map_or(name.span.clone(), |first| first.span.clone()))
    }
    let keys = [
        ("path", &["go", "cargo", "npm"][..], at(&table.path).cloned()),
        ("module", &["go"], at(&table.module).cloned()),
        ("packages", &["go"], first(&table.packages, name)),
        ("tags", &["go"], first(&table.tags, name)),
        ("ldflags", &["go"], first(&table.ldflags, name)),
        ("cgo", &["go"], at(&table.cgo).cloned()),
        ("sums", &["go"], at(&table.sums).cloned()),
        ("package", &["cargo"], at(&table.package).cloned()),
        ("bins", &["cargo"], first(&table.bins, name)),
        ("features", &["cargo"], first(&table.features, name)),
        ("default-features", &["cargo"], at(&table.default_features).cloned()),
        ("profile", &["cargo"], at(&table.profile).cloned()),
        ("linkage", &["cargo"], at(&table.linkage).cloned()),
        ("script", &["npm"], at(&table.script).cloned()),
        ("output", &["npm"], at(&table.output).cloned()),
        ("workspace", &["npm"], at(&table.workspace).cloned()),
        ("install-scripts", &["npm"], first(&table.install_scripts, name)),
        ("run", &["command"], first(&table.run, name)),
        ("inputs", &["command"], first(&table.inputs, name)),
    ];
    let kind = table.kind.as_str();
    for (key, kinds, span) in keys {
        let Some(span) = span.filter(|_| !kinds.contains(&kind)) else { continue };
        let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let own = keys_of(kind);
        findings
            .error(
                "stack::build",
                &span,
                format!(
                    "`{key}` is a key of builds of kind {}, and build `{}` is of kind `{kind}`",
                    kinds.join(", "),
                    name.value
                ),
            )
            .help(format!("builds of kind `{kind}` have the keys {own}"));
    }
}

fn keys_of(kind: &str) -> &'static str {
    match kind {
        "go" => "`path` or `module`, `packages`, `tags`, `ldflags`, `cgo`, `sums`",
        "cargo" => "`path`, `package`, `bins`, `features`, `default-features`, `profile`, `linkage`",
        "npm" => "`path`, `script`, `output`, `workspace`, `install-scripts`",
        _ => "`run`, `inputs`",
    }
}

fn build(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<BuildSpec> {
    let toolchain = toolchain::check(name, table, around, findings);
    let limits = Limits {
        seconds: table
            .timeout
            .as_ref()
            .and_then(|text| quantity::seconds(BUILD_TIME, text, findings))
            .unwrap_or(3600),
        memory: table.memory.as_ref().and_then(|text| quantity::bytes(text, findings)),
        output: table
            .output_limit
            .as_ref()
            .and_then(|text| quantity::bytes(text, findings))
            .unwrap_or(8 << 30),
    };
    for (key, value) in &table.env {
        names::check_env(key, value, findings);
    }
    let env = table.env.iter().map(|(key, value)| (key.value.clone(), value.value.clone())).collect();
    let kind = match table.kind.as_str() {
        "go" => BuildKind::Go(go::check(name, table, around, findings)?),
        "cargo" => BuildKind::Cargo(programs::cargo(name, table, around, findings)?),
        "npm" => BuildKind::Npm(programs::npm(name, table, around, findings)?),
        "command" => BuildKind::Command(command::check(name, table, around, findings)?),
        // The schema has refused it.
        _ => return None,
    };
    Some(BuildSpec { kind, toolchain, env, limits })
}

/// The folder that `path` names; the stack file's own is `.`.
fn folder(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<String> {
    let Some(path) = &table.path else {
        findings
            .error(
                "stack::build",
                &name.span,
                format!("build `{}` of kind `{}` has no `path`", name.value, table.kind.value),
            )
            .help("add `path = \"…\"`, the folder beside the stack file that is built".to_owned());
        return None;
    };
    if matches!(path.as_str(), "." | "./") {
        return Some(".".to_owned());
    }
    names::beside(Beside::Folder, path, around.folder, findings).map(|(path, _)| path)
}

/// Words that become arguments: neither empty nor taken for flags, of characters that `plain` takes.
fn words(
    key: &str,
    list: Option<&Vec<At<String>>>,
    plain: impl Fn(char) -> bool,
    findings: &mut Findings,
) -> Vec<String> {
    let mut words = Vec::new();
    for word in list.into_iter().flatten() {
        check_word(key, word, &plain, findings);
        if words.contains(&word.value) {
            findings.error(
                "stack::doubled",
                &word.span,
                format!("`{}` is named twice in `{key}`", word.value),
            );
        }
        words.push(word.value.clone());
    }
    words
}

fn check_word(key: &str, word: &At<String>, plain: impl Fn(char) -> bool, findings: &mut Findings) {
    if word.is_empty() || word.starts_with('-') || !word.chars().all(plain) {
        findings.error(
            "stack::name",
            &word.span,
            format!("`{}` is not something `{key}` can hold", word.value),
        );
    }
}

fn check_cycle(name: &At<String>, builds: &BTreeMap<String, BuildSpec>, findings: &mut Findings) {
    let mut path = Vec::new();
    // Each cycle is told once, of the first of its builds by name.
    if let Some(cycle) = cycle(&name.value, &name.value, builds, &mut path, &mut BTreeSet::new())
        && cycle.iter().min() == Some(&name.value)
    {
        let chain: Vec<_> = cycle.iter().chain([&name.value]).map(|name| format!("`{name}`")).collect();
        findings
            .error(
                "stack::cycle",
                &name.span,
                format!("builds need each other in a circle: {}", chain.join(" → ")),
            )
            .help("take one of them out of the other's `inputs` or `toolchain`".to_owned());
    }
}

fn cycle(
    at: &str,
    home: &str,
    builds: &BTreeMap<String, BuildSpec>,
    path: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if !seen.insert(at.to_owned()) {
        return None;
    }
    path.push(at.to_owned());
    let needs = builds.get(at).into_iter().flat_map(|spec| spec.input_builds().chain(spec.tool_builds()));
    for next in needs {
        if next == home {
            return Some(path.clone());
        }
        if let Some(found) = cycle(next, home, builds, path, seen) {
            return Some(found);
        }
    }
    path.pop();
    None
}
