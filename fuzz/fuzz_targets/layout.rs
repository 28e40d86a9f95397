//! An OCI layout: its first byte says which of its documents is the fuzzer's, the others lead there.
#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use longshore_oci::validate::validate;
use longshore_oci::{Content, Descriptor, media_type};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, document)) = bytes.split_first() else { return };
    let root = std::env::temp_dir().join(format!("longshore-fuzz-layout-{}", std::process::id()));
    std::fs::create_dir_all(root.join("blobs/sha256")).expect("the temporary folder can be written");
    write(root.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let mut blobs = Vec::new();
    let index = match which % 4 {
        0 => document.to_vec(),
        1 => listing(&put(&root, media_type::INDEX, document, &mut blobs)),
        2 => listing(&put(&root, media_type::MANIFEST, document, &mut blobs)),
        _ => {
            let config = put(&root, media_type::CONFIG, document, &mut blobs);
            let manifest = format!(
                r#"{{"schemaVersion":2,"mediaType":"{}","config":{config},"layers":[]}}"#,
                media_type::MANIFEST
            );
            listing(&put(&root, media_type::MANIFEST, manifest.as_bytes(), &mut blobs))
        }
    };
    write(root.join("index.json"), &index);
    for problem in validate(&root, &|_, blob| Ok(blob)) {
        assert!(!problem.to_string().is_empty());
    }
    for blob in blobs {
        std::fs::remove_file(blob).expect("it was written");
    }
});

/// Writes a blob; its descriptor as JSON.
fn put(root: &Path, media_type: &str, bytes: &[u8], blobs: &mut Vec<PathBuf>) -> String {
    let content = Content::of(bytes);
    let path = root.join("blobs/sha256").join(content.digest.hex());
    write(path.clone(), bytes);
    blobs.push(path);
    serde_json::to_string(&Descriptor::new(media_type, content)).expect("descriptors are JSON")
}

fn listing(descriptor: &str) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{descriptor}]}}"#, media_type::INDEX)
        .into_bytes()
}

fn write(path: PathBuf, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("the temporary folder can be written");
}
