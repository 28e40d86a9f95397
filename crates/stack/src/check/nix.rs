//! `[nix]`, and contents that come from the Nix store.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::contents::listed;
use super::names;
use crate::file::{At, CACHE, ContentTable, KEY, NixTable};
use crate::findings::Findings;
use crate::model::{ContentSpec, Installable, NixKey, NixLinks, NixRequest, NixSpec};

pub(super) fn check(table: NixTable, findings: &mut Findings) -> NixSpec {
    let caches = match &table.caches {
        Some(written) => written.iter().filter_map(|cache| address(cache, findings)).collect(),
        None => vec![CACHE.to_owned()],
    };
    let trusted_keys = match &table.trusted_public_keys {
        Some(written) => written.iter().filter_map(|text| checked_key(text, findings)).collect(),
        None => key(KEY).into_iter().collect(),
    };
    NixSpec { caches, trusted_keys }
}

fn address(cache: &At<String>, findings: &mut Findings) -> Option<String> {
    let known = ["https://", "http://", "file://", "s3://"].iter().any(|scheme| cache.starts_with(scheme));
    if !known {
        findings
            .error("stack::nix", &cache.span, format!("`{}` is no address of a binary cache", cache.value))
            .help("write `https://…`, `file:///…` or `s3://BUCKET`".to_owned());
        return None;
    }
    Some(cache.trim_end_matches('/').to_owned())
}

fn checked_key(text: &At<String>, findings: &mut Findings) -> Option<NixKey> {
    let key = key(text);
    if key.is_none() {
        findings
            .error("stack::nix", &text.span, format!("`{}` is no public key of a binary cache", text.value))
            .help("it is `NAME:BASE64`, as `nix key convert-secret-to-public` writes it".to_owned());
    }
    key
}

/// A key of the form `NAME:BASE64`.
fn key(text: &str) -> Option<NixKey> {
    let (name, encoded) = text.split_once(':')?;
    let key = STANDARD.decode(encoded).ok()?.try_into().ok()?;
    Some(NixKey { name: Some(name).filter(|name| !name.is_empty())?.to_owned(), key })
}

/// An entry with the key `nix`.
pub(super) fn content(
    written: &At<String>,
    table: &ContentTable,
    folder: &Path,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let installable = installable(written, table, folder, findings)?;
    request(installable, table, findings)
}

/// An entry that brings `installable`.
pub(super) fn request(
    installable: Installable,
    table: &ContentTable,
    findings: &mut Findings,
) -> Option<ContentSpec> {
    let links = links(table, findings)?;
    let exclude = table.exclude.iter().flatten().map(|name| name.value.clone()).collect();
    Some(ContentSpec::Nix(NixRequest { installable, links, exclude }))
}

fn installable(
    written: &At<String>,
    table: &ContentTable,
    folder: &Path,
    findings: &mut Findings,
) -> Option<Installable> {
    let text = written.trim();
    // Only a path may have a space in it.
    let words = text.contains(char::is_whitespace) && !text.contains(['/', '.']);
    if text.is_empty() || text.starts_with('-') || text.contains(|c: char| c.is_control()) || words {
        return refuse(
            findings,
            written,
            format!("`{}` is nothing that Nix could build", written.value),
            FORMS,
        );
    }
    if text.starts_with("/nix/store/") {
        return match (text.parse(), &table.attr) {
            (Ok(path), None) => Some(Installable::StorePath(path)),
            (Err(error), _) => {
                let error: longshore_oci::StorePathError = error;
                refuse(
                    findings,
                    written,
                    error.to_string(),
                    "say with `from` what inside of the path is meant",
                )
            }
            (Ok(_), Some(attr)) => {
                refuse(findings, attr, "a store path has no attributes".to_owned(), "leave `attr` out")
            }
        };
    }
    let is_file = !text.contains('#') && (text.ends_with(".nix") || table.attr.is_some());
    if !is_file {
        return match &table.attr {
            Some(attr) => refuse(
                findings,
                attr,
                "`attr` is for Nix files, and a flake's output is named behind `#`".to_owned(),
                FORMS,
            ),
            None => Some(Installable::Flake(text.to_owned())),
        };
    }
    let (file, really) = names::beside(names::Beside::Either, written, folder, findings)?;
    if really.is_dir() && !really.join("default.nix").is_file() {
        return refuse(findings, written, format!("there is no `default.nix` in `{file}`"), FORMS);
    }
    Some(Installable::File { file, attr: table.attr.as_ref().map(|attr| attr.value.clone()) })
}

fn refuse<T>(findings: &mut Findings, at: &At<String>, message: String, help: &str) -> Option<T> {
    findings.error("stack::nix", &at.span, message).help(help.to_owned());
    None
}

/// What may be written.
const FORMS: &str =
    "write `.#NAME` for an output of a flake, `/nix/store/…`, or a file's path with `attr = \"NAME\"`";

fn links(table: &ContentTable, findings: &mut Findings) -> Option<NixLinks> {
    let Some(from) = &table.from else {
        return Some(match &table.to {
            None => NixLinks::Programs,
            Some(to) => NixLinks::Everything(names::destination(to, findings)?.path(b"")),
        });
    };
    let written = listed(&from.value, from.span.clone());
    let parts: Vec<_> =
        written.iter().filter_map(|path| names::inside("the store path", path, findings)).collect();
    match (&table.to, written.is_empty()) {
        (None, true) => Some(NixLinks::Nothing),
        (None, false) => {
            findings
                .error(
                    "stack::nix",
                    &from.span,
                    "a path of the Nix store stays where it is; `from` says what is linked elsewhere",
                )
                .help("say where with `to`".to_owned());
            None
        }
        (Some(to), _) => {
            let to = Some(names::destination(to, findings)?);
            super::contents::check_several(&to, &parts, table, findings);
            to.map(|to| NixLinks::Parts { from: parts, to })
        }
    }
}
