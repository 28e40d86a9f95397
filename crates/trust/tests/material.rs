//! What cosign made, read without any server; and each thing that can be wrong with it.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod saved;

use std::collections::BTreeMap;

use longshore_oci::{Digest, Manifest};
use longshore_trust::key::{Password, PrivateKey, PublicKey, Sign as _, open};
use longshore_trust::policy::{Evaluation, Policy, Timestamp, Trusted};
use longshore_trust::statement::{PROVENANCE, SIGNED};
use longshore_trust::{Bundle, Evidence, Expected, Refusal, Signer, Statement, TrustRoot, Verifier};
use saved::{at, fact, key, person, subject};
use serde_json::Value;

fn bytes(name: &str) -> Vec<u8> {
    fs_err::read(at(name)).unwrap()
}

fn workflow() -> Signer {
    Signer::Identity { identity: fact("workflow"), issuer: fact("workflowIssuer") }
}

fn verifier(root: &str) -> Verifier {
    Verifier::new(Some(&TrustRoot::read(&at(root)).unwrap())).unwrap()
}

fn bundle(name: &str) -> Evidence {
    Evidence::bundle(&bytes(&format!("bundles/{name}.json")))
}

/// The layer of an older manifest.
fn older(name: &str) -> Evidence {
    let layer = bytes(&format!("legacy/{name}.layer.json"));
    let manifest: Manifest = serde_json::from_slice(&bytes(&format!("legacy/{name}.manifest.json"))).unwrap();
    match name.ends_with(".att") {
        true => Evidence::envelope(&layer, &BTreeMap::new()),
        false => Evidence::Older { payload: layer, annotations: manifest.layers[0].annotations.clone() },
    }
}

/// What comes of `evidence`: its type, or why not.
fn comes_to(evidence: &Evidence, signer: &Signer, expected: Expected, root: &str) -> Result<String, Refusal> {
    let held = evidence.held(&subject(), signer, expected, &verifier(root))?;
    Ok(held.statement.predicate_type)
}

#[test]
fn what_cosign_signed_holds() {
    let root = "trusted_root.json";
    for (name, signer, expected, kind) in [
        ("key", key(), Expected::Unlogged, SIGNED),
        ("key-rekor2", key(), Expected::Logged, SIGNED),
        ("key-slsa", key(), Expected::Unlogged, PROVENANCE),
        ("keyless-rekor2", person(), Expected::Logged, SIGNED),
        ("keyless-rekor1", person(), Expected::Logged, SIGNED),
        ("keyless-rekor1-alone", person(), Expected::Logged, SIGNED),
        ("workflow-rekor2", workflow(), Expected::Logged, SIGNED),
    ] {
        let held = bundle(name).held(&subject(), &signer, expected, &verifier(root));
        let held = held.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(held.statement.predicate_type, kind, "{name}");
        assert_eq!(held.checked.logged, expected == Expected::Logged, "{name}");
    }
    for (name, signer, kind) in [("key.sig", key(), SIGNED), ("key.att", key(), PROVENANCE)] {
        assert_eq!(comes_to(&older(name), &signer, Expected::Unlogged, root).as_deref(), Ok(kind), "{name}");
    }
    assert_eq!(comes_to(&older("keyless.sig"), &person(), Expected::Logged, root).as_deref(), Ok(SIGNED));
}

#[test]
fn one_thing_wrong_is_enough() {
    let root = "trusted_root.json";
    let other_key = Signer::Key(Box::new(
        PrivateKey::from_pkcs8(&PrivateKey::generate().unwrap(), "x").unwrap().public().clone(),
    ));
    let refused = |name: &str, signer: &Signer, expected, root: &str| {
        comes_to(&bundle(name), signer, expected, root).unwrap_err()
    };

    assert!(matches!(refused("key", &other_key, Expected::Unlogged, root), Refusal::OtherSigner(_)));
    assert!(matches!(refused("keyless-rekor2", &key(), Expected::Logged, root), Refusal::OtherSigner(_)));
    assert!(matches!(refused("key", &person(), Expected::Unlogged, root), Refusal::OtherSigner(_)));
    assert_eq!(refused("key", &key(), Expected::Logged, root), Refusal::NotLogged);

    let eve = Signer::Identity { identity: "eve@example.test".to_owned(), issuer: fact("issuer") };
    assert!(matches!(refused("keyless-rekor2", &eve, Expected::Logged, root), Refusal::OtherSigner(_)));
    let elsewhere =
        Signer::Identity { identity: fact("identity"), issuer: "http://elsewhere.test".to_owned() };
    assert!(matches!(refused("keyless-rekor2", &elsewhere, Expected::Logged, root), Refusal::OtherSigner(_)));
    let suffix = Signer::Identity { identity: format!("x{}", fact("identity")), issuer: fact("issuer") };
    assert!(matches!(refused("keyless-rekor2", &suffix, Expected::Logged, root), Refusal::OtherSigner(_)));

    for name in ["keyless-rekor2", "keyless-rekor1", "workflow-rekor2", "key-rekor2"] {
        let signer = if name.starts_with("key-") { key() } else { person() };
        let refusal = refused(name, &signer, Expected::Logged, "unrelated_root.json");
        assert!(!matches!(refusal, Refusal::OtherSigner(_) | Refusal::OtherSubject), "{name}: {refusal}");
    }
    let none = Verifier::new(None).unwrap();
    let without = bundle("keyless-rekor2").held(&subject(), &person(), Expected::Logged, &none);
    assert_eq!(without.unwrap_err(), Refusal::NoRoot);

    // Replayed on another image.
    let other = Digest::of(b"another image");
    for (name, signer) in [("key", key()), ("keyless-rekor2", person())] {
        let held = bundle(name).held(&other, &signer, Expected::Unlogged, &verifier(root));
        assert_eq!(held.unwrap_err(), Refusal::OtherSubject, "{name}");
    }
    assert_eq!(
        older("key.sig").held(&other, &key(), Expected::Unlogged, &verifier(root)).unwrap_err(),
        Refusal::OtherSubject
    );
    assert_eq!(
        comes_to(&older("key.sig"), &other_key, Expected::Unlogged, root).unwrap_err().to_string(),
        "signed by someone else: another key signed it"
    );
}

/// Every part of a bundle that is taken out or changed.
#[test]
fn nothing_of_a_bundle_can_be_changed() {
    let root = "trusted_root.json";
    let text = String::from_utf8(bytes("bundles/keyless-rekor2.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let change = |change: &dyn Fn(&mut Value)| {
        let mut value = whole.clone();
        change(&mut value);
        assert_ne!(value, whole, "nothing was changed");
        comes_to(&Evidence::bundle(value.to_string().as_bytes()), &person(), Expected::Logged, root)
    };
    let flipped = |value: &mut Value| {
        let text = value.as_str().unwrap().to_owned();
        let middle = text.len() / 2;
        let other = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
        *value = format!("{}{other}{}", &text[..middle], &text[middle + 1..]).into();
    };
    // But for what is said twice, of the log's name and its root hash: what counts is the checkpoint, which the log signed.
    for path in [
        "/dsseEnvelope/payload",
        "/dsseEnvelope/signatures/0/sig",
        "/verificationMaterial/certificate/rawBytes",
        "/verificationMaterial/tlogEntries/0/canonicalizedBody",
        "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope",
        "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
    ] {
        let refused = change(&|value| flipped(value.pointer_mut(path).unwrap()));
        assert!(refused.is_err(), "{path} was changed, and it still holds");
    }
    let gone = |value: &mut Value, name: &str| {
        value["verificationMaterial"].as_object_mut().unwrap().remove(name).unwrap();
    };
    assert_eq!(change(&|value| gone(value, "tlogEntries")).unwrap_err(), Refusal::NotLogged);
    let refused = change(&|value| gone(value, "timestampVerificationData")).unwrap_err();
    assert!(matches!(refused, Refusal::NoTime(_)), "{refused}");
    assert!(change(&|value| gone(value, "certificate")).is_err());
    // What is said in an annotation or beside the envelope is nobody's word.
    for at in [1, text.len() / 3, text.len() - 1] {
        assert!(matches!(
            comes_to(&Evidence::bundle(&text.as_bytes()[..at]), &person(), Expected::Logged, root)
                .unwrap_err(),
            Refusal::Broken(_)
        ));
    }
}

#[test]
fn an_image_with_attestations_only_is_not_signed() {
    let policy = |attestations: &str| {
        let text = format!(
            "[signers.k]\nkey = \"cosign.pub\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"k\"]\n{attestations}"
        );
        let folder = tempfile::tempdir().unwrap();
        fs_err::copy(at("cosign.pub"), folder.path().join("cosign.pub")).unwrap();
        fs_err::write(folder.path().join("policy.toml"), text).unwrap();
        Policy::read(&folder.path().join("policy.toml")).unwrap()
    };
    let evaluate = |policy: &Policy, evidence: &[Evidence]| {
        policy.evaluate("ghcr.io/org/web", &subject(), evidence, &Verifier::new(None).unwrap(), 0)
    };
    let plain = policy("");
    assert!(evaluate(&plain, &[bundle("key")]).is_accepted());
    assert_eq!(
        evaluate(&plain, &[bundle("key-slsa")]),
        Evaluation::Refused { reasons: vec![Refusal::NotSigned] }
    );
    assert_eq!(evaluate(&plain, &[]), Evaluation::Refused { reasons: vec![Refusal::NotSigned] });
    // One that holds is enough, whatever else there is.
    assert!(
        evaluate(&plain, &[Evidence::bundle(b"{}"), bundle("keyless-rekor2"), bundle("key")]).is_accepted()
    );

    let both = policy("attestations = [{ type = \"slsa-provenance\" }]");
    assert!(evaluate(&both, &[bundle("key"), bundle("key-slsa")]).is_accepted());
    let refused = evaluate(&both, &[bundle("key")]);
    assert_eq!(refused, Evaluation::Refused { reasons: vec![Refusal::NotAttested(PROVENANCE.to_owned())] });
    let builder =
        policy("attestations = [{ type = \"slsa-provenance\", builder = \"https://nobody.test\" }]");
    let Evaluation::Refused { reasons } = evaluate(&builder, &[bundle("key"), bundle("key-slsa")]) else {
        panic!("accepted")
    };
    assert!(matches!(&reasons[..], [Refusal::Says { .. }]), "{reasons:?}");
}

#[test]
fn a_time_can_be_demanded() {
    let signed_by = |signer: Signer, timestamp| {
        Policy::signed_by([("x".to_owned(), Trusted { signer, log: Expected::Unlogged, timestamp })].into())
    };
    let evaluate = |policy: &Policy, name: &str| {
        policy.evaluate("x/y", &subject(), &[bundle(name)], &verifier("trusted_root.json"), 0).is_accepted()
    };
    assert!(evaluate(&signed_by(key(), Timestamp::Required), "key-rekor2"));
    assert!(!evaluate(&signed_by(key(), Timestamp::Required), "key"));
    assert!(evaluate(&signed_by(key(), Timestamp::Ignored), "key"));
}

#[test]
fn cosign_s_key_file_signs_what_its_public_key_verifies() {
    let text = String::from_utf8(bytes("cosign.key")).unwrap();
    let pkcs8 = open(&text, Some(&Password::new(fact("password"))), "x").unwrap();
    let key = PrivateKey::from_pkcs8(&pkcs8, "x").unwrap();
    assert_eq!(key.public(), &PublicKey::read(&at("cosign.pub")).unwrap());
    let signed = longshore_trust::Signing::begin(&longshore_trust::Author::Key(&key), None).unwrap();
    let made = signed.sign(&Statement::signature(subject())).unwrap();
    let held = Evidence::Bundle(Box::new(Bundle::read(&made.to_bytes()).unwrap()));
    assert_eq!(comes_to(&held, &self::key(), Expected::Unlogged, "trusted_root.json").as_deref(), Ok(SIGNED));
}
