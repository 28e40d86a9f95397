use longshore_oci::layout::Layout;
use longshore_oci::{Silent, media_type};
use longshore_testkit::engine::Containerd;
use longshore_testkit::{Tool, tree};

use super::{Bench, problems, skopeo};
use crate::{Codec, layout};

#[test]
fn other_programs_read_zstd() {
    let bench = Bench::new();
    let folder = bench.path("layout");
    let images = bench.two();
    let published = layout::write(&images, &folder, Codec::Zstd, &bench.store, 2, &Silent).unwrap();
    assert_eq!(problems(&folder), [""; 0]);
    for (index, said) in images.iter().zip(&published.images) {
        let image = &index.images[0];
        let from = format!("oci:{}:{}", folder.display(), said.name);
        let (manifest, config) = skopeo(&from, &bench.path(&image.name));
        assert_eq!((manifest, config), (said.identity.digest().to_string(), image.id().to_string()));
        // Uncompressed by skopeo, layers are the tars that the configuration names.
        let plain = format!("dir:{}", bench.path(&format!("plain-{}", image.name)).display());
        Tool::new("skopeo")
            .args(["--insecure-policy", "copy", "--quiet", "--dest-decompress", &from, &plain])
            .run();
        for layer in &image.layers {
            let file = bench.path(&format!("plain-{}", image.name)).join(layer.diff_id.0.hex());
            assert_eq!(fs_err::metadata(file).unwrap().len(), layer.size);
        }
    }
    // containerd unpacks it, and compares the uncompressed layers with the configuration.
    let archive = bench.path("layout.tar");
    Tool::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&folder).arg(".").run();
    let containerd = Containerd::start();
    containerd.cli().args(["images", "import", "--snapshotter", "native"]).arg(&archive).run();
    let listed = containerd.cli().args(["images", "list"]).run();
    for said in &published.images {
        assert!(listed.contains(&said.identity.digest().to_string()), "{listed}");
    }
}

#[test]
fn other_programs_read_the_layout() {
    let bench = Bench::new();
    let folder = bench.path("layout");
    let images = bench.two();
    let published = layout::write(&images, &folder, Codec::Gzip, &bench.store, 2, &Silent).unwrap();
    assert_eq!(problems(&folder), [""; 0]);
    for (index, said) in images.iter().zip(&published.images) {
        let image = &index.images[0];
        assert_eq!(said.name, index.reference.to_string());
        let from = format!("oci:{}:{}", folder.display(), said.name);
        let (manifest, config) = skopeo(&from, &bench.path(&image.name));
        assert_eq!((manifest, config), (said.identity.digest().to_string(), image.id().to_string()));

        let bundle = bench.path(&format!("bundle-{}", image.name));
        let from = format!("{}:{}", folder.display(), said.name);
        Tool::new("umoci").args(["unpack", "--rootless", "--image", &from]).arg(&bundle).run();
        let found = tree::dump(&bundle.join("rootfs"));
        let names = ["base", &image.name];
        let mut expected = names.map(|name| format!("/bin/{name}")).to_vec();
        expected.extend(names.map(|name| format!("/bin/{name}-link")));
        expected.extend(names.map(|name| format!("/bin/{name}-too")));
        expected.extend(names.map(|name| format!("/data-{name}")));
        expected.push("/bin".to_owned());
        expected.sort();
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
        for name in names {
            let (part, _) = bench.layer(name);
            let file = part.get(&format!("bin/{name}").as_str().try_into().unwrap()).unwrap();
            let longshore_oci::Node::File(content) = file.node else { panic!("a file") };
            let said = &found[&format!("/bin/{name}")];
            assert!(said.starts_with("file 0755") && said.contains(&content.digest.to_string()), "{said}");
            assert_eq!(said, &found[&format!("/bin/{name}-too")]);
            assert_eq!(found[&format!("/bin/{name}-link")], format!("link -> {name}"));
            assert!(found[&format!("/data-{name}")].starts_with("dir 0700"));
        }
    }
}

#[test]
fn writing_again_sends_nothing_and_changes_nothing() {
    let bench = Bench::new();
    let folder = bench.path("layout");
    let images = bench.two();
    let write = |codec| layout::write(&images, &folder, codec, &bench.store, 2, &Silent).unwrap();
    let first = write(Codec::Gzip);
    let files = tree::files(&folder);
    let second = write(Codec::Gzip);
    assert_eq!(second.images, first.images);
    assert_eq!(second.bytes_sent, 0);
    // The layer that both share is sent once.
    assert_eq!(second.bytes_skipped, first.bytes_sent + first.bytes_skipped);
    assert!(first.bytes_skipped > 0);
    assert_eq!(tree::files(&folder), files);
    // Another codec replaces the images and keeps the blobs.
    for codec in [Codec::GzipFast, Codec::Zstd] {
        assert_ne!(write(codec).images, first.images);
    }
    assert_eq!(Layout::open(&folder).unwrap().entries().count(), 2);
    assert_eq!(problems(&folder), [""; 0]);
}

#[test]
fn several_platforms_are_an_index() {
    let bench = Bench::new();
    let folder = bench.path("layout");
    let multi = bench.multi();
    let published =
        layout::write(std::slice::from_ref(&multi), &folder, Codec::Gzip, &bench.store, 2, &Silent).unwrap();
    assert_eq!(problems(&folder), [""; 0]);
    let layout = Layout::open(&folder).unwrap();
    let top = layout.find("stack/all:1").unwrap();
    assert_eq!(top.media_type, media_type::INDEX);
    assert_eq!(top.digest, published.images[0].identity.digest());
    let platforms: Vec<_> =
        layout.index(top).unwrap().manifests.into_iter().flat_map(|m| m.platform).collect();
    assert_eq!(platforms, multi.images.iter().map(|image| image.platform.clone()).collect::<Vec<_>>());
    let inspected = Tool::new("skopeo")
        .args(["--override-arch", "arm64", "inspect", "--config"])
        .arg(format!("oci:{}:stack/all:1", folder.display()))
        .run();
    assert!(inspected.contains("\"architecture\": \"arm64\""), "{inspected}");
}
