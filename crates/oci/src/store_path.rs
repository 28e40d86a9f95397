//! Nix store paths by their base name, without a store around them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TreePath;

/// Where store paths are, in an image as on any machine.
pub const STORE_DIR: &str = "/nix/store";

/// Nix's digits of base 32: no `e`, `o`, `u`, `t`.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";
/// Digits before the name: 160 bits.
const HASH: usize = 32;
/// Longest name in bytes (Nix manual, "Store path").
const MAX_NAME: usize = 211;

/// A store path: `0i6fy063875f9zm83jl4qfj694lzg4ay-tool3-0.3`, which is at `/nix/store/0i6f…-tool3-0.3`. Orders by its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorePath(String);

/// Why a text is no store path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no store path: {reason}")]
pub struct StorePathError {
    /// The text, shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl StorePath {
    /// Reads `HASH-NAME`.
    pub fn of_base_name(text: &str) -> Result<Self, StorePathError> {
        let error = |reason| StorePathError { text: text.chars().take(300).collect(), reason };
        let (hash, name) = text.split_at_checked(HASH).ok_or_else(|| error("it is too short"))?;
        if !hash.bytes().all(|byte| DIGITS.contains(&byte)) {
            return Err(error("it does not begin with 32 digits of Nix's base 32"));
        }
        let name = name.strip_prefix('-').ok_or_else(|| error("there is no `-` behind its hash"))?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(error("its name is not of 1 to 211 characters"));
        }
        if !name.bytes().all(allowed) || matches!(name, "." | "..") {
            return Err(error("its name has other characters than letters, digits and `+-._?=`"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads `/nix/store/HASH-NAME`, and nothing below it.
    pub fn of_path(text: &str) -> Result<Self, StorePathError> {
        let base = text.strip_prefix(STORE_DIR).and_then(|rest| rest.strip_prefix('/'));
        let base = base.ok_or_else(|| StorePathError {
            text: text.chars().take(300).collect(),
            reason: "it is not directly in /nix/store",
        })?;
        Self::of_base_name(base)
    }

    /// `HASH-NAME`.
    pub fn base_name(&self) -> &str {
        &self.0
    }

    /// The 32 digits.
    pub fn hash(&self) -> &str {
        &self.0[..HASH]
    }

    /// What follows them: `tool3-0.3`.
    pub fn name(&self) -> &str {
        &self.0[HASH + 1..]
    }

    /// The name, and the version behind the first `-` that no letter follows (Nix manual, `builtins.parseDrvName`).
    pub fn name_and_version(&self) -> (&str, Option<&str>) {
        let name = self.name();
        let mut dashes = name.match_indices('-').map(|(at, _)| at);
        let at =
            dashes.find(|at| name.as_bytes().get(at + 1).is_some_and(|next| !next.is_ascii_alphabetic()));
        at.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])))
    }

    /// Where it is in an image.
    pub fn tree_path(&self) -> TreePath {
        // A base name is a clean component.
        TreePath::new(self.to_string()).unwrap_or_default()
    }

    /// The store path that `path` of an image is or lies in.
    pub fn holding(path: &TreePath) -> Option<Self> {
        let base = path.as_bytes().strip_prefix(b"nix/store/")?.split(|&byte| byte == b'/').next()?;
        Self::of_base_name(std::str::from_utf8(base).ok()?).ok()
    }
}

impl fmt::Display for StorePath {
    /// `/nix/store/HASH-NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE_DIR}/{}", self.0)
    }
}

impl FromStr for StorePath {
    type Err = StorePathError;

    /// Reads `/nix/store/HASH-NAME`, or `HASH-NAME` alone.
    fn from_str(text: &str) -> Result<Self, StorePathError> {
        if text.starts_with('/') { Self::of_path(text) } else { Self::of_base_name(text) }
    }
}

impl TryFrom<String> for StorePath {
    type Error = StorePathError;

    fn try_from(text: String) -> Result<Self, StorePathError> {
        text.parse()
    }
}

impl From<StorePath> for String {
    fn from(path: StorePath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0i6fy063875f9zm83jl4qfj694lzg4ay";

    #[test]
    fn paths_and_base_names_are_the_same() {
        let path: StorePath = format!("/nix/store/{HASH}-tool3-0.3").parse().unwrap();
        assert_eq!(path, format!("{HASH}-tool3-0.3").parse().unwrap());
        assert_eq!((path.hash(), path.name()), (HASH, "tool3-0.3"));
        assert_eq!(path.tree_path().to_string(), path.to_string());
        let below = path.tree_path().join("bin/x").unwrap();
        assert_eq!(StorePath::holding(&below), Some(path));
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "/nix/store",
            "/nix/store/",
            "/nix/store/x",
            &format!("/nix/store/{HASH}"),
            &format!("/nix/store/{HASH}-"),
            &format!("/nix/store/{HASH}-a/b"),
            &format!("/nix/store/{HASH}-.."),
            &format!("/nix/store/{HASH}-ü"),
            &format!("/gnu/store/{HASH}-a"),
            "/nix/store/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-a",
            &format!("{HASH}-{}", "a".repeat(212)),
        ] {
            assert!(text.parse::<StorePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions() {
        let parts = |name: &str| {
            let path: StorePath = format!("{HASH}-{name}").parse().unwrap();
            let (name, version) = path.name_and_version();
            (name.to_owned(), version.map(str::to_owned))
        };
        assert_eq!(parts("gcc-13.2.0-lib"), ("gcc".to_owned(), Some("13.2.0-lib".to_owned())));
        assert_eq!(parts("python3.12-requests-2.31.0").1.as_deref(), Some("2.31.0"));
        assert_eq!(parts("app.conf"), ("app.conf".to_owned(), None));
    }
}
