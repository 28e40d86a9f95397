//! Contents that builds make or that pinned archives hold.

use super::contents::Beside;
use super::names;
use super::urls::check_address;
use crate::file::{At, ContentTable, Shorthand};
use crate::findings::Findings;
use crate::model::{ContentSpec, Destination, OutputRequest};

/// Where an entry goes, and whose it is there.
pub(super) struct Placed {
    pub(super) to: Destination,
    pub(super) mode: Option<u16>,
    pub(super) owner: (u32, u32),
}

/// An entry with the key `build` or `url`.
pub(super) fn content(
    table: &ContentTable,
    placed: Placed,
    beside: &Beside<'_>,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let (name, kind): (_, fn(OutputRequest) -> ContentSpec) = match (&table.build, &table.url) {
        (Some(build), _) => {
            if !beside.builds.contains(&build.value) {
                let known: Vec<&str> = beside.builds.iter().map(String::as_str).collect();
                super::unknown("build", build, &known, findings);
            }
            (build, ContentSpec::Build)
        }
        (None, url) => {
            let url = url.as_ref()?;
            check_url(url, beside, findings);
            (url, ContentSpec::Url)
        }
    };
    let Placed { to, mode, owner } = placed;
    let from = part(name, table, findings)?;
    Some(kind(OutputRequest { name: name.value.clone(), from, to, mode, owner }))
}

/// A pinned archive must be one, and be there for every platform that images are built for.
fn check_url(name: &At<String>, beside: &Beside<'_>, findings: &mut Findings) {
    let Some(spec) = beside.urls.get(&name.value) else {
        let known: Vec<&str> = beside.urls.keys().map(String::as_str).collect();
        return super::unknown("url", name, &known, findings);
    };
    for platform in beside.platforms {
        check_address(name, spec, platform, findings);
    }
}

/// The part that is taken of a build or archive; no part is all of it.
fn part(name: &At<String>, table: &ContentTable, findings: &mut Findings) -> Option<Option<String>> {
    let Some(from) = &table.from else { return Some(None) };
    let Shorthand::Text(text) = &from.value else {
        findings
            .error(
                "stack::slice",
                &from.span,
                format!("one file or folder of `{}` is taken at a time", name.value),
            )
            .help("write an entry for each".to_owned());
        return None;
    };
    let text = At { value: text.clone(), span: from.span.clone() };
    let path = names::inside(&format!("`{}`", name.value), &text, findings)?;
    Some((!path.is_root()).then(|| String::from_utf8_lossy(path.as_bytes()).into_owned()))
}
