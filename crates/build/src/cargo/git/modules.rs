//! `.gitmodules`: where submodules come from (git's documentation, "gitmodules" and "git-config", "CONFIGURATION FILE").

use std::collections::BTreeMap;

/// More bytes than this list no submodules.
const MAX_SIZE: usize = 1 << 20;

/// A submodule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// Where it lies in the repository.
    pub path: String,
    /// Where it comes from; may be relative to where the repository comes from.
    pub url: String,
    /// Whether it is checked out.
    pub update: Update,
}

/// Whether a submodule is checked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Update {
    /// It is.
    Wanted,
    /// `update = none`: it isn't.
    Unwanted,
}

/// The submodules that a `.gitmodules` lists. What can't be read of it lists none: a submodule that Cargo finds there
/// nevertheless can't be fetched by a build.
pub(super) fn parse(bytes: &[u8]) -> Vec<Module> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SIZE)]);
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = None;
    // A backslash at the end of a line joins it to the next.
    for line in text.replace("\r\n", "\n").replace("\\\n", "").lines() {
        let line = line.trim();
        if line.starts_with('[') {
            section = submodule(line);
        } else if let (Some(section), Some((key, value))) = (&section, line.split_once('=')) {
            let keys = sections.entry(section.clone()).or_default();
            keys.insert(key.trim().to_ascii_lowercase(), unquoted(value.trim()));
        }
    }
    let module = |mut keys: BTreeMap<String, String>| {
        let update = match keys.get("update").map(String::as_str) {
            Some("none") => Update::Unwanted,
            _ => Update::Wanted,
        };
        let path = keys.remove("path")?.trim_end_matches('/').to_owned();
        Some(Module { path, url: keys.remove("url")?, update })
    };
    sections.into_values().filter_map(module).collect()
}

/// `vendor/x` of `[submodule "vendor/x"]`.
fn submodule(line: &str) -> Option<String> {
    let (kind, name) = line.strip_prefix('[')?.split_once('"')?;
    let (name, _) = name.rsplit_once("\"]")?;
    kind.trim().eq_ignore_ascii_case("submodule").then(|| unquoted(&format!("\"{name}\"")))
}

/// A value without its quotes, escapes and comment.
fn unquoted(value: &str) -> String {
    let (mut text, mut quoted) = (String::new(), false);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => text.extend(chars.next().map(|c| match c {
                'n' => '\n',
                't' => '\t',
                c => c,
            })),
            '#' | ';' if !quoted => return text.trim_end().to_owned(),
            c => text.push(c),
        }
    }
    text
}

/// Where Cargo looks for a submodule: `url`, which may be relative to the address of the repository that has it (Cargo's
/// `absolute_submodule_url`).
pub(super) fn address(base: &str, url: &str) -> String {
    if !url.starts_with("./") && !url.starts_with("../") {
        return url.to_owned();
    }
    let Some((scheme, rest)) = base.split_once("://") else {
        return format!("{}/{url}", base.trim_end_matches('/'));
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut parts: Vec<&str> =
        path.trim_end_matches('/').split('/').filter(|part| !part.is_empty()).collect();
    for part in url.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}", parts.join("/"))
}
