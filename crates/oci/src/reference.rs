//! Image references (OCI distribution specification 1.1; the grammar Docker and containers agree on).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// `registry/repository[:tag][@digest]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Host and optional port; empty for a name that is local to an engine.
    pub registry: String,
    /// Path inside the registry.
    pub repository: String,
    /// A movable name.
    pub tag: Option<String>,
    /// What it must be.
    pub digest: Option<Digest>,
}

/// Text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct ReferenceError {
    /// What was read.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Reference {
    /// The name without tag and digest: `registry/repository`.
    pub fn name(&self) -> String {
        if self.registry.is_empty() {
            self.repository.clone()
        } else {
            format!("{}/{}", self.registry, self.repository)
        }
    }

    /// The same name with another tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError {
                text: tag.to_owned(),
                reason: "a tag is 1 to 128 of `A-Za-z0-9_.-`, not starting with `.` or `-`",
            });
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The same name by digest alone.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }
}

/// Whether `tag` is one: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (distribution specification, "Pulling manifests").
pub fn is_tag(tag: &str) -> bool {
    let ok = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
    (1..=128).contains(&tag.len()) && tag.bytes().all(ok) && !tag.starts_with(['.', '-'])
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` between slashes (distribution specification, "Pulling manifests").
fn is_path_component(text: &str) -> bool {
    let alnum = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    if bytes.is_empty() || !alnum(bytes[0]) || !alnum(bytes[bytes.len() - 1]) {
        return false;
    }
    text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = |reason| ReferenceError { text: text.to_owned(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|_| error("what follows `@` is not a digest"))?))
            }
            None => (text, None),
        };
        let (first, remainder) = rest.split_once('/').unwrap_or(("", rest));
        // As Docker does: the first component is a registry when it can't be a path component's usual form.
        let is_registry = first.contains(['.', ':']) || first == "localhost";
        let (registry, rest) = if is_registry { (first, remainder) } else { ("", rest) };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        if repository.len() > 255 || !repository.split('/').all(is_path_component) {
            return Err(error(
                "a repository is lower-case letters, digits and single separators `.`, `_`, `-` between slashes",
            ));
        }
        if registry
            .contains(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']')))
        {
            return Err(error("a registry is a host name with an optional port"));
        }
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(error("a tag is 1 to 128 of `A-Za-z0-9_.-`, not starting with `.` or `-`"));
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn parses_and_prints() {
        for (text, registry, repository) in [
            ("ghcr.io/betrace-hq/backend:1.2", "ghcr.io", "betrace-hq/backend"),
            ("localhost:5000/a", "localhost:5000", "a"),
            ("betrace/backend", "", "betrace/backend"),
            ("a__b/c--d.e", "", "a__b/c--d.e"),
            ("x.y/z@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "x.y", "z"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(
                (reference.registry.as_str(), reference.repository.as_str()),
                (registry, repository),
                "{text}"
            );
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn refuses() {
        for text in ["", "/", "A/b", "a..b", "a/-b", "a:", "a:.x", "a@sha256:1", "x.y/", "a___b"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
