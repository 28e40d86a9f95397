//! What a registry has, as its manifests tell: it takes none whose blobs it lacks (distribution specification, "Pushing Manifests"),
//! so that those of the image before need not be asked for one by one.

use std::collections::BTreeSet;

use longshore_oci::{Content, Descriptor, Digest};
use longshore_registry::{At, Repository};
use serde::Deserialize;

/// As much of an index or a manifest as matters here.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// Blobs of the image `top` of `repository`. Of what can't be read none are known, and they are asked for.
pub(super) fn blobs(repository: &Repository, top: &Digest) -> BTreeSet<Content> {
    let mut known = BTreeSet::new();
    let children = take(repository, top, &mut known);
    for child in children {
        take(repository, &child.digest, &mut known);
    }
    known
}

/// Takes what one document names; the manifests that it lists are returned.
fn take(repository: &Repository, digest: &Digest, known: &mut BTreeSet<Content>) -> Vec<Descriptor> {
    let Ok(found) = repository.manifest(&At::Digest(*digest)) else { return Vec::new() };
    let Ok(document) = serde_json::from_slice::<Document>(&found.bytes) else { return Vec::new() };
    known.extend(document.config.iter().chain(&document.layers).map(Descriptor::content));
    document.manifests
}
