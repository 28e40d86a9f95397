//! How an image was made: SLSA provenance, v1 (slsa.dev/spec/v1.0/provenance), of the same facts as its bill.
//!
//! Only what stands here gets in: no address of a machine, no path, no variable.

use std::collections::BTreeMap;

use longshore_oci::{Digest, Platform};
use serde_json::{Map, Value, json};

use crate::bill::{Algorithm, Bill};

/// What the external parameters and the rest mean: a stack file's image, and a lock's inputs.
const BUILD_TYPE: &str = "urn:longshore:build:1";

/// What is known of a build beside what went into it.
#[derive(Debug, Clone)]
pub struct Making {
    /// Who built, as an address: whoever verifies has to know it.
    pub builder: String,
    /// The version of longshore.
    pub version: String,
    /// The stack's name.
    pub stack: String,
    /// The profile that was chosen.
    pub profile: Option<String>,
    /// The image's name in the stack.
    pub image: String,
    /// What it was made for.
    pub platforms: Vec<Platform>,
    /// The stack file and the lock, by their names.
    pub files: BTreeMap<String, Digest>,
    /// Where the stack file is from, and the commit; none where the files are not those of a commit.
    pub source: Option<(String, String)>,
    /// Whether no build used the machine's own toolchain.
    pub hermetic: bool,
    /// The version of how bytes are made.
    pub assembler: u32,
}

/// The predicate for the image that `bill` is about.
pub fn provenance(bill: &Bill, making: &Making) -> Value {
    let mut inputs: Vec<Value> = Vec::new();
    if let Some((address, commit)) = &making.source {
        inputs.push(json!({ "uri": format!("git+{address}"), "digest": { "gitCommit": commit } }));
    }
    for (name, digest) in &making.files {
        inputs.push(json!({ "name": name, "digest": { "sha256": digest.hex() } }));
    }
    for (id, component) in &bill.components {
        let Some(purl) = component.purl.as_ref().filter(|_| *id != bill.root) else { continue };
        let digests: Map<String, Value> = component
            .hashes
            .iter()
            .map(|hash| (digest_name(hash.algorithm).to_owned(), Value::from(hash.hex.clone())))
            .collect();
        let mut input = json!({ "uri": purl });
        if !digests.is_empty() {
            input["digest"] = Value::Object(digests);
        }
        inputs.push(input);
    }
    let platforms: Vec<String> = making.platforms.iter().map(ToString::to_string).collect();
    let mut external = json!({ "stack": making.stack, "image": making.image, "platforms": platforms });
    if let Some(profile) = &making.profile {
        external["profile"] = Value::from(profile.as_str());
    }
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": external,
            "internalParameters": { "hermetic": making.hermetic, "assembler": making.assembler },
            "resolvedDependencies": inputs,
        },
        "runDetails": {
            "builder": { "id": making.builder, "version": { "longshore": making.version } },
        },
    })
}

/// The name of an algorithm in a `DigestSet` (in-toto Attestation Framework v1).
fn digest_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha256 => "sha256",
        Algorithm::Sha512 => "sha512",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bill::{Component, Hash, Id, Kind, Party};

    /// What an image is made of is there by its package URL and digest: of a store path, that of its archive.
    #[test]
    fn inputs_are_named_by_package_url_and_digest() {
        let root = Id("image:app:linux/amd64".to_owned());
        let mut image = Component::new(Kind::Image, "app", "1");
        image.purl = Some("pkg:oci/app".to_owned());
        let mut path = Component::new(Kind::Package, "hello", "2.12");
        path.purl = Some("pkg:nix/hello@2.12?outputhash=h".to_owned());
        path.hashes.insert(Hash::from(Digest::of(b"nar")));
        let bill = Bill {
            name: "app".to_owned(),
            created: longshore_oci::Epoch(0),
            author: Party::Organisation("Example".to_owned(), None),
            root: root.clone(),
            components: BTreeMap::from([
                (root, image),
                (Id("nix:h-hello-2.12".to_owned()), path),
                (Id("path:conf".to_owned()), Component::new(Kind::File, "conf", "1")),
            ]),
            edges: BTreeSet::new(),
        };
        let making = Making {
            builder: "https://builder.example".to_owned(),
            version: "0".to_owned(),
            stack: "test".to_owned(),
            profile: None,
            image: "app".to_owned(),
            platforms: vec!["linux/amd64".parse().unwrap()],
            files: BTreeMap::from([("stack.lock".to_owned(), Digest::of(b"lock"))]),
            source: None,
            hermetic: true,
            assembler: 1,
        };
        assert_eq!(
            provenance(&bill, &making)["buildDefinition"]["resolvedDependencies"],
            json!([
                { "name": "stack.lock", "digest": { "sha256": Digest::of(b"lock").hex() } },
                { "uri": "pkg:nix/hello@2.12?outputhash=h", "digest": { "sha256": Digest::of(b"nar").hex() } },
            ])
        );
    }
}
