//! Builds of kind `command`.

use super::Around;
use crate::check::names;
use crate::file::{At, BuildTable, InputTable, Shorthand};
use crate::findings::Findings;
use crate::model::{BuildInput, CommandBuild, Destination};

pub(super) fn check(
    name: &At<String>,
    table: &BuildTable,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<CommandBuild> {
    let commands = table.run.as_deref().unwrap_or_default();
    if commands.is_empty() {
        findings
            .error("stack::build", &name.span, format!("build `{}` runs nothing", name.value))
            .help("add `run = [[\"sh\", \"-c\", \"…\"]]`".to_owned());
    }
    for command in commands {
        if command.first().is_none_or(|program| program.is_empty()) {
            findings.error("stack::build", &command.span, "a command needs a program");
        }
        for argument in command.iter().filter(|argument| argument.contains('\0')) {
            findings.error("stack::build", &argument.span, "an argument holds a NUL character");
        }
    }
    let mut inputs: Vec<BuildInput> = Vec::new();
    for written in table.inputs.iter().flatten() {
        let Some(input) = input(written, around, findings) else { continue };
        if has_tools(table) && is_among_tools(&input) {
            findings
                .error(
                    "stack::path",
                    &written.to.span,
                    "`/deps/tools` is where the toolchain's own trees are",
                )
                .help("put the input elsewhere below `/src` or `/deps`".to_owned());
        }
        inputs.push(input);
    }
    let run = commands.iter().map(|command| command.iter().map(|word| word.value.clone()).collect());
    Some(CommandBuild { run: run.collect(), inputs })
}

/// Whether the toolchain holds trees.
fn has_tools(table: &BuildTable) -> bool {
    let Some(At { value: Shorthand::Full(entries), .. }) = &table.toolchain else { return false };
    entries.iter().any(|entry| matches!(&entry.value, Shorthand::Full(tool) if tool.package.is_none()))
}

fn is_among_tools(input: &BuildInput) -> bool {
    let (BuildInput::Path { to, .. } | BuildInput::Build { to, .. } | BuildInput::Url { to, .. }) = input;
    let (Destination::Exactly(to) | Destination::Into(to)) = to;
    to.as_bytes() == b"deps/tools" || to.as_bytes().starts_with(b"deps/tools/")
}

fn input(written: &At<InputTable>, around: &Around<'_>, findings: &mut Findings) -> Option<BuildInput> {
    let named = [&written.path, &written.build, &written.url].into_iter().flatten().count();
    if named != 1 {
        findings
            .error("stack::build", &written.span, "an input is one of `path`, `build` and `url`")
            .help("write `{ path = \"…\", to = \"/src\" }`".to_owned());
        return None;
    }
    let to = names::destination(&written.to, findings);
    if let Some(Destination::Exactly(to) | Destination::Into(to)) = &to
        && !matches!(to.as_bytes().split(|&b| b == b'/').next(), Some(b"src" | b"deps"))
    {
        findings
            .error("stack::path", &written.to.span, format!("`{to}` is no place for an input"))
            .help("inputs are at `/src` or `/deps`, or below; commands start in `/build` and leave their output in `/out`".to_owned());
        return None;
    }
    if let Some(path) = &written.path {
        let (path, _) = names::beside(names::Beside::Either, path, around.folder, findings)?;
        return Some(BuildInput::Path { path, to: to? });
    }
    if let Some(build) = &written.build {
        if !around.builds.contains(&build.value) {
            let known: Vec<&str> = around.builds.iter().map(String::as_str).collect();
            crate::check::unknown("build", build, &known, findings);
        }
        return Some(BuildInput::Build { build: build.value.clone(), to: to? });
    }
    let url = written.url.as_ref()?;
    if !around.urls.contains_key(&url.value) {
        let known: Vec<&str> = around.urls.keys().map(String::as_str).collect();
        crate::check::unknown("url", url, &known, findings);
    }
    Some(BuildInput::Url { url: url.value.clone(), to: to? })
}
