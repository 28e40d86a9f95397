//! Two layers of somebody's image, one upon the other: the first byte says how much of the rest is the lower one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_net::Access::Offline;
use longshore_oci::{Content, DiffId, Silent, Store, media_type};
use longshore_registry::{Client, Settings};
use longshore_sources::base_image::{self, Access, Records, Want};
use longshore_stack::lock::{LockedLayer, LockedManifest};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let (lower, upper) = bytes.split_at(bytes.len() * usize::from(*first) / 255);
    let root = std::env::temp_dir().join(format!("longshore-fuzz-base-image-{}", std::process::id()));
    let store = Store::open(&root).expect("the temporary folder can be written");
    let layers = [lower, upper].map(|tar| {
        let content = store.put(tar).expect("the store can be written");
        let media_type = media_type::LAYER_TAR.to_owned();
        LockedLayer { media_type, content, diff_id: DiffId(content.digest) }
    });
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": layers.clone().map(|layer| layer.diff_id.0.to_string()) },
    });
    let pin = LockedManifest {
        media_type: media_type::MANIFEST.to_owned(),
        manifest: Content::of(b"{}"),
        config: store.put(config.to_string().as_bytes()).expect("the store can be written"),
        layers: layers.to_vec(),
    };
    let settings = Settings {
        net: longshore_net::Settings { access: Offline, ..Default::default() },
        ..Settings::default()
    };
    let access = Access {
        registries: &Client::new(settings, store.clone()),
        store: &store,
        records: Records::Believed,
        jobs: 1,
        progress: &Silent,
    };
    let reference = "registry.test/image".parse().expect("it is a name");
    match base_image::files(&reference, &pin, Want::Files, &access) {
        Ok((_, sizes)) => assert_eq!(sizes, [lower.len() as u64, upper.len() as u64]),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    std::fs::remove_dir_all(root).expect("it was written");
});
