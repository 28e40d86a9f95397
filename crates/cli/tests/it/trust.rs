//! Signing and verifying as users do it, with cosign on the other side each time.

use std::path::{Path, PathBuf};

use longshore_testkit::apt::Repository;
use longshore_testkit::registry::{Kind, Registry};
use longshore_testkit::sigstore::{Flaw, Identity, Log, Sigstore, cosign, unlogged, unrelated_root};
use longshore_testkit::{Sandbox, Tool};
use serde_json::Value;

use crate::registries::{assert_sound, json, remote, two};

const PASSWORD: &str = "correct horse";
const PREDICATE: &str = r#"{"buildDefinition":{"buildType":"https://example.org/build","externalParameters":{},"internalParameters":{"hermetic":true},"resolvedDependencies":[{"uri":"git+https://github.com/acme/app"}]},"runDetails":{"builder":{"id":"https://example.org/builder"}}}"#;

/// Two images for two platforms, and a key.
fn keyed() -> (Repository, Sandbox) {
    let (repository, sandbox) = two();
    let sandbox = sandbox.env("COSIGN_PASSWORD", PASSWORD);
    sandbox.ok(&["keygen"]);
    sandbox.write("predicate.json", PREDICATE);
    (repository, sandbox)
}

fn ours(sandbox: &Sandbox) -> Tool {
    cosign(&sandbox.work().join("../home")).env("COSIGN_PASSWORD", PASSWORD)
}

fn accepts(tool: Tool) -> bool {
    tool.output().status.success()
}

/// What `longshore verify` comes to: its exit code, and what it said.
fn verify(sandbox: &Sandbox, arguments: &[&str]) -> (i32, String) {
    let answer = sandbox.run(&[&["verify"], arguments].concat());
    (answer.code, answer.stdout + &answer.stderr)
}

fn digest_of(sandbox: &Sandbox, image: &str) -> String {
    json(&sandbox.read("stack.published"))["images"][image]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn cosign_verifies_what_longshore_signs_with_a_key() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let registry = Registry::start(kind);
        let (_repository, sandbox) = keyed();
        let to = format!("{}/org", registry.host());
        sandbox.ok(&["push", "--to", &to, "--key", "cosign.key"]);
        let work = sandbox.work();
        let web = format!("{}@{}", remote(&registry.host(), "web"), digest_of(&sandbox, "web"));
        let by = |key: &str, more: &[&str], image: &str| {
            let tool =
                ours(&sandbox).args(["verify", "--insecure-ignore-tlog=true", "--key"]).arg(work.join(key));
            accepts(tool.args(more).arg(image))
        };
        sandbox.ok(&["keygen", "other"]);
        assert!(by("cosign.pub", &[], &web) && !by("other.pub", &[], &web), "{kind:?}");
        // What the index names is signed, too.
        let platforms = json(&sandbox.read("stack.published"))["images"]["web"]["platforms"].clone();
        let arm =
            format!("{}@{}", remote(&registry.host(), "web"), platforms["linux/arm64"].as_str().unwrap());
        assert!(by("cosign.pub", &[], &arm), "{kind:?}");

        // The older form, of two keys: the second is appended.
        let older = ["--new-bundle-format=false"];
        assert!(!by("cosign.pub", &older, &web), "{kind:?}");
        sandbox.ok(&["sign", "web", "--key", "cosign.key", "--legacy"]);
        sandbox.ok(&["sign", "web", "--key", "other.key", "--legacy"]);
        assert!(by("cosign.pub", &older, &web) && by("other.pub", &older, &web), "{kind:?}");

        let attested = |more: &[&str]| {
            let tool = ours(&sandbox).args([
                "verify-attestation",
                "--insecure-ignore-tlog=true",
                "--type",
                "slsaprovenance1",
            ]);
            accepts(tool.args(more).arg("--key").arg(work.join("cosign.pub")).arg(&web))
        };
        assert!(!attested(&[]), "{kind:?}");
        let attest = [
            "attest",
            "web",
            "--type",
            "slsa-provenance",
            "--predicate",
            "predicate.json",
            "--key",
            "cosign.key",
        ];
        sandbox.ok(&[&attest[..], &["--legacy"]].concat());
        assert!(attested(&[]) && attested(&older), "{kind:?}");
        assert_eq!(verify(&sandbox, &["--key", "cosign.pub"]).0, 0, "{kind:?}");
    }
}

#[test]
fn longshore_verifies_what_cosign_signs_with_a_key() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let registry = Registry::start(kind);
        let (_repository, sandbox) = keyed();
        sandbox.ok(&["push", "--to", &format!("{}/org", registry.host())]);
        let work = sandbox.work();
        let (config, root) = (unlogged(&work), unrelated_root(&work));
        let image = |name: &str| format!("{}@{}", remote(&registry.host(), name), digest_of(&sandbox, name));
        let (code, said) = verify(&sandbox, &["--key", "cosign.pub"]);
        assert!(code == 3 && said.contains("web: not signed"), "{kind:?}: {said}");
        let sign = || ours(&sandbox).args(["sign", "-y", "--key"]).arg(work.join("cosign.key"));
        sign().arg("--signing-config").arg(&config).arg("--trusted-root").arg(&root).arg(image("web")).run();
        let older = ["--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"];
        sign().args(older).arg(image("api")).run();
        assert_eq!(verify(&sandbox, &["--key", "cosign.pub"]).0, 0, "{kind:?}");

        // Attested is not signed, and signed is not attested.
        sandbox.write("policy.toml", policy(&format!("{}/org/*", registry.host())));
        let (code, said) = verify(&sandbox, &["web"]);
        assert!(code == 3 && said.contains("no attestation of the type"), "{kind:?}: {said}");
        let attest = ours(&sandbox).args(["attest", "-y", "--type", "slsaprovenance1", "--predicate"]);
        let attest = attest.arg(work.join("predicate.json")).arg("--key").arg(work.join("cosign.key"));
        attest.arg("--signing-config").arg(&config).arg("--trusted-root").arg(&root).arg(image("web")).run();
        let (code, said) = verify(&sandbox, &["web"]);
        assert!(
            code == 0 && said.contains("https://slsa.dev/provenance/v1 by the key release"),
            "{kind:?}: {said}"
        );
        sandbox.write("policy.toml", policy("ghcr.io/else/*"));
        let (code, said) = verify(&sandbox, &["web"]);
        assert!(code == 3 && said.contains("no rule of the policy is for it"), "{kind:?}: {said}");
        // In the stack file it says the same; in both it can't be told which counts.
        let written = policy(&format!("{}/org/*", registry.host()));
        let written = written.replace("[signers", "[policy.signers").replace("[[rules", "[[policy.rules");
        sandbox.write("stack.toml", sandbox.read("stack.toml") + "\n" + &written);
        let both = sandbox.run(&["check"]);
        assert!(both.code != 0 && both.stderr.contains("only one of them can count"), "{both}");
        fs_err::remove_file(work.join("policy.toml")).unwrap();
        sandbox.ok(&["check"]);
        assert_eq!(verify(&sandbox, &["web"]).0, 0, "{kind:?}");
        let (code, said) = verify(&sandbox, &["api"]);
        assert!(code == 3 && said.contains("no attestation of the type"), "{kind:?}: {said}");
    }
}

fn policy(images: &str) -> String {
    format!(
        "[signers.release]\nkey = \"cosign.pub\"\n[[rules]]\nimages = [\"{images}\"]\nsigned-by = [\"release\"]\n\
         attestations = [{{ type = \"slsa-provenance\", builder = \"https://example.org/*\", source = \"git+https://github.com/acme/*\", hermetic = true }}]\n"
    )
}

#[test]
fn signatures_travel_with_their_image() {
    let registry = Registry::start(Kind::Distribution);
    let (_repository, sandbox) = keyed();
    sandbox.ok(&["build", "-o", "layout"]);
    for image in ["oci:layout:test/web:latest", "oci:layout:test/api:latest"] {
        sandbox.ok(&["sign", image, "--key", "cosign.key"]);
    }
    assert_sound(&sandbox.work().join("layout"));
    assert_eq!(verify(&sandbox, &["oci:layout:test/web:latest", "--key", "cosign.pub"]).0, 0);
    // Both in one run, into the one index.
    let both = ["oci:layout:test/web:latest", "oci:layout:test/api:latest"];
    sandbox.ok(&["keygen", "second"]);
    sandbox.ok(&[&["sign", "--key", "second.key"][..], &both].concat());
    assert_eq!(verify(&sandbox, &[&both[..], &["--key", "second.pub"]].concat()).0, 0);
    sandbox.ok(&["push", "--from", "layout", "--to", &format!("{}/org", registry.host())]);
    assert_eq!(verify(&sandbox, &["--key", "cosign.pub"]).0, 0);
    let tag = format!("{}:latest", remote(&registry.host(), "web"));
    let key = sandbox.work().join("cosign.pub");
    ours(&sandbox).args(["verify", "--insecure-ignore-tlog=true", "--key"]).arg(key).arg(&tag).run();
    sandbox.ok(&["copy", &tag, "oci:away"]);
    assert_eq!(verify(&sandbox, &["oci:away", "--key", "cosign.pub"]).0, 0);
    // One signed later finds its way to where the image is already.
    sandbox.ok(&["keygen", "other"]);
    sandbox.ok(&["sign", "oci:away", "--key", "other.key"]);
    sandbox.ok(&["copy", "oci:away", &tag]);
    assert_eq!(verify(&sandbox, &[&tag, "--key", "other.pub"]).0, 0);
}

#[test]
fn layouts_are_verified_in_both_directions() {
    let registry = Registry::start(Kind::Docker);
    let (_repository, sandbox) = keyed();
    sandbox.ok(&["keygen", "other"]);
    let work = sandbox.work();
    sandbox.ok(&["build", "web", "-o", "ours"]);
    sandbox.ok(&["sign", "oci:ours", "--key", "cosign.key"]);
    assert_sound(&work.join("ours"));
    for (key, taken) in [("cosign.pub", true), ("other.pub", false)] {
        let cosign = ours(&sandbox).args(["verify", "--insecure-ignore-tlog=true", "--local-image"]);
        assert_eq!(accepts(cosign.arg("--key").arg(work.join(key)).arg(work.join("ours"))), taken, "{key}");
    }
    let legacy = sandbox.run(&["sign", "oci:ours", "--key", "other.key", "--legacy"]);
    assert!(legacy.code == 2 && legacy.stderr.contains("tags of a registry"), "{legacy}");
    assert_eq!(verify(&sandbox, &["oci:ours", "--key", "other.pub"]).0, 3, "nothing was signed on the way");

    sandbox.ok(&["push", "--to", &format!("{}/org", registry.host())]);
    let (config, root) = (unlogged(&work), unrelated_root(&work));
    for (name, form) in [
        (
            "web",
            vec![
                "--signing-config".into(),
                config.into_os_string(),
                "--trusted-root".into(),
                root.into_os_string(),
            ],
        ),
        (
            "api",
            ["--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"]
                .map(Into::into)
                .into(),
        ),
    ] {
        let image = format!("{}@{}", remote(&registry.host(), name), digest_of(&sandbox, name));
        ours(&sandbox)
            .args(["sign", "-y", "--key"])
            .arg(work.join("cosign.key"))
            .args(form)
            .arg(&image)
            .run();
        ours(&sandbox).args(["save", "--dir"]).arg(work.join(name)).arg(&image).run();
        let saved = format!("oci:{name}");
        assert_eq!(verify(&sandbox, &[&saved, "--key", "cosign.pub"]).0, 0, "{name}");
        let (code, said) = verify(&sandbox, &[&saved, "--key", "other.pub"]);
        assert!(code == 3 && said.contains("signed by someone else"), "{name}: {said}");
    }
}

#[test]
fn bundles_are_verified_where_no_registry_is() {
    let registry = Registry::start(Kind::Referrers);
    let (_repository, sandbox) = keyed();
    sandbox.ok(&["keygen", "other"]);
    sandbox.ok(&["push", "--to", &format!("{}/org", registry.host()), "--attest", "--key", "cosign.key"]);
    let policed = policy(&format!("{}/org/*", registry.host()));
    let policed = policed
        .replace(", builder = \"https://example.org/*\", source = \"git+https://github.com/acme/*\"", "");
    sandbox.write("policy.toml", policed);
    sandbox.ok(&["verify", "--export", "vouchers"]);
    let web = format!("{}@{}", remote(&registry.host(), "web"), digest_of(&sandbox, "web"));
    drop(registry);
    let offline = |arguments: &[&str]| verify(&sandbox, &[&["--bundle-dir", "vouchers"], arguments].concat());
    let (code, said) = offline(&[&web]);
    assert!(code == 0 && said.contains("https://slsa.dev/provenance/v1 by the key release"), "{said}");
    assert_eq!(offline(&[]).0, 0, "what the stack pushed is known by digest");
    assert_eq!(offline(&[&web, "--key", "other.pub"]).0, 3);
    let by_tag = offline(&["example.org/org/web:latest"]);
    assert!(by_tag.0 == 2 && by_tag.1.contains("name it by digest"), "{}", by_tag.1);
    let unknown =
        offline(&[&format!("example.org/org/web@sha256:{}", "0".repeat(64)), "--key", "cosign.pub"]);
    assert!(unknown.0 == 3 && unknown.1.contains("not signed"), "{}", unknown.1);

    // cosign verifies the file that is the signature.
    let hex = web.rsplit(':').next().unwrap();
    let mut files = fs_err::read_dir(sandbox.work().join("vouchers")).unwrap();
    assert!(files.any(|file| {
        let file = file.unwrap();
        let about = file.file_name().to_str().unwrap().starts_with(&format!("sha256-{hex}."));
        let cosign = ours(&sandbox).args(["verify-blob-attestation", "--insecure-ignore-tlog=true", "--key"]);
        let cosign = cosign.arg(sandbox.work().join("cosign.pub")).arg("--bundle").arg(file.path());
        let kind =
            ["--type", "https://sigstore.dev/cosign/sign/v1", "--digestAlg", "sha256", "--digest", hex];
        about && accepts(cosign.args(kind))
    }));
}

#[test]
fn keys_are_made_once_and_nobody_finds_them_anywhere_else() {
    let registry = Registry::start(Kind::Docker);
    let (_repository, sandbox) = keyed();
    let work = sandbox.work();
    let mode = |name: &str| Tool::new("stat").args(["-c", "%a"]).arg(work.join(name)).run();
    assert_eq!(mode("cosign.key").trim(), "600");
    let again = sandbox.run(&["keygen"]);
    assert!(again.code == 2 && again.stderr.contains("is there already"), "{again}");
    let wrong = sandbox.run(&["sign", "x/y", "--key", "cosign.pub"]);
    assert!(wrong.code == 1 && wrong.stderr.contains("is not a private key"), "{wrong}");

    // cosign opens it, as every file that it made itself.
    let public = ours(&sandbox).args(["public-key", "--key"]).arg(work.join("cosign.key")).run();
    assert_eq!(public.trim(), sandbox.read("cosign.pub").trim());
    let wrong = sandbox
        .command(&["push", "--to", &registry.host(), "--key", "cosign.key"])
        .env("COSIGN_PASSWORD", "no")
        .output();
    let said = String::from_utf8_lossy(&wrong.unwrap().stderr).into_owned();
    assert!(said.contains("this is not its password") && !said.contains(PASSWORD), "{said}");

    let pushed = sandbox.run(&[
        "--verbose",
        "push",
        "--to",
        &format!("{}/org", registry.host()),
        "--key",
        "cosign.key",
    ]);
    assert_eq!(pushed.code, 0, "{pushed}");
    sandbox.ok(&["build", "-o", "layout"]);
    sandbox.ok(&[
        "attest",
        "--type",
        "slsa-provenance",
        "--predicate",
        "predicate.json",
        "--key",
        "cosign.key",
    ]);
    // The sealed key's own text, and its password, are in no file but the key's, and in nothing that was said.
    let sealed = sandbox.read("cosign.key");
    let part = sealed.lines().nth(3).unwrap();
    for secret in [PASSWORD, part] {
        let found = Tool::new("grep").args(["-rlF", "--", secret]).arg(work.join("..")).output();
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let others: Vec<&str> = found.lines().filter(|file| !file.ends_with("/cosign.key")).collect();
        assert!(others.is_empty(), "{secret} is in {others:?}");
        assert!(!pushed.to_string().contains(secret));
    }
}

#[test]
fn a_key_can_stay_in_a_program_or_the_environment() {
    let registry = Registry::start(Kind::Docker);
    let (_repository, sandbox) = keyed();
    sandbox.ok(&["push", "--to", &format!("{}/org", registry.host())]);
    let work = sandbox.work();
    let key = work.join("tpm.pem");
    Tool::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&key)
        .run();
    let public = Tool::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&key).run();
    sandbox.write("tpm.pub", &public);
    let program = format!(
        "#!/usr/bin/env python3\nimport base64, json, subprocess, sys\nasked = json.loads(sys.stdin.readline())\n\
         if asked['request'] == 'public-key':\n    print(json.dumps({{'publicKey': open('{work}/tpm.pub').read()}}))\n\
         else:\n    digest = bytes.fromhex(asked['digest'])\n    made = subprocess.run(['openssl', 'pkeyutl', '-sign', '-inkey', '{work}/tpm.pem'], input=digest, capture_output=True, check=True).stdout\n    \
         print(json.dumps({{'signature': base64.b64encode(made).decode()}}))\n",
        work = work.display()
    );
    sandbox.write("sign-with-tpm", program);
    Tool::new("chmod").arg("+x").arg(work.join("sign-with-tpm")).run();
    sandbox.ok(&["sign", "web", "--key", &format!("program:{}", work.join("sign-with-tpm").display())]);
    assert_eq!(verify(&sandbox, &["web", "--key", "tpm.pub"]).0, 0);
    assert_eq!(verify(&sandbox, &["web", "--key", "cosign.pub"]).0, 3);

    let mut sign = sandbox.command(&["sign", "web", "--key", "env://SIGNING_KEY"]);
    assert!(sign.env("SIGNING_KEY", sandbox.read("cosign.key")).output().unwrap().status.success());
    assert_eq!(verify(&sandbox, &["web", "--key", "cosign.pub"]).0, 0);
    let missing = sandbox.run(&["sign", "web", "--key", "env://NOTHING"]);
    assert!(missing.code == 1 && missing.stderr.contains("it is not set"), "{missing}");
    let failing = sandbox.run(&["sign", "web", "--key", "program:/bin/false"]);
    assert!(failing.code == 1 && failing.stderr.contains("that keeps the key"), "{failing}");
}

/// Everything that verifying with certificates needs.
struct World {
    sigstore: Sigstore,
    registry: Registry,
    sandbox: Sandbox,
    _repository: Repository,
}

impl World {
    fn new(kind: Kind) -> Self {
        let (registry, (repository, sandbox)) = (Registry::start(kind), keyed());
        sandbox.ok(&["push", "--to", &format!("{}/org", registry.host())]);
        Self { sigstore: Sigstore::start(), registry, sandbox, _repository: repository }
    }

    fn image(&self, name: &str) -> String {
        format!("{}@{}", remote(&self.registry.host(), name), digest_of(&self.sandbox, name))
    }

    fn token(&self, identity: Identity<'_>) -> PathBuf {
        let file = self.sandbox.work().join("token");
        fs_err::write(&file, self.sigstore.token(identity)).unwrap();
        file
    }

    fn longshore(&self, log: Log, token: &Path, arguments: &[&str]) -> longshore_testkit::sandbox::Answer {
        let (config, token) =
            (self.sigstore.signing_config(log).display().to_string(), token.display().to_string());
        let ours = ["--signing-config", &config, "--identity-token", &token];
        self.sandbox.run(&[arguments, &ours].concat())
    }

    fn verify(&self, identity: &str, issuer: &str, root: &Path, arguments: &[&str]) -> (i32, String) {
        let root = root.display().to_string();
        let who = ["--identity", identity, "--issuer", issuer, "--trusted-root", &root];
        verify(&self.sandbox, &[&who[..], arguments].concat())
    }
}

const PERSON: &str = "dev@longshore.test";
const WORKFLOW: &str = "acme/app/.github/workflows/release.yml@refs/heads/main";

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn certificates_vouch_in_both_directions() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let world = World::new(kind);
        let (root, issuer) = (world.sigstore.trusted_root(), world.sigstore.issuer());
        let cosign_verifies = |image: &str, identity: &str, issuer: &str| {
            let tool = world.sigstore.cosign().args([
                "verify",
                "--certificate-identity",
                identity,
                "--certificate-oidc-issuer",
                issuer,
            ]);
            accepts(tool.arg("--trusted-root").arg(&root).arg(image))
        };
        for log in [Log::Rekor2, Log::Rekor1, Log::Rekor1Alone] {
            let token = world.token(Identity::Email(PERSON));
            let signed = world.longshore(log, &token, &["sign", "web"]);
            assert_eq!(signed.code, 0, "{kind:?} {log:?}: {signed}");
            assert!(cosign_verifies(&world.image("web"), PERSON, &issuer), "{kind:?} {log:?}");
            assert!(
                !cosign_verifies(&world.image("web"), "evil@longshore.test", &issuer),
                "{kind:?} {log:?}"
            );
        }
        let (code, said) = world.verify(PERSON, &issuer, &root, &["web"]);
        assert!(code == 0 && said.contains(PERSON) && said.contains("in the log"), "{kind:?}: {said}");

        let workflow = format!("https://github.com/{WORKFLOW}");
        let workflows = world.sigstore.workflow_issuer();
        let token = world.sigstore.token(Identity::Workflow(WORKFLOW));
        let sign = world.sigstore.cosign().args(["sign", "-y", "--identity-token", &token]);
        let sign = sign.arg("--signing-config").arg(world.sigstore.signing_config(Log::Rekor2));
        sign.arg("--trusted-root").arg(&root).arg(world.image("api")).run();
        for (identity, issuer, root, code, text) in [
            (workflow.as_str(), workflows.as_str(), root.as_path(), 0, "in the log"),
            ("https://github.com/acme/app/*", &workflows, &root, 0, "in the log"),
            ("https://github.com/evil/*", &workflows, &root, 3, "signed by someone else"),
            (&workflow, &issuer, &root, 3, "signed by someone else"),
            (&workflow, &workflows, &unrelated_root(&world.sandbox.work()), 3, "refused"),
        ] {
            let (found, said) = world.verify(identity, issuer, root, &["api"]);
            assert!(found == code && said.contains(text), "{kind:?} {identity} {issuer}: {said}");
        }
        // cosign's older form, in the first log.
        let token = world.sigstore.token(Identity::Email("older@longshore.test"));
        let older = world.sigstore.cosign().args([
            "sign",
            "-y",
            "--use-signing-config=false",
            "--new-bundle-format=false",
        ]);
        let older =
            older.args(["--fulcio-url", world.sigstore.fulcio(), "--rekor-url", world.sigstore.rekor1()]);
        older
            .arg("--trusted-root")
            .arg(&root)
            .args(["--identity-token", &token])
            .arg(world.image("api"))
            .run();
        let (code, said) = world.verify("older@longshore.test", &issuer, &root, &["api"]);
        assert_eq!(code, 0, "{kind:?}: {said}");
    }
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn the_older_form_is_logged_and_certified_too() {
    let world = World::new(Kind::Docker);
    let (root, issuer) = (world.sigstore.trusted_root(), world.sigstore.issuer());
    let work = world.sandbox.work();
    let shown = root.display().to_string();
    let cosign = |command: &str| {
        let older = ["-y", "--use-signing-config=false", "--new-bundle-format=false", "--fulcio-url"];
        let tool = world.sigstore.cosign().env("COSIGN_PASSWORD", PASSWORD).arg(command).args(older);
        tool.arg(world.sigstore.fulcio()).args(["--rekor-url", world.sigstore.rekor1()])
    };
    let signed = |tool: Tool, image: &str| {
        let tool = tool.arg("--trusted-root").arg(&root);
        tool.arg(world.image(image)).run();
    };
    let predicate = work.join("predicate.json");
    let attest = || cosign("attest").args(["--type", "slsaprovenance1", "--predicate"]).arg(&predicate);

    // By a key, with an entry in a log.
    signed(cosign("sign").arg("--key").arg(work.join("cosign.key")), "web");
    let logged = ["--key", "cosign.pub", "--log", "required", "--trusted-root"];
    let (code, said) = verify(&world.sandbox, &[&["web"], &logged[..], &[&shown]].concat());
    assert!(code == 0 && said.contains("in the log"), "{said}");
    let other = unrelated_root(&work).display().to_string();
    let (code, said) = verify(&world.sandbox, &[&["web"], &logged[..], &[&other]].concat());
    assert!(code == 3 && said.contains("from another Sigstore"), "{said}");

    // By certificates, statements too.
    let token = || world.sigstore.token(Identity::Email(PERSON));
    signed(cosign("sign").args(["--identity-token", &token()]), "api");
    signed(attest().args(["--identity-token", &token()]), "api");
    let policed = |identity: &str| {
        let policy = format!(
            "trusted-root = \"{shown}\"\n[signers.ci]\nidentity = \"{identity}\"\nissuer = \"{issuer}\"\n[[rules]]\nimages = [\"*\"]\n\
             signed-by = [\"ci\"]\nattestations = [{{ type = \"slsa-provenance\", hermetic = true }}]\n"
        );
        world.sandbox.write("policy.toml", policy);
        verify(&world.sandbox, &["api"])
    };
    let (code, said) = policed(PERSON);
    assert!(code == 0 && said.contains(&format!("https://slsa.dev/provenance/v1 by {PERSON}")), "{said}");
    assert_eq!(policed("eve@longshore.test").0, 3);

    // What longshore writes so is what cosign reads so; a log that does not promise at once is said.
    let person = world.token(Identity::Email(PERSON));
    let ours = |log: Log, words: &[&str]| world.longshore(log, &person, words);
    fs_err::remove_file(work.join("policy.toml")).unwrap();
    let made = ours(Log::Rekor1, &["sign", "web", "--legacy"]);
    assert_eq!(made.code, 0, "{made}");
    let attest_ours =
        ["attest", "web", "--type", "slsa-provenance", "--predicate", "predicate.json", "--legacy"];
    let made = ours(Log::Rekor1, &attest_ours);
    assert_eq!(made.code, 0, "{made}");
    let certified = |command: &str, more: &[&str]| {
        let tool = world.sigstore.cosign().args([command, "--new-bundle-format=false"]).args(more);
        let tool = tool.args(["--certificate-identity", PERSON, "--certificate-oidc-issuer", &issuer]);
        accepts(tool.arg("--trusted-root").arg(&root).arg(world.image("web")))
    };
    assert!(certified("verify", &[]));
    assert!(certified("verify-attestation", &["--type", "slsaprovenance1"]));
    let late = ours(Log::Rekor2, &["sign", "api", "--legacy"]);
    assert!(late.code == 1 && late.stderr.contains("promises at once"), "{late}");

    // By a key, a statement in a log.
    signed(attest().arg("--key").arg(work.join("cosign.key")), "web");
    world.sandbox.write(
        "policy.toml",
        format!(
            "trusted-root = \"{shown}\"\n[signers.key]\nkey = \"cosign.pub\"\nlog = \"required\"\n[[rules]]\nimages = [\"*\"]\n\
             signed-by = [\"key\"]\nattestations = [{{ type = \"slsa-provenance\" }}]\n"
        ),
    );
    let (code, said) = verify(&world.sandbox, &["web"]);
    assert!(code == 0 && said.contains("provenance/v1 by the key key, in the log"), "{said}");
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn no_tag_names_what_does_not_hold() {
    let world = World::new(Kind::Docker);
    let token = world.token(Identity::Email(PERSON));
    let (root, issuer) = (world.sigstore.trusted_root(), world.sigstore.issuer());
    let other = unrelated_root(&world.sandbox.work());
    let to = format!("{}/kept", world.registry.host());
    let push = |root: &Path| {
        let root = root.display().to_string();
        world.longshore(
            Log::Rekor2,
            &token,
            &["push", "--sign", "--attest", "--to", &to, "--trusted-root", &root],
        )
    };
    let refused = push(&other);
    assert!(refused.code == 3, "{refused}");
    let web = format!("{to}/web:latest");
    let moved = || {
        Tool::new("skopeo").args(["inspect", "--tls-verify=false"]).arg(format!("docker://{web}")).output()
    };
    assert!(!moved().status.success(), "a tag names what is not signed");
    let pushed = push(&root);
    assert_eq!(pushed.code, 0, "{pushed}");
    assert!(moved().status.success());
    assert_eq!(world.verify(PERSON, &issuer, &root, &[&web]).0, 0);
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn keys_can_be_logged_and_certificates_attest() {
    let world = World::new(Kind::Docker);
    let (root, issuer) = (world.sigstore.trusted_root(), world.sigstore.issuer());
    for log in [Log::Rekor2, Log::Rekor1] {
        let config = world.sigstore.signing_config(log).display().to_string();
        world.sandbox.ok(&["sign", "web", "--key", "cosign.key", "--signing-config", &config]);
        let tool =
            world.sigstore.cosign().arg("verify").arg("--key").arg(world.sandbox.work().join("cosign.pub"));
        assert!(accepts(tool.arg("--trusted-root").arg(&root).arg(world.image("web"))), "{log:?}");
        let root = root.display().to_string();
        let logged = ["web", "--key", "cosign.pub", "--log", "required", "--trusted-root", &root];
        let (code, said) = verify(&world.sandbox, &logged);
        assert!(code == 0 && said.contains("in the log"), "{log:?}: {said}");
    }
    let token = world.token(Identity::Email(PERSON));
    let attest = ["attest", "api", "--type", "slsa-provenance", "--predicate", "predicate.json"];
    let attested = world.longshore(Log::Rekor2, &token, &attest);
    assert_eq!(attested.code, 0, "{attested}");
    let tool = world.sigstore.cosign().args([
        "verify-attestation",
        "--type",
        "slsaprovenance1",
        "--certificate-identity",
        PERSON,
    ]);
    let tool = tool.args(["--certificate-oidc-issuer", &issuer]).arg("--trusted-root").arg(&root);
    assert!(accepts(tool.arg(world.image("api"))));
    let (code, said) = world.verify(PERSON, &issuer, &root, &["api"]);
    assert!(code == 3 && said.contains("not signed"), "{said}");

    for flaw in [Flaw::Expired, Flaw::UnknownIssuer] {
        let text = world.sigstore.flawed_token(Identity::Email(PERSON), flaw);
        let file = world.sandbox.work().join("flawed");
        fs_err::write(&file, &text).unwrap();
        let refused = world.longshore(Log::Rekor2, &file, &["sign", "web"]);
        assert!(refused.code == 1 && refused.stderr.contains("Fulcio at"), "{flaw:?}: {refused}");
        assert!(!refused.to_string().contains(text.trim()), "{flaw:?}: the token is shown");
    }
}

#[test]
fn what_is_verified_is_data_too() {
    let registry = Registry::start(Kind::Referrers);
    let (_repository, sandbox) = keyed();
    sandbox.ok(&["push", "--to", &format!("{}/org", registry.host()), "--key", "cosign.key"]);
    let said: Value = json(&sandbox.ok(&["--json", "verify", "web", "--key", "cosign.pub"]));
    assert_eq!(said["verified"][0]["digest"], digest_of(&sandbox, "web").as_str());
    assert_eq!(said["verified"][0]["signed"]["logged"], false);
    sandbox.ok(&["keygen", "other"]);
    let refused = sandbox.run(&["--json", "verify", "web", "--key", "other.pub"]);
    let refused = json(&refused.stdout);
    assert_eq!(refused["ok"], false, "{refused}");
    assert_eq!(
        refused["diagnostics"][0]["reasons"][0], "signed by someone else: another key signed it",
        "{refused}"
    );
}

#[test]
fn a_policy_holds_for_whatever_takes_images_from_elsewhere() {
    let registry = Registry::start(Kind::Referrers);
    let (repository, sandbox) = keyed();
    let to = format!("{}/org", registry.host());
    sandbox.ok(&["push", "web", "--to", &to, "--key", "cosign.key"]);
    sandbox.ok(&["push", "api", "--to", &to]);
    let policy = |images: &str| {
        sandbox.write(
            "policy.toml",
            format!("[signers.release]\nkey = \"cosign.pub\"\n[[rules]]\nimages = [{images}]\nsigned-by = [\"release\"]\n"),
        );
    };
    policy(&format!("\"{to}/*\""));
    let image = |name: &str| format!("{}:latest", remote(&registry.host(), name));
    let refused = |arguments: &[&str]| {
        let answer = sandbox.run(arguments);
        assert_eq!(answer.code, 3, "{answer}");
        assert!(answer.stderr.contains("not signed"), "{answer}");
    };
    refused(&["pull", &image("api"), "-o", "pulled"]);
    assert!(!sandbox.work().join("pulled").exists(), "nothing is kept of what is refused");
    refused(&["copy", &image("api"), "oci:copied"]);
    refused(&["copy", "--no-referrers", &image("api"), "oci:copied"]);
    assert!(!sandbox.work().join("copied").exists());
    sandbox.ok(&["pull", &image("web"), "-o", "pulled"]);
    sandbox.ok(&["copy", "--platform", "linux/arm64", &image("web"), "oci:copied"]);

    // What was built elsewhere.
    sandbox.ok(&["build", "-o", "layout"]);
    refused(&["push", "web", "--from", "layout", "--to", &to]);
    sandbox.ok(&["push", "web", "--from", "layout", "--to", &to, "--key", "cosign.key"]);

    // What a stack builds on, before it is pinned.
    let based = |name: &str| {
        let stack = crate::common::stack_file(
            &repository.url(),
            &format!("[image.app]\nbase = \"{}\"\n", image(name)),
        );
        let stack = stack.replace("[sources", "platforms = [\"linux/amd64\"]\n[sources");
        sandbox.write("stack.toml", stack);
        let _ = fs_err::remove_file(sandbox.work().join("stack.lock"));
        sandbox.run(&["lock"])
    };
    let unsigned = based("api");
    assert!(unsigned.code == 3 && unsigned.stderr.contains("not signed"), "{unsigned}");
    assert!(!sandbox.work().join("stack.lock").exists());
    let signed = based("web");
    assert_eq!(signed.code, 0, "{signed}");
}

#[test]
fn what_is_pushed_can_be_attested_and_says_nothing_of_the_machine() {
    let registry = Registry::start(Kind::Docker);
    let (_repository, sandbox) = keyed();
    let sandbox = sandbox.env("PLANTED", "planted-in-the-environment");
    let to = format!("{}/org", registry.host());
    sandbox.ok(&[
        "push",
        "--to",
        &to,
        "--attest",
        "--key",
        "cosign.key",
        "--builder",
        "https://ci.example.org/build",
    ]);
    let name = remote(&registry.host(), "web");
    let record = json(&sandbox.read("stack.published"))["images"]["web"].clone();
    let index = format!("{name}@{}", record["digest"].as_str().unwrap());
    let arm = format!("{name}@{}", record["platforms"]["linux/arm64"].as_str().unwrap());
    let key = sandbox.work().join("cosign.pub");
    let work = sandbox.work().display().to_string();
    let predicate = |image: &str, kind: &str| -> Value {
        let tool = ours(&sandbox).args([
            "verify-attestation",
            "--insecure-ignore-tlog=true",
            "--type",
            kind,
            "--key",
        ]);
        let said = tool.arg(&key).arg(image).run();
        let envelope = json(said.lines().last().unwrap());
        let payload = base64(envelope["payload"].as_str().unwrap());
        for secret in [work.as_str(), "planted-in-the-environment", PASSWORD] {
            assert!(!payload.contains(secret), "{kind} has {secret}");
        }
        // What is attested is named by where it lies, and nothing else is.
        let predicate = json(&payload)["predicate"].clone();
        assert!(!predicate.to_string().contains(&registry.host()), "{kind} has {}", registry.host());
        predicate
    };
    for image in [&index, &arm] {
        let made = predicate(image, "slsaprovenance1");
        assert_eq!(made["runDetails"]["builder"]["id"], "https://ci.example.org/build");
        let definition = &made["buildDefinition"];
        assert_eq!(definition["externalParameters"]["image"], "web");
        let inputs = definition["resolvedDependencies"].to_string();
        assert!(inputs.contains("pkg:deb/") && inputs.contains("\"stack.lock\""), "{inputs}");
        let bill = predicate(image, "spdxjson");
        assert_eq!(bill["spdxVersion"], "SPDX-2.3");
        assert_eq!(predicate(image, "cyclonedx")["bomFormat"], "CycloneDX");
    }
    // Each platform has its own package.
    assert!(predicate(&arm, "spdxjson").to_string().contains("arch=arm64"));
    assert!(!predicate(&arm, "spdxjson").to_string().contains("arch=amd64"));
    let attestations = "attestations = [{ type = \"slsa-provenance\", builder = \"https://ci.example.org/*\", hermetic = true }, \
                        { type = \"spdx\" }, { type = \"cyclonedx\" }]\n";
    let policy = format!(
        "[signers.release]\nkey = \"cosign.pub\"\n[[rules]]\nimages = [\"{to}/*\"]\nsigned-by = [\"release\"]\n{attestations}"
    );
    sandbox.write("policy.toml", &policy);
    assert_eq!(verify(&sandbox, &[]).0, 0);
    sandbox.write("policy.toml", policy.replace("https://ci.example.org/*", "https://other.example.org/*"));
    let (code, said) = verify(&sandbox, &[]);
    assert!(code == 3 && said.contains("the builder is `https://ci.example.org/build`"), "{said}");
    // The images are what they are without any of it, and a second push has nothing new but signatures.
    let again = json(&sandbox.ok(&["--json", "push", "--to", &to]));
    assert_eq!((&again["bytes_sent"], &again["moved"]), (&json("0"), &json("[]")));
}

fn base64(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    fs_err::write(&file, text).unwrap();
    Tool::new("base64").arg("-d").arg(&file).run()
}

#[test]
fn no_tag_names_what_others_would_not_find_signed() {
    let registry = Registry::start(Kind::Docker);
    let (_repository, sandbox) = keyed();
    // It says that it keeps lists of referrers, and that they are empty.
    let forgetful = |seen: &longshore_testkit::proxy::Seen| {
        let empty =
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: {}\r\n\r\n{empty}",
            empty.len()
        );
        (seen.method == "GET" && seen.path.contains("/referrers/")).then_some(answer)
    };
    let proxy = longshore_testkit::proxy::Proxy::answering(&registry.host(), Box::new(forgetful));
    let refused = sandbox.run(&["push", "--to", &format!("{}/org", proxy.host()), "--key", "cosign.key"]);
    assert!(refused.code == 3 && refused.stderr.contains("does not give back"), "{refused}");
    let tags =
        longshore_testkit::registry::crane().args(["ls", &remote(&registry.host(), "web")]).run_quietly();
    assert!(!tags.lines().any(|tag| tag == "latest"), "{tags}");
}
