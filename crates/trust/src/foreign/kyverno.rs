//! An `ImageValidatingPolicy` (`policies.kyverno.io/v1`) for Kyverno.
//!
//! It looks at every image of every pod, finds the rule that counts by the image's full name, and asks what that demands. A
//! signature is asked for as an attestation of its own type: what Kyverno calls verifying a signature is content with any
//! statement about the image.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::read_bounded;
use serde_json::{Value, json};

use super::pattern::regex;
use super::provenance::{cel, literal};
use super::{Foreign, ForeignError, Note, Other, Unsayable, called, header, signers, unsaid, yaml};
use crate::TrustError;
use crate::evidence::Signer;
use crate::policy::{Demand, Policy, Rule, Timestamp, Trusted};
use crate::sigstore::{Expected, TrustRoot};
use crate::statement::SIGNED;

/// Most bytes that Kyverno takes of a trusted root.
const ROOT: u64 = 1 << 20;
const EVERY: &str = "Kyverno asks it of every pod of the cluster, and refuses images that no rule is for, unless a rule with `accept` takes them";
const BUNDLES: &str =
    "Kyverno finds signatures in bundles, as longshore writes them; those in the older form do not count";
const NETWORK: &str = "for a trusted root of one's own, too, Kyverno asks the TUF repository of the public Sigstore, and refuses without it";

pub(super) fn write(policy: &Policy, name: &str) -> Result<Foreign, ForeignError> {
    let mut notes = vec![Note::Rests(EVERY), Note::Rests(BUNDLES)];
    let root = root(policy)?;
    if root.is_some() {
        notes.push(Note::Rests(NETWORK));
    }
    let (mut attestors, mut attestations) = (BTreeMap::new(), BTreeSet::new());
    let mut validations = Vec::new();
    for (at, rule) in policy.rules.iter().enumerate() {
        let (expression, message) = match &rule.demand {
            Demand::Nothing => continue,
            Demand::Refused => {
                (format!("variables.images.all(i, i.rule != \"{at}\")"), "policy.toml refuses it".to_owned())
            }
            Demand::Evidence { signed_by, attestations: attested, max_age } => {
                notes.extend(unsaid(rule, attested, *max_age));
                let mut asked = Vec::new();
                let own = (SIGNED, signed_by, None);
                let others =
                    attested.iter().map(|one| (one.predicate_type.as_str(), &one.signed_by, cel(one)));
                for (kind, names, says) in std::iter::once(own).chain(others) {
                    let said = signers(policy, rule, names, &mut notes, |name, trusted| {
                        Ok((name, attestor(name, trusted, root.as_deref())?))
                    })?;
                    let list: Vec<String> =
                        said.iter().map(|(name, _)| format!("attestors[{}]", literal(name))).collect();
                    attestors.extend(said);
                    attestations.insert(kind);
                    asked.push(verified(kind, &list, says));
                }
                let asked = asked.join(" &&\n");
                let expression = format!("variables.images.filter(i, i.rule == \"{at}\").all(i,\n{asked})");
                (expression, format!("it must be signed{}", by(rule)))
            }
        };
        validations.push(json!({
            "expression": expression,
            "message": format!("an image of {}: {message}", called(rule)),
        }));
    }
    validations.push(json!({
        "expression": "variables.images.all(i, i.rule != \"none\")",
        "message": "an image that no rule of policy.toml is for",
    }));
    let attestors: Vec<Value> = attestors.into_values().collect();
    let attestations =
        attestations.into_iter().map(|kind| json!({ "name": kind, "intoto": { "type": kind } }));
    let object = json!({
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": { "name": name.replace(['_', '.'], "-") },
        "spec": {
            "validationActions": ["Deny"],
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["pods", "pods/ephemeralcontainers"],
            }] },
            "matchImageReferences": [{ "glob": "*" }],
            // What is verified is what runs; and a rule may ask nothing of an image.
            "validationConfigurations": { "mutateDigest": true, "verifyDigest": true, "required": false },
            "attestors": attestors,
            "attestations": attestations.collect::<Vec<_>>(),
            "variables": [{ "name": "images", "expression": images(&policy.rules) }],
            "validations": validations,
        },
    });
    let text = yaml(&header(Other::Kyverno, &notes), &[object])?;
    Ok(Foreign { files: BTreeMap::from([("image-validating-policy.yaml".to_owned(), text)]), notes })
}

/// Every image of a pod, with the rule that counts for its full name.
fn images(rules: &[Rule]) -> String {
    let mut text = String::from(
        "(images.containers + images.initContainers + images.ephemeralContainers)\n\
         .map(i, {\"image\": i, \"name\": (image(i).registry() == \"index.docker.io\" ? \"docker.io\" : image(i).registry()) + \"/\" + image(i).repository()})\n\
         .map(i, {\"image\": i.image, \"rule\":\n",
    );
    for (at, rule) in rules.iter().enumerate() {
        let fits = |pattern: &String| format!("i.name.matches({})", literal(&regex(pattern)));
        let fits: Vec<String> = rule.images.iter().map(fits).collect();
        text += &format!("  {} ? \"{at}\" :\n", fits.join(" || "));
    }
    text + "  \"none\"})"
}

/// That something of this kind is there by one of `attestors`, and says what it must.
fn verified(kind: &str, attestors: &[String], says: Option<String>) -> String {
    let kind = format!("attestations[{}]", literal(kind));
    let by = format!("  verifyAttestationSignatures(i.image, {kind}, [{}]) > 0", attestors.join(", "));
    match says {
        // What is taken out is what was verified just now.
        Some(says) => {
            format!("{by} &&\n  [extractPayload(i.image, {kind}).?predicate.orValue({{}})].all(p, {says})")
        }
        None => by,
    }
}

fn by(rule: &Rule) -> String {
    match &rule.demand {
        Demand::Evidence { attestations, .. } if !attestations.is_empty() => {
            " and attested as policy.toml says".to_owned()
        }
        _ => " as policy.toml says".to_owned(),
    }
}

fn attestor(name: &str, trusted: &Trusted, root: Option<&str>) -> Result<Value, Unsayable> {
    let mut cosign = match &trusted.signer {
        Signer::Key(_) if trusted.timestamp == Timestamp::Required => return Err(Unsayable::TimeOfKey),
        Signer::Key(key) => json!({ "key": { "data": key.to_pem() } }),
        Signer::Identity { identity, issuer } => {
            let mut who = json!({ "issuer": issuer });
            match identity.contains('*') {
                true => who["subjectRegExp"] = json!(regex(identity)),
                false => who["subject"] = json!(identity),
            }
            // A certificate is verified at the time that the log or a timestamp gives.
            json!({ "keyless": { "identities": [who] } })
        }
    };
    if trusted.log == Expected::Unlogged {
        cosign["ctlog"] = json!({ "insecureIgnoreTlog": true });
    }
    let asks = trusted.log == Expected::Logged || matches!(trusted.signer, Signer::Identity { .. });
    if let (true, Some(root)) = (asks, root) {
        cosign["trustedRoot"] = json!({ "value": root });
    }
    Ok(json!({ "name": name, "cosign": cosign }))
}

/// The trusted root of the policy, where one is asked.
fn root(policy: &Policy) -> Result<Option<String>, TrustError> {
    let Some(path) = policy.trusted_root.as_ref().filter(|_| policy.needs_root()) else { return Ok(None) };
    let wrong = |reason: String| TrustError::Root { path: path.clone(), reason };
    let bytes = fs_err::File::open(path).and_then(|file| read_bounded(file, ROOT));
    let text = String::from_utf8(bytes.map_err(|error| wrong(error.to_string()))?);
    let text = text.map_err(|_| wrong("it is not text".to_owned()))?;
    TrustRoot::from_json(&text).map_err(wrong)?;
    Ok(Some(text))
}
