//! Writes `crates/trust/tests/material` anew, all of it from one private Sigstore, which `./x setup --long` builds:
//! `cargo run --release -p longshore-testkit --example trust_material`.
#![allow(clippy::unwrap_used, reason = "a test tool fails loudly")]
#![allow(clippy::disallowed_methods, reason = "it removes what it writes anew")]

use std::path::{Path, PathBuf};

use longshore_testkit::Tool;
use longshore_testkit::registry::{Kind, Registry, crane};
use longshore_testkit::sigstore::{Identity, Log, Sigstore, unlogged, unrelated_root};
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "longshore";
const PERSON: &str = "dev@longshore.test";
const WORKFLOW: &str = "acme/app/.github/workflows/release.yml@refs/heads/main";
/// What cosign has no servers for in its legacy form.
const LEGACY: [&str; 2] = ["--use-signing-config=false", "--new-bundle-format=false"];
const PREDICATE: &str = r#"{"buildDefinition":{"buildType":"https://longshore.test/build","externalParameters":{"image":"app"}},"runDetails":{"builder":{"id":"https://longshore.test/builder"}}}"#;

fn main() {
    let run = Run::new();
    run.bundles();
    run.legacy();
    run.describe();
}

struct Run {
    sigstore: Sigstore,
    registry: Registry,
    home: TempDir,
    material: PathBuf,
    unlogged: PathBuf,
}

/// Who signs.
enum Signer {
    Key,
    Person,
    Workflow,
}

/// What is signed.
#[derive(Clone, Copy)]
enum Subject {
    Image,
    Provenance,
}

impl Run {
    fn new() -> Self {
        let material = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trust/tests/material");
        if material.exists() {
            fs_err::remove_dir_all(&material).unwrap();
        }
        for folder in ["bundles", "legacy"] {
            fs_err::create_dir_all(material.join(folder)).unwrap();
        }
        let (sigstore, home) = (Sigstore::start(), tempfile::tempdir().unwrap());
        let prefix = material.join("cosign");
        let keys = sigstore.cosign().env("COSIGN_PASSWORD", PASSWORD);
        keys.args(["generate-key-pair", "--output-key-prefix"]).arg(&prefix).run();
        fs_err::copy(sigstore.trusted_root(), material.join("trusted_root.json")).unwrap();
        let unrelated = unrelated_root(home.path());
        fs_err::copy(unrelated, material.join("unrelated_root.json")).unwrap();
        fs_err::write(home.path().join("predicate.json"), PREDICATE).unwrap();
        let unlogged = unlogged(home.path());
        Self { sigstore, registry: Registry::start(Kind::Docker), home, material, unlogged }
    }

    fn bundles(&self) {
        let unlogged = self.unlogged.clone();
        let rekor2 = self.sigstore.signing_config(Log::Rekor2);
        let rekor1 = self.sigstore.signing_config(Log::Rekor1);
        let alone = self.sigstore.signing_config(Log::Rekor1Alone);
        let all = [
            ("key", Subject::Image, Signer::Key, unlogged.clone()),
            ("key-rekor2", Subject::Image, Signer::Key, rekor2.clone()),
            ("key-slsa", Subject::Provenance, Signer::Key, unlogged),
            ("keyless-rekor2", Subject::Image, Signer::Person, rekor2.clone()),
            ("keyless-rekor1", Subject::Image, Signer::Person, rekor1),
            ("keyless-rekor1-alone", Subject::Image, Signer::Person, alone),
            ("workflow-rekor2", Subject::Image, Signer::Workflow, rekor2),
        ];
        for (name, subject, signer, config) in all {
            let image = self.registry.push_sample(&format!("bundles/{name}"));
            let tool = self.sign(subject, signer).arg("--signing-config").arg(config);
            let bundle = self.material.join(format!("bundles/{name}.json"));
            tool.arg("--bundle").arg(bundle).arg(image).run();
        }
    }

    /// Signatures and attestations in tags beside the image, as cosign 2 wrote them.
    fn legacy(&self) {
        for (name, subject) in [("sig", Subject::Image), ("att", Subject::Provenance)] {
            let image = self.registry.push_sample("legacy/key");
            self.sign(subject, Signer::Key).args(LEGACY).args(["--tlog-upload=false", &image]).run();
            self.save(&image, &format!("key.{name}"), name);
            let image = self.registry.push_sample("legacy/keyless");
            let tool = self.sign(subject, Signer::Person).args(LEGACY);
            let tool = tool.args(["--fulcio-url", self.sigstore.fulcio()]);
            tool.args(["--rekor-url", self.sigstore.rekor1(), &image]).run();
            self.save(&image, &format!("keyless.{name}"), name);
        }
        // Nothing is saved that cosign itself does not believe.
        let verify = |command: &str| self.sigstore.cosign().arg(command);
        let by_key = |tool: Tool| tool.arg("--insecure-ignore-tlog=true").arg("--key").arg(self.key("pub"));
        let by_person = |tool: Tool| {
            let tool = tool.args(["--certificate-identity", PERSON, "--trusted-root"]);
            let tool = tool.arg(self.sigstore.trusted_root());
            tool.args(["--certificate-oidc-issuer", &self.sigstore.issuer()])
        };
        let image = |repository: &str| self.registry.push_sample(repository);
        by_key(verify("verify")).arg(image("legacy/key")).run();
        by_person(verify("verify")).arg(image("legacy/keyless")).run();
        let attested = || verify("verify-attestation").args(["--type", "slsaprovenance1"]);
        by_key(attested()).arg(image("legacy/key")).run();
        by_person(attested()).arg(image("legacy/keyless")).run();
    }

    fn sign(&self, subject: Subject, signer: Signer) -> Tool {
        let cosign = self.sigstore.cosign().env("COSIGN_PASSWORD", PASSWORD);
        let tool = match subject {
            Subject::Image => cosign.args(["sign", "-y", "--sign-container-identity", "registry.test/app"]),
            Subject::Provenance => {
                let tool = cosign.args(["attest", "-y", "--type", "slsaprovenance1", "--predicate"]);
                tool.arg(self.home.path().join("predicate.json"))
            }
        };
        let tool = tool.arg("--trusted-root").arg(self.sigstore.trusted_root());
        let token = |identity| self.sigstore.token(identity);
        match signer {
            Signer::Key => tool.arg("--key").arg(self.key("key")),
            Signer::Person => tool.args(["--identity-token", &token(Identity::Email(PERSON))]),
            Signer::Workflow => tool.args(["--identity-token", &token(Identity::Workflow(WORKFLOW))]),
        }
    }

    /// Saves the manifest of a tag beside an image, and its one layer.
    fn save(&self, image: &str, name: &str, end: &str) {
        let (repository, digest) = image.split_once("@sha256:").unwrap();
        let manifest = crane().args(["manifest", &format!("{repository}:sha256-{digest}.{end}")]).run();
        let parsed: Value = serde_json::from_str(&manifest).unwrap();
        let layers = parsed["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1, "{manifest}");
        let layer = format!("{repository}@{}", layers[0]["digest"].as_str().unwrap());
        let layer = crane().args(["blob", &layer]).run();
        let folder = self.material.join("legacy");
        fs_err::write(folder.join(format!("{name}.manifest.json")), manifest).unwrap();
        fs_err::write(folder.join(format!("{name}.layer.json")), layer).unwrap();
    }

    fn describe(&self) {
        let image = self.registry.push_sample("described");
        let (_, digest) = image.split_once('@').unwrap();
        let (issuer, workflow_issuer) = (self.sigstore.issuer(), self.sigstore.workflow_issuer());
        let facts = json!({
            "digest": digest,
            "identity": PERSON,
            "issuer": issuer,
            "password": PASSWORD,
            "workflow": format!("https://github.com/{WORKFLOW}"),
            "workflowIssuer": workflow_issuer,
        });
        let facts = serde_json::to_string_pretty(&facts).unwrap();
        fs_err::write(self.material.join("facts.json"), facts + "\n").unwrap();
        let readme = include_str!("trust_material.md");
        fs_err::write(self.material.join("README.md"), readme).unwrap();
    }

    fn key(&self, end: &str) -> PathBuf {
        self.material.join(format!("cosign.{end}"))
    }
}
