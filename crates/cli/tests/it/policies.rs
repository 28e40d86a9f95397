//! Policies in the words of others, and what those others make of them.

use std::path::PathBuf;

use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::sigstore::{Identity, Log, Sigstore, cosign};
use longshore_testkit::{Sandbox, Tool, kube};
use serde_json::{Value, json};

use crate::common::LONGSHORE;

const PROVENANCE: &str = r#"{"buildDefinition":{"buildType":"https://example.org/build","externalParameters":{},"internalParameters":{"hermetic":true},"resolvedDependencies":[{"uri":"git+https://github.com/acme/app"}]},"runDetails":{"builder":{"id":"https://example.org/builder"}}}"#;
const WANTED: &str = r#"attestations = [{ type = "slsa-provenance", builder = "https://example.org/*", source = "git+https://github.com/acme/*", hermetic = true }]"#;

/// A stack of nothing but a policy, two keys, and a registry.
struct Shop {
    registry: Registry,
    sandbox: Sandbox,
}

impl Shop {
    fn new(kind: Kind) -> Self {
        let sandbox = Sandbox::new(LONGSHORE).env("COSIGN_PASSWORD", "x");
        sandbox.write("stack.toml", "[stack]\nname = \"shop\"\nplatforms = [\"linux/amd64\"]\n");
        sandbox.ok(&["keygen"]);
        sandbox.ok(&["keygen", "other"]);
        sandbox.write("tight.json", PROVENANCE);
        sandbox.write("loose.json", PROVENANCE.replace("true", "false"));
        Self { registry: Registry::start(kind), sandbox }
    }

    /// An image of `repository`, signed with each of `keys`, also in the older form.
    fn image(&self, repository: &str, keys: &[&str]) -> String {
        let image = self.registry.push_sample(repository);
        keys.iter().for_each(|key| drop(self.sandbox.ok(&["sign", &image, "--legacy", "--key", key])));
        image
    }

    fn attest(&self, image: &str, key: &str, predicate: &str) {
        let kind = ["--type", "slsa-provenance", "--predicate", predicate];
        self.sandbox.ok(&[&["attest", image, "--legacy", "--key", key], &kind[..]].concat());
    }

    /// Writes a policy with a rule for what is below `acme`, and generates that of others.
    fn policy(&self, target: &str, demand: &str) -> PathBuf {
        let host = self.registry.host();
        let text = format!(
            "[signers.release]\nkey = \"cosign.pub\"\n\n\
             [[rules]]\nimages = [\"{host}/acme/bad\", \"{host}/acme/bad/*\"]\naccept = \"nothing\"\n\n\
             [[rules]]\nimages = [\"{host}/acme\", \"{host}/acme/*\"]\nsigned-by = [\"release\"]\n{demand}\n\n\
             [[rules]]\nimages = [\"{host}/free\", \"{host}/free/*\"]\naccept = \"anything\"\n"
        );
        self.generate(target, &text)
    }

    fn generate(&self, target: &str, policy: &str) -> PathBuf {
        self.sandbox.write("policy.toml", policy);
        self.sandbox.ok(&["generate", target]);
        assert_eq!(self.sandbox.run(&["generate", target, "--check"]).code, 0, "{target}");
        self.sandbox.work().join("deploy").join(target)
    }

    /// What must hold of every generated policy that demands a signature; `takes` asks the other.
    fn signatures_are_asked(&self, takes: &dyn Fn(&str) -> bool) {
        assert!(takes(&self.image("acme/web", &["cosign.key"])));
        assert!(takes(&self.image("acme/both", &["other.key", "cosign.key"])));
        assert!(!takes(&self.image("acme/other", &["other.key"])), "by another key");
        assert!(!takes(&self.image("acme/plain", &[])), "not signed");
        assert!(!takes(&self.image("acme/bad", &["cosign.key"])), "a rule refuses it");
        assert!(takes(&self.image("free/plain", &[])));
        assert!(!takes(&self.image("else/web", &["cosign.key"])), "no rule is for it");
        let attested = self.image("acme/attested", &[]);
        self.attest(&attested, "cosign.key", "tight.json");
        assert!(!takes(&attested), "attested is not signed");
        // What a pod says beside the digest changes nothing.
        let tagged = self.image("acme/web", &[]).replace('@', ":evil@");
        assert!(takes(&tagged));
        assert!(!takes(&self.image("else/web", &[]).replace('@', ":acme@")), "a tag is no repository");
    }

    fn attestations_are_asked(&self, takes: &dyn Fn(&str) -> bool) {
        let image = |repository: &str, key: &str, predicate: &str| {
            let image = self.image(repository, &["cosign.key"]);
            self.attest(&image, key, predicate);
            image
        };
        assert!(takes(&image("acme/tight", "cosign.key", "tight.json")));
        assert!(!takes(&image("acme/loose", "cosign.key", "loose.json")), "not hermetic");
        assert!(!takes(&image("acme/others", "other.key", "tight.json")), "by another key");
        assert!(!takes(&self.image("acme/unattested", &["cosign.key"])));
        self.sandbox.write("strange.json", PROVENANCE.replace("example.org", "example.net"));
        assert!(!takes(&image("acme/builder", "cosign.key", "strange.json")), "by another builder");
        self.sandbox.write("strange.json", PROVENANCE.replace("acme/app", "evil/app"));
        assert!(!takes(&image("acme/source", "cosign.key", "strange.json")), "of another source");
    }
}

/// Whether podman and skopeo would take an image: Debian 12's own have signatures of this kind switched off.
fn allowed(folder: &std::path::Path) -> impl Fn(&str) -> bool {
    let (policy, registries) = (folder.join("policy.json"), folder.join("registries.d"));
    move |image| {
        // A tag beside a digest is no name that they take.
        let image = image.replace(":evil@", "@").replace(":acme@", "@");
        let asked = Tool::kept("policies-1/allowed").arg(&policy).arg(&registries).arg(image).output();
        let said = String::from_utf8_lossy(&asked.stderr).into_owned();
        assert!(asked.status.success() || said.starts_with("refused: "), "{said}");
        asked.status.success()
    }
}

#[test]
fn podman_and_skopeo_take_what_the_policy_takes() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let shop = Shop::new(kind);
        let folder = shop.policy("containers-policy", "");
        shop.signatures_are_asked(&allowed(&folder));
        // One of two keys, whatever the repository.
        let folder = shop.generate(
            "containers-policy",
            "[signers.release]\nkey = \"cosign.pub\"\n[signers.other]\nkey = \"other.pub\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"release\", \"other\"]\n",
        );
        let takes = allowed(&folder);
        assert!(takes(&shop.image("one", &["other.key"])) && takes(&shop.image("two", &["cosign.key"])));
        assert!(!takes(&shop.image("three", &[])));
    }
}

/// Debian 12's own: it reads the same file.
#[test]
fn the_machine_s_skopeo_reads_the_policy() {
    let shop = Shop::new(Kind::Docker);
    let folder = shop.policy("containers-policy", "");
    let takes = |image: &str| {
        let to = format!("dir:{}", shop.sandbox.work().join("copied").display());
        let skopeo =
            Tool::new("skopeo").arg("--policy").arg(folder.join("policy.json")).arg("--registries.d");
        let skopeo =
            skopeo.arg(folder.join("registries.d")).args(["copy", "--quiet", "--src-tls-verify=false"]);
        let copied = skopeo.args([&format!("docker://{image}"), &to]).output();
        let said = String::from_utf8_lossy(&copied.stderr).into_owned();
        assert!(copied.status.success() || said.contains("Source image rejected"), "{said}");
        copied.status.success()
    };
    assert!(takes(&shop.image("free/plain", &[])));
    for refused in ["acme/plain", "acme/bad", "else/web"] {
        assert!(!takes(&shop.image(refused, &[])), "{refused}");
    }
}

#[test]
fn what_can_t_be_said_is_refused_until_it_may_be_weaker() {
    let shop = Shop::new(Kind::Docker);
    let missing = shop.sandbox.run(&["generate", "kyverno"]);
    assert!(missing.code == 2 && missing.stderr.contains("there is no policy"), "{missing}");
    shop.sandbox.write(
        "policy.toml",
        "[signers.release]\nkey = \"cosign.pub\"\n[[rules]]\nimages = [\"ghcr.io/acme/*\"]\nsigned-by = [\"release\"]\nmax-age = \"90d\"\nattestations = [{ type = \"spdx\" }]\n",
    );
    let refused = shop.sandbox.run(&["generate", "containers-policy"]);
    insta::assert_snapshot!(shop.sandbox.snapshot(&refused));
    assert!(!shop.sandbox.work().join("deploy").exists());
    let weaker = shop.sandbox.run(&["generate", "containers-policy", "--weaker"]);
    assert!(weaker.code == 0 && weaker.stderr.matches("weaker than policy.toml").count() == 3, "{weaker}");
    let check = shop.sandbox.run(&["generate", "containers-policy", "--weaker", "--check"]);
    assert_eq!(check.code, 0, "{check}");
    let policy = shop.sandbox.read("policy.toml").replace("acme", "other");
    shop.sandbox.write("policy.toml", policy);
    let check = shop.sandbox.run(&["generate", "containers-policy", "--weaker", "--check"]);
    assert!(
        check.code == 1 && check.stderr.contains("longshore generate containers-policy --weaker"),
        "{check}"
    );
}

/// Whether policy-controller would take an image; what no object fits is refused.
fn admitted(policies: PathBuf, home: PathBuf) -> impl Fn(&str) -> bool {
    move |image| {
        let tester = Tool::kept("policies-1/cluster/policy-tester").env("HOME", &home);
        let tester = tester.args(["--log-level", "error", "--policy"]).arg(&policies);
        let tested = tester.args(["--image", image]).output();
        let said = String::from_utf8_lossy(&tested.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&tested.stderr).into_owned();
        assert!(tested.status.success() || said.contains("{\"errors\":["), "{said}{complaint}");
        eprintln!("{image}: {said}");
        tested.status.success()
    }
}

#[test]
#[ignore = "needs policy-controller's tester: ./x test --long"]
fn policy_controller_takes_what_the_policy_takes() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let shop = Shop::new(kind);
        let policies = shop.policy("cluster-image-policy", "").join("cluster-image-policy.yaml");
        shop.signatures_are_asked(&admitted(policies, shop.sandbox.work()));
        let policies = shop.policy("cluster-image-policy", WANTED).join("cluster-image-policy.yaml");
        shop.attestations_are_asked(&admitted(policies, shop.sandbox.work()));
    }
}

/// Whether Kyverno lets a pod of an image in.
fn let_in(policy: PathBuf, home: PathBuf) -> impl Fn(&str) -> bool {
    move |image| {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "default" },
            "spec": { "containers": [{ "name": "c", "image": image }] },
        });
        let file = home.join("pod.yaml");
        fs_err::write(&file, pod.to_string()).unwrap();
        let kyverno = Tool::kept("policies-1/cluster/kyverno").env("HOME", &home).arg("apply").arg(&policy);
        let applied =
            kyverno.arg("--resource").arg(&file).args(["--registry", "--detailed-results"]).output();
        let said = String::from_utf8_lossy(&applied.stdout).into_owned();
        let (passed, failed) = (said.contains("pass: 1, fail: 0"), said.contains("pass: 0, fail: 1"));
        assert!((passed || failed) && said.contains("error: 0"), "{said}");
        passed
    }
}

#[test]
#[ignore = "needs Kyverno: ./x test --long"]
fn kyverno_takes_what_the_policy_takes() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let shop = Shop::new(kind);
        let policy = |demand| shop.policy("kyverno", demand).join("image-validating-policy.yaml");
        shop.signatures_are_asked(&let_in(policy(""), shop.sandbox.work()));
        shop.attestations_are_asked(&let_in(policy(WANTED), shop.sandbox.work()));
        // In the older form alone it is not found.
        let image = shop.registry.push_sample("acme/older");
        let sign = cosign(&shop.sandbox.work()).env("COSIGN_PASSWORD", "x");
        let older = ["--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"];
        let key = shop.sandbox.work().join("cosign.key");
        sign.args(["sign", "-y"]).args(older).arg("--key").arg(key).arg(&image).run();
        assert!(!let_in(policy(""), shop.sandbox.work())(&image));
    }
}

const PERSON: &str = "dev@longshore.test";

/// Certificates of a Sigstore on loopback, whose TUF repository stands in for the public one's.
#[test]
#[ignore = "needs a private Sigstore, policy-controller's tester and Kyverno: ./x test --long"]
fn certificates_are_asked_in_clusters() {
    let shop = Shop::new(Kind::Referrers);
    let sigstore = Sigstore::start();
    let tuf = sigstore.tuf();
    let sign = |repository: &str, log: Log, person: &str| {
        let image = shop.registry.push_sample(repository);
        shop.sandbox.write("token", sigstore.token(Identity::Email(person)));
        let config = sigstore.signing_config(log).display().to_string();
        shop.sandbox.ok(&["sign", &image, "--signing-config", &config, "--identity-token", "token"]);
        image
    };
    let ours = sign("acme/ours", Log::Rekor1, PERSON);
    let newer = sign("acme/newer", Log::Rekor2, PERSON);
    let others = sign("acme/others", Log::Rekor1, "evil@longshore.test");
    let by_key = shop.image("acme/key", &["cosign.key"]);
    let policy = |root: &str| {
        format!(
            "{root}[signers.dev]\nidentity = \"dev@*.test\"\nissuer = \"{}\"\n[[rules]]\nimages = [\"{}/*\"]\nsigned-by = [\"dev\"]\n",
            sigstore.issuer(),
            shop.registry.host()
        )
    };
    let work = shop.sandbox.work();

    shop.sandbox.write("trusted_root.json", fs_err::read(sigstore.trusted_root()).unwrap());
    let generated = shop.generate("kyverno", &policy("trusted-root = \"trusted_root.json\"\n"));
    let generated = fs_err::read_to_string(generated.join("image-validating-policy.yaml")).unwrap();
    let root = Tool::new("base64").arg("-w0").arg(tuf.root()).run();
    let mut document: Value = kube::documents(&generated).remove(0);
    document["spec"]["attestors"][0]["cosign"]["tuf"] =
        json!({ "mirror": tuf.url(), "root": { "data": root } });
    shop.sandbox.write("kyverno.yaml", document.to_string());
    let takes = let_in(work.join("kyverno.yaml"), work.clone());
    assert!(takes(&ours) && takes(&newer) && !takes(&others) && !takes(&by_key));

    // Kyverno has kept the TUF repository where policy-controller looks for the public Sigstore's.
    let generated = shop.generate("cluster-image-policy", &policy("")).join("cluster-image-policy.yaml");
    let takes = admitted(generated, work);
    assert!(takes(&ours) && !takes(&others) && !takes(&by_key));
    assert!(!takes(&newer), "it knows no Rekor 2: the guide says so");
}
