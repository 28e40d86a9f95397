//! A TUF repository that trust starts from: how cosign and others come by a trusted root without being handed one.
//!
//! As small as the specification allows (TUF 1.0.34, section 4): one key in all four roles, one version of everything,
//! consistent snapshots.

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
}

impl Tuf {
    /// Serves copies of `targets`: names, and the files under them.
    pub fn of(targets: &[(&str, &Path)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let public = json!({
            "keytype": "ed25519",
            "keyval": { "public": hex(key.public_key_raw()) },
            "scheme": "ed25519",
        });
        let id = Digest::of(public.to_string().as_bytes()).hex();
        let write = |name: &str, signed: &Value| {
            // Keys are written sorted in all that is signed, and no string has what JSON escapes: so this text is the canonical one.
            let signature = key.sign(signed.to_string().as_bytes()).unwrap();
            let signatures = json!([{ "keyid": &id, "sig": hex(&signature) }]);
            let metadata = json!({ "signatures": signatures, "signed": signed });
            fs_err::write(folder.path().join(name), metadata.to_string()).unwrap();
        };
        let role = json!({ "keyids": [&id], "threshold": 1 });
        let root = json!({
            "_type": "root", "consistent_snapshot": true, "expires": EXPIRES, "keys": { id.as_str(): public },
            "roles": { "root": &role, "snapshot": &role, "targets": &role, "timestamp": &role },
            "spec_version": VERSION, "version": 1,
        });
        let listed = copy(targets, &folder.path().join("targets"));
        write("1.root.json", &root);
        write("1.targets.json", &versioned("targets", "targets", &Value::Object(listed)));
        write(
            "1.snapshot.json",
            &versioned("snapshot", "meta", &json!({ "targets.json": { "version": 1 } })),
        );
        write(
            "timestamp.json",
            &versioned("timestamp", "meta", &json!({ "snapshot.json": { "version": 1 } })),
        );
        Self { server: Server::new(folder.path()), folder }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The first root, by which all else is checked.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("1.root.json")
    }

    /// What serves it, to have it misbehave; targets are `targets/DIGEST.NAME`.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// One of the three roles below the root: all have one member of their own, whose name is sorted differently.
fn versioned(role: &str, member: &str, value: &Value) -> Value {
    let mut signed = Map::new();
    let mut members = vec![
        ("_type", json!(role)),
        ("expires", json!(EXPIRES)),
        (member, value.clone()),
        ("spec_version", json!(VERSION)),
        ("version", json!(1)),
    ];
    members.sort_by_key(|(name, _)| *name);
    signed.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(signed)
}

/// Copies files to where a client looks for them, and says what they are.
fn copy(targets: &[(&str, &Path)], to: &Path) -> Map<String, Value> {
    fs_err::create_dir(to).unwrap();
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
