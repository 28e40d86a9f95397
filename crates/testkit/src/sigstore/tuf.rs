//! A TUF repository that trust starts from: how cosign and others come by a trusted root without being handed one.
//!
//! As small as the specification allows (TUF 1.0.34, section 4): one key in all four roles, consistent snapshots. It can be
//! published anew, with other keys too, and misbehave as a mirror in the wrong hands would.

use std::path::{Path, PathBuf};

use longshore_oci::Digest;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::http::Server;

/// Past the end of any test.
const EXPIRES: &str = "2049-01-01T00:00:00Z";
const VERSION: &str = "1.0.31";

/// A served repository.
pub struct Tuf {
    folder: TempDir,
    server: Server,
    key: Key,
    root: u64,
    version: u64,
    targets: Map<String, Value>,
}

impl Tuf {
    /// Serves copies of `targets`: names, and the files under them.
    pub fn of(targets: &[(&str, &Path)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("targets")).unwrap();
        let server = Server::new(folder.path());
        let mut tuf = Self { folder, server, key: Key::new(), root: 1, version: 0, targets: Map::new() };
        tuf.write_root(&[&tuf.key]);
        tuf.publish(targets, EXPIRES);
        tuf
    }

    /// Serves others from now on. The metadata have the next version, and their timestamp expires at `expires`, in RFC 3339.
    pub fn publish(&mut self, targets: &[(&str, &Path)], expires: &str) {
        self.targets = copy(targets, &self.folder.path().join("targets"));
        self.version += 1;
        self.write_lower(expires);
    }

    /// Gives up the key for a new one, which the next root says, signed by both.
    pub fn rotate(&mut self) {
        let before = std::mem::replace(&mut self.key, Key::new());
        self.root += 1;
        self.write_root(&[&before, &self.key]);
        self.version += 1;
        self.write_lower(EXPIRES);
    }

    /// Somebody else has the mirror: the next root is signed by their key alone, and so is all else.
    pub fn usurp(&mut self) {
        self.key = Key::new();
        self.root += 1;
        self.write_root(&[&self.key]);
        self.version += 1;
        self.write_lower(EXPIRES);
    }

    /// Serves an older timestamp again, and with it all that was published then.
    pub fn roll_back(&self, version: u64) {
        let at = |name: &str| self.folder.path().join(name);
        fs_err::copy(at(&format!("{version}.timestamp.json")), at("timestamp.json")).unwrap();
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The first root, by which all else is checked.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("1.root.json")
    }

    /// What serves it, to have it misbehave.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Where the server has a target: `targets/DIGEST.NAME`.
    pub fn target(&self, name: &str) -> String {
        format!("targets/{}.{name}", self.targets[name]["hashes"]["sha256"].as_str().unwrap())
    }

    fn write_root(&self, signers: &[&Key]) {
        let Key { id, public, .. } = &self.key;
        let role = json!({ "keyids": [id], "threshold": 1 });
        let root = json!({
            "_type": "root", "consistent_snapshot": true, "expires": EXPIRES, "keys": { id.as_str(): public },
            "roles": { "root": &role, "snapshot": &role, "targets": &role, "timestamp": &role },
            "spec_version": VERSION, "version": self.root,
        });
        self.write(&format!("{}.root.json", self.root), &root, signers);
    }

    fn write_lower(&self, expires: &str) {
        let version = self.version;
        let role = |name: &str, member: &str, value: &Value, expires: &str| {
            // Sorted by name, which the member of their own is differently in each.
            let members = [
                ("_type", json!(name)),
                ("expires", json!(expires)),
                ("spec_version", json!(VERSION)),
                ("version", json!(version)),
                (member, value.clone()),
            ];
            let sorted: std::collections::BTreeMap<_, _> = members.into_iter().collect();
            Value::Object(sorted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let of = |name: &str| json!({ name: { "version": version } });
        let signers = [&self.key];
        let targets = role("targets", "targets", &Value::Object(self.targets.clone()), EXPIRES);
        self.write(&format!("{version}.targets.json"), &targets, &signers);
        let snapshot = role("snapshot", "meta", &of("targets.json"), EXPIRES);
        self.write(&format!("{version}.snapshot.json"), &snapshot, &signers);
        let timestamp = role("timestamp", "meta", &of("snapshot.json"), expires);
        // Nobody asks for it by version, but for those who serve it again.
        self.write(&format!("{version}.timestamp.json"), &timestamp, &signers);
        self.write("timestamp.json", &timestamp, &signers);
    }

    fn write(&self, name: &str, signed: &Value, signers: &[&Key]) {
        // Keys are written sorted in all that is signed, and no string has what JSON escapes: so this text is the canonical one.
        let text = signed.to_string();
        let signatures = signers.iter().map(|signer| {
            let signature = signer.pair.sign(text.as_bytes()).unwrap();
            json!({ "keyid": signer.id, "sig": hex(&signature) })
        });
        let metadata = json!({ "signatures": signatures.collect::<Vec<_>>(), "signed": signed });
        fs_err::write(self.folder.path().join(name), metadata.to_string()).unwrap();
    }
}

/// A key as metadata have it.
struct Key {
    pair: KeyPair,
    public: Value,
    id: String,
}

impl Key {
    fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let public = json!({
            "keytype": "ed25519",
            "keyval": { "public": hex(pair.public_key_raw()) },
            "scheme": "ed25519",
        });
        let id = Digest::of(public.to_string().as_bytes()).hex();
        Self { pair, public, id }
    }
}

/// Copies files to where a client looks for them, and says what they are.
fn copy(targets: &[(&str, &Path)], to: &Path) -> Map<String, Value> {
    let mut targets = targets.to_vec();
    targets.sort_unstable();
    let listed = targets.into_iter().map(|(name, file)| {
        let bytes = fs_err::read(file).unwrap();
        let digest = Digest::of(&bytes).hex();
        fs_err::write(to.join(format!("{digest}.{name}")), &bytes).unwrap();
        (name.to_owned(), json!({ "hashes": { "sha256": digest }, "length": bytes.len() }))
    });
    listed.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
