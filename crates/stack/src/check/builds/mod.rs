//! `[build.*]`: what all kinds share. Each kind's own keys are in its file.

mod command;
mod go;
mod programs;
mod quantity;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::names::{self, Beside};
use super::packages::PackageOrigin;
use crate::file::{At, BuildTable, Shorthand};
use crate::findings::Findings;
use crate::model::{BuildInput, BuildKind, BuildSpec, Limits, PackageRequest, Toolchain, UrlSpec};

/// The packages that a kind of build runs on unless its toolchain is said.
fn usual_toolchain(kind: &str) -> &'static [&'static str] {
    match kind {
        "go" => &["golang-go", "ca-certificates", "git", "base-files", "dash", "coreutils", "libc-bin"],
        "cargo" => &[
            "rustc",
            "cargo",
            "gcc",
            "libc6-dev",
            "base-files",
            "ca-certificates",
            "dash",
            "coreutils",
            "libc-bin",
        ],
        "npm" => &["nodejs", "npm", "base-files", "ca-certificates", "dash", "coreutils", "libc-bin"],
        _ => &["base-files", "dash", "coreutils", "libc-bin"],
    }
}

/// What builds refer to.
pub(super) struct Around<'a> {
    pub(super) folder: &'a Path,
    pub(super) origin: &'a PackageOrigin,
    pub(super) urls: &'a BTreeMap<String, UrlSpec>,
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
    let toolchain = toolchain(name, table, around, findings);
    let limits = Limits {
        seconds: table.timeout.as_ref().and_then(|text| quantity::seconds(text, findings)).unwrap_or(3600),
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

fn toolchain(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Toolchain {
    let Some(written) = &table.toolchain else {
        let usual = usual_toolchain(&table.kind);
        return Toolchain::Packages(around.origin.all_of_default(name, usual, findings));
    };
    let packages = match &written.value {
        Shorthand::Full(packages) => packages,
        Shorthand::Text(text) if text == "host" => return Toolchain::Host,
        Shorthand::Text(_) | Shorthand::Number(_) => {
            findings
                .error("stack::build", &written.span, "`toolchain` is a list of packages, or `\"host\"`")
                .help("write `toolchain = [\"golang-go\", …]`".to_owned());
            return Toolchain::Host;
        }
    };
    if packages.is_empty() {
        findings
            .error("stack::build", &written.span, format!("the toolchain of build `{}` is empty", name.value))
            .help("leave `toolchain` out for the kind's usual packages".to_owned());
    }
    let mut all: Vec<PackageRequest> = Vec::new();
    for one in packages {
        let package = match &one.value {
            Shorthand::Text(package) => around.origin.of(package, &one.span, None, findings),
            Shorthand::Full(tool) => {
                around.origin.of(&tool.package, &tool.package.span, tool.source.as_ref(), findings)
            }
            // The schema has refused it.
            Shorthand::Number(_) => continue,
        };
        if !all.contains(&package) {
            all.push(package);
        }
    }
    Toolchain::Packages(all)
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
            .help("take one of them out of the other's `inputs`".to_owned());
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
    for next in needs(builds.get(at)) {
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

fn needs(spec: Option<&BuildSpec>) -> impl Iterator<Item = &str> {
    let inputs = match spec.map(|spec| &spec.kind) {
        Some(BuildKind::Command(command)) => command.inputs.as_slice(),
        _ => &[],
    };
    inputs.iter().filter_map(|input| match input {
        BuildInput::Build { build, .. } => Some(build.as_str()),
        BuildInput::Path { .. } | BuildInput::Url { .. } => None,
    })
}
