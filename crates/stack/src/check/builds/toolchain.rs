//! What a build runs on: packages, and trees of programs that come before them.

use super::Around;
use crate::check::urls::check_address;
use crate::file::{At, BuildTable, Shorthand, ToolTable};
use crate::findings::Findings;
use crate::model::{PackageRequest, Tool, Toolchain, UrlForm};

/// The packages that a kind of build runs on unless its toolchain is said.
fn usual(kind: &str) -> &'static [&'static str] {
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

pub(super) fn check(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Toolchain {
    let Some(written) = &table.toolchain else {
        let packages = around.origin.all_of_default(name, usual(&table.kind), findings);
        return Toolchain::Locked { packages, tools: Vec::new() };
    };
    let entries = match &written.value {
        Shorthand::Full(entries) => entries,
        Shorthand::Text(text) if text == "host" => return Toolchain::Host,
        Shorthand::Text(_) | Shorthand::Number(_) => {
            findings
                .error("stack::build", &written.span, "`toolchain` is a list of packages, or `\"host\"`")
                .help("write `toolchain = [\"golang-go\", …]`".to_owned());
            return Toolchain::Host;
        }
    };
    if entries.is_empty() {
        findings
            .error("stack::build", &written.span, format!("the toolchain of build `{}` is empty", name.value))
            .help("leave `toolchain` out for the kind's usual packages".to_owned());
    }
    let mut packages: Vec<PackageRequest> = Vec::new();
    let mut tools: Vec<Tool> = Vec::new();
    for entry in entries {
        let package = match &entry.value {
            Shorthand::Text(package) => around.origin.of(package, &entry.span, None, findings),
            Shorthand::Full(ToolTable { package: Some(package), source, .. }) => {
                around.origin.of(package, &package.span, source.as_ref(), findings)
            }
            Shorthand::Full(table) => {
                tools.extend(tool(table, &tools, around, findings));
                continue;
            }
            // The schema has refused it.
            Shorthand::Number(_) => continue,
        };
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    Toolchain::Locked { packages, tools }
}

/// A tree, which is not called as one of those `before` it.
fn tool(table: &ToolTable, before: &[Tool], around: &Around<'_>, findings: &mut Findings) -> Option<Tool> {
    let (name, tool) = match (&table.build, &table.url) {
        (Some(build), _) => {
            if !around.builds.contains(&build.value) {
                let known: Vec<&str> = around.builds.iter().map(String::as_str).collect();
                crate::check::unknown("build", build, &known, findings);
            }
            (build, Tool::Build(build.value.clone()))
        }
        (None, url) => {
            let url = url.as_ref()?;
            check_url(url, around, findings);
            (url, Tool::Url(url.value.clone()))
        }
    };
    if let Some(first) = before.iter().find(|first| first.name() == tool.name()) {
        let help = match *first == tool {
            true => "keep one of them".to_owned(),
            false => format!(
                "builds see a tool at `/deps/tools/{}`: give the build or the archive another name",
                name.value
            ),
        };
        findings
            .error(
                "stack::doubled",
                &name.span,
                format!("tool `{}` is named twice in `toolchain`", name.value),
            )
            .help(help);
        return None;
    }
    Some(tool)
}

/// An archive that is there for the platform that builds.
fn check_url(name: &At<String>, around: &Around<'_>, findings: &mut Findings) {
    let Some(spec) = around.urls.get(&name.value) else {
        let known: Vec<&str> = around.urls.keys().map(String::as_str).collect();
        return crate::check::unknown("url", name, &known, findings);
    };
    if spec.form == UrlForm::File {
        findings
            .error(
                "stack::build",
                &name.span,
                format!("url `{}` is taken as a file; a tool is a tree of programs", name.value),
            )
            .help(format!(
                "set `form = \"archive\"` in [url.{}] if it is one; else put it into `/out/bin` with a build of kind `command`",
                name.value
            ));
    }
    check_address(name, spec, around.host, findings);
}
