//! Sums of tarballs (W3C, "Subresource Integrity").

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

/// A SHA-512 sum, written `sha512-<base64>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha512([u8; 64]);

impl Sha512 {
    /// The sum of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha512::digest(bytes).into())
    }

    /// The SHA-512 among the sums of `text`, which spaces separate; none when it has none, or two that differ.
    pub fn parse(text: &str) -> Option<Self> {
        let mut sums =
            text.split_ascii_whitespace().filter_map(|sum| sum.strip_prefix("sha512-")).map(|sum| {
                let sum = sum.split('?').next().unwrap_or_default();
                STANDARD.decode(sum).ok().and_then(|bytes| bytes.try_into().ok()).map(Self)
            });
        let first = sums.next()??;
        sums.all(|other| other == Some(first)).then_some(first)
    }

    /// All of it in hex, as npm's cache names its files.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first 8 hex digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..8].to_owned()
    }
}

impl fmt::Display for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha512-{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
