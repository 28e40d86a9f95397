//! Why something that should vouch for an image does not.

/// Why something that should vouch for an image does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing vouches for it.
    #[error("not signed")]
    NotSigned,
    /// It holds, and is by somebody else.
    #[error("signed by someone else: {0}")]
    OtherSigner(String),
    /// It holds, and is about something else.
    #[error("wrong digest: it is about another image")]
    OtherSubject,
    /// Its bytes are not what they should be.
    #[error("broken: {0}")]
    Broken(String),
    /// No log that is believed has it.
    #[error("log entry missing")]
    NotLogged,
    /// Nobody who is believed says when it was made.
    #[error("no time that is vouched for: {0}")]
    NoTime(String),
    /// It was made when its certificate was not valid.
    #[error("certificate expired: {0}")]
    Expired(String),
    /// No log of certificates that is believed has its certificate.
    #[error("certificate in no log of certificates: {0}")]
    NotTransparent(String),
    /// Who vouches for it is not in the trusted root.
    #[error("from another Sigstore than the trusted root's: {0}")]
    OtherRoot(String),
    /// A trusted root is needed.
    #[error("a trusted root is needed to check it")]
    NoRoot,
    /// What must be attested is not.
    #[error("no attestation of the type `{0}`")]
    NotAttested(String),
    /// What is attested is not what must be.
    #[error("the attestation `{kind}` says {what}")]
    Says {
        /// The predicate's type.
        kind: String,
        /// ``the builder is `x`, not `y` ``.
        what: String,
    },
    /// It is too old.
    #[error("it was signed {days} days ago, and may be {most} days old")]
    Stale {
        /// How old it is.
        days: i64,
        /// How old it may be.
        most: i64,
    },
}

impl Refusal {
    /// How near it came: the refusal that says most is shown first.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::NotSigned | Self::NotAttested(_) => 0,
            Self::OtherSubject => 1,
            Self::OtherSigner(_) | Self::NoRoot => 2,
            Self::OtherRoot(_) => 3,
            Self::Broken(_) => 4,
            Self::NotLogged | Self::NoTime(_) | Self::Expired(_) | Self::NotTransparent(_) => 5,
            Self::Says { .. } | Self::Stale { .. } => 6,
        }
    }
}
