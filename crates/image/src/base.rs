//! What an image builds on: layers that stay as they are below its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_oci::{
    Content, Descriptor, DiffId, Digest, Empty, History, ImageConfig, Reference, media_type,
};

use crate::pack::{Body, Layer, Taken};

/// Somebody's image that another one builds on, on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Which.
    pub on: BuiltOn,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// Where they come from, and what was done besides.
    pub history: Vec<History>,
    /// Ports that it says it listens on.
    pub exposed_ports: BTreeMap<String, Empty>,
}

/// What image another one builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltOn {
    /// Its name, as the stack file has it.
    pub reference: Reference,
    /// What that named when it was locked: an index, or the manifest.
    pub named: Digest,
    /// The manifest for the platform.
    pub manifest: Digest,
}

/// A layer of a base, as its manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseLayer {
    /// Its media type there.
    pub media_type: String,
    /// Its blob.
    pub blob: Content,
    /// Its uncompressed tar.
    pub diff_id: DiffId,
    /// Bytes of that.
    pub size: u64,
}

impl Base {
    /// The base `on`, which runs as `config` says and has `layers`, lowest first.
    pub fn new(on: BuiltOn, config: &ImageConfig, layers: Vec<BaseLayer>) -> Self {
        let layers = (1..).zip(layers).map(|(n, layer)| {
            let taken = Taken {
                name: format!("{} layer {n}", on.reference),
                descriptor: Descriptor::new(ours(&layer.media_type), layer.blob),
                from: on.reference.clone(),
            };
            Layer { diff_id: layer.diff_id, size: layer.size, body: Body::Taken(Arc::new(taken)) }
        });
        // A number alone means TCP (image specification, "ExposedPorts").
        let full = |port: &String| if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
        Self {
            layers: layers.collect(),
            history: config.history.clone(),
            exposed_ports: config.config.exposed_ports.keys().map(|port| (full(port), Empty {})).collect(),
            on,
        }
    }
}

/// OCI's word for a layer that Docker may call otherwise: an OCI manifest lists no other, and the bytes are the same.
fn ours(media_type: &str) -> &str {
    match media_type {
        media_type::DOCKER_LAYER_GZIP => media_type::LAYER_GZIP,
        media_type::DOCKER_LAYER_ZSTD => media_type::LAYER_ZSTD,
        media_type::DOCKER_LAYER_TAR => media_type::LAYER_TAR,
        other => other,
    }
}
