//! What a policy comes to for an image.

use longshore_oci::Digest;
use serde_json::Value;

use super::{AttestationRule, Demand, Policy, Timestamp, Trusted, findings};
use crate::evidence::{Evidence, Held, fits};
use crate::refusal::Refusal;
use crate::sigstore::{Checked, Verifier};
use crate::statement::SIGNED;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// What a policy comes to for an image.
#[derive(Debug, Clone, PartialEq)]
pub enum Evaluation {
    /// It is taken, and this is what holds of it.
    Accepted {
        /// Who signed it; none where nothing is demanded.
        signed: Option<Vouched>,
        /// What was attested of what must be.
        attested: Vec<Attested>,
    },
    /// It is not.
    Refused {
        /// Why not: for each thing beside it that might have done, the nearest first.
        reasons: Vec<Refusal>,
    },
    /// No rule is for it.
    NoRule,
    /// A rule says that it is refused.
    Forbidden,
}

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The signer's name in the policy.
    pub signer: String,
    /// What was found.
    pub checked: Checked,
}

/// An attestation that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The predicate's type.
    pub predicate_type: String,
    /// Who says it.
    pub by: Vouched,
}

impl Evaluation {
    /// Whether the image is taken.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

impl Policy {
    /// What is demanded of the image `subject` of `repository`, and whether `evidence` meets it. `now` is in seconds since 1970.
    pub fn evaluate(
        &self,
        repository: &str,
        subject: &Digest,
        evidence: &[Evidence],
        verifier: &Verifier,
        now: i64,
    ) -> Evaluation {
        let Some(rule) = self.rule(repository) else { return Evaluation::NoRule };
        let (signed_by, attestations, max_age) = match &rule.demand {
            Demand::Nothing => return Evaluation::Accepted { signed: None, attested: Vec::new() },
            Demand::Refused => return Evaluation::Forbidden,
            Demand::Evidence { signed_by, attestations, max_age } => (signed_by, attestations, *max_age),
        };
        let asked = Asked { policy: self, subject, evidence, verifier };
        let fresh = |held: &Held| max_age.map_or(Ok(()), |most| fresh(&held.checked, most, now));
        let signed = asked.find(SIGNED, signed_by, Refusal::NotSigned, &fresh);
        let attested = attestations.iter().map(|rule| {
            let absent = Refusal::NotAttested(rule.predicate_type.clone());
            let by = asked.find(&rule.predicate_type, &rule.signed_by, absent, &|held| {
                says(rule, &held.statement.predicate)
            })?;
            Ok(Attested { predicate_type: rule.predicate_type.clone(), by })
        });
        let attested: Vec<Result<Attested, Vec<Refusal>>> = attested.collect();
        let mut reasons = Vec::new();
        let signed = signed.map_err(|mut why| reasons.append(&mut why)).ok();
        let attested: Vec<_> = attested
            .into_iter()
            .filter_map(|one| one.map_err(|mut why| reasons.append(&mut why)).ok())
            .collect();
        match reasons.is_empty() {
            true => Evaluation::Accepted { signed, attested },
            false => Evaluation::Refused { reasons },
        }
    }
}

struct Asked<'a> {
    policy: &'a Policy,
    subject: &'a Digest,
    evidence: &'a [Evidence],
    verifier: &'a Verifier,
}

impl Asked<'_> {
    /// Something of the type `kind` by one of `signers` that satisfies; or why there is none, the nearest first.
    fn find(
        &self,
        kind: &str,
        signers: &[String],
        absent: Refusal,
        satisfies: &dyn Fn(&Held) -> Result<(), Refusal>,
    ) -> Result<Vouched, Vec<Refusal>> {
        let mut reasons = Vec::new();
        // What can't be read at all may be anything.
        let might = |evidence: &&Evidence| evidence.claims().is_none_or(|claimed| claimed == kind);
        for evidence in self.evidence.iter().filter(might) {
            for name in signers {
                let Some(trusted) = self.policy.signers.get(name) else { continue };
                let held = self.held(evidence, trusted).and_then(|held| {
                    if held.statement.predicate_type != kind {
                        return Err(absent.clone());
                    }
                    satisfies(&held).map(|()| held)
                });
                match held {
                    Ok(held) => return Ok(Vouched { signer: name.clone(), checked: held.checked }),
                    Err(reason) => reasons.push(reason),
                }
            }
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.rank()));
        reasons.dedup();
        if reasons.is_empty() {
            reasons.push(absent);
        }
        Err(reasons)
    }

    fn held(&self, evidence: &Evidence, trusted: &Trusted) -> Result<Held, Refusal> {
        let held = evidence.held(self.subject, &trusted.signer, trusted.log, self.verifier)?;
        match (trusted.timestamp, held.checked.times.is_empty()) {
            (Timestamp::Required, true) => Err(Refusal::NoTime("the policy wants one".to_owned())),
            _ => Ok(held),
        }
    }
}

fn fresh(checked: &Checked, most: i64, now: i64) -> Result<(), Refusal> {
    let Some(first) = checked.times.first() else {
        return Err(Refusal::NoTime("its age must be known".to_owned()));
    };
    let days = now.saturating_sub(*first).div_euclid(DAY);
    if days > most { Err(Refusal::Stale { days, most }) } else { Ok(()) }
}

/// Whether an attestation says what it must: provenance (SLSA v1), or what scanners found.
fn says(rule: &AttestationRule, predicate: &Value) -> Result<(), Refusal> {
    let refused = |what: String| Refusal::Says { kind: rule.predicate_type.clone(), what };
    if let Some(wanted) = &rule.builder {
        let builder = predicate["runDetails"]["builder"]["id"].as_str().unwrap_or_default();
        if !fits(wanted, builder) {
            return Err(refused(format!("the builder is `{builder}`, not `{wanted}`")));
        }
    }
    if let Some(wanted) = &rule.source {
        let definition = &predicate["buildDefinition"];
        let listed = definition["resolvedDependencies"].as_array().into_iter().flatten();
        let uris = listed
            .filter_map(|one| one["uri"].as_str())
            .chain(definition["externalParameters"]["source"].as_str());
        let uris: Vec<&str> = uris.collect();
        if !uris.iter().any(|uri| fits(wanted, uri)) {
            return Err(refused(format!("nothing of a source `{wanted}`")));
        }
    }
    let hermetic = predicate["buildDefinition"]["internalParameters"]["hermetic"].as_bool();
    if rule.hermetic && hermetic != Some(true) {
        return Err(refused("that it was not hermetic".to_owned()));
    }
    if let Some(most) = rule.max_severity {
        let found = findings::above(predicate, most);
        let found =
            found.ok_or_else(|| refused("in no form that is understood what was found".to_owned()))?;
        let first: Vec<_> = found.iter().take(3).map(|(id, severity)| format!("{id} ({severity})")).collect();
        let more = found.len() - first.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        if !first.is_empty() {
            return Err(refused(format!(
                "{}{more}, and nothing above {most} may be there",
                first.join(", ")
            )));
        }
    }
    Ok(())
}
