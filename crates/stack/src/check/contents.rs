//! The entries of `contents`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use longshore_oci::{Platform, TreePath};

use super::flox::{self, Environments};
use super::packages::PackageOrigin;
use super::runtime::Runtime;
use super::template::Values;
use super::{names, nix, others, outputs};
use crate::file::{At, ContentTable, ImageTable, Shorthand};
use crate::findings::Findings;
use crate::model::{
    ContentSpec, Destination, FileRequest, Fragment, FragmentKind, SliceRequest, TextRequest, UrlSpec,
};

/// What entries refer to outside their image.
pub(super) struct Beside<'a> {
    pub(super) folder: &'a Path,
    pub(super) values: &'a Values,
    pub(super) origin: &'a PackageOrigin,
    pub(super) platforms: &'a [Platform],
    pub(super) urls: &'a BTreeMap<String, UrlSpec>,
    pub(super) flox: &'a Environments,
    /// The names of all builds.
    pub(super) builds: &'a BTreeSet<String>,
}

/// The contents of `image` and the place of each.
pub(super) fn check(
    image: &str,
    table: &ImageTable,
    runtime: &Runtime,
    beside: &Beside<'_>,
    findings: &mut Findings,
) -> (Vec<ContentSpec>, Vec<Range<usize>>) {
    let mut contents = Vec::new();
    let mut spans = Vec::new();
    for written in &table.contents {
        let content = match &written.value {
            Shorthand::Text(name) => Some(package(name, &written.span, None, beside, findings)),
            // The schema has refused it.
            Shorthand::Number(_) => None,
            Shorthand::Full(table) => full(image, table, runtime, beside, findings),
        };
        // Naming a package again, as an image may do with one of the defaults, changes nothing.
        if let Some(content) = content.filter(|content| !contents.contains(content)) {
            contents.push(content);
            spans.push(written.span.clone());
        }
    }
    check_doubled(image, &contents, &spans, findings);
    (contents, spans)
}

fn package(
    name: &str,
    span: &Range<usize>,
    source: Option<&At<String>>,
    beside: &Beside<'_>,
    findings: &mut Findings,
) -> ContentSpec {
    let package = beside.origin.of(name, span, source, findings);
    match name {
        "ca-certificates" => ContentSpec::Fragment(Fragment { kind: FragmentKind::CaCertificates, package }),
        "tzdata" => ContentSpec::Fragment(Fragment { kind: FragmentKind::Tzdata, package }),
        _ => ContentSpec::Package(package),
    }
}

fn full(
    image: &str,
    table: &ContentTable,
    runtime: &Runtime,
    beside: &Beside<'_>,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let to = |findings: &mut Findings| table.to.as_ref().and_then(|to| names::destination(to, findings));
    let mode = names::mode(table.mode.as_ref(), findings);
    let owner = table.owner.as_ref().map_or((0, 0), |owner| runtime.owner(owner, findings));
    if let Some(name) = &table.package {
        return package_or_slice(name, table, beside, findings);
    }
    let file = |what: names::Beside, path: &At<String>, findings: &mut Findings| {
        let (path, _) = names::beside(what, path, beside.folder, findings)?;
        Some(FileRequest { path, to: to(findings)?, mode, owner })
    };
    if let Some(path) = &table.file {
        return file(names::Beside::File, path, findings).map(ContentSpec::File);
    }
    if let Some(path) = &table.directory {
        return file(names::Beside::Folder, path, findings).map(ContentSpec::Directory);
    }
    let text = |template: Option<String>, text: String, to: Destination| {
        ContentSpec::Text(TextRequest { template, text, to, mode: mode.unwrap_or(0o644), owner })
    };
    if let Some(written) = &table.text {
        let to = exactly("a text", to(findings)?, table, findings)?;
        return Some(text(None, written.value.clone(), to));
    }
    if let Some(template) = &table.template {
        let (path, really) = names::beside(names::Beside::File, template, beside.folder, findings)?;
        let rendered = beside.values.render(image, template, &really, findings);
        // The name is settled here, so that nobody after has to know of templates.
        let name = path.rsplit('/').next().unwrap_or(&path).as_bytes();
        let to = Destination::Exactly(to(findings)?.path(name));
        return Some(text(Some(path.clone()), rendered?, to));
    }
    if let Some(reference) = &table.image {
        return others::content(reference, table, runtime, findings);
    }
    if table.build.is_some() || table.url.is_some() {
        let to = to(findings)?;
        return outputs::content(table, outputs::Placed { to, mode, owner }, beside, findings);
    }
    if let Some(installable) = &table.nix {
        return nix::content(installable, table, beside.folder, findings);
    }
    if let Some(environment) = &table.flox {
        return flox::content(environment, table, beside, findings);
    }
    let target = table.symlink.as_ref()?;
    if target.is_empty() || target.contains('\0') {
        findings.error("stack::path", &target.span, "a symbolic link needs a target");
    }
    let to = exactly("a symbolic link", to(findings)?, table, findings)?;
    Some(ContentSpec::Symlink { target: target.value.clone(), to })
}

fn package_or_slice(
    name: &At<String>,
    table: &ContentTable,
    beside: &Beside<'_>,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let Some(from) = &table.from else {
        if let Some(stray) = table.to.as_ref().or(table.extra.as_ref().and_then(|extra| extra.first())) {
            findings
                .error(
                    "stack::slice",
                    &stray.span,
                    format!(
                        "package `{}` goes where it belongs; only a part of it can go elsewhere",
                        name.value
                    ),
                )
                .help("say which part with `from`".to_owned());
        }
        return Some(package(name, &name.span, table.source.as_ref(), beside, findings));
    };
    let package = beside.origin.of(name, &name.span, table.source.as_ref(), findings);
    let from_span = from.span.clone();
    let from = listed(&from.value, from_span);
    if from.is_empty() {
        findings.error(
            "stack::slice",
            &name.span,
            format!("`from` takes nothing of package `{}`", name.value),
        );
    }
    let mut paths = |what: &str, list: &[At<String>]| -> Vec<TreePath> {
        list.iter().filter_map(|path| names::below_root(what, path, findings)).collect()
    };
    let (from, extra) =
        (paths("`from`", &from), paths("`extra`", table.extra.as_deref().unwrap_or_default()));
    let to = match &table.to {
        Some(to) => Some(names::destination(to, findings)?),
        None => None,
    };
    check_several(&to, &from, table, findings);
    Some(ContentSpec::Slice(SliceRequest { package, from, to, extra }))
}

/// One path or several, as a list.
pub(super) fn listed(from: &Shorthand<Vec<At<String>>>, span: Range<usize>) -> Vec<At<String>> {
    match from {
        Shorthand::Full(many) => many.clone(),
        Shorthand::Text(one) => vec![At { value: one.clone(), span }],
        // The schema has refused it.
        Shorthand::Number(_) => Vec::new(),
    }
}

/// Several things need a folder to go into.
pub(super) fn check_several(
    to: &Option<Destination>,
    from: &[TreePath],
    table: &ContentTable,
    findings: &mut Findings,
) {
    if let (Some(Destination::Exactly(path)), [_, _, ..], Some(written)) = (to, from, &table.to) {
        findings
            .error("stack::slice", &written.span, format!("several things can't all become `{path}`"))
            .help("end it with `/` to put them into that folder".to_owned());
    }
}

/// For things without a name of their own.
fn exactly(
    what: &str,
    to: Destination,
    table: &ContentTable,
    findings: &mut Findings,
) -> Option<Destination> {
    if let (Destination::Into(folder), Some(written)) = (&to, &table.to) {
        findings
            .error(
                "stack::path",
                &written.span,
                format!("{what} has no name of its own to go into `{folder}` with"),
            )
            .help("name the whole path, without a `/` at its end".to_owned());
        return None;
    }
    Some(to)
}

/// Two entries for one path. Folders are left out: what is in them is known when they are read.
fn check_doubled(image: &str, contents: &[ContentSpec], spans: &[Range<usize>], findings: &mut Findings) {
    let mut seen: BTreeMap<TreePath, usize> = BTreeMap::new();
    for (index, content) in contents.iter().enumerate() {
        for path in paths(content) {
            // Within one entry it is said of the entry itself.
            if let Some(first) = seen.get(&path).filter(|first| **first != index) {
                let line = findings.line(&spans[*first]);
                findings
                    .error(
                        "stack::doubled",
                        &spans[index],
                        format!("image `{image}` has two contents for `{path}`"),
                    )
                    .help(format!("the other one is in line {line}"));
            }
            seen.insert(path, index);
        }
    }
}

/// The paths that are known to be this entry's.
pub(super) fn paths(content: &ContentSpec) -> Vec<TreePath> {
    match content {
        ContentSpec::File(file) => vec![file.to.path(name(file.path.as_bytes()))],
        ContentSpec::Text(text) => vec![text.to.path(b"")],
        ContentSpec::Symlink { to, .. } => vec![to.path(b"")],
        ContentSpec::Slice(slice) => slice
            .from
            .iter()
            .map(|from| slice.to.as_ref().map_or_else(|| from.clone(), |to| to.path(from.name())))
            .collect(),
        // Whether these are files or folders is known when they are made.
        ContentSpec::Build(_) | ContentSpec::Url(_) | ContentSpec::Image(_) => Vec::new(),
        ContentSpec::Package(_)
        | ContentSpec::Fragment(_)
        | ContentSpec::Directory(_)
        | ContentSpec::Nix(_)
        | ContentSpec::Probe => Vec::new(),
    }
}

fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}
