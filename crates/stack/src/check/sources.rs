//! `[sources.*]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::names::{self, Beside};
use crate::diagnostic::nearest;
use crate::file::{At, KEYRINGS, SourceTable};
use crate::findings::Findings;
use crate::model::{AptLocation, AptSource, Expired, Keyring, SourceSpec};

pub(super) fn check(
    tables: BTreeMap<At<String>, At<SourceTable>>,
    folder: &Path,
    findings: &mut Findings,
) -> BTreeMap<String, SourceSpec> {
    let mut sources = BTreeMap::new();
    for (name, table) in tables {
        super::check_name("source", &name, findings);
        let source = source(&name, table.value, folder, findings);
        sources.insert(name.value, SourceSpec::Apt(source));
    }
    sources
}

fn source(name: &At<String>, table: SourceTable, folder: &Path, findings: &mut Findings) -> AptSource {
    let location = location(name, &table, findings);
    for word in table.suites.iter().chain(table.components.iter().flatten()) {
        let odd = |part: &str| matches!(part, "" | "." | "..");
        if word.chars().any(|c| c.is_whitespace() || c.is_control()) || word.split('/').any(odd) {
            let message =
                format!("`{}` is neither a suite nor a component: it becomes part of an address", word.value);
            findings.error("stack::name", &word.span, message);
        }
    }
    for (index, suite) in table.suites.iter().enumerate() {
        if table.suites[..index].contains(suite) {
            findings.error("stack::doubled", &suite.span, format!("suite `{}` is named twice", suite.value));
        }
    }
    for address in &table.snapshots {
        check_url(address, APT_SETTINGS, findings);
    }
    let values = |list: Vec<At<String>>| list.into_iter().map(|item| item.value).collect::<Vec<_>>();
    AptSource {
        location,
        keyring: keyring(&table.keyring, folder, findings),
        signed_by: table.signed_by.iter().filter_map(|text| fingerprint(text, findings)).collect(),
        suites: values(table.suites),
        components: table.components.map_or_else(|| vec!["main".to_owned()], values),
        prefer: table.prefer,
        snapshots: values(table.snapshots),
        expired: if table.allow_expired { Expired::Accept } else { Expired::Refuse },
    }
}

fn location(name: &At<String>, table: &SourceTable, findings: &mut Findings) -> AptLocation {
    match (&table.distribution, &table.url) {
        (Some(distribution), None) => AptLocation::Distribution(distribution.value.clone()),
        (None, Some(url)) => {
            check_url(url, APT_SETTINGS, findings);
            AptLocation::Url(url.value.clone())
        }
        (Some(distribution), Some(url)) => {
            findings
                .error(
                    "stack::source",
                    &url.span,
                    format!("source `{}` has both `distribution` and `url`", name.value),
                )
                .help(
                    "with `distribution` the machine's own mirror is used; keep the one you mean".to_owned(),
                );
            AptLocation::Distribution(distribution.value.clone())
        }
        (None, None) => {
            findings
                .error(
                    "stack::source",
                    &name.span,
                    format!("source `{}` says nothing of where it is", name.value),
                )
                .help(
                    "add `distribution = \"debian\"`, or `url = \"https://…\"` of another apt repository"
                        .to_owned(),
                );
            AptLocation::Url(String::new())
        }
    }
}

/// Where credentials of an apt repository belong.
const APT_SETTINGS: &str =
    "take it out of the stack file, which is shared, and put it into the machine's apt settings";

/// An address without credentials; `remedy` says where those belong.
pub(super) fn check_url(url: &At<String>, remedy: &str, findings: &mut Findings) {
    let rest = ["https://", "http://", "file:///"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let odd = |c: char| c.is_whitespace() || c.is_control();
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(odd) => {
            let authority = rest.split('/').next().unwrap_or_default();
            if authority.contains('@') {
                // The address itself is not shown again.
                findings
                    .error("stack::credentials", &url.span, "the address holds a user name or password")
                    .help(remedy.to_owned());
            }
        }
        _ => {
            findings.error(
                "stack::url",
                &url.span,
                format!("`{}` is not an address that begins with `https://`", url.value),
            );
        }
    }
}

fn keyring(text: &At<String>, folder: &Path, findings: &mut Findings) -> Keyring {
    if text.contains(['/', '.']) {
        let path = names::beside(Beside::File, text, folder, findings).map(|(path, _)| path);
        return Keyring::Path(path.unwrap_or_else(|| text.value.clone()));
    }
    if !KEYRINGS.contains(&text.as_str()) {
        let known = nearest(text, KEYRINGS).map_or_else(
            || format!("do you mean `{}`", KEYRINGS.join("` or `")),
            |near| format!("did you mean `{near}`"),
        );
        findings
            .error("stack::unknown-name", &text.span, format!("longshore ships no keyring `{}`", text.value))
            .help(format!("{known}? A file of keys is named by its path, as in \"keys/vendor.asc\""));
    }
    Keyring::Shipped(text.value.clone())
}

/// An OpenPGP fingerprint in upper-case hex, without spaces: 40 digits (RFC 4880), or 64 (RFC 9580).
fn fingerprint(text: &At<String>, findings: &mut Findings) -> Option<String> {
    let hex: String = text.trim_start_matches("0x").chars().filter(|c| *c != ' ').collect();
    if !matches!(hex.len(), 40 | 64) || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        findings
            .error(
                "stack::fingerprint",
                &text.span,
                format!("`{}` is not a whole OpenPGP fingerprint", text.value),
            )
            .label("40 or 64 hex digits are expected")
            .help("short key ids can be forged; `gpg --show-keys FILE` prints fingerprints".to_owned());
        return None;
    }
    Some(hex.to_ascii_uppercase())
}
