//! `[url.*]`.

use std::collections::BTreeMap;

use longshore_oci::{Digest, Platform};

use super::sources::check_url;
use crate::file::{At, UrlTable};
use crate::findings::Findings;
use crate::model::{UrlFile, UrlForm, UrlSpec};

/// Endings of archives that are unpacked.
const ARCHIVES: [&str; 10] =
    [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2", ".zip"];

/// What to do with credentials in an address.
const CREDENTIALS: &str =
    "take it out of the stack file, which is shared; a private file can be kept beside the stack file";

pub(super) fn check(
    tables: BTreeMap<At<String>, UrlTable>,
    findings: &mut Findings,
) -> BTreeMap<String, UrlSpec> {
    let mut urls = BTreeMap::new();
    for (name, table) in tables {
        super::check_name("url", &name, findings);
        let spec = url(&name, &table, findings);
        urls.insert(name.value, spec);
    }
    urls
}

fn url(name: &At<String>, table: &UrlTable, findings: &mut Findings) -> UrlSpec {
    let files = match (&table.url, table.urls.first_key_value()) {
        (Some(url), None) => {
            if let Some((platform, _)) = table.sha256s.first_key_value() {
                let message = format!("url `{}` is one file for all platforms", name.value);
                findings
                    .error("stack::url", &platform.span, message)
                    .help("write `sha256 = \"…\"`".to_owned());
            }
            check_url(url, CREDENTIALS, findings);
            let sha256 = table.sha256.as_ref().and_then(|text| digest(text, findings));
            BTreeMap::from([(None, UrlFile { url: url.value.clone(), sha256 })])
        }
        (None, Some(_)) => per_platform(name, table, findings),
        (Some(url), Some(_)) => {
            findings
                .error("stack::url", &url.span, format!("url `{}` has both `url` and `urls`", name.value))
                .help(
                    "`urls` is for files that are others on each platform; keep the one you mean".to_owned(),
                );
            BTreeMap::new()
        }
        (None, None) => {
            findings
                .error("stack::url", &name.span, format!("url `{}` says nothing of where it is", name.value))
                .help(
                    "add `url = \"https://…\"`, or `urls = { \"linux/amd64\" = \"https://…\" }`".to_owned(),
                );
            BTreeMap::new()
        }
    };
    let form = form(name, table, &files, findings);
    if let (UrlForm::File, Some(strip)) = (form, table.strip.as_ref().filter(|strip| strip.value > 0)) {
        findings
            .error(
                "stack::url",
                &strip.span,
                format!("url `{}` is taken as a file, which has no folders", name.value),
            )
            .help("leave `strip` out, or add `form = \"archive\"`".to_owned());
    }
    UrlSpec { files, strip: table.strip.as_ref().map_or(0, |strip| strip.value), form }
}

/// Fails where the archive or file called `name` is not there for `platform`.
pub(super) fn check_address(name: &At<String>, spec: &UrlSpec, platform: &Platform, findings: &mut Findings) {
    let there = [None, Some(platform.clone())].iter().any(|at| spec.files.contains_key(at));
    // One without any address has been complained of.
    if !there && !spec.files.is_empty() {
        findings
            .error(
                "stack::url",
                &name.span,
                format!("url `{}` has no address for platform `{platform}`", name.value),
            )
            .help(format!("add `\"{platform}\" = \"https://…\"` to its `urls`"));
    }
}

fn per_platform(
    name: &At<String>,
    table: &UrlTable,
    findings: &mut Findings,
) -> BTreeMap<Option<Platform>, UrlFile> {
    if let Some(sha256) = &table.sha256 {
        let message = format!("url `{}` is another file on each platform", name.value);
        findings
            .error("stack::url", &sha256.span, message)
            .help("write `sha256s = { \"linux/amd64\" = \"…\" }`".to_owned());
    }
    for platform in table.sha256s.keys().filter(|platform| !table.urls.contains_key(*platform)) {
        let known: Vec<&str> = table.urls.keys().map(|platform| platform.as_str()).collect();
        super::unknown("address for platform", platform, &known, findings);
    }
    let mut files = BTreeMap::new();
    for (written, url) in &table.urls {
        check_url(url, CREDENTIALS, findings);
        match written.parse::<Platform>() {
            Ok(platform) => {
                let sha256 = table.sha256s.get(written).and_then(|text| digest(text, findings));
                files.insert(Some(platform), UrlFile { url: url.value.clone(), sha256 });
            }
            Err(error) => drop(findings.error("stack::url", &written.span, error.to_string())),
        }
    }
    files
}

fn digest(text: &At<String>, findings: &mut Findings) -> Option<Digest> {
    let digest = Digest::from_hex(text.trim_start_matches("sha256:")).ok();
    if digest.is_none() {
        findings
            .error("stack::url", &text.span, format!("`{}` is not a SHA-256", text.value))
            .help("64 lower-case hex digits, as `sha256sum` prints them; or leave it out, and `longshore lock` learns it".to_owned());
    }
    digest
}

/// As it is said, or by the endings of the names.
fn form(
    name: &At<String>,
    table: &UrlTable,
    files: &BTreeMap<Option<Platform>, UrlFile>,
    findings: &mut Findings,
) -> UrlForm {
    match table.form.as_ref().map(|form| form.as_str()) {
        Some("archive") => return UrlForm::Archive,
        Some(_) => return UrlForm::File,
        None => {}
    }
    let archive = |file: &&UrlFile| {
        let path = file.url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        ARCHIVES.iter().any(|ending| path.ends_with(ending))
    };
    match files.values().filter(archive).count() {
        0 => UrlForm::File,
        all if all == files.len() => UrlForm::Archive,
        _ => {
            findings
                .error(
                    "stack::url",
                    &name.span,
                    format!("some files of url `{}` look like archives, and some do not", name.value),
                )
                .help("say what they are: `form = \"archive\"` or `form = \"file\"`".to_owned());
            UrlForm::Archive
        }
    }
}
