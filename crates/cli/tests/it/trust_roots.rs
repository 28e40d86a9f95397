//! Where the trusted root comes from, when nobody names a file: TUF repositories that are well, and in the wrong hands.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_net::Settings;
use longshore_oci::Store;
use longshore_testkit::Sandbox;
use longshore_testkit::http::{Fault, Times};
use longshore_testkit::sandbox::Answer;
use longshore_testkit::sigstore::{Identity, Sigstore, Tuf, unlogged, unrelated_root};
use longshore_trust::Anchor;
use serde_json::Value;

use crate::common::LONGSHORE;
use crate::registries::{json, two};

const FAR: &str = "2049-01-01T00:00:00Z";
const DAY: u64 = 86_400;
const TRUSTED_ROOT: &str = "trusted_root.json";
const CONFIG: &str = "signing_config.v0.2.json";

/// Trusted roots that vouch for nothing, and tell which they are by their addresses.
struct Documents {
    folder: tempfile::TempDir,
    root: String,
}

impl Documents {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::read_to_string(unrelated_root(folder.path())).unwrap();
        unlogged(folder.path());
        Self { folder, root }
    }

    /// One whose servers are at `*.NAME.test`.
    fn root(&self, name: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs_err::write(&file, self.root.replace("unrelated.test", &format!("{name}.test"))).unwrap();
        file
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("signing_config.unlogged.json")
    }

    fn tuf(&self, name: &str) -> Tuf {
        Tuf::of(&[(TRUSTED_ROOT, &self.root(name)), (CONFIG, &self.config())])
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn update(sandbox: &Sandbox, tuf: &Tuf, root: &Path) -> Answer {
    sandbox.run(&["trusted-root", "update", "--mirror", &tuf.url(), "--root", &root.display().to_string()])
}

/// Which root is in use: the name in its addresses.
fn used(sandbox: &Sandbox, more: &[&str]) -> String {
    let shown = json(&sandbox.ok(&[&["--json", "trusted-root", "show"], more].concat()));
    let url = shown["members"]["certificate_authorities"][0]["url"].as_str().unwrap().to_owned();
    url.strip_prefix("https://fulcio.").unwrap().split('.').next().unwrap().to_owned()
}

/// Has the store of `sandbox` what `tuf` says, fetched so long ago.
fn seen(sandbox: &Sandbox, tuf: &Tuf, ago: u64) {
    let root = fs_err::read_to_string(tuf.root()).unwrap();
    let anchor = Anchor::new(tuf.url().parse().unwrap(), root).unwrap();
    let store = Store::open(sandbox.store()).unwrap();
    let client = longshore_net::Client::new(Settings::default()).unwrap();
    anchor.refresh(client, &store, now() - ago).unwrap();
}

/// A sandbox that is told of `tuf` by its environment.
fn told(tuf: &Tuf) -> Sandbox {
    let sandbox = Sandbox::new(LONGSHORE).env("LONGSHORE_TUF_MIRROR", &tuf.url());
    fs_err::copy(tuf.root(), sandbox.work().join("root.json")).unwrap();
    sandbox.env("LONGSHORE_TUF_ROOT", "root.json")
}

#[test]
fn a_mirror_is_chosen_once_and_its_root_kept_up_to_date() {
    let documents = Documents::new();
    let mut tuf = documents.tuf("first");
    let sandbox = Sandbox::new(LONGSHORE);
    let chosen = sandbox.run(&[
        "trusted-root",
        "update",
        "--mirror",
        &tuf.url(),
        "--root",
        &tuf.root().display().to_string(),
        "--output",
        "exported.json",
    ]);
    assert!(chosen.code == 0 && chosen.stdout.contains("believed until 2049-01-01"), "{chosen}");
    assert_eq!(sandbox.read("exported.json"), fs_err::read_to_string(documents.root("first")).unwrap());
    assert_eq!((used(&sandbox, &[]), used(&sandbox, &["exported.json"])), ("first".into(), "first".into()));

    // Nobody asks again on the same day, until told to.
    tuf.publish(&[(TRUSTED_ROOT, &documents.root("second"))], FAR);
    let requests = tuf.server().total_requests();
    assert_eq!((used(&sandbox, &[]), used(&sandbox, &["--offline"])), ("first".into(), "first".into()));
    assert_eq!(tuf.server().total_requests(), requests);
    sandbox.ok(&["trusted-root", "update"]);
    assert_eq!(used(&sandbox, &[]), "second");

    // Keys change, twice before anybody looks.
    tuf.rotate();
    tuf.rotate();
    tuf.publish(&[(TRUSTED_ROOT, &documents.root("third"))], FAR);
    sandbox.ok(&["trusted-root", "update"]);
    assert_eq!(used(&sandbox, &[]), "third");
    // From the first root alone, too.
    let other = Sandbox::new(LONGSHORE);
    assert_eq!(update(&other, &tuf, &tuf.root()).code, 0);
    assert_eq!(used(&other, &[]), "third");

    let shown = sandbox.ok(&["trusted-root", "show"]);
    for line in
        ["certificates         https://fulcio.third.test", "log of signatures    https://rekor2.third.test"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(shown.contains("2020-01-01"), "{shown}");
}

#[test]
fn what_does_not_hold_takes_the_place_of_nothing() {
    let documents = Documents::new();
    type Harm = fn(&mut Tuf, &Documents);
    let harms: [(&str, Harm, &str); 6] = [
        ("an older timestamp", |tuf, _| tuf.roll_back(1), "rollback"),
        ("somebody else's keys", |tuf, _| tuf.usurp(), "signature threshold"),
        (
            "another target",
            |tuf, documents| {
                tuf.publish(&[(TRUSTED_ROOT, &documents.root("third"))], FAR);
                let other = fs_err::read(documents.root("fifth")).unwrap();
                tuf.server().fault(&tuf.target(TRUSTED_ROOT), Fault::Replace(other), Times::Always);
            },
            "integrity check failed",
        ),
        (
            "half a target",
            |tuf, documents| {
                tuf.publish(&[(TRUSTED_ROOT, &documents.root("third"))], FAR);
                tuf.server().fault(&tuf.target(TRUSTED_ROOT), Fault::Truncate(100), Times::Always);
            },
            "can't be refreshed",
        ),
        (
            "an endless timestamp",
            |tuf, _| tuf.server().fault("timestamp.json", Fault::Replace(vec![b' '; 1 << 20]), Times::Always),
            "larger than the",
        ),
        (
            "a timestamp that has expired",
            |tuf, documents| tuf.publish(&[(TRUSTED_ROOT, &documents.root("third"))], "2020-01-01T00:00:00Z"),
            "its timestamp expired at 2020-01-01",
        ),
    ];
    for (name, harm, said) in harms {
        let mut tuf = documents.tuf("first");
        tuf.publish(&[(TRUSTED_ROOT, &documents.root("second"))], FAR);
        let sandbox = told(&tuf);
        seen(&sandbox, &tuf, 2 * DAY);
        harm(&mut tuf, &documents);
        // Told to, it fails; asked for the root, it has the old one.
        let refused = sandbox.run(&["trusted-root", "update"]);
        assert!(refused.code == 1 && refused.stderr.contains(said), "{name}: {refused}");
        let shown = sandbox.run(&["--json", "trusted-root", "show"]);
        assert!(shown.code == 0 && shown.stdout.contains("fulcio.second.test"), "{name}: {shown}");
        assert!(shown.stderr.contains(said), "{name}: it warns: {shown}");
        // Once the mirror is well again, all is.
        if name == "half a target" {
            tuf.server().heal();
            assert_eq!(used(&sandbox, &[]), "third", "{name}");
        }
    }
    // A root of somebody else's begins nothing, and is not chosen.
    let (tuf, other) = (documents.tuf("first"), documents.tuf("other"));
    let sandbox = Sandbox::new(LONGSHORE);
    assert_eq!(update(&sandbox, &tuf, &tuf.root()).code, 0);
    let refused = update(&sandbox, &other, &tuf.root());
    assert!(refused.code == 1 && refused.stderr.contains("signature threshold"), "{refused}");
    let none = update(&sandbox, &other, &documents.config());
    assert!(none.code == 1 && none.stderr.contains("no root of a TUF repository"), "{none}");
    assert_eq!(used(&sandbox, &[]), "first");
    // Neither is the store believed: all of it is checked again.
    let damaged = sandbox.store().join("records/tuf");
    let folder = fs_err::read_dir(&damaged).unwrap().next().unwrap().unwrap().path();
    let file = fs_err::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    // It has a digest of itself in it, which whoever changes it can make.
    let key = longshore_oci::Digest::from_hex(file.file_name().unwrap().to_str().unwrap()).unwrap();
    let store = longshore_oci::Store::open(sandbox.store()).unwrap();
    let text = String::from_utf8(store.record("tuf", &key).unwrap().unwrap()).unwrap();
    assert!(text.contains("fulcio.first.test"));
    let changed = text.replace("fulcio.first.test", "fulcio.evil1.test");
    store.put_record("tuf", &key, changed.as_bytes(), []).unwrap();
    drop(store);
    let refused = sandbox.run(&["--offline", "trusted-root", "show"]);
    assert!(refused.code == 1 && !refused.to_string().contains("evil1"), "{refused}");
    assert_eq!(used(&sandbox, &[]), "first");
}

#[test]
fn without_a_mirror_the_last_word_counts_until_it_runs_out() {
    let documents = Documents::new();
    let tuf = documents.tuf("first");
    let sandbox = told(&tuf);
    seen(&sandbox, &tuf, 2 * DAY);
    let offline = sandbox.run(&["--offline", "trusted-root", "show"]);
    assert!(offline.code == 0 && offline.stderr.is_empty(), "{offline}");
    drop(tuf);
    let down = sandbox.run(&["trusted-root", "show"]);
    assert!(down.code == 0 && down.stdout.contains("fulcio.first.test"), "{down}");
    assert!(down.stderr.contains("can't be refreshed") && down.stderr.contains("is used"), "{down}");

    let mut tuf = documents.tuf("first");
    tuf.publish(&[(TRUSTED_ROOT, &documents.root("first"))], "2025-01-03T00:00:00Z");
    let sandbox = told(&tuf);
    let in_2025 = now() - 1_735_776_000;
    seen(&sandbox, &tuf, in_2025);
    let refused = |arguments: &[&str]| {
        let answer = sandbox.run(arguments);
        assert!(
            answer.code == 1 && answer.stderr.contains("its timestamp expired at 2025-01-03"),
            "{answer}"
        );
        assert!(answer.stderr.contains("hint: run `longshore trusted-root update`"), "{answer}");
    };
    refused(&["trusted-root", "show"]);
    refused(&["--offline", "trusted-root", "show"]);
    // A newer word heals it.
    tuf.publish(&[(TRUSTED_ROOT, &documents.root("second"))], FAR);
    assert_eq!(used(&sandbox, &[]), "second");
}

#[test]
fn what_was_never_fetched_is_the_public_root_of_the_release_or_nothing() {
    let sandbox = Sandbox::new(LONGSHORE);
    let public = sandbox.run(&["--offline", "trusted-root", "show"]);
    assert!(public.code == 0 && public.stdout.contains("https://fulcio.sigstore.dev"), "{public}");
    assert!(
        public.stderr.contains("as this version of longshore has it is used; the newest in it is of 20"),
        "{public}"
    );
    // A copy of it that can't be reached is no reason to stop, one that is something else is none to go on.
    let documents = Documents::new();
    let tuf = documents.tuf("first");
    let copy = sandbox.run(&["trusted-root", "update", "--mirror", &tuf.url()]);
    assert!(copy.code == 1 && copy.stderr.contains("is refused"), "{copy}");
    let nowhere = Sandbox::new(LONGSHORE).env("LONGSHORE_TUF_MIRROR", "http://127.0.0.1:1/");
    let public = nowhere.run(&["trusted-root", "show"]);
    assert!(public.code == 0 && public.stdout.contains("https://fulcio.sigstore.dev"), "{public}");
    assert!(public.stderr.contains("can't be refreshed"), "{public}");

    let private = told(&tuf);
    let refused = private.run(&["--offline", "trusted-root", "show"]);
    assert!(refused.code == 1 && refused.stderr.contains("was never fetched"), "{refused}");
    drop(tuf);
    let refused = private.run(&["trusted-root", "show"]);
    assert!(refused.code == 1 && !refused.stdout.contains("sigstore.dev"), "{refused}");
    let half = Sandbox::new(LONGSHORE).env("LONGSHORE_TUF_ROOT", "root.json").run(&["trusted-root", "show"]);
    assert!(half.code == 2 && half.stderr.contains("LONGSHORE_TUF_MIRROR is not"), "{half}");
}

#[test]
fn verifying_and_signing_use_it_unless_a_file_is_named() {
    let documents = Documents::new();
    let service = |port: u16| {
        let config = serde_json::json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [{ "url": format!("http://127.0.0.1:{port}"), "majorApiVersion": 1, "validFor": { "start": "2020-01-01T00:00:00Z" }, "operator": "test" }],
            "rekorTlogConfig": {}, "tsaConfig": {},
        });
        let file = documents.folder.path().join(format!("config-{port}.json"));
        fs_err::write(&file, config.to_string()).unwrap();
        file
    };
    let mut tuf = Tuf::of(&[(TRUSTED_ROOT, &documents.root("first")), (CONFIG, &service(1))]);
    let (_repository, sandbox) = two();
    let sandbox = sandbox.env("LONGSHORE_TUF_MIRROR", &tuf.url()).env("COSIGN_PASSWORD", "");
    fs_err::copy(tuf.root(), sandbox.work().join("root.json")).unwrap();
    let sandbox = sandbox.env("LONGSHORE_TUF_ROOT", "root.json");
    sandbox.ok(&["build", "-o", "layout"]);
    let claims = "eyJzdWIiOiJtZSIsImlzcyI6Imh0dHBzOi8vaSJ9";
    sandbox.write("token", format!("a.{claims}.c"));
    let image = "oci:layout:test/web:latest";

    let sign = |more: &[&str]| sandbox.run(&[&["sign", image, "--identity-token", "token"], more].concat());
    let signed = sign(&[]);
    assert!(signed.code == 1 && signed.stderr.contains("Fulcio at http://127.0.0.1:1/"), "{signed}");
    let signed = sign(&["--signing-config", &service(2).display().to_string()]);
    assert!(signed.code == 1 && signed.stderr.contains("Fulcio at http://127.0.0.1:2/"), "{signed}");

    let who = ["verify", image, "--identity", "me", "--issuer", "https://i"];
    let verify = |more: &[&str]| sandbox.run(&[&who[..], more].concat());
    let unsigned = verify(&[]);
    assert!(unsigned.code == 3 && unsigned.stderr.contains("not signed"), "{unsigned}");
    // With an expired one nothing is verified but by a root of the user's own, or by a key.
    tuf.publish(&[(TRUSTED_ROOT, &documents.root("second"))], "2025-01-03T00:00:00Z");
    fs_err::remove_dir_all(sandbox.store().join("records/tuf")).unwrap();
    seen(&sandbox, &tuf, now() - 1_735_776_000);
    let expired = verify(&[]);
    assert!(expired.code == 1 && expired.stderr.contains("its timestamp expired"), "{expired}");
    let file = documents.root("own").display().to_string();
    assert_eq!(verify(&["--trusted-root", &file]).code, 3);
    sandbox.write(
        "policy.toml",
        format!("trusted-root = \"{file}\"\n[signers.me]\nidentity = \"me\"\nissuer = \"https://i\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"me\"]\n"),
    );
    assert_eq!(sandbox.run(&["verify", image]).code, 3);
    sandbox.ok(&["keygen"]);
    sandbox.ok(&["sign", image, "--key", "cosign.key"]);
    let requests = tuf.server().total_requests();
    sandbox.ok(&["verify", image, "--key", "cosign.pub"]);
    assert_eq!(tuf.server().total_requests(), requests, "a key needs no trusted root");
}

#[test]
#[ignore = "needs a private Sigstore: ./x test --long"]
fn cosign_and_longshore_start_from_one_mirror() {
    let sigstore = Sigstore::start();
    let tuf = sigstore.tuf();
    let registry = longshore_testkit::registry::Registry::start(longshore_testkit::registry::Kind::Referrers);
    let (_repository, sandbox) = two();
    assert_eq!(update(&sandbox, &tuf, &tuf.root()).code, 0);
    sandbox.write("token", sigstore.token(Identity::Email("dev@longshore.test")));
    let to = format!("{}/org", registry.host());
    sandbox.ok(&["push", "--to", &to, "--sign", "--identity-token", "token"]);
    let issuer = sigstore.issuer();
    let verified = sandbox.ok(&["verify", "--identity", "dev@longshore.test", "--issuer", &issuer]);
    assert!(verified.contains("in the log"), "{verified}");
    let published: Value = json(&sandbox.read("stack.published"));
    let web = format!("{to}/web@{}", published["images"]["web"]["digest"].as_str().unwrap());
    let initialize = sigstore.cosign().args(["initialize", "--mirror", &tuf.url(), "--root"]);
    initialize.arg(tuf.root()).run();
    let verify = |who: &str| {
        let tool = sigstore.cosign().args(["verify", "--certificate-identity", who]);
        tool.args(["--certificate-oidc-issuer", &issuer]).arg(&web).output().status.success()
    };
    assert!(verify("dev@longshore.test") && !verify("evil@longshore.test"));
}
