//! What both formats have in common: how a document is chosen and what it is called.

use std::fmt;

use longshore_oci::Digest;
use serde::Serialize;

use crate::bill::Bill;
use crate::{cyclonedx, openvex, spdx};

/// The version in documents.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Formats of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// SPDX 2.3 as JSON.
    Spdx,
    /// CycloneDX 1.6 as JSON.
    CycloneDx,
    /// OpenVEX 0.2.0: not what is in it, but what of its vulnerabilities is patched.
    OpenVex,
}

impl Format {
    /// What names of files end in.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Spdx => "spdx.json",
            Self::CycloneDx => "cdx.json",
            Self::OpenVex => "openvex.json",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Spdx => "application/spdx+json",
            Self::CycloneDx => "application/vnd.cyclonedx+json",
            Self::OpenVex => "application/json",
        }
    }

    /// The in-toto predicate type of an attestation that carries such a document.
    pub fn predicate_type(self) -> &'static str {
        match self {
            Self::Spdx => "https://spdx.dev/Document",
            Self::CycloneDx => "https://cyclonedx.org/bom",
            Self::OpenVex => "https://openvex.dev/ns/v0.2.0",
        }
    }

    /// The document that says what `bill` says: indented JSON with a line end. Equal bills give equal bytes. None where the format
    /// has nothing to say of it.
    pub fn write(self, bill: &Bill) -> Option<String> {
        match self {
            Self::Spdx => Some(spdx::write(bill)),
            Self::CycloneDx => Some(cyclonedx::write(bill)),
            Self::OpenVex => openvex::write(bill),
        }
    }
}

/// A name that no other document has: made of all that this one says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uuid(Digest);

impl Uuid {
    /// Of a document that has no name yet.
    pub fn of(document: &impl Serialize) -> Self {
        // Documents hold nothing that JSON can't.
        Self(Digest::of(&serde_json::to_vec(document).unwrap_or_default()))
    }
}

impl fmt::Display for Uuid {
    /// `urn:uuid:…`, version 8: named by a hash of the maker's choice (RFC 9562, 5.8).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0.as_bytes()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        f.write_str("urn:uuid:")?;
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Indented, with a line end.
pub(crate) fn json(document: &impl Serialize) -> String {
    // Documents hold nothing that JSON can't.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::Uuid;

    #[test]
    fn names_are_of_version_eight() {
        let name = Uuid::of(&"x").to_string();
        assert_eq!(name.len(), "urn:uuid:".len() + 36);
        let (version, variant) = (name.as_bytes()[9 + 14], name.as_bytes()[9 + 19]);
        assert!(version == b'8' && b"89ab".contains(&variant), "{name}");
    }
}
