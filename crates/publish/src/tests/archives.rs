use longshore_oci::layout::Layout;
use longshore_oci::{Digest, Platform, Silent};
use longshore_testkit::{Tool, tree};

use super::{Bench, problems, skopeo};
use crate::{Codec, Error, archive};

fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

#[test]
fn the_dual_archive_is_a_layout_and_a_docker_archive() {
    let bench = Bench::new();
    let mut images = bench.two();
    images.push(bench.multi());
    let file = bench.path("dual.tar");
    let save = |file: &std::path::Path| {
        archive::save(file, |out| {
            archive::oci_dual(&images, &amd64(), Codec::Gzip, out, &bench.store, 2, &Silent)
        })
        .unwrap()
    };
    let published = save(&file);
    assert_eq!(published.bytes_sent, fs_err::metadata(&file).unwrap().len());
    save(&bench.path("again.tar"));
    assert_eq!(fs_err::read(&file).unwrap(), fs_err::read(bench.path("again.tar")).unwrap());

    let folder = bench.path("unpacked");
    fs_err::create_dir(&folder).unwrap();
    Tool::new("tar").arg("-xf").arg(&file).arg("-C").arg(&folder).run();
    assert_eq!(problems(&folder), [""; 0]);
    assert_eq!(Layout::open(&folder).unwrap().entries().count(), 3);

    for (index, said) in images.iter().zip(&published.images) {
        let image = index.on(&amd64()).unwrap();
        for transport in ["oci-archive", "docker-archive"] {
            let from = format!("{transport}:{}:{}", file.display(), said.name);
            let (_, config) = skopeo(&from, &bench.path(&format!("{transport}-{}", image.name)));
            assert_eq!(config, image.id().to_string(), "{from}");
        }
    }
}

#[test]
fn the_docker_archive_holds_plain_layers() {
    let bench = Bench::new();
    let images = bench.two();
    let file = bench.path("docker.tar");
    let published =
        archive::save(&file, |out| archive::docker(&images, &amd64(), out, &bench.store, &Silent)).unwrap();
    assert_eq!(published.bytes_sent, fs_err::metadata(&file).unwrap().len());
    for index in &images {
        let image = &index.images[0];
        let from = format!("docker-archive:{}:{}", file.display(), index.reference);
        let (_, config) = skopeo(&from, &bench.path(&image.name));
        assert_eq!(config, image.id().to_string());
    }
    let folder = bench.path("unpacked");
    fs_err::create_dir(&folder).unwrap();
    Tool::new("tar").arg("-xf").arg(&file).arg("-C").arg(&folder).run();
    let layers: Vec<_> =
        tree::files(&folder).into_iter().filter(|(name, _)| name.ends_with(".tar")).collect();
    assert_eq!(layers.len(), 3, "the shared layer is there once");
    for (name, bytes) in layers {
        assert_eq!(name, format!("/{}.tar", Digest::of(&bytes).hex()));
    }
    // Nothing was compressed for it.
    assert!(!bench.path("store/records/layer-blob-1").exists());
}

#[test]
fn a_platform_that_is_not_made_is_named() {
    let bench = Bench::new();
    let platform = "linux/s390x".parse().unwrap();
    let file = bench.path("docker.tar");
    let error =
        archive::save(&file, |out| archive::docker(&bench.two(), &platform, out, &bench.store, &Silent))
            .unwrap_err();
    assert!(matches!(error, Error::Platform { .. }));
    assert_eq!(
        error.to_string(),
        "image `ghcr.io/stack/web:1` is not made for linux/s390x, only for linux/amd64"
    );
    assert_eq!(fs_err::read_dir(bench.path("")).unwrap().count(), 1, "nothing but the store is left");
}

#[test]
fn a_failure_on_the_way_leaves_the_old_file() {
    let bench = Bench::new();
    let images = bench.two();
    let file = bench.path("docker.tar");
    fs_err::write(&file, "old").unwrap();
    let blob = images[0].images[0].layers[1].recipe().unwrap().entries().iter().find_map(|(_, entry)| {
        match entry.node {
            longshore_oci::Node::File(content) => Some(content),
            _ => None,
        }
    });
    fs_err::remove_file(bench.store.blob_path(&blob.unwrap().digest)).unwrap();
    let error = archive::save(&file, |out| archive::docker(&images, &amd64(), out, &bench.store, &Silent))
        .unwrap_err();
    assert!(matches!(error, Error::Pack(_)), "{error}");
    assert_eq!(fs_err::read(&file).unwrap(), b"old");
    assert_eq!(fs_err::read_dir(bench.path("")).unwrap().count(), 2);
}
