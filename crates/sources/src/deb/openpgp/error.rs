//! Why a signed file is not trusted. Never quotes the file.

use crate::deb::release::date;

/// Why a signed file is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenPgpError {
    /// No clear-signed message, or something around it.
    #[error(
        "it is not one OpenPGP clear-signed text with a signature (cut off, changed on the way, or another kind of file)"
    )]
    NotSigned,
    /// The detached signature can't be read.
    #[error("its detached signature is not a readable OpenPGP signature")]
    BadSignatureFile,
    /// A file made to keep verifiers busy.
    #[error("it carries more than {limit} signatures")]
    TooManySignatures {
        /// How many are looked at.
        limit: usize,
    },
    /// No signature on it counts.
    #[error("no signature on it counts with keyring `{keyring}`: {}", list(.refused))]
    Untrusted {
        /// The keyring's name.
        keyring: String,
        /// Each signature, and why it does not count.
        refused: Vec<Refused>,
    },
    /// The keyring can't be read.
    #[error("keyring `{name}` holds no readable OpenPGP public keys (binary or armoured)")]
    BadKeyring {
        /// Its name or path.
        name: String,
    },
    /// A shipped keyring that does not exist.
    #[error("there is no shipped keyring `{name}`; there is `debian-archive`")]
    UnknownKeyring {
        /// What was asked for.
        name: String,
    },
}

/// One signature that does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {key}: {why}")]
pub struct Refused {
    /// Fingerprint or id of the key that claims to have made it, upper-case hex.
    pub key: String,
    /// Why it does not count.
    pub why: Why,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No key of the keyring.
    #[error("not in the keyring")]
    UnknownKey,
    /// In the keyring, but other keys are pinned.
    #[error("in the keyring, but not among the fingerprints in `signed-by`")]
    NotPinned,
    /// Not a signature over a document.
    #[error("the signature is not one over a document")]
    WrongType,
    /// MD5, SHA-1 and the like.
    #[error("the signature uses the hash {hash}; SHA256, SHA384 or SHA512 is required")]
    WeakHash {
        /// The hash algorithm.
        hash: String,
    },
    /// Short RSA, DSA.
    #[error("the key is too weak ({key}); RSA of 2048 bits or more, ECDSA or EdDSA is required")]
    WeakKey {
        /// What it is.
        key: String,
    },
    /// The arithmetic does not come out.
    #[error("the signature does not match the text")]
    Mismatch,
    /// Made after now.
    #[error("the signature was made in the future ({})", date::print(*.at))]
    Future {
        /// When, in seconds since 1970.
        at: u64,
    },
    /// Its own time to live is over.
    #[error("the signature expired on {}", date::print(*.at))]
    SignatureExpired {
        /// When, in seconds since 1970.
        at: u64,
    },
    /// The key's time to live is over.
    #[error("the key expired on {}", date::print(*.at))]
    KeyExpired {
        /// When, in seconds since 1970.
        at: u64,
    },
    /// The owner took the key back.
    #[error("the key was revoked by its owner")]
    KeyRevoked,
    /// The key has no valid self-signature, or the subkey no valid binding in both directions.
    #[error("the key is not validly bound to its owner's primary key")]
    Unbound,
    /// For encryption or certification only.
    #[error("the key is not one for signing")]
    NotForSigning,
    /// A critical part that is not understood, or no creation time.
    #[error("the signature has a form that is not understood")]
    Unsupported,
}

impl OpenPgpError {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        let expired = |refused: &[Refused]| {
            refused.iter().any(|r| {
                matches!(r.why, Why::KeyExpired { .. } | Why::Future { .. } | Why::SignatureExpired { .. })
            })
        };
        match self {
            Self::Untrusted { refused, .. } if refused.iter().all(|r| r.why == Why::UnknownKey) => {
                Some("if you trust the repository's owner, put their public key beside the stack file and name it in `keyring`".to_owned())
            }
            Self::Untrusted { refused, .. } if expired(refused) => {
                Some("check this machine's clock with `date`, then the repository's current key".to_owned())
            }
            Self::Untrusted { refused, .. } if refused.iter().any(|r| r.why == Why::NotPinned) => {
                Some("compare the source's `signed-by` with the fingerprints that its owner publishes".to_owned())
            }
            Self::NotSigned | Self::BadSignatureFile | Self::Untrusted { .. } | Self::TooManySignatures { .. } => {
                Some("try another mirror; if it stays, the repository or the way to it is not to be trusted".to_owned())
            }
            Self::BadKeyring { .. } => Some("export the key again with `gpg --export --armor FINGERPRINT`".to_owned()),
            Self::UnknownKeyring { .. } => Some("write `keyring = \"debian-archive\"`, or the path of a key file".to_owned()),
        }
    }
}

fn list(refused: &[Refused]) -> String {
    refused.iter().map(Refused::to_string).collect::<Vec<_>>().join("; ")
}
