//! Git sources as `Cargo.lock` writes them, and as Cargo's settings do.

use super::GitError;
use super::object::ObjectId;
use super::repository::URL;

/// What Cargo's settings call the repository that stands for all of them.
const NAME: &str = "longshore-git";

/// A revision of a repository, and by which name the project asked for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GitSource {
    /// Where the repository is.
    pub url: String,
    /// What the manifest names: `branch`, `tag` or `rev` with its value; none for the branch that is checked out there.
    pub reference: Option<(&'static str, String)>,
    /// The commit.
    pub revision: ObjectId,
    /// All of it but the commit, as in the lock: `git+https://…?branch=…`.
    pub name: String,
}

impl GitSource {
    /// Reads `source` of the package `package` of a lock; none when it is no git source.
    pub fn parse(package: &str, source: &str) -> Result<Option<Self>, GitError> {
        let Some(address) = source.strip_prefix("git+") else { return Ok(None) };
        let unpinned = || GitError::NoRevision { package: package.to_owned(), from: source.to_owned() };
        let (address, revision) = address.rsplit_once('#').ok_or_else(unpinned)?;
        let revision = revision.parse().map_err(|()| unpinned())?;
        let (url, query) = address.split_once('?').unwrap_or((address, ""));
        let reference = query.split('&').rev().find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            // As Cargo reads them: what it doesn't know, it passes over, and the last one counts.
            let key = match key {
                "branch" | "ref" => "branch",
                "tag" => "tag",
                "rev" => "rev",
                _ => return None,
            };
            Some((key, decoded(value)))
        });
        Ok(Some(Self { url: url.to_owned(), reference, revision, name: format!("git+{address}") }))
    }

    /// Settings that put [`URL`] in its place (the Cargo book, "Source Replacement"). The source is named as
    /// `cargo vendor` names it, so that a project's own settings of that kind are not a second source of one address.
    pub fn settings(&self) -> Vec<String> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let source = format!("source.{}", quoted(&self.name));
        let mut lines = vec![
            format!("{source}.git={}", quoted(&self.url)),
            format!("{source}.replace-with=\"{NAME}\""),
            format!("source.{NAME}.git=\"{URL}\""),
        ];
        lines.extend(self.reference.iter().map(|(key, value)| format!("{source}.{key}={}", quoted(value))));
        lines
    }
}

/// The text of a form's value (the URL Standard, "application/x-www-form-urlencoded parsing").
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let escaped = hex.filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
        match (first, escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            (first, _) => bytes.push(*first),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
