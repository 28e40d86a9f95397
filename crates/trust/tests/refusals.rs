//! What must be refused, each for its own reason: saved bundles and trusted roots with one thing in them changed.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod saved;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use longshore_oci::Digest;
use longshore_trust::key::{PrivateKey, Sign as _};
use longshore_trust::statement::SIGNED;
use longshore_trust::{Author, Bundle, Evidence, Expected, Signer, Signing, Statement, TrustRoot, Verifier};
use saved::{at, key, person, subject};
use serde_json::{Value, json};

const ROOT: &str = "trusted_root.json";

fn text(name: &str) -> String {
    fs_err::read_to_string(at(name)).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn bundle(name: &str) -> Value {
    json(&format!("bundles/{name}.json"))
}

/// What comes of a bundle: what it says, or why it says nothing.
fn comes_to(bundle: &str, of: &Digest, signer: &Signer, expected: Expected, root: &Value) -> String {
    let root = TrustRoot::from_json(&root.to_string()).unwrap();
    let verifier = Verifier::new(Some(&root)).unwrap();
    match Evidence::bundle(bundle.as_bytes()).held(of, signer, expected, &verifier) {
        Ok(held) => held.statement.predicate_type,
        Err(refusal) => refusal.to_string(),
    }
}

fn logged(bundle: &Value) -> String {
    comes_to(&bundle.to_string(), &subject(), &person(), Expected::Logged, &json(ROOT))
}

fn by_key(bundle: &Value) -> String {
    comes_to(&bundle.to_string(), &subject(), &key(), Expected::Unlogged, &json(ROOT))
}

fn changed(whole: &Value, path: &str, to: impl Into<Value>) -> Value {
    let mut changed = whole.clone();
    *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path} is not there")) = to.into();
    assert_ne!(&changed, whole, "nothing was changed at {path}");
    changed
}

/// Base64 of the same bytes with one bit in the middle another.
fn flipped(whole: &Value, path: &str) -> Value {
    let mut bytes = BASE64_STANDARD.decode(whole.pointer(path).unwrap().as_str().unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    changed(whole, path, BASE64_STANDARD.encode(bytes))
}

#[test]
fn a_changed_part_is_refused_in_its_own_words() {
    let (whole, other) = (bundle("keyless-rekor2"), bundle("workflow-rekor2"));
    assert_eq!(logged(&whole), SIGNED);
    let of_other = |path: &str| changed(&whole, path, other.pointer(path).unwrap().clone());
    let material = |rest: &str| format!("/verificationMaterial/{rest}");
    for (what, bundle, said) in [
        ("signature", flipped(&whole, "/dsseEnvelope/signatures/0/sig"), "broken: "),
        ("somebody's signature", of_other("/dsseEnvelope/signatures/0/sig"), "broken: "),
        ("certificate", flipped(&whole, &material("certificate/rawBytes")), "from another Sigstore"),
        ("log entry", flipped(&whole, &material("tlogEntries/0/canonicalizedBody")), "broken: "),
        ("somebody's log entry", of_other(&material("tlogEntries")), "broken: log entry does not match"),
        (
            "proof",
            changed(&whole, &material("tlogEntries/0/inclusionProof/hashes"), json!([])),
            "broken: invalid inclusion proof",
        ),
        (
            "timestamp",
            flipped(&whole, &material("timestampVerificationData/rfc3161Timestamps/0/signedTimestamp")),
            "broken: invalid RFC 3161 timestamp",
        ),
        (
            "somebody's timestamp",
            of_other(&material("timestampVerificationData")),
            "broken: invalid RFC 3161 timestamp",
        ),
        (
            "garbage for a timestamp",
            changed(
                &whole,
                &material("timestampVerificationData/rfc3161Timestamps/0/signedTimestamp"),
                "Z2FyYmFnZQ==",
            ),
            "broken: invalid RFC 3161 timestamp",
        ),
        (
            "nothing for a timestamp",
            changed(&whole, &material("timestampVerificationData"), json!({})),
            "no time that is vouched for",
        ),
        ("no log entry", changed(&whole, &material("tlogEntries"), json!([])), "log entry missing"),
    ] {
        let found = logged(&bundle);
        assert!(found.starts_with(said), "{what}: {found}");
    }
    // Which of the many things that are wrong then is found first depends on when it was made.
    assert_ne!(logged(&of_other(&material("certificate"))), SIGNED);
}

#[test]
fn a_statement_that_was_not_signed_is_nobody_s() {
    let other = Digest::of(b"another image");
    let payload = BASE64_STANDARD.encode(Statement::signature(other).to_bytes());
    for (name, signer) in [("key", key()), ("keyless-rekor2", person())] {
        let replaced = changed(&bundle(name), "/dsseEnvelope/payload", payload.clone()).to_string();
        let of = |digest: &Digest| comes_to(&replaced, digest, &signer, Expected::Unlogged, &json(ROOT));
        assert_eq!(of(&other), "broken: the signature is not one of what it is with", "{name}");
        assert_eq!(of(&subject()), "wrong digest: it is about another image", "{name}");
    }
    // Another type of payload, though the statement is the same.
    let typed = changed(&bundle("key"), "/dsseEnvelope/payloadType", "application/json");
    assert!(by_key(&typed).starts_with("broken: its payload is of the type `application/json`"));
    // With another key's name on it, it is another's; with this key's, it is broken.
    let flipped = flipped(&bundle("key"), "/dsseEnvelope/signatures/0/sig");
    assert_eq!(by_key(&flipped), "broken: the signature is not one of what it is with");
    let renamed = changed(&flipped, "/verificationMaterial/publicKey/hint", "somebody");
    assert_eq!(by_key(&renamed), "signed by someone else: another key signed it");
}

#[test]
fn whoever_is_not_in_the_trusted_root_vouches_for_nothing() {
    let (own, unrelated) = (json(ROOT), json("unrelated_root.json"));
    let with = |name: &str, bundle: &Value| {
        let root = changed(&own, &format!("/{name}"), unrelated[name].clone());
        comes_to(&bundle.to_string(), &subject(), &person(), Expected::Logged, &root)
    };
    let without = |name: &str, bundle: &Value| {
        let root = changed(&own, &format!("/{name}"), json!([]));
        comes_to(&bundle.to_string(), &subject(), &person(), Expected::Logged, &root)
    };
    for name in ["keyless-rekor2", "keyless-rekor1"] {
        let bundle = bundle(name);
        for (part, said) in [
            ("tlogs", "from another Sigstore than the trusted root's: "),
            ("certificateAuthorities", "from another Sigstore than the trusted root's: "),
            ("ctlogs", "certificate in no log of certificates: "),
            ("timestampAuthorities", "from another Sigstore than the trusted root's: "),
        ] {
            let found = with(part, &bundle);
            assert!(found.starts_with(said), "{name}, another's {part}: {found}");
            let found = without(part, &bundle);
            assert!(found.starts_with("from another Sigstore"), "{name}, no {part}: {found}");
        }
    }
}

/// What has two meanings has none.
#[test]
fn nothing_is_said_twice() {
    let (keyed, certified) = (text("bundles/key.json"), text("bundles/keyless-rekor2.json"));
    let twice = |text: &str, name: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        let (mut path, mut at) = (String::new(), &value);
        for part in name.split('/') {
            path = part.to_owned();
            at = if at.is_array() { &at[0][part] } else { &at[part] };
        }
        assert!(!at.is_null(), "{name} is not there");
        let said = format!("\"{path}\":{at}");
        let whole = value.to_string();
        assert!(whole.contains(&said), "{name}");
        whole.replacen(&said, &format!("{said},{said}"), 1)
    };
    for (text, signer, name) in [
        (&keyed, key(), "mediaType"),
        (&keyed, key(), "dsseEnvelope"),
        (&keyed, key(), "dsseEnvelope/payload"),
        (&keyed, key(), "dsseEnvelope/signatures"),
        (&keyed, key(), "dsseEnvelope/signatures/sig"),
        (&keyed, key(), "verificationMaterial"),
        (&keyed, key(), "verificationMaterial/publicKey"),
        (&certified, person(), "verificationMaterial/certificate"),
        (&certified, person(), "verificationMaterial/tlogEntries"),
        (&certified, person(), "verificationMaterial/tlogEntries/canonicalizedBody"),
        (&certified, person(), "verificationMaterial/timestampVerificationData"),
    ] {
        let found = comes_to(&twice(text, name), &subject(), &signer, Expected::Unlogged, &json(ROOT));
        assert!(found.starts_with("broken: it is no bundle"), "{name}: {found}");
    }
    // In what was signed, too: other readers may take the other.
    let key = PrivateKey::from_pkcs8(&PrivateKey::generate().unwrap(), "x").unwrap();
    let signed_by = Signer::Key(Box::new(key.public().clone()));
    let plain = String::from_utf8(Statement::signature(subject()).to_bytes()).unwrap();
    let doubled = plain.replacen("\"predicateType\"", "\"predicateType\":\"x\",\"predicateType\"", 1);
    for (statement, holds) in [(&plain, true), (&doubled, false)] {
        let found = comes_to(
            &signed(&key, statement).to_string(),
            &subject(),
            &signed_by,
            Expected::Unlogged,
            &json(ROOT),
        );
        assert_eq!(found == SIGNED, holds, "{found}");
    }
}

/// A bundle of `payload`, signed as it is.
fn signed(key: &PrivateKey, payload: &str) -> Value {
    let made =
        Signing::begin(&Author::Key(key), None).unwrap().sign(&Statement::signature(subject())).unwrap();
    let signature = key
        .sign(
            &[
                b"DSSEv1 28 application/vnd.in-toto+json ",
                payload.len().to_string().as_bytes(),
                b" ",
                payload.as_bytes(),
            ]
            .concat(),
        )
        .unwrap();
    let mut bundle: Value = serde_json::from_slice(&made.to_bytes()).unwrap();
    bundle["dsseEnvelope"]["payload"] = BASE64_STANDARD.encode(payload).into();
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = BASE64_STANDARD.encode(signature).into();
    bundle
}

#[test]
fn one_signature_is_in_an_envelope() {
    let whole = bundle("key");
    let one = whole["dsseEnvelope"]["signatures"][0].clone();
    for signatures in [json!([]), json!([one, one]), json!([{ "sig": "" }, one])] {
        let found = by_key(&changed(&whole, "/dsseEnvelope/signatures", signatures));
        assert!(found.starts_with("broken: it is no bundle"), "{found}");
        let mut envelope = whole["dsseEnvelope"].clone();
        envelope["signatures"] = json!([one, one]);
        assert!(matches!(
            Evidence::envelope(envelope.to_string().as_bytes(), &BTreeMap::new()),
            Evidence::Unreadable(_)
        ));
    }
}

#[test]
fn very_much_of_anything_is_refused_before_it_is_verified() {
    let whole = bundle("keyless-rekor2");
    for path in ["tlogEntries", "timestampVerificationData/rfc3161Timestamps"] {
        let path = format!("/verificationMaterial/{path}");
        let one = whole.pointer(&path).unwrap()[0].clone();
        let many = |count: usize| changed(&whole, &path, vec![one.clone(); count]);
        assert_eq!(logged(&many(2)), SIGNED, "{path}");
        let found = logged(&many(if path.ends_with("Entries") { 20_000 } else { 1000 }));
        assert_eq!(found, "broken: it has more than 32 log entries or timestamps", "{path}");
    }
    let empty = r#"{"logIndex":"0","logId":{"keyId":""},"kindVersion":{"kind":"x","version":"y"},"canonicalizedBody":""},"#;
    let entries = empty.repeat(100_000);
    let text = text("bundles/keyless-rekor2.json")
        .replace("\"tlogEntries\":[", &format!("\"tlogEntries\":[{entries}"));
    let found = comes_to(&text, &subject(), &person(), Expected::Logged, &json(ROOT));
    assert!(found.starts_with("broken: it "), "{found}");
    // Deep, and of many names.
    for text in
        ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 20), format!("{{{}}}", "\"a\":1,".repeat(1 << 20))]
    {
        assert!(matches!(Evidence::bundle(text.as_bytes()), Evidence::Unreadable(_)));
        assert!(matches!(Evidence::envelope(text.as_bytes(), &BTreeMap::new()), Evidence::Unreadable(_)));
    }
}

#[test]
fn what_is_cut_off_is_no_bundle() {
    for name in ["key", "key-rekor2", "keyless-rekor1", "keyless-rekor2"] {
        let text = text(&format!("bundles/{name}.json"));
        let text = text.trim_end();
        for length in (0..text.len()).step_by(97).chain([text.len() - 1]) {
            assert!(
                matches!(Evidence::bundle(&text.as_bytes()[..length]), Evidence::Unreadable(_)),
                "{name}, {length}"
            );
        }
        assert!(Bundle::read(text.as_bytes()).is_ok(), "{name}");
        assert!(Bundle::read(format!("{text}{text}").as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn what_a_log_must_have_no_timestamp_replaces() {
    let mut stamped = bundle("key-rekor2");
    let comes_to =
        |bundle: &Value, expected| comes_to(&bundle.to_string(), &subject(), &key(), expected, &json(ROOT));
    assert_eq!(comes_to(&stamped, Expected::Logged), SIGNED);
    stamped["verificationMaterial"].as_object_mut().unwrap().remove("tlogEntries").unwrap();
    assert_eq!(comes_to(&stamped, Expected::Logged), "log entry missing");
    assert_eq!(comes_to(&stamped, Expected::Unlogged), SIGNED);
}

#[test]
fn an_older_payload_says_one_thing() {
    let key = PrivateKey::from_pkcs8(&PrivateKey::generate().unwrap(), "x").unwrap();
    let signer = Signer::Key(Box::new(key.public().clone()));
    let digest = subject().to_string();
    let good = format!(
        "{{\"critical\":{{\"identity\":{{\"docker-reference\":\"x\"}},\"image\":{{\"docker-manifest-digest\":\"{digest}\"}},\"type\":\"cosign container image signature\"}},\"optional\":null}}"
    );
    let other = Digest::of(b"another image").to_string();
    let image = format!("\"image\":{{\"docker-manifest-digest\":\"{digest}\"}}");
    for (payload, said) in [
        (good.clone(), SIGNED),
        (good.replace(&digest, &other), "wrong digest: it is about another image"),
        (
            good.replace("cosign container", "atomic container"),
            "broken: what was signed is no signature of an image",
        ),
        (
            good.replace(&image, &format!("{image},{image}")),
            "broken: what was signed is no signature of an image",
        ),
        (good.replace("\"x\"", "\"\\ud800\""), "broken: what was signed is no signature of an image"),
        ("not JSON".to_owned(), "broken: what was signed is no signature of an image"),
        (digest.clone(), "broken: what was signed is no signature of an image"),
    ] {
        let signature = BASE64_STANDARD.encode(key.sign(payload.as_bytes()).unwrap());
        let annotations = [("dev.cosignproject.cosign/signature".to_owned(), signature)].into();
        let older = Evidence::Older { payload: payload.clone().into_bytes(), annotations };
        let held = older.held(&subject(), &signer, Expected::Unlogged, &Verifier::new(None).unwrap());
        let found = held.map_or_else(|refusal| refusal.to_string(), |held| held.statement.predicate_type);
        assert_eq!(found, said, "{payload}");
    }
}

/// What an annotation says of an older signature's certificate and log entry is checked with it.
#[test]
fn an_older_signature_with_somebody_s_annotations_is_refused() {
    let manifest = json("legacy/keyless.sig.manifest.json");
    let payload = text("legacy/keyless.sig.layer.json").into_bytes();
    let own = manifest["layers"][0]["annotations"].as_object().unwrap();
    let verifier = Verifier::new(Some(&TrustRoot::read(&at(ROOT)).unwrap())).unwrap();
    let comes_to = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut annotations = own.clone();
        change(&mut annotations);
        let annotations =
            annotations.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned()));
        let older = Evidence::Older { payload: payload.clone(), annotations: annotations.collect() };
        let held = older.held(&subject(), &person(), Expected::Logged, &verifier);
        held.map_or_else(|refusal| refusal.to_string(), |held| held.statement.predicate_type)
    };
    assert_eq!(comes_to(&|_| {}), SIGNED);
    let bundle = "dev.sigstore.cosign/bundle";
    let entry = |from: &str, to: &str| {
        let text = own[bundle].as_str().unwrap();
        assert!(text.contains(from), "{text}");
        let text = text.replacen(from, to, 1);
        comes_to(&|annotations| drop(annotations.insert(bundle.to_owned(), text.clone().into())))
    };
    for (what, found, said) in [
        ("no entry", comes_to(&|annotations| drop(annotations.remove(bundle))), "log entry missing"),
        (
            "no certificate",
            comes_to(&|annotations| drop(annotations.remove("dev.sigstore.cosign/certificate"))),
            "signed by someone else",
        ),
        ("garbage for an entry", entry("{", "["), "broken: its log entry can't be read"),
        ("another time", entry("\"integratedTime\":1", "\"integratedTime\":2"), "broken: "),
        ("another place", entry("\"logIndex\":", "\"logIndex\":1"), "broken: "),
    ] {
        assert!(found.starts_with(said), "{what}: {found}");
    }
}
