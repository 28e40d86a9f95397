//! `policy.json` (containers-policy.json(5)), and where its signatures are (containers-registries.d(5)).
//!
//! Its scopes are a host, or a path and all that is below it, and the longest one counts. Patterns of ours of these forms can be
//! said; whether the rule that counts is the same then is looked at for each scope, and for what is below it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Foreign, ForeignError, Note, Other, Reason, Unsaid, Unsayable, called, header, signers, yaml};
use crate::evidence::Signer;
use crate::policy::{Demand, Policy, Rule, Timestamp, Trusted};
use crate::sigstore::Expected;

const SEVERAL: &str = "one of several keys is read by podman 5.2 and newer, and skopeo as new; older ones say that the file is wrong, and take nothing";

pub(super) fn write(policy: &Policy) -> Result<Foreign, ForeignError> {
    let mut notes = Vec::new();
    let mut requirements = BTreeMap::new();
    for scope in scopes(policy)? {
        let rule = rule(policy, &scope, &mut notes);
        requirements.insert(scope, requirement(policy, rule, &mut notes)?);
    }
    // What no scope is for. Archives, layouts and engines have no signatures that could be looked at: for them it is refused, too.
    let mut default = requirement(policy, policy.rule("\0"), &mut notes)?;
    if is_signed(&default) {
        requirements.insert(String::new(), default);
        default = json!({ "type": "reject" });
    }
    if requirements.values().any(|one| one.get("keyDatas").is_some()) {
        notes.push(Note::Rests(SEVERAL));
    }
    let attached = json!({ "use-sigstore-attachments": true });
    let signed = requirements.iter().filter(|(_, one)| is_signed(one)).map(|(scope, _)| scope);
    let (usual, named): (Vec<&String>, Vec<&String>) = signed.partition(|scope| scope.is_empty());
    let mut registries = json!({});
    if !usual.is_empty() {
        registries["default-docker"] = attached.clone();
    }
    let named = named.into_iter().map(|scope| (scope.clone(), attached.clone()));
    registries["docker"] = Value::Object(named.collect());
    let scopes = requirements.into_iter().map(|(scope, one)| (scope, json!([one])));
    let docker = Value::Object(scopes.collect());
    let text = format!("{:#}\n", json!({ "default": [default], "transports": { "docker": docker } }));
    let files = BTreeMap::from([
        ("policy.json".to_owned(), text),
        ("registries.d/longshore.yaml".to_owned(), yaml(&header(Other::Containers, &notes), &[registries])?),
    ]);
    Ok(Foreign { files, notes })
}

fn is_signed(requirement: &Value) -> bool {
    requirement["type"] == "sigstoreSigned"
}

/// The scopes that patterns speak of; for `*` there is the default.
fn scopes(policy: &Policy) -> Result<BTreeSet<String>, ForeignError> {
    let patterns = policy.rules.iter().flat_map(|rule| &rule.images).filter(|pattern| *pattern != "*");
    let scope = |pattern: &String| {
        let scope = pattern.strip_suffix("/*").unwrap_or(pattern);
        let wrong =
            |reason| ForeignError::Pattern { other: Other::Containers, pattern: pattern.clone(), reason };
        match scope.split_once('/').map_or((scope, ""), |(host, path)| (host, path)) {
            _ if scope.contains(['*', '@']) => Err(wrong("a scope there is a path and all that is below it")),
            (_, path) if path.contains(':') => Err(wrong("a scope there with `:` is a tag")),
            ("index.docker.io", _) => Err(wrong("Docker Hub is called `docker.io` there")),
            (host, _) if !host.contains(['.', ':']) && host != "localhost" => {
                Err(wrong("it names no registry"))
            }
            (_, "") if scope == pattern => Err(wrong("it names no repository")),
            _ => Ok(scope.to_owned()),
        }
    };
    patterns.map(scope).collect()
}

/// The rule for a scope: for the repository of that name, and for what is below it.
fn rule<'a>(policy: &'a Policy, scope: &str, notes: &mut Vec<Note>) -> Option<&'a Rule> {
    let below = policy.rule(&format!("{scope}/\0"));
    let own = policy.rule(scope);
    // A host is no repository, and neither is what has no name of its own on Docker Hub.
    let is_repository =
        scope.contains('/') && !(scope.starts_with("docker.io/") && scope.matches('/').count() == 1);
    let demand = |rule: Option<&'a Rule>| rule.map_or(&Demand::Refused, |rule| &rule.demand);
    if !is_repository || demand(own) == demand(below) {
        return below;
    }
    let also = |rule: &Rule, also: String| {
        let reason = Reason::Scope { scope: scope.to_owned(), also };
        Note::Weaker(Unsaid { rule: called(rule), reason })
    };
    match (demand(own), own, below) {
        // The one that refuses can't be said; the other is what its pattern is for.
        (Demand::Refused, _, Some(taken)) => notes.push(also(taken, scope.to_owned())),
        (_, Some(taken), _) => notes.push(also(taken, format!("{scope}/*"))),
        _ => {}
    }
    match demand(own) {
        Demand::Refused => below,
        _ => own,
    }
}

fn requirement(policy: &Policy, rule: Option<&Rule>, notes: &mut Vec<Note>) -> Result<Value, ForeignError> {
    let Some(rule) = rule else { return Ok(json!({ "type": "reject" })) };
    let (signed_by, attestations, max_age) = match &rule.demand {
        Demand::Nothing => return Ok(json!({ "type": "insecureAcceptAnything" })),
        Demand::Refused => return Ok(json!({ "type": "reject" })),
        Demand::Evidence { signed_by, attestations, max_age } => (signed_by, attestations, max_age),
    };
    let reasons = attestations.iter().map(|one| Reason::Attestation(one.predicate_type.clone()));
    for reason in max_age.map(|_| Reason::Age).into_iter().chain(reasons) {
        let note = Note::Weaker(Unsaid { rule: called(rule), reason });
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let keys = signers(policy, rule, signed_by, notes, key)?;
    let mut requirement = json!({
        "type": "sigstoreSigned",
        // longshore signs a digest for a repository, and no tag.
        "signedIdentity": { "type": "matchRepository" },
    });
    match keys.as_slice() {
        [one] => requirement["keyData"] = json!(one),
        several => requirement["keyDatas"] = json!(several),
    }
    Ok(requirement)
}

/// A signer's key, PEM in base64.
fn key(_: &str, trusted: &Trusted) -> Result<String, Unsayable> {
    match (&trusted.signer, trusted.log, trusted.timestamp) {
        (Signer::Identity { .. }, ..) => Err(Unsayable::Certificate),
        (_, Expected::Logged, _) => Err(Unsayable::LogOfKey),
        (_, _, Timestamp::Required) => Err(Unsayable::TimeOfKey),
        (Signer::Key(key), ..) => Ok(BASE64_STANDARD.encode(key.to_pem())),
    }
}
