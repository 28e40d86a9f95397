//! What is to be known of a policy in the words of others.

use std::fmt;

use super::Other;

/// What is to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It takes more than ours.
    Weaker(Unsaid),
    /// It takes less: what this signer alone signed.
    Signer {
        /// The rule.
        rule: String,
        /// Who can't be said.
        signer: String,
        /// Why not.
        why: Unsayable,
    },
    /// It takes less: an image that two rules fit has to meet both.
    Both {
        /// The rule that counts for us.
        first: String,
        /// The other.
        second: String,
    },
    /// What it rests on that is not in it.
    Rests(&'static str),
}

/// A demand that others can't make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    /// Of this rule.
    pub rule: String,
    /// What, and why not.
    pub reason: Reason,
}

/// A demand, and why it can't be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// How old a signature may be.
    Age,
    /// An attestation of this type.
    Attestation(String),
    /// How severe what a scanner found may be, in an attestation of this type.
    Severity(String),
    /// That it is for no other repository: `scope` stands for what is below it, too, or for itself.
    Scope {
        /// What `policy.json` can name.
        scope: String,
        /// What the rule does not fit and the scope does.
        also: String,
    },
}

/// Why a signer can't be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsayable {
    /// A log must have what a key signs.
    LogOfKey,
    /// Somebody must vouch for when a key signed.
    TimeOfKey,
    /// A certificate, where signatures are read in the older form alone.
    Certificate,
    /// A trusted root with times at which its parts were valid.
    Root,
}

impl Note {
    /// The demand that is lacking, if it is one.
    pub(super) fn weaker(&self) -> Option<&Unsaid> {
        match self {
            Self::Weaker(unsaid) => Some(unsaid),
            _ => None,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weaker(unsaid) => write!(f, "weaker than policy.toml: {unsaid}"),
            Self::Signer { rule, signer, why } => {
                write!(f, "the rule for {rule}: what only `{signer}` signed is refused: {why}")
            }
            Self::Both { first, second } => {
                write!(f, "an image that the rules for {first} and for {second} both fit has to meet both")
            }
            Self::Rests(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rule for {}: {}", self.rule, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age => write!(f, "`max-age` can't be said: nothing there sees how old a signature is"),
            Self::Attestation(kind) => {
                write!(f, "the attestation `{kind}` can't be demanded: policy.json knows signatures alone")
            }
            Self::Severity(kind) => {
                write!(f, "`max-severity` of `{kind}` can't be said: nothing there reads reports of scanners")
            }
            Self::Scope { scope, also } => {
                write!(f, "`{scope}` in policy.json is for `{also}`, too, of which the rule says nothing")
            }
        }
    }
}

impl fmt::Display for Unsayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogOfKey => "`log = \"required\"` can't be said of a key",
            Self::TimeOfKey => "`timestamp = \"required\"` can't be said of a key",
            Self::Certificate => {
                "signatures are read in the older form alone, in which longshore writes those of keys"
            }
            Self::Root => {
                "a `trusted-root` of one's own can't be said with the times at which its parts are valid"
            }
        })
    }
}

impl Other {
    /// What it is called after `longshore generate`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kyverno => "kyverno",
            Self::ClusterImage => "cluster-image-policy",
            Self::Containers => "containers-policy",
        }
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
