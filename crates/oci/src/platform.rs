//! `os/architecture[/variant]`, in Go's names as the OCI image index has them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an image runs on (OCI image index, `platform`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// CPU architecture in Go's name: `amd64`, `arm64` …
    pub architecture: String,
    /// Operating system: `linux`.
    pub os: String,
    /// CPU variant: `v7` of `arm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Text that names no platform longshore builds for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a platform; expected one of {}", Platform::SUPPORTED.map(|(name, _)| name).join(", "))]
pub struct PlatformError {
    /// What was read.
    pub text: String,
}

impl Platform {
    /// Every platform longshore builds for, with Debian's name of its architecture.
    pub const SUPPORTED: [(&str, &str); 7] = [
        ("linux/386", "i386"),
        ("linux/amd64", "amd64"),
        ("linux/arm/v7", "armhf"),
        ("linux/arm64", "arm64"),
        ("linux/ppc64le", "ppc64el"),
        ("linux/riscv64", "riscv64"),
        ("linux/s390x", "s390x"),
    ];

    /// Debian's name of the architecture (Debian policy 11.1).
    pub fn debian_architecture(&self) -> &'static str {
        let name = self.to_string();
        // Only supported platforms can be parsed, so one always matches.
        Self::SUPPORTED.iter().find(|(n, _)| *n == name).map_or("unknown", |(_, debian)| debian)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        if !Self::SUPPORTED.iter().any(|(name, _)| *name == text) {
            return Err(PlatformError { text: text.to_owned() });
        }
        let mut parts = text.split('/').map(str::to_owned);
        let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Ok(Self { architecture, os, variant: parts.next() })
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn supported_platforms_round_trip() {
        for (name, debian) in Platform::SUPPORTED {
            let platform: Platform = name.parse().unwrap();
            assert_eq!(platform.to_string(), name);
            assert_eq!(platform.debian_architecture(), debian);
        }
        assert!("windows/amd64".parse::<Platform>().is_err());
    }
}
