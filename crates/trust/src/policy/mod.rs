//! Who must have said what of an image: `policy.toml`.
//!
//! The first rule whose `images` fit an image is the one that counts for it, and one that none fits is refused. [`file`] is what
//! is written, [`Policy::evaluate`] what it comes to.

mod evaluate;
mod file;
mod findings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use longshore_oci::read_bounded;

pub use evaluate::{Attested, Evaluation, Vouched};
pub use findings::Severity;

use crate::TrustError;
use crate::evidence::{Signer, fits};
use crate::sigstore::Expected;

/// What it is called, beside a stack file.
pub const FILE: &str = "policy.toml";
/// The file that may have one of its own.
const STACK: &str = "stack.toml";
/// More bytes than this are no policy, and no stack file.
const LIMIT: u64 = 1 << 20;

/// Who must have said what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who is spoken of, by name.
    pub signers: BTreeMap<String, Trusted>,
    /// In the order of the file.
    pub rules: Vec<Rule>,
    /// Certificate authorities, logs and timestamp authorities that are believed, where the policy names them.
    pub trusted_root: Option<PathBuf>,
}

/// A signer, and what must be with each of their signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Who.
    pub signer: Signer,
    /// Whether a log must have them.
    pub log: Expected,
    /// Whether somebody must vouch for their time.
    pub timestamp: Timestamp,
}

/// Whether somebody must vouch for the time of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamp {
    /// Yes.
    Required,
    /// No.
    Ignored,
}

/// What is demanded of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which: patterns of repositories, `ghcr.io/org/*`.
    pub images: Vec<String>,
    /// What.
    pub demand: Demand,
}

/// What is demanded of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: it is taken as it is.
    Nothing,
    /// It is refused.
    Refused,
    /// Signatures and attestations.
    Evidence {
        /// One of these must have signed it.
        signed_by: Vec<String>,
        /// All of these must be there.
        attestations: Vec<AttestationRule>,
        /// How many days old a signature may be.
        max_age: Option<i64>,
    },
}

/// An attestation that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationRule {
    /// The predicate's type.
    pub predicate_type: String,
    /// One of these must have signed it.
    pub signed_by: Vec<String>,
    /// What provenance must say of the builder; a pattern.
    pub builder: Option<String>,
    /// What provenance must say of the source repository; a pattern.
    pub source: Option<String>,
    /// That provenance must say that nothing but locked inputs went in.
    pub hermetic: bool,
    /// The worst that a scanner may have found.
    pub max_severity: Option<Severity>,
}

impl Policy {
    /// The policy of the stack in `folder`: [`FILE`], or `[policy]` of its stack file; keys are files there. None where there is
    /// neither.
    ///
    /// # Errors
    /// [`TrustError::Policy`], also where there are both or a stack file can't be read; [`TrustError::Key`].
    pub fn of(folder: &Path) -> Result<Option<Self>, TrustError> {
        let (own, stack) = (folder.join(FILE), folder.join(STACK));
        let in_stack = match stack.exists() {
            true => file::read_stack(&text(&stack)?, folder, &stack)?,
            false => None,
        };
        match (own.exists(), in_stack) {
            (true, Some(_)) => Err(TrustError::Policy {
                path: own,
                reason: format!("`{STACK}` beside it has `[policy]`, and only one of them can count"),
            }),
            (true, None) => Self::read(&own).map(Some),
            (false, in_stack) => Ok(in_stack),
        }
    }

    /// Reads a file like `policy.toml`; keys are files beside it.
    ///
    /// # Errors
    /// [`TrustError::Policy`], [`TrustError::Key`].
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        file::read(&text(path)?, path.parent().unwrap_or(Path::new("")), path)
    }

    /// A policy of one demand for all images: one of `signers`, by their names, must have signed.
    pub fn signed_by(signers: BTreeMap<String, Trusted>) -> Self {
        let demand = Demand::Evidence {
            signed_by: signers.keys().cloned().collect(),
            attestations: Vec::new(),
            max_age: None,
        };
        Self { signers, rules: vec![Rule { images: vec!["*".to_owned()], demand }], trusted_root: None }
    }

    /// Whether it can't be met with keys alone.
    pub fn needs_root(&self) -> bool {
        self.signers.values().any(|trusted| {
            matches!(trusted.signer, Signer::Identity { .. })
                || trusted.log == Expected::Logged
                || trusted.timestamp == Timestamp::Required
        })
    }

    /// The rule for the images of `repository` (`ghcr.io/org/web`).
    pub fn rule(&self, repository: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.images.iter().any(|pattern| fits(pattern, repository)))
    }
}

fn text(path: &Path) -> Result<String, TrustError> {
    let wrong = |reason: String| TrustError::Policy { path: path.to_owned(), reason };
    let bytes = fs_err::File::open(path).and_then(|file| read_bounded(file, LIMIT));
    let bytes = bytes.map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| wrong("it is not text".to_owned()))
}
