//! One finding, and how it is accepted.

use longshore_oci::Origin;
use longshore_stack::model::Allow;
use serde::{Deserialize, Serialize};

/// How bad a finding is; the worst sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It will not work: the build fails.
    Error,
    /// It probably should not be.
    Warning,
    /// Worth knowing.
    Note,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// Something that a lint found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The lint's name, one of [`super::LINTS`].
    pub lint: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, as `allow = ["lint:subject"]` names it: a path, a library, a variable.
    pub subject: String,
    /// What was expected and found.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Who put it there, where one input did.
    pub origin: Option<Origin>,
}

/// Whether `allow` accepts what `lint` found about `subject`.
pub fn allowed(allow: &[Allow], lint: &str, subject: &str) -> bool {
    allow.iter().any(|a| a.lint == lint && a.subject.as_deref().is_none_or(|s| s == subject))
}
