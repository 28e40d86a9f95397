//! Broken layouts, each with one fault; sound ones are checked wherever images are made.

use super::*;
use crate::layout::Layout;
use crate::{Annotations, Config, History, RootFsConfig};

/// A canonical ustar header, made by hand.
fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000755\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[329..345].copy_from_slice(b"0000000\x000000000\0");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn tar(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = parts.concat();
    out.resize(out.len() + 1024, 0);
    out
}

fn reason(bytes: &[u8]) -> String {
    read_tar(bytes).unwrap_err().to_string()
}

#[test]
fn tars_that_are_not_canonical_are_refused() {
    let (d, f) = (header("d/", b'5', 0), header("d/f", b'0', 0));
    assert_eq!(read_tar(&*tar(&[&d, &f])).unwrap().len(), 2);
    assert!(reason(&tar(&[&f])).contains("not in a directory"));
    assert!(reason(&tar(&[&d, &f, &f])).contains("out of order"));
    assert!(reason(&tar(&[&header("b", b'0', 0), &header("a", b'0', 0)])).contains("out of order"));
    for name in ["./a", "/a", "a/", "../a", "d//f", ""] {
        assert!(
            reason(&tar(&[&d, &header(name, b'0', 0)])).contains("not clean") || name == "../a",
            "{name}"
        );
    }
    assert!(reason(&tar(&[&header(".wh.a", b'0', 0)])).contains("whiteout"));
    assert!(reason(&tar(&[&header("p", b'6', 0)])).contains("type '6'"));
    assert!(reason(&[tar(&[&f[..0]]), vec![0; 512]].concat()).contains("follow the end"));
    assert!(reason(&d).contains("fill"));
    let mut broken = d.clone();
    broken[0] = b'e';
    assert!(reason(&tar(&[&broken])).contains("checksum"));
    assert!(reason(&tar(&[&header("f", b'0', 1), &[1; 512]])).contains("padding"));
}

/// A layout of one image with one uncompressed layer, after `change` had its way with configuration and manifest.
fn problems(change: impl FnOnce(&mut ImageConfig, &mut Manifest, &mut Descriptor)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut layout = Layout::open_or_create(folder.path()).unwrap();
    let layer = layout.put(&tar(&[&header("d/", b'5', 0)])).unwrap();
    let created = crate::Epoch(0).to_string();
    let mut config = ImageConfig {
        created: created.clone(),
        platform: "linux/amd64".parse().unwrap(),
        config: Config::default(),
        rootfs: RootFsConfig { kind: "layers".into(), diff_ids: vec![DiffId(layer.digest)] },
        history: vec![History { created, created_by: "test".into(), ..History::default() }],
    };
    let about = Descriptor::new(media_type::CONFIG, config.content());
    let layers = vec![Descriptor::new(media_type::LAYER_TAR, layer)];
    let mut manifest = Manifest::new(about, layers, Annotations::new());
    let mut entry = Descriptor::new(media_type::MANIFEST, layer);
    entry.platform = Some(config.platform.clone());
    change(&mut config, &mut manifest, &mut entry);
    if manifest.config.digest != layer.digest {
        let content = layout.put(&config.to_bytes()).unwrap();
        (manifest.config.digest, manifest.config.size) = (content.digest, content.size);
    }
    let content = layout.put(&manifest.to_bytes()).unwrap();
    (entry.digest, entry.size) = (content.digest, content.size);
    layout.tag("a:1", entry);
    layout.commit().unwrap();
    validate(folder.path(), &|_, blob| Ok(blob)).iter().map(ToString::to_string).collect()
}

#[test]
fn every_fault_is_named() {
    assert_eq!(problems(|_, _, _| ()), [""; 0]);
    let one = |said: Vec<String>, part: &str| {
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(part), "{said:?}");
    };
    let other = Digest::of(b"other");
    one(
        problems(|config, _, _| config.rootfs.diff_ids = vec![DiffId(other)]),
        "the configuration says sha256:d9298a",
    );
    one(problems(|config, _, _| config.history.clear()), "1 layers, 1 diff_ids and 0 history");
    one(problems(|_, _, entry| entry.platform = "linux/arm64".parse().ok()), "is listed for linux/arm64");
    one(problems(|_, manifest, _| manifest.layers[0].size += 1), "got");
    one(problems(|_, manifest, _| manifest.layers[0].digest = other), "damaged or missing");
    one(
        problems(|_, manifest, _| manifest.layers[0].media_type = "text/plain".into()),
        "expected an image layer",
    );
    one(problems(|_, manifest, _| manifest.media_type = "x".into()), "calls itself `x`");
    one(
        problems(|_, manifest, _| manifest.config.digest = manifest.layers[0].digest),
        "image.config.v1+json): blob",
    );
    one(
        problems(|_, _, entry| entry.media_type = media_type::LAYER_TAR.into()),
        "expected an image manifest",
    );
}

#[test]
fn what_is_no_layout_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(validate(folder.path(), &|_, blob| Ok(blob)).len(), 1);
}
