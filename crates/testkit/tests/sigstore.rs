//! cosign signs and verifies on the testkit's registries, alone and with the private Sigstore; and what was saved of it holds.
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]
#![allow(clippy::disallowed_methods, reason = "tests read what they compare")]

use std::path::{Path, PathBuf};

use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::sigstore::{Flaw, Identity, Log, Sigstore, Tuf, cosign, unlogged, unrelated_root};
use longshore_testkit::{Tool, tree};
use serde_json::Value;
use tempfile::TempDir;

const PERSON: &str = "dev@longshore.test";
const WORKFLOW: &str = "acme/app/.github/workflows/release.yml@refs/heads/main";

/// Keys in a home of a test's own.
struct Keys {
    home: TempDir,
}

impl Keys {
    fn new(names: &[&str]) -> Self {
        let keys = Self { home: tempfile::tempdir().unwrap() };
        for name in names {
            keys.cosign().args(["generate-key-pair", "--output-key-prefix"]).arg(keys.at(name)).run();
        }
        keys
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn cosign(&self) -> Tool {
        cosign(self.home.path()).env("COSIGN_PASSWORD", "secret")
    }
}

fn accepts(tool: Tool) -> bool {
    tool.output().status.success()
}

#[test]
fn keys_sign_without_a_log() {
    let keys = Keys::new(&["ours", "others"]);
    let (config, root) = (unlogged(keys.home.path()), unrelated_root(keys.home.path()));
    for kind in [Kind::Docker, Kind::Referrers] {
        let registry = Registry::start(kind);
        let verify = |image: &str, key: &str| {
            let tool = keys.cosign().args(["verify", "--insecure-ignore-tlog=true", "--key"]);
            accepts(tool.arg(keys.at(key)).arg(image))
        };
        let bundled = registry.push_sample("bundled/app");
        assert!(!verify(&bundled, "ours.pub"), "{kind:?}: not signed yet");
        let sign = keys.cosign().args(["sign", "-y", "--key"]).arg(keys.at("ours.key"));
        let sign = sign.arg("--signing-config").arg(&config).arg("--trusted-root").arg(&root);
        sign.arg(&bundled).run();
        let legacy = registry.push_sample("legacy/app");
        let sign = keys.cosign().args(["sign", "-y", "--key"]).arg(keys.at("ours.key"));
        let sign =
            sign.args(["--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"]);
        sign.arg(&legacy).run();
        for image in [&bundled, &legacy] {
            assert!(verify(image, "ours.pub"), "{kind:?}: {image}");
            assert!(!verify(image, "others.pub"), "{kind:?}: {image}: by somebody else's key");
        }
    }
}

#[test]
fn a_tuf_repository_is_believed_by_its_root_alone() {
    let home = tempfile::tempdir().unwrap();
    let (config, root) = (unlogged(home.path()), unrelated_root(home.path()));
    let tuf = Tuf::of(&[("trusted_root.json", &root), ("signing_config.v0.2.json", &config)]);
    let initialize = |root: PathBuf| {
        let other = tempfile::tempdir().unwrap();
        accepts(cosign(other.path()).args(["initialize", "--mirror", &tuf.url(), "--root"]).arg(root))
    };
    assert!(initialize(tuf.root()));
    assert!(!initialize(Tuf::of(&[]).root()));
}

/// Signs without a key, on the word of `token`.
fn sign(sigstore: &Sigstore, log: Log, token: &str, image: &str) -> Tool {
    let tool = sigstore.cosign().args(["sign", "-y", "--identity-token", token]);
    let tool = tool.arg("--signing-config").arg(sigstore.signing_config(log));
    tool.arg("--trusted-root").arg(sigstore.trusted_root()).arg(image)
}

fn verify(sigstore: &Sigstore, root: &Path, (identity, issuer): (&str, &str), image: &str) -> Tool {
    let tool = sigstore.cosign().args(["verify", "--certificate-identity", identity]);
    tool.args(["--certificate-oidc-issuer", issuer, "--trusted-root"]).arg(root).arg(image)
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn people_and_workflows_sign_without_keys() {
    let sigstore = Sigstore::start();
    let (root, registry) = (sigstore.trusted_root(), Registry::start(Kind::Docker));
    let unrelated = unrelated_root(root.parent().unwrap());
    let subject = format!("https://github.com/{WORKFLOW}");
    let signers = [
        (Identity::Email(PERSON), PERSON, sigstore.issuer()),
        (Identity::Workflow(WORKFLOW), subject.as_str(), sigstore.workflow_issuer()),
    ];
    for (number, (identity, name, issuer)) in signers.iter().enumerate() {
        for log in [Log::Rekor2, Log::Rekor1, Log::Rekor1Alone] {
            let image = registry.push_sample(&format!("app/{log:?}-{number}").to_lowercase());
            sign(&sigstore, log, &sigstore.token(*identity), &image).run();
            verify(&sigstore, &root, (name, issuer), &image).run();
            let refused = [
                ("another identity", verify(&sigstore, &root, ("evil@longshore.test", issuer), &image)),
                ("another issuer", verify(&sigstore, &root, (name, "https://accounts.example.com"), &image)),
                ("another trusted root", verify(&sigstore, &unrelated, (name, issuer), &image)),
            ];
            for (what, tool) in refused {
                assert!(!accepts(tool), "{log:?}, {name}: {what}");
            }
        }
    }
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn flawed_tokens_are_refused() {
    let sigstore = Sigstore::start();
    let registry = Registry::start(Kind::Docker);
    let image = registry.push_sample("app");
    for flaw in [Flaw::Expired, Flaw::UnknownIssuer] {
        let token = sigstore.flawed_token(Identity::Email(PERSON), flaw);
        let output = sign(&sigstore, Log::Rekor2, &token, &image).output();
        assert!(!output.status.success(), "{flaw:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("There was an error processing the identity token"), "{flaw:?}: {said}");
    }
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn trust_can_come_by_tuf() {
    let sigstore = Sigstore::start();
    let (tuf, registry) = (sigstore.tuf(), Registry::start(Kind::Docker));
    let image = registry.push_sample("app");
    sigstore.cosign().args(["initialize", "--mirror", &tuf.url(), "--root"]).arg(tuf.root()).run();
    let token = sigstore.token(Identity::Email(PERSON));
    sigstore.cosign().args(["sign", "-y", "--identity-token", &token, &image]).run();
    let verify =
        ["verify", "--certificate-identity", PERSON, "--certificate-oidc-issuer", &sigstore.issuer()];
    sigstore.cosign().args(verify).arg(&image).run();
    assert!(tuf.server().requests("timestamp.json") > 0);
}

#[test]
fn saved_bundles_hold() {
    let material = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trust/tests/material");
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs_err::read(material.join(name)).unwrap()).unwrap()
    };
    let facts = read("facts.json");
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    let digest = fact("digest");
    let home = tempfile::tempdir().unwrap();
    let check_by = |root: &str, bundle: &str| {
        let tool = cosign(home.path()).args(["verify-blob-attestation", "--digestAlg", "sha256", "--digest"]);
        let tool = tool.arg(digest.strip_prefix("sha256:").unwrap()).arg("--trusted-root");
        let tool = tool.arg(material.join(root)).arg("--bundle");
        tool.arg(material.join("bundles").join(bundle))
    };
    let check = |bundle: &str| check_by("trusted_root.json", bundle);
    let signed = "https://sigstore.dev/cosign/sign/v1";
    let key = material.join("cosign.pub");
    let by_key = |bundle: &str, kind: &str| check(bundle).arg("--key").arg(&key).args(["--type", kind]);
    by_key("key.json", signed).arg("--insecure-ignore-tlog=true").run();
    by_key("key-rekor2.json", signed).run();
    by_key("key-slsa.json", "slsaprovenance1").arg("--insecure-ignore-tlog=true").run();
    for (bundle, identity, issuer) in [
        ("keyless-rekor2.json", "identity", "issuer"),
        ("keyless-rekor1.json", "identity", "issuer"),
        ("keyless-rekor1-alone.json", "identity", "issuer"),
        ("workflow-rekor2.json", "workflow", "workflowIssuer"),
    ] {
        let by = |tool: Tool| {
            let tool = tool.args(["--type", signed, "--certificate-identity", &fact(identity)]);
            tool.args(["--certificate-oidc-issuer", &fact(issuer)])
        };
        by(check(bundle)).run();
        assert!(!accepts(by(check_by("unrelated_root.json", bundle))), "{bundle}");
    }
    let size: usize = tree::files(&material).values().map(Vec::len).sum();
    assert!(size < 200_000, "saved material is {size} bytes, and lies in the repository");
}
