//! Why a policy can't be one of others.

use super::{Other, Unsaid, Unsayable};
use crate::TrustError;

/// Why a policy can't be one of others.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It would take what the policy refuses.
    #[error("{} would take images that the policy refuses", whole(*other))]
    Unsaid {
        /// Whose policy.
        other: Other,
        /// What is lacking.
        unsaid: Vec<Unsaid>,
    },
    /// None of a rule's signers can be said.
    #[error("none of the signers of the rule for {rule} can be said")]
    Signers {
        /// The rule.
        rule: String,
        /// Them, and why not.
        unsayable: Vec<(String, Unsayable)>,
    },
    /// A pattern would fit other images there.
    #[error("the pattern `{pattern}` can't be said in {}: {reason}", whole(*other))]
    Pattern {
        /// Whose policy.
        other: Other,
        /// The pattern.
        pattern: String,
        /// Why not.
        reason: &'static str,
    },
    /// A rule that refuses stands between two that fit the same images.
    #[error(
        "the rule for {refused} refuses images that the rule for {taken} takes after it: where all rules hold at once that can't be said"
    )]
    Between {
        /// The rule that refuses.
        refused: String,
        /// The one after it.
        taken: String,
    },
    /// The trusted root can't be used.
    #[error(transparent)]
    Root(#[from] TrustError),
    /// It can't be written.
    #[error("it can't be written as YAML: {0}")]
    Yaml(String),
}

impl ForeignError {
    /// What it is about, one by one.
    pub fn causes(&self) -> Vec<String> {
        match self {
            Self::Unsaid { unsaid, .. } => unsaid.iter().map(ToString::to_string).collect(),
            Self::Signers { unsayable, .. } => {
                unsayable.iter().map(|(signer, why)| format!("`{signer}`: {why}")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsaid { other: Other::Containers, .. } => Some(
                "write what policy.json can say into policy.toml (a repository and what is below it: `images = [\"HOST/NAME\", \"HOST/NAME/*\"]`), \
                 or write it weaker: `longshore generate containers-policy --weaker`"
                    .to_owned(),
            ),
            Self::Unsaid { other, .. } => Some(format!(
                "demand less in policy.toml, or write it without: `longshore generate {other} --weaker`"
            )),
            Self::Signers { .. } => Some(
                "name one more signer in the rule's `signed-by`: a key, without `log` and `timestamp` (`longshore keygen`)"
                    .to_owned(),
            ),
            Self::Pattern { .. } => {
                Some("write patterns of the form `HOST/NAME/*`, without `*` before the first `/`".to_owned())
            }
            Self::Between { .. } => {
                Some("write the patterns of the later rule so that they don't fit those images".to_owned())
            }
            Self::Root(error) => error.hint(),
            Self::Yaml(_) => None,
        }
    }
}

fn whole(other: Other) -> &'static str {
    match other {
        Other::Kyverno => "Kyverno's policy",
        Other::ClusterImage => "a ClusterImagePolicy",
        Other::Containers => "policy.json",
    }
}
