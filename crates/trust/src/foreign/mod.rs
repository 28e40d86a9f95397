//! Our policy as those of others: what a cluster or an engine asks before it runs an image.
//!
//! ```text
//! pattern        patterns of ours in the words of others
//! kyverno        an ImageValidatingPolicy
//! cluster_image  ClusterImagePolicies of Sigstore's policy-controller
//! containers     policy.json of podman, skopeo, buildah and CRI-O
//! provenance     what provenance must say, for those who can ask
//! ```
//!
//! **Invariant:** what is written takes no image that the policy refuses, but for what [`Note::Weaker`] names. Where the others
//! can't say a thing, what is written demands more, or it is not written.

mod cluster_image;
mod containers;
mod error;
mod kyverno;
mod note;
mod pattern;
mod provenance;

use std::collections::BTreeMap;

use serde::Serialize;

pub use error::ForeignError;
pub use note::{Note, Reason, Unsaid, Unsayable};

use crate::policy::{AttestationRule, Policy, Rule, Trusted};

/// Whose policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// An `ImageValidatingPolicy` (`policies.kyverno.io/v1`).
    Kyverno,
    /// `ClusterImagePolicy` objects (`policy.sigstore.dev/v1beta1`).
    ClusterImage,
    /// `policy.json` and an entry of `registries.d` (containers-policy.json(5), containers-registries.d(5)).
    Containers,
}

/// How what is written stands to our policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// It takes nothing that ours refuses.
    Whole,
    /// It lacks what the other can't demand.
    Weaker,
}

/// A policy in the words of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Relative paths and texts.
    pub files: BTreeMap<String, String>,
    /// What is to be known of them.
    pub notes: Vec<Note>,
}

/// `policy` as that of `other`; `name` is what its objects are called after.
///
/// # Errors
/// When it would take images that `policy` refuses, or could never take any; when the trusted root that it names is none.
pub fn write(policy: &Policy, other: Other, strength: Strength, name: &str) -> Result<Foreign, ForeignError> {
    let foreign = match other {
        Other::Kyverno => kyverno::write(policy, name)?,
        Other::ClusterImage => cluster_image::write(policy, name)?,
        Other::Containers => containers::write(policy)?,
    };
    let unsaid: Vec<Unsaid> = foreign.notes.iter().filter_map(Note::weaker).cloned().collect();
    match unsaid.is_empty() || strength == Strength::Weaker {
        true => Ok(foreign),
        false => Err(ForeignError::Unsaid { other, unsaid }),
    }
}

/// Of `names`, the signers that can be said, each as `say` has it.
///
/// One that can't is left out with a note, which takes fewer images and not more: any one of the signers is enough.
fn signers<'a, T>(
    policy: &'a Policy,
    rule: &Rule,
    names: &'a [String],
    notes: &mut Vec<Note>,
    say: impl Fn(&'a str, &'a Trusted) -> Result<T, Unsayable>,
) -> Result<Vec<T>, ForeignError> {
    let known = names.iter().filter_map(|name| Some((name, policy.signers.get(name)?)));
    let (mut said, mut unsayable) = (Vec::new(), Vec::new());
    for (name, trusted) in known {
        match say(name, trusted) {
            Ok(signer) => said.push(signer),
            Err(why) => unsayable.push((name.clone(), why)),
        }
    }
    if said.is_empty() {
        return Err(ForeignError::Signers { rule: called(rule), unsayable });
    }
    let left_out =
        unsayable.into_iter().map(|(signer, why)| Note::Signer { rule: called(rule), signer, why });
    for note in left_out {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(said)
}

/// What clusters' policies can't demand.
fn unsaid(
    rule: &Rule,
    attestations: &[AttestationRule],
    max_age: Option<i64>,
) -> impl Iterator<Item = Note> + use<> {
    let rule = called(rule);
    let severities = attestations.iter().filter(|one| one.max_severity.is_some());
    let severities: Vec<_> = severities.map(|one| Reason::Severity(one.predicate_type.clone())).collect();
    let reasons = max_age.map(|_| Reason::Age).into_iter().chain(severities);
    reasons.map(move |reason| Note::Weaker(Unsaid { rule: rule.clone(), reason }))
}

/// What a rule is called.
fn called(rule: &Rule) -> String {
    rule.images.join(", ")
}

/// What a file says of itself, each line after a sign; and of `notes` what belongs to whoever reads the file.
fn header(other: Other, notes: &[Note]) -> String {
    let mut text = format!(
        "# Made by longshore from policy.toml.\n# Change that, not this file; then: longshore generate {other}\n"
    );
    notes.iter().for_each(|note| text += &format!("# - {note}\n"));
    text
}

/// Values as documents of YAML, with what every file says above the first: some readers take a comment alone for a document.
fn yaml(header: &str, documents: &[impl Serialize]) -> Result<String, ForeignError> {
    let text = |document| {
        let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
        let text = serde_saphyr::to_string_with_options(document, options);
        text.map(|text| format!("{}\n", text.trim_end_matches('\n')))
    };
    let texts = documents.iter().map(text).collect::<Result<Vec<_>, _>>();
    let texts = texts.map_err(|error| ForeignError::Yaml(error.to_string()))?;
    Ok(format!("{header}{}", texts.join("---\n")))
}
