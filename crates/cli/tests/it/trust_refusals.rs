//! Images that `longshore verify` must refuse, and registries that want to keep it busy: hand-made manifests beside an image, and
//! lists of them that say what they like.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use longshore_oci::{Content, Descriptor, Digest, Manifest, Silent, media_type};
use longshore_registry::{Repository, Settings};
use longshore_testkit::Sandbox;
use longshore_testkit::proxy::{Proxy, Seen};
use longshore_testkit::registry::{Kind, Registry};
use longshore_trust::attachment::Attachment;
use longshore_trust::key::{PrivateKey, Sign as _};
use longshore_trust::statement::{PROVENANCE, SIGNED};
use longshore_trust::{Author, BUNDLE_TYPE, Bundle, Signing, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::LONGSHORE;
use crate::registries::json;

/// What is answered in the registry's place: by the end of the path, a type and a text.
type Answers = Arc<Mutex<BTreeMap<String, (&'static str, String)>>>;

/// An image in a registry, whose answers can be others.
struct Stage {
    sandbox: Sandbox,
    _registry: Registry,
    proxy: Proxy,
    answers: Answers,
    repository: Arc<Repository>,
    subject: Descriptor,
    key: PrivateKey,
    _store: TempDir,
}

fn new_key() -> PrivateKey {
    PrivateKey::from_pkcs8(&PrivateKey::generate().unwrap(), "of a test").unwrap()
}

/// A bundle of the statement that `subject` is signed, or of another statement about it.
fn signed(key: &PrivateKey, subject: Digest, predicate_type: &str) -> Bundle {
    let statement = Statement { predicate_type: predicate_type.to_owned(), ..Statement::signature(subject) };
    Signing::begin(&Author::Key(key), None).unwrap().sign(&statement).unwrap()
}

impl Stage {
    fn new(kind: Kind) -> Self {
        let registry = Registry::start(kind);
        let sample = registry.push_sample("org/app");
        let answers = Answers::default();
        let shared = answers.clone();
        let answer = move |seen: &Seen| {
            let answers = shared.lock().unwrap();
            let found = answers.iter().find(|(end, _)| seen.path.ends_with(end.as_str()));
            found.filter(|_| seen.method == "GET").map(|(_, (kind, body))| {
                let size = body.len();
                format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n{body}")
            })
        };
        let proxy = Proxy::answering(&registry.host(), Box::new(answer));
        let store = tempfile::tempdir().unwrap();
        let client = longshore_registry::Client::new(
            Settings::default(),
            longshore_oci::Store::open(store.path()).unwrap(),
        );
        let repository = client.repository(&sample.parse().unwrap()).unwrap();
        let (_, digest) = sample.split_once('@').unwrap();
        let at = longshore_registry::At::Digest(digest.parse().unwrap());
        let subject = repository.manifest(&at).unwrap().descriptor;
        let (sandbox, key) = (Sandbox::new(LONGSHORE), new_key());
        sandbox.write("own.pub", key.public().to_pem());
        Self {
            sandbox,
            _registry: registry,
            proxy,
            answers,
            repository: Arc::new(repository),
            subject,
            key,
            _store: store,
        }
    }

    fn image(&self) -> String {
        format!("{}/org/app@{}", self.proxy.host(), self.subject.digest)
    }

    /// What `longshore verify` comes to: its status, and what it says.
    fn verify_with(&self, arguments: &[&str]) -> (i32, String) {
        let image = self.image();
        let answer = self.sandbox.run(&[&["verify", &image], arguments].concat());
        (answer.code, answer.stdout + &answer.stderr)
    }

    fn verify(&self) -> (i32, String) {
        self.verify_with(&["--key", "own.pub"])
    }

    /// That the image is refused, and in which words.
    fn refused(&self, said: &str, what: &str) {
        let (code, found) = self.verify();
        assert!(code == 3 && found.contains(said), "{what}: {code} {found}");
    }

    fn accepted(&self, what: &str) {
        let (code, found) = self.verify();
        assert!(code == 0 && found.contains("signed by the key"), "{what}: {code} {found}");
    }

    fn blob(&self, bytes: &[u8]) -> Content {
        let content = Content::of(bytes);
        let open = |from: u64| {
            let rest = &bytes[usize::try_from(from).unwrap()..];
            Ok(Box::new(rest) as Box<dyn std::io::Read>)
        };
        self.repository.upload(&content, &open, None, &Silent).unwrap();
        content
    }

    /// Puts `attachment` into the registry, in no list yet; gives its entry in one.
    fn hang(&self, attachment: &Attachment) -> Descriptor {
        for blob in &attachment.blobs {
            self.blob(blob);
        }
        self.repository.put_manifest(media_type::MANIFEST, &attachment.manifest).unwrap();
        attachment.entry.clone()
    }

    /// A signature by this stage's key, as it should be.
    fn good(&self) -> Attachment {
        Attachment::new(&signed(&self.key, self.subject.digest, SIGNED), SIGNED, &self.subject)
    }

    /// A manifest that refers to `subject` with these bytes as its bundle.
    fn with_bundle(&self, subject: &Descriptor, bundle: &[u8]) -> Attachment {
        let good = self.good();
        let mut manifest: Manifest = serde_json::from_slice(&good.manifest).unwrap();
        manifest.layers = vec![Descriptor::new(BUNDLE_TYPE, Content::of(bundle))];
        manifest.subject = Some(subject.clone());
        attachment(&manifest, vec![b"{}".to_vec(), bundle.to_vec()])
    }

    /// Has the registry answer `body` for the list of what refers to the image.
    fn answer_list(&self, kind: &'static str, body: impl Into<String>) {
        let tag = format!("/manifests/{}", self.subject.digest.to_string().replace(':', "-"));
        self.answer(&tag, kind, body);
    }

    fn answer(&self, end: &str, kind: &'static str, body: impl Into<String>) {
        self.answers.lock().unwrap().insert(end.to_owned(), (kind, body.into()));
    }

    fn list(&self, entries: &[Value]) {
        let list = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": entries });
        self.answer_list(media_type::INDEX, list.to_string());
    }
}

fn attachment(manifest: &Manifest, blobs: Vec<Vec<u8>>) -> Attachment {
    let bytes = manifest.to_bytes();
    let mut entry = Descriptor::new(media_type::MANIFEST, Content::of(&bytes));
    entry.artifact_type.clone_from(&manifest.artifact_type);
    let subject = manifest.subject.as_ref().map(Descriptor::content).unwrap();
    Attachment { subject, entry, manifest: bytes, blobs }
}

#[test]
fn one_good_signature_is_enough_and_without_it_each_bad_one_says_why() {
    let stage = Stage::new(Kind::Docker);
    let of = |bundle: &Bundle, kind: &str| Attachment::new(bundle, kind, &stage.subject);
    let subject = stage.subject.digest;
    let text = signed(&stage.key, subject, SIGNED).to_bytes();
    let mut flipped = json(&String::from_utf8(text.clone()).unwrap());
    flipped["dsseEnvelope"]["signatures"][0]["sig"] = json!("AAAA");
    let other = Digest::of(b"another image");
    let good = json!(stage.hang(&stage.good()));
    stage.refused("not signed", "nothing is there");
    for (what, bad, said) in [
        (
            "by another key",
            of(&signed(&new_key(), subject, SIGNED), SIGNED),
            "signed by someone else: another key signed it",
        ),
        (
            "of another image",
            of(&signed(&stage.key, other, SIGNED), SIGNED),
            "wrong digest: it is about another image",
        ),
        ("an attestation", of(&signed(&stage.key, subject, PROVENANCE), PROVENANCE), "not signed"),
        // The annotation says that it is a signature; what is signed does not.
        (
            "an attestation that is called a signature",
            of(&signed(&stage.key, subject, PROVENANCE), SIGNED),
            "not signed",
        ),
        ("cut off", stage.with_bundle(&stage.subject, &text[..text.len() / 2]), "broken: it is no bundle"),
        ("nothing", stage.with_bundle(&stage.subject, b""), "broken: it is no bundle"),
        (
            "with another signature",
            stage.with_bundle(&stage.subject, flipped.to_string().as_bytes()),
            "broken: the signature is not one of what it is with",
        ),
    ] {
        let bad = json!(stage.hang(&bad));
        stage.list(std::slice::from_ref(&bad));
        stage.refused(said, what);
        stage.list(&[bad.clone(), good.clone()]);
        stage.accepted(what);
        stage.list(&[good.clone(), bad]);
        stage.accepted(what);
    }
}

#[test]
fn annotations_attest_nothing() {
    let stage = Stage::new(Kind::Docker);
    let policy = "[signers.own]\nkey = \"own.pub\"\n[[rules]]\nimages = [\"*\"]\nsigned-by = [\"own\"]\nattestations = [{ type = \"slsa-provenance\" }]\n";
    stage.sandbox.write("policy.toml", policy);
    // Signed, and its manifest says that it is provenance besides.
    let claims =
        Attachment::new(&signed(&stage.key, stage.subject.digest, SIGNED), PROVENANCE, &stage.subject);
    let provenance =
        Attachment::new(&signed(&stage.key, stage.subject.digest, PROVENANCE), SIGNED, &stage.subject);
    let (claims, provenance) = (json!(stage.hang(&claims)), json!(stage.hang(&provenance)));
    stage.list(std::slice::from_ref(&claims));
    let (code, said) = stage.verify_with(&[]);
    assert!(code == 3 && said.contains("no attestation of the type"), "{said}");
    // With somebody's word for each, though their annotations are the wrong way round.
    stage.list(&[claims, provenance]);
    assert_eq!(stage.verify_with(&[]).0, 0);
}

#[test]
fn a_list_of_lies_hides_no_signature_and_makes_none() {
    let stage = Stage::new(Kind::Docker);
    let signature = stage.good();
    let good = json!(stage.hang(&signature));
    let entry = |content: Content, kind: &str| json!(Descriptor::new(kind, content));
    let changed = |name: &str, to: Value| {
        let mut entry = good.clone();
        entry[name] = to;
        entry
    };
    let elsewhere = Descriptor::new(media_type::MANIFEST, Content::of(b"another image"));
    let elsewhere =
        stage.with_bundle(&elsewhere, &signed(&stage.key, stage.subject.digest, SIGNED).to_bytes());
    let elsewhere = json!(stage.hang(&elsewhere));
    let nobody_s = {
        let mut manifest: Manifest = serde_json::from_slice(&signature.manifest).unwrap();
        manifest.subject = None;
        let bytes = manifest.to_bytes();
        entry(stage.repository.put_manifest(media_type::MANIFEST, &bytes).unwrap(), media_type::MANIFEST)
    };
    let index = {
        let bytes = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [stage.subject], "subject": stage.subject });
        let bytes = bytes.to_string();
        entry(stage.repository.put_manifest(media_type::INDEX, bytes.as_bytes()).unwrap(), media_type::INDEX)
    };
    let of_size = |size: u64| {
        let mut manifest: Manifest = serde_json::from_slice(&signature.manifest).unwrap();
        manifest.layers[0].size = size;
        let bytes = manifest.to_bytes();
        let content = Content::of(&bytes);
        stage.answer(&content.digest.to_string(), media_type::MANIFEST, String::from_utf8(bytes).unwrap());
        entry(content, media_type::MANIFEST)
    };
    let lost = stage.with_bundle(&stage.subject, b"was here");
    stage.answer(
        &lost.entry.digest.to_string(),
        media_type::MANIFEST,
        String::from_utf8(lost.manifest).unwrap(),
    );
    let absent = entry(Content::of(b"nothing"), media_type::MANIFEST);
    for (what, bad, said) in [
        ("what is not there", absent.clone(), "has no manifest"),
        ("another digest", changed("digest", absent["digest"].clone()), "has no manifest"),
        ("another size", changed("size", json!(7)), "what names it says 7"),
        ("a size that nobody reads", changed("size", json!(1_u64 << 40)), "which are too many"),
        ("what refers to another image", elsewhere, "does not refer to"),
        ("what refers to none", nobody_s, "does not refer to"),
        ("an index", index, "an index refers to another"),
        ("an index that is none", changed("mediaType", json!(media_type::INDEX)), "can't be understood"),
        ("something else", changed("mediaType", json!("application/x-sh")), "which is no image"),
        ("a bundle that is larger than any", of_size(1 << 40), "is too large"),
        ("a bundle that is smaller than it says", of_size(1 << 20), "broken: "),
        ("a bundle that is larger than it says", of_size(1), "broken: "),
        ("a bundle that is lost", json!(lost.entry), "has no blob"),
        ("the image", json!(stage.subject), "not signed"),
    ] {
        stage.list(std::slice::from_ref(&bad));
        stage.refused(said, what);
        stage.list(&[bad.clone(), good.clone(), bad]);
        stage.accepted(what);
    }
}

#[test]
fn a_list_that_is_none_is_an_error_and_no_refusal() {
    let stage = Stage::new(Kind::Docker);
    let good = json!(stage.hang(&stage.good()));
    let list = |entries: String| {
        format!("{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[{entries}]}}", media_type::INDEX)
    };
    let many = vec![good.to_string(); 5000].join(",");
    for (what, kind, body, said) in [
        ("no JSON", media_type::INDEX, "<list>".to_owned(), "the referrers of"),
        ("an array", media_type::INDEX, "[]".to_owned(), "the referrers of"),
        (
            "a manifest",
            media_type::MANIFEST,
            format!("{{\"mediaType\":\"{}\"}}", media_type::MANIFEST),
            "which is no list",
        ),
        ("a page for people", "text/html", "<html>".to_owned(), "web page"),
        ("an entry without a digest", media_type::INDEX, list("{}".to_owned()), "the referrers of"),
        ("thousands of entries", media_type::INDEX, list(many), "more than 1000 entries"),
        (
            "very many bytes",
            media_type::INDEX,
            list(format!("{}{good}", " ".repeat(5 << 20))),
            "bytes that a manifest may have",
        ),
        ("very deep", media_type::INDEX, list("[".repeat(1 << 20)), "the referrers of"),
    ] {
        stage.answer_list(kind, body);
        let (code, found) = stage.verify();
        assert!(code == 1 && found.contains(said), "{what}: {code} {found}");
        assert!(found.len() < 4000, "{what}: {} bytes are said", found.len());
    }
    stage.list(&[good]);
    stage.accepted("a list");
}

#[test]
fn very_many_things_are_not_all_looked_at() {
    for kind in [Kind::Docker, Kind::Referrers] {
        let stage = Stage::new(kind);
        let by_other = signed(&new_key(), stage.subject.digest, SIGNED).to_bytes();
        let mut manifest: Manifest = serde_json::from_slice(&stage.good().manifest).unwrap();
        let layers = vec![Descriptor::new(BUNDLE_TYPE, Content::of(&by_other)); 300];
        manifest.layers = layers;
        let many = attachment(&manifest, vec![b"{}".to_vec(), by_other]);
        let put = |attachment: &Attachment| {
            let entry = stage.hang(attachment);
            stage.repository.put_referrer(&stage.subject.digest, &entry, &attachment.manifest).unwrap();
        };
        put(&many);
        let (code, said) = stage.verify();
        assert!(code == 3 && said.contains("there are more than 200 things beside it"), "{kind:?}: {said}");
        assert!(said.contains("signed by someone else"), "{kind:?}: {said}");
    }
    // So many that they don't fit, each of a size that would do.
    let stage = Stage::new(Kind::Docker);
    let large = signed(&new_key(), stage.subject.digest, SIGNED).to_bytes();
    let large = [large, vec![b' '; 40 << 20]].concat();
    let mut manifest: Manifest = serde_json::from_slice(&stage.good().manifest).unwrap();
    manifest.layers = vec![Descriptor::new(BUNDLE_TYPE, Content::of(&large)); 4];
    let entry = stage.hang(&attachment(&manifest, vec![b"{}".to_vec(), large]));
    stage.list(&[json!(entry)]);
    stage.refused("what is beside it has more than 134217728 bytes", "four of 40 MiB");
}

#[test]
fn an_older_tag_can_lie_too() {
    let stage = Stage::new(Kind::Docker);
    let tag = format!("/manifests/{}.sig", stage.subject.digest.to_string().replace(':', "-"));
    let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
    let payload = longshore_trust::attachment::OlderLayer::payload(&stage.subject.digest, "x/y");
    let signature = stage.key.sign(&payload).unwrap();
    let good = longshore_trust::attachment::OlderLayer::signature(
        payload.clone(),
        &signature,
        std::collections::BTreeMap::new(),
    );
    stage.blob(&payload);
    let config = Descriptor::new(media_type::CONFIG, Content::of(b"{}"));
    let answer = |layers: Vec<Descriptor>| {
        let manifest = Manifest::new(config.clone(), layers, longshore_oci::Annotations::new());
        stage.answer(&tag, media_type::MANIFEST, String::from_utf8(manifest.to_bytes()).unwrap());
    };
    let sized = |size: u64| Descriptor { size, ..good.descriptor.clone() };
    let absent = Descriptor::new(kind, Content::of(b"nothing"));
    let bare = Descriptor::new(kind, Content::of(&payload));
    let elsewhere = {
        let payload = longshore_trust::attachment::OlderLayer::payload(&Digest::of(b"another image"), "x/y");
        let signature = stage.key.sign(&payload).unwrap();
        stage.blob(&payload);
        longshore_trust::attachment::OlderLayer::signature(
            payload,
            &signature,
            std::collections::BTreeMap::new(),
        )
        .descriptor
    };
    for (what, bad, said) in [
        ("lost", absent, "has no blob"),
        ("too large", sized(1 << 40), "is too large"),
        ("of another size", sized(1), "broken: "),
        ("without a signature", bare, "there is no signature beside it"),
        ("of another image", elsewhere, "wrong digest"),
    ] {
        answer(vec![bad.clone()]);
        stage.refused(said, what);
        answer(vec![bad, good.descriptor.clone()]);
        stage.accepted(what);
    }
    answer(vec![good.descriptor.clone(); 1000]);
    stage.accepted("very many");
    stage.answer(&tag, media_type::MANIFEST, "{\"layers\": 7}");
    stage.refused("is no manifest", "no manifest");
}

fn material(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../trust/tests/material").join(name)
}

/// What a Sigstore signed once, of the sample image of the registry.
#[test]
fn certificates_are_believed_of_those_and_by_those_who_are_named() {
    let stage = Stage::new(Kind::Docker);
    let facts = json(&fs_err::read_to_string(material("facts.json")).unwrap());
    assert_eq!(facts["digest"], stage.subject.digest.to_string(), "the sample is the image that was signed");
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    let text = fs_err::read(material("bundles/keyless-rekor2.json")).unwrap();
    stage.list(&[json!(stage.hang(&stage.with_bundle(&stage.subject, &text)))]);
    let verify = |identity: &str, issuer: &str, root: &str| {
        let root = material(root).display().to_string();
        stage.verify_with(&["--identity", identity, "--issuer", issuer, "--trusted-root", &root])
    };
    let (identity, issuer, root) = (fact("identity"), fact("issuer"), "trusted_root.json");
    for (who, by, root, code, said) in [
        (identity.as_str(), issuer.as_str(), root, 0, "in the log"),
        ("*@longshore.test", &issuer, root, 0, "in the log"),
        ("eve@longshore.test", &issuer, root, 3, "signed by someone else: "),
        ("*@longshore.tes", &issuer, root, 3, "signed by someone else: "),
        (&identity, "http://elsewhere.test", root, 3, "signed by someone else: "),
        (&identity, &issuer, "unrelated_root.json", 3, "from another Sigstore than the trusted root's: "),
    ] {
        let (found, words) = verify(who, by, root);
        assert!(found == code && words.contains(said), "{who} {by} {root}: {found} {words}");
    }
    let (code, said) = stage.verify();
    assert!(code == 3 && said.contains("a certificate, and no key, signed it"), "{said}");
}
