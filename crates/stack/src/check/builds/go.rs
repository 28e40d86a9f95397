//! Builds of kind `go`.

use super::Around;
use crate::check::names::is_go_sum;
use crate::file::{At, BuildTable};
use crate::findings::Findings;
use crate::model::{Cgo, GoBuild, GoSource, GoSums};

pub(super) fn check(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<GoBuild> {
    let packages = packages(table, findings);
    let tags = super::words(
        "tags",
        table.tags.as_ref(),
        |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'),
        findings,
    );
    for flag in table.ldflags.iter().flatten() {
        if flag.trim().is_empty() || flag.contains(char::is_control) {
            findings.error("stack::build", &flag.span, "a linker flag is empty or holds control characters");
        }
    }
    Some(GoBuild {
        source: source(name, table, around, findings)?,
        packages,
        tags,
        ldflags: table.ldflags.iter().flatten().map(|flag| flag.value.clone()).collect(),
        cgo: if table.cgo.as_ref().is_some_and(|cgo| cgo.value) { Cgo::On } else { Cgo::Off },
    })
}

fn packages(table: &BuildTable, findings: &mut Findings) -> Vec<String> {
    let Some(written) = table.packages.as_ref().filter(|list| !list.is_empty()) else {
        return vec![".".to_owned()];
    };
    for package in written {
        let odd = |part: &str| part == "..";
        if package.starts_with('/') || package.split('/').any(odd) {
            findings
                .error(
                    "stack::path",
                    &package.span,
                    format!("package `{}` is not one of the module", package.value),
                )
                .help("name it below the module's root, as in \"./cmd/server\"".to_owned());
        }
    }
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '\\');
    super::words("packages", Some(written), plain, findings)
}

fn source(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<GoSource> {
    let module = match (&table.path, &table.module) {
        (Some(path), Some(_)) => {
            findings
                .error(
                    "stack::build",
                    &path.span,
                    format!("build `{}` has both `path` and `module`", name.value),
                )
                .help(
                    "`path` is a module of your own, `module` a published one; keep the one you mean"
                        .to_owned(),
                );
            return None;
        }
        (None, None) => {
            findings
                .error(
                    "stack::build",
                    &name.span,
                    format!("build `{}` says nothing of what it builds", name.value),
                )
                .help(
                    "add `path = \"…\"`, a folder with a `go.mod`, or `module = \"host/path@version\"`"
                        .to_owned(),
                );
            return None;
        }
        (Some(path), None) => {
            if let Some(sums) = &table.sums {
                let message = format!("the sums of `{}` are in its own `go.sum`", path.value);
                findings
                    .error("stack::build", &sums.span, message)
                    .help("`sums` is for a published `module`".to_owned());
            }
            return super::folder(name, table, around, findings).map(GoSource::Path);
        }
        (None, Some(module)) => module,
    };
    let sums = table.sums.as_ref().map(|sums| {
        for sum in [&sums.zip, &sums.go_mod] {
            if !is_go_sum(sum) {
                findings
                    .error(
                        "stack::build",
                        &sum.span,
                        format!("`{}` is not the sum of a Go module", sum.value),
                    )
                    .help("it begins with `h1:`, as in a `go.sum`".to_owned());
            }
        }
        GoSums { zip: sums.zip.value.clone(), go_mod: sums.go_mod.value.clone() }
    });
    let (path, version) = module_version(module, findings)?;
    Some(GoSource::Module { path, version, sums })
}

/// `host/path@v1.2.3` (Go modules reference, "Module paths" and "Versions").
fn module_version(module: &At<String>, findings: &mut Findings) -> Option<(String, String)> {
    let mut refuse = |why: String, help: String| {
        findings.error("stack::build", &module.span, why).help(help);
        None
    };
    let form = || "write `host/path@version`, as in \"github.com/caddyserver/caddy/v2@v2.10.0\"".to_owned();
    let Some((path, version)) = module.split_once('@') else {
        return refuse(format!("`{}` has no version", module.value), form());
    };
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~'))
    };
    let host = path.split('/').next().unwrap_or_default();
    if !host.contains('.') || host.starts_with('-') || !path.split('/').all(part) {
        return refuse(format!("`{path}` is not the path of a Go module"), form());
    }
    let Some(major) = major(version) else {
        let why = format!("`{version}` is not a version of a Go module");
        return refuse(
            why,
            "write it in full, as in `v1.2.3`; `latest` and branches move, and a build must not".to_owned(),
        );
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    let suffix = last.strip_prefix('v').or_else(|| last.rsplit_once(".v").map(|(_, number)| number));
    let suffix = suffix.and_then(|number| number.parse::<u64>().ok());
    let fits = match suffix {
        Some(number) => number == major,
        None => major < 2 || version.ends_with("+incompatible"),
    };
    if !fits {
        let why =
            format!("`{path}` has no version `{version}`: the path of a module ends in its major version");
        let bare = path.rsplit_once('/').filter(|_| suffix.is_some()).map_or(path, |(bare, _)| bare);
        let right = if major < 2 { bare.to_owned() } else { format!("{bare}/v{major}") };
        return refuse(why, format!("did you mean `{right}@{version}`?"));
    }
    Some((path.to_owned(), version.to_owned()))
}

/// The major number of `v1.2.3`, `v1.2.3-rc.1`, `v2.0.0+incompatible`.
fn major(version: &str) -> Option<u64> {
    let rest = version.strip_prefix('v')?;
    let (rest, build) = rest.split_once('+').unwrap_or((rest, "incompatible"));
    let (numbers, before) = rest.split_once('-').unwrap_or((rest, "0"));
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let numbers: Vec<&str> = numbers.split('.').collect();
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let well_formed = build == "incompatible"
        && before.split('.').all(word)
        && numbers.len() == 3
        && numbers.iter().all(digits);
    numbers.first().filter(|_| well_formed)?.parse().ok()
}
