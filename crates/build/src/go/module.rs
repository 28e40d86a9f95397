//! Module paths and versions, and their names in module caches.

use std::fmt;

/// A module at a version. Neither is empty or holds white space or control characters, and no part of the path is
/// empty, `.` or `..`, so that both are safe as names of files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleVersion {
    path: String,
    version: String,
}

/// A name that no module has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no module with a version, such as `golang.org/x/tools@v0.30.0`")]
pub struct ModuleError {
    /// As given, shortened.
    pub name: String,
}

impl ModuleVersion {
    /// Checks both.
    pub fn new(path: &str, version: &str) -> Result<Self, ModuleError> {
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 500
                && text.chars().all(|c| c.is_ascii_graphic() && !"!\\@:*\"'`<>|?;,()".contains(c))
        };
        let parts = |text: &str| {
            text.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.'))
        };
        if plain(path) && parts(path) && plain(version) && !version.contains('/') && version.starts_with('v')
        {
            Ok(Self { path: path.to_owned(), version: version.to_owned() })
        } else {
            Err(ModuleError { name: format!("{path}@{version}").chars().take(200).collect() })
        }
    }

    /// Its path, `github.com/grafana/loki/v3`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its version, `v3.7.8`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its files' common name below `cache/download` or a proxy's address, without `.mod`, `.zip` (Go modules
    /// reference, "GOPROXY protocol": capitals become `!` and the small letter).
    pub fn cached(&self) -> String {
        format!("{}/@v/{}", escape(&self.path), escape(&self.version))
    }

    /// The module whose files have this name.
    pub fn from_cached(name: &str) -> Option<Self> {
        let (path, version) = name.split_once("/@v/")?;
        Self::new(&unescape(path)?, &unescape(version)?).ok()
    }
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            c if c.is_ascii_uppercase() => return None,
            c => out.push(c),
        }
    }
    Some(out)
}
