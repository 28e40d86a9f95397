//! What policies of others come to be, and what is refused rather than said wrongly.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::path::Path;

use longshore_trust::foreign::{Foreign, ForeignError, Other, Strength, write};
use longshore_trust::policy::Policy;

const SIGNERS: &str = r#"
[signers.release]
key = "cosign.pub"

[signers.ci]
identity = "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/*"
issuer = "https://token.actions.githubusercontent.com"
"#;

const RULES: &str = r#"
[[rules]]
images = ["ghcr.io/acme/old", "ghcr.io/acme/old/*"]
accept = "nothing"

[[rules]]
images = ["ghcr.io/acme", "ghcr.io/acme/*"]
signed-by = ["release", "ci"]
attestations = [
  { type = "slsa-provenance", signed-by = ["ci"], builder = "https://*", source = "git+https://github.com/acme/*", hermetic = true },
  { type = "spdx" },
]

[[rules]]
images = ["docker.io/library/*"]
accept = "anything"
"#;

fn policy(text: &str) -> Policy {
    let folder = tempfile::tempdir().unwrap();
    let material = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/material");
    for file in ["cosign.pub", "trusted_root.json"] {
        fs_err::copy(material.join(file), folder.path().join(file)).unwrap();
    }
    let file = folder.path().join("policy.toml");
    fs_err::write(&file, text).unwrap();
    let mut policy = Policy::read(&file).unwrap();
    policy.trusted_root = policy.trusted_root.map(|_| material.join("trusted_root.json"));
    policy
}

fn shown(foreign: &Foreign) -> String {
    let files = foreign.files.iter().map(|(path, text)| format!("==> {path}\n{text}"));
    let notes = foreign.notes.iter().map(|note| format!("note: {note}\n"));
    files.chain(notes).collect()
}

fn check(text: &str, other: Other, strength: Strength) -> Result<Foreign, ForeignError> {
    write(&policy(&format!("{SIGNERS}{text}")), other, strength, "my_shop")
}

/// Everything that is said of why not.
fn refused(text: &str, other: Other, strength: Strength) -> String {
    let error = check(text, other, strength).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    std::iter::once(error.to_string()).chain(error.causes()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_policy_in_the_words_of_kyverno() {
    insta::assert_snapshot!(shown(&check(RULES, Other::Kyverno, Strength::Whole).unwrap()));
}

#[test]
fn a_policy_in_the_words_of_policy_controller() {
    insta::assert_snapshot!(shown(&check(RULES, Other::ClusterImage, Strength::Whole).unwrap()));
}

/// It can't demand attestations.
#[test]
fn a_policy_in_the_words_of_podman() {
    let said = refused(RULES, Other::Containers, Strength::Whole);
    for demand in ["https://slsa.dev/provenance/v1", "https://spdx.dev/Document"] {
        assert!(said.contains(demand), "{said}");
    }
    insta::assert_snapshot!(shown(&check(RULES, Other::Containers, Strength::Weaker).unwrap()));
}

fn rule(images: &str, rest: &str) -> String {
    format!("[[rules]]\nimages = [{images}]\n{rest}\n")
}

const SIGNED: &str = "signed-by = [\"release\"]";
const ALL: [Other; 3] = [Other::Kyverno, Other::ClusterImage, Other::Containers];

#[test]
fn what_can_t_be_demanded_is_refused_or_named() {
    let aged = rule("\"ghcr.io/*\"", &format!("{SIGNED}\nmax-age = \"90d\""));
    for other in ALL {
        let said = refused(&aged, other, Strength::Whole);
        assert!(said.contains("the rule for ghcr.io/*: `max-age`"), "{said}");
        let weaker = check(&aged, other, Strength::Weaker).unwrap();
        assert!(shown(&weaker).contains("note: weaker than policy.toml: the rule for ghcr.io/*: `max-age`"));
        let named = weaker.files.values().any(|text| text.contains("# - weaker than policy.toml"));
        assert!(named, "{other}: a reader of the file sees it");
    }
}

/// Any one of a rule's signers is enough: without one of them less is taken.
#[test]
fn signers_that_can_t_be_said_are_left_out_when_others_are_there() {
    let strict = "[signers.strict]\nkey = \"cosign.pub\"\ntimestamp = \"required\"\n";
    let logged = "[signers.logged]\nkey = \"cosign.pub\"\nlog = \"required\"\n";
    for (other, signer, why) in [
        (Other::Kyverno, "strict", "timestamp"),
        (Other::ClusterImage, "strict", "timestamp"),
        (Other::ClusterImage, "logged", "log"),
        (Other::Containers, "strict", "timestamp"),
        (Other::Containers, "logged", "log"),
        (Other::Containers, "ci", "the older form"),
    ] {
        let alone = rule("\"ghcr.io/*\"", &format!("signed-by = [\"{signer}\"]"));
        let said = refused(&format!("{strict}{logged}{alone}"), other, Strength::Weaker);
        assert!(said.contains(&format!("`{signer}`: ")) && said.contains(why), "{other}: {said}");
        let both = rule("\"ghcr.io/*\"", &format!("signed-by = [\"{signer}\", \"release\"]"));
        let said = shown(&check(&format!("{strict}{logged}{both}"), other, Strength::Whole).unwrap());
        assert!(said.contains(&format!("what only `{signer}` signed is refused")), "{other}: {said}");
    }
    let keyless = rule("\"ghcr.io/*\"", "signed-by = [\"ci\"]");
    let text = format!("trusted-root = \"trusted_root.json\"\n{SIGNERS}{keyless}");
    let refused = write(&policy(&text), Other::ClusterImage, Strength::Whole, "x").unwrap_err();
    assert!(refused.causes()[0].contains("`trusted-root`"), "{refused}");
    let kyverno = write(&policy(&text), Other::Kyverno, Strength::Whole, "x").unwrap();
    let documents = longshore_testkit::kube::documents(&kyverno.files["image-validating-policy.yaml"]);
    let root = documents[0]["spec"]["attestors"][0]["cosign"]["trustedRoot"]["value"].as_str().unwrap();
    let material = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/material/trusted_root.json");
    assert_eq!(root, fs_err::read_to_string(material).unwrap());
}

#[test]
fn scopes_of_podman_are_for_what_is_below_them_too() {
    for (images, more, also) in [
        ("\"ghcr.io/acme/*\"", "\"ghcr.io/acme\"", "`ghcr.io/acme`"),
        ("\"ghcr.io/acme/app\"", "\"ghcr.io/acme/app/*\"", "`ghcr.io/acme/app/*`"),
    ] {
        let said = refused(&rule(images, SIGNED), Other::Containers, Strength::Whole);
        assert!(said.contains(&format!("is for {also}, too")), "{said}");
        let both = rule(&format!("{images}, {more}"), SIGNED);
        let said = shown(&check(&both, Other::Containers, Strength::Whole).unwrap());
        assert!(!said.contains("weaker"), "{said}");
    }
    for (images, why) in [
        ("ghcr.io/acme/*-prod", "all that is below it"),
        ("*.acme.org/*", "all that is below it"),
        ("acme/app", "names no registry"),
        ("ghcr.io", "names no repository"),
        ("ghcr.io/acme/app:1", "is a tag"),
        ("index.docker.io/acme/*", "`docker.io`"),
    ] {
        let said = refused(&rule(&format!("\"{images}\""), SIGNED), Other::Containers, Strength::Weaker);
        assert!(said.contains(why), "{said}");
    }
    // The longest scope counts there, and the first rule here: each scope gets what the first rule says.
    let text = rule("\"ghcr.io/*\"", SIGNED)
        + &rule("\"ghcr.io/acme\", \"ghcr.io/acme/*\"", "accept = \"anything\"");
    let written = check(&text, Other::Containers, Strength::Whole).unwrap();
    assert!(!written.files["policy.json"].contains("insecureAcceptAnything"), "{}", shown(&written));
}

/// All objects that fit an image have to be met, whichever was first in the policy.
#[test]
fn policy_controller_never_takes_what_the_first_rule_refuses() {
    let (all, below, app) = ("\"*\"", "\"ghcr.io/acme/*\"", "\"ghcr.io/acme/app\"");
    let (nothing, anything) = ("accept = \"nothing\"", "accept = \"anything\"");
    let objects = |text: &str| {
        let written = check(text, Other::ClusterImage, Strength::Whole).unwrap();
        (
            written.files["cluster-image-policy.yaml"].matches("kind: ClusterImagePolicy").count(),
            shown(&written),
        )
    };
    // What refuses everything else is the cluster's own setting.
    let (count, said) = objects(&(rule(below, SIGNED) + &rule(all, nothing)));
    assert!(count == 1 && !said.contains("action: fail") && said.contains("no-match-policy"), "{said}");
    let (count, said) = objects(&(rule(app, nothing) + &rule(below, SIGNED)));
    assert!(count == 2 && said.contains("action: fail") && !said.contains("has to meet both"), "{said}");
    let (_, said) = objects(&(rule(app, anything) + &rule(below, SIGNED)));
    assert!(said.contains("the rules for ghcr.io/acme/app and for ghcr.io/acme/* both fit"), "{said}");
    let between = rule(app, SIGNED) + &rule(below, nothing) + &rule(all, anything);
    let said = refused(&between, Other::ClusterImage, Strength::Weaker);
    assert!(said.contains("the rule for ghcr.io/acme/* refuses images that the rule for * takes"), "{said}");
}
