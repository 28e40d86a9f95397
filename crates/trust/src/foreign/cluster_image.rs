//! Objects of the kind `ClusterImagePolicy` (`policy.sigstore.dev/v1beta1`) for Sigstore's policy-controller.
//!
//! Every object that fits an image has to be met, and one of its authorities meets it. So a rule is one object for the signature
//! and one for each attestation, and an image that two rules fit has to meet both. What no object fits is the cluster's to
//! decide. Signatures of keys are read in cosign's older form alone, and those of certificates in bundles, where a signature is
//! asked for as an attestation of its own type.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pattern::{overlap, regex};
use super::provenance::rego;
use super::{Foreign, ForeignError, Note, Other, Unsayable, called, header, signers, unsaid, yaml};
use crate::evidence::Signer;
use crate::policy::{AttestationRule, Demand, Policy, Rule, Timestamp, Trusted};
use crate::sigstore::Expected;
use crate::statement::SIGNED;

/// What the cluster has to be told besides.
const CLUSTER: &str = "policy-controller looks at namespaces with the label `policy.sigstore.dev/include: \"true\"` alone, and refuses what no rule \
                       is for when `no-match-policy` in its ConfigMap `config-policy-controller` is `deny`";
const OLDER: &str =
    "policy-controller reads what keys signed in the older form alone: sign and attest with `--legacy`";

pub(super) fn write(policy: &Policy, name: &str) -> Result<Foreign, ForeignError> {
    let mut notes = vec![Note::Rests(CLUSTER)];
    let mut objects = Vec::new();
    for (at, rule) in policy.rules.iter().enumerate() {
        let globs = rule.images.iter().map(|pattern| glob(pattern)).collect::<Result<Vec<_>, _>>()?;
        if !counts(&policy.rules, at, &mut notes)? {
            continue;
        }
        let object = |what: &str, authorities: Vec<Value>| {
            let images: Vec<Value> = globs.iter().map(|glob| json!({ "glob": glob })).collect();
            json!({
                "apiVersion": "policy.sigstore.dev/v1beta1",
                "kind": "ClusterImagePolicy",
                "metadata": { "name": format!("{}-{}-{what}", name.replace(['_', '.'], "-"), at + 1) },
                "spec": { "images": images, "authorities": authorities },
            })
        };
        let fixed = |action: &str| json!({ "name": action, "static": { "action": action } });
        match &rule.demand {
            Demand::Nothing => objects.push(object("anything", vec![fixed("pass")])),
            Demand::Refused => objects.push(object("nothing", vec![fixed("fail")])),
            Demand::Evidence { signed_by, attestations, max_age } => {
                notes.extend(unsaid(rule, attestations, *max_age));
                let signed = signers(policy, rule, signed_by, &mut notes, |name, trusted| {
                    authority(policy, name, trusted, None)
                })?;
                objects.push(object("signed", signed));
                for (at, attestation) in attestations.iter().enumerate() {
                    let attested =
                        signers(policy, rule, &attestation.signed_by, &mut notes, |name, trusted| {
                            authority(policy, name, trusted, Some(attestation))
                        })?;
                    objects.push(object(&format!("attested-{}", at + 1), attested));
                }
            }
        }
    }
    let authorities = |object: &Value| object["spec"]["authorities"].as_array().cloned().unwrap_or_default();
    if objects.iter().flat_map(authorities).any(|authority| authority.get("key").is_some()) {
        notes.push(Note::Rests(OLDER));
    }
    let text = yaml(&header(Other::ClusterImage, &notes), &objects)?;
    Ok(Foreign { files: BTreeMap::from([("cluster-image-policy.yaml".to_owned(), text)]), notes })
}

/// Whether the rule at `at` is written, beside those before and after it.
///
/// Where an earlier rule fits the same image, the earlier one counts for us, and both do there: that never takes more. A rule
/// that refuses would leave nothing of an earlier one that takes; what it is for is refused without it, unless a later rule
/// takes that.
fn counts(rules: &[Rule], at: usize, notes: &mut Vec<Note>) -> Result<bool, ForeignError> {
    let rule = &rules[at];
    let meets =
        |other: &&Rule| other.images.iter().any(|one| rule.images.iter().any(|two| overlap(one, two)));
    let refuses = |rule: &Rule| rule.demand == Demand::Refused;
    for earlier in rules[..at].iter().filter(meets).filter(|earlier| !refuses(earlier)) {
        if refuses(rule) {
            let after = rules[at + 1..].iter().filter(meets).find(|later| !refuses(later));
            return match after {
                Some(taken) => Err(ForeignError::Between { refused: called(rule), taken: called(taken) }),
                None => Ok(false),
            };
        }
        if rule.demand != Demand::Nothing && rule.demand != earlier.demand {
            notes.push(Note::Both { first: called(earlier), second: called(rule) });
        }
    }
    Ok(true)
}

/// Who may meet an object: by a signature, or by the attestation that a rule is about.
fn authority(
    policy: &Policy,
    name: &str,
    trusted: &Trusted,
    attestation: Option<&AttestationRule>,
) -> Result<Value, Unsayable> {
    let mut authority = json!({ "name": name });
    let mut wanted = attestation.map(|rule| rule.predicate_type.as_str());
    match &trusted.signer {
        Signer::Key(_) if trusted.log == Expected::Logged => return Err(Unsayable::LogOfKey),
        Signer::Key(_) if trusted.timestamp == Timestamp::Required => return Err(Unsayable::TimeOfKey),
        Signer::Key(key) => authority["key"] = json!({ "data": key.to_pem() }),
        // A `TrustRoot` of keys has no times, and one with times is signed by whoever keeps the repository that it is from.
        Signer::Identity { .. } if policy.trusted_root.is_some() => return Err(Unsayable::Root),
        Signer::Identity { identity, issuer } => {
            let mut who = json!({ "issuer": issuer });
            match identity.contains('*') {
                true => who["subjectRegExp"] = json!(regex(identity)),
                false => who["subject"] = json!(identity),
            }
            // Of bundles the log is demanded, and with it the time that it gives.
            authority["keyless"] = json!({ "url": "https://fulcio.sigstore.dev", "identities": [who] });
            authority["signatureFormat"] = json!("bundle");
            wanted = wanted.or(Some(SIGNED));
        }
    }
    if let Some(kind) = wanted {
        let mut one = json!({ "name": "wanted", "predicateType": kind });
        if let Some(data) = attestation.and_then(rego) {
            one["policy"] = json!({ "type": "rego", "data": data });
        }
        authority["attestations"] = json!([one]);
    }
    Ok(authority)
}

/// A pattern as a glob of policy-controller, which looks at `REPOSITORY@DIGEST`, and at `REPOSITORY:TAG@DIGEST` too.
fn glob(pattern: &str) -> Result<String, ForeignError> {
    let wrong = |reason| {
        Err(ForeignError::Pattern { other: Other::ClusterImage, pattern: pattern.to_owned(), reason })
    };
    let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
    if host == "index.docker.io" {
        return wrong("Docker Hub is called `docker.io`");
    }
    if host != "*" && (host.contains('*') || path.is_empty()) {
        return wrong("before the first `/` there must be a registry, or `*` alone");
    }
    if host != "*" && !host.contains(['.', ':']) && host != "localhost" {
        return wrong("it names no registry");
    }
    let known = |c: char| c.is_ascii_alphanumeric() || "-_./*".contains(c);
    if !path.chars().all(known) || !host.chars().all(|c| known(c) || c == ':') {
        return wrong("globs have letters, digits and `-_./*` alone");
    }
    // A tag can be anything without `/`: what follows `*` would fit it.
    if pattern.split('*').skip(1).any(|part| !part.is_empty() && !part.contains('/')) {
        return wrong("what follows `*` could be in a tag, too: write a `/` after it");
    }
    let host = if host == "docker.io" { "index.docker.io" } else { host };
    let mut glob = if pattern == "*" { "*".to_owned() } else { format!("{host}/{path}") };
    while glob.contains("**") {
        glob = glob.replace("**", "*");
    }
    // `**` is any characters there, and `*` any but `/`.
    Ok(format!("{}@**", glob.replace('*', "**")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_what_patterns_fit() {
        for (pattern, expected) in [
            ("*", "**@**"),
            ("*/app", "**/app@**"),
            ("ghcr.io/acme/*", "ghcr.io/acme/**@**"),
            ("ghcr.io/acme/app", "ghcr.io/acme/app@**"),
            ("ghcr.io/acme/*/app*", "ghcr.io/acme/**/app**@**"),
            ("ghcr.io/acme/**", "ghcr.io/acme/**@**"),
            ("docker.io/library/*", "index.docker.io/library/**@**"),
            ("localhost:5000/x", "localhost:5000/x@**"),
        ] {
            assert_eq!(glob(pattern).unwrap(), expected, "{pattern}");
        }
        for pattern in [
            "ghcr.io",
            "*.docker.io/x",
            "d*/x",
            "index.docker.io/x",
            "acme/app",
            "ghcr.io/acme/*-prod",
            "ghcr.io/acme/app:1",
            "ghcr.io/acme/(a|b)",
        ] {
            assert!(matches!(glob(pattern), Err(ForeignError::Pattern { .. })), "{pattern}");
        }
    }
}
