//! SHA-256 as Nix writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_oci::Digest;

use super::base32;

/// Text that is no SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no SHA-256 digest as Nix writes it (`sha256:…` in base 32 or 16, or `sha256-…`)")]
pub struct HashError {
    /// What was read, shortened to 100 characters.
    pub text: String,
}

/// Reads `sha256:` with digits of Nix's base 32 or of base 16, or `sha256-` with base 64 (W3C, "Subresource Integrity").
pub fn digest(text: &str) -> Result<Digest, HashError> {
    let found = if let Some(digits) = text.strip_prefix("sha256:") {
        base32::decode(digits).map(Digest::from_bytes).or_else(|| Digest::from_hex(digits).ok())
    } else if let Some(digits) = text.strip_prefix("sha256-") {
        STANDARD.decode(digits).ok().and_then(|bytes| bytes.try_into().ok()).map(Digest::from_bytes)
    } else {
        None
    };
    found.ok_or_else(|| HashError { text: text.chars().take(100).collect() })
}

/// `sha256:` with digits of Nix's base 32, as signatures and caches have it.
pub fn text(digest: &Digest) -> String {
    format!("sha256:{}", base32::encode(digest.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_one() {
        let empty = Digest::of(b"");
        for form in [
            "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ] {
            assert_eq!(digest(form), Ok(empty));
        }
        assert_eq!(text(&empty), "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "sha256",
            "sha256:",
            "sha256-",
            "sha512-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF=",
            "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
            "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        ] {
            assert!(digest(text).is_err(), "{text}");
        }
    }
}
