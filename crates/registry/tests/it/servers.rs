//! What the specification has, against each server.

use longshore_oci::{Annotations, Content, Descriptor, Index, Manifest, Silent, media_type};
use longshore_registry::{At, Kept, Mounted};
use longshore_testkit::registry::{Kind, Registry, crane};

use crate::{Own, fetch, noise, upload};

#[test]
fn blobs_go_and_come_back() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let own = Own::new();
        let repository = own.repository(&registry.host(), "org/web");
        for size in [0, 1, 100_000, (4 << 20) + 1, 70 << 20] {
            let bytes = noise(size, 7);
            let content = Content::of(&bytes);
            assert!(!repository.has_blob(&content).unwrap(), "{kind:?} {size}");
            upload(&repository, &bytes).unwrap_or_else(|error| panic!("{kind:?} {size}: {error}"));
            assert!(repository.has_blob(&content).unwrap(), "{kind:?} {size}");
            assert!(fetch(&own, &repository, &content).unwrap() == bytes, "{kind:?} {size}");
        }
        let missing = Content::of(b"never sent");
        assert!(repository.fetch_blob(&missing, &Silent).unwrap_err().is_not_found(), "{kind:?}");
    }
}

#[test]
fn blobs_are_mounted_from_a_neighbour() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let own = Own::new();
        let (one, two) =
            (own.repository(&registry.host(), "org/one"), own.repository(&registry.host(), "org/two"));
        let content = upload(&one, &noise(100_000, 1)).unwrap();
        // This one has the blobs of all its repositories in one place, and says that it does not mount.
        if kind != Kind::Referrers {
            assert!(matches!(two.mount(&content, &one).unwrap(), Mounted::Yes), "{kind:?}");
        }
        assert!(two.has_blob(&content).unwrap(), "{kind:?}");
        // What is not there is begun instead, and can be sent.
        let bytes = noise(100_000, 2);
        let other = Content::of(&bytes);
        let Mounted::No(begun) = two.mount(&other, &one).unwrap() else {
            panic!("{kind:?} mounts what nobody has")
        };
        two.upload(&other, &|from| Ok(Box::new(&bytes[from as usize..])), Some(begun), &Silent).unwrap();
        assert!(two.has_blob(&other).unwrap(), "{kind:?}");
    }
}

/// An image of one layer and an index of it: media types, digests and bytes.
fn image(
    repository: &longshore_registry::Repository,
    seed: u64,
) -> (Descriptor, Vec<u8>, Descriptor, Vec<u8>) {
    let config = br#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]},"history":[]}"#;
    let config = Descriptor::new(media_type::CONFIG, upload(repository, config).unwrap());
    let layer = Descriptor::new(media_type::LAYER_TAR, upload(repository, &noise(1000, seed)).unwrap());
    let manifest = Manifest::new(config, vec![layer], Annotations::new()).to_bytes();
    let listed = Descriptor::new(media_type::MANIFEST, Content::of(&manifest));
    let index = Index::new(vec![listed.clone()], Annotations::new()).to_bytes();
    let top = Descriptor::new(media_type::INDEX, Content::of(&index));
    (listed, manifest, top, index)
}

#[test]
fn manifests_tags_and_their_end() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let own = Own::new();
        let repository = own.repository(&registry.host(), "org/web");
        assert_eq!(repository.tags().unwrap(), [""; 0], "{kind:?}");
        assert_eq!(repository.probe(&At::Tag("1".to_owned())).unwrap(), None, "{kind:?}");
        let (listed, manifest, top, index) = image(&repository, 1);
        repository.put_manifest(media_type::MANIFEST, &manifest).unwrap();
        repository.put_manifest(media_type::INDEX, &index).unwrap();
        assert_eq!(repository.tags().unwrap(), [""; 0], "{kind:?}: nothing is called anything yet");
        for tag in ["1.2", "latest"] {
            repository.tag(tag, media_type::INDEX, &index).unwrap();
        }
        assert_eq!(repository.tags().unwrap(), ["1.2", "latest"], "{kind:?}");
        let found = repository.manifest(&At::Tag("latest".to_owned())).unwrap();
        assert_eq!((found.descriptor, found.bytes), (top.clone(), index), "{kind:?}");
        assert_eq!(repository.probe(&At::Tag("1.2".to_owned())).unwrap(), Some(top.digest), "{kind:?}");
        assert_eq!(repository.manifest(&At::Digest(listed.digest)).unwrap().bytes, manifest, "{kind:?}");
        let validated =
            crane().args(["validate", "--remote", &format!("{}/org/web:latest", registry.host())]).output();
        let said = String::from_utf8_lossy(&validated.stderr).into_owned();
        // The layer is noise and not the tar that crane opens; what it reads before that must be right.
        assert!(!said.contains("MANIFEST") && !said.contains("digest mismatch"), "{kind:?}: {said}");
        repository.delete(&top.digest).unwrap();
        assert!(repository.manifest(&At::Digest(top.digest)).unwrap_err().is_not_found(), "{kind:?}");
    }
}

#[test]
fn many_tags_come_in_pages() {
    let registry = Registry::start(Kind::Distribution);
    let own = Own::new();
    let repository = own.repository(&registry.host(), "org/web");
    let (_, manifest, _, _) = image(&repository, 1);
    let tags: Vec<String> = (0..1203).map(|n| format!("t{n:05}")).collect();
    for tag in &tags {
        repository.tag(tag, media_type::MANIFEST, &manifest).unwrap();
    }
    assert_eq!(repository.tags().unwrap(), tags);
}

#[test]
fn referrers_are_found_whoever_keeps_the_list() {
    for kind in Kind::ALL {
        let registry = Registry::start(kind);
        let own = Own::new();
        let repository = own.repository(&registry.host(), "org/web");
        let (listed, manifest, ..) = image(&repository, 1);
        repository.put_manifest(media_type::MANIFEST, &manifest).unwrap();
        let expected = if kind == Kind::Referrers { Kept::ByRegistry } else { Kept::UnderTag };
        assert_eq!(repository.referrers(&listed.digest).unwrap(), (Vec::new(), expected), "{kind:?}");
        let empty = Descriptor::new(media_type::EMPTY, upload(&repository, b"{}").unwrap());
        let mut entries = Vec::new();
        for note in ["one", "two"] {
            let mut referrer = Manifest::new(empty.clone(), vec![empty.clone()], Annotations::new());
            referrer.annotations.insert("note".to_owned(), note.to_owned());
            referrer.artifact_type = Some("application/vnd.test".to_owned());
            referrer.subject = Some(listed.clone());
            let bytes = referrer.to_bytes();
            let mut entry = Descriptor::new(media_type::MANIFEST, Content::of(&bytes));
            entry.artifact_type.clone_from(&referrer.artifact_type);
            entry.annotations.clone_from(&referrer.annotations);
            // Twice is once.
            for _ in 0..2 {
                assert_eq!(
                    repository.put_referrer(&listed.digest, &entry, &bytes).unwrap(),
                    expected,
                    "{kind:?}"
                );
            }
            entries.push(entry);
        }
        let (mut found, kept) = repository.referrers(&listed.digest).unwrap();
        found.sort_by_key(|entry| entries.iter().position(|known| known.digest == entry.digest));
        assert_eq!(kept, expected, "{kind:?}");
        let digests = |list: &[Descriptor]| list.iter().map(|entry| entry.digest).collect::<Vec<_>>();
        assert_eq!(digests(&found), digests(&entries), "{kind:?}");
        if kept == Kept::UnderTag {
            assert_eq!(found, entries, "{kind:?}: type and annotations are kept");
        }
        for entry in &found {
            repository.referrer(&listed.content(), entry).unwrap();
            assert!(repository.referrer(&Content::of(b"other"), entry).is_err(), "{kind:?}");
        }
        repository.forget_referrer(&listed.digest, &entries[0].digest).unwrap();
        repository.delete(&entries[0].digest).unwrap();
        assert_eq!(
            digests(&repository.referrers(&listed.digest).unwrap().0),
            [entries[1].digest],
            "{kind:?}"
        );
    }
}

#[test]
fn referrers_that_are_put_at_once_are_all_kept() {
    let registry = Registry::start(Kind::Docker);
    let own = Own::new();
    let repository = own.repository(&registry.host(), "org/web");
    let (listed, manifest, ..) = image(&repository, 1);
    repository.put_manifest(media_type::MANIFEST, &manifest).unwrap();
    let empty = Descriptor::new(media_type::EMPTY, upload(&repository, b"{}").unwrap());
    std::thread::scope(|scope| {
        for note in 0..3 {
            let (repository, empty, listed) = (&repository, &empty, &listed);
            scope.spawn(move || {
                let mut referrer = Manifest::new(empty.clone(), vec![empty.clone()], Annotations::new());
                referrer.annotations.insert("note".to_owned(), note.to_string());
                referrer.subject = Some(listed.clone());
                let bytes = referrer.to_bytes();
                let entry = Descriptor::new(media_type::MANIFEST, Content::of(&bytes));
                repository.put_referrer(&listed.digest, &entry, &bytes).unwrap();
            });
        }
    });
    assert_eq!(repository.referrers(&listed.digest).unwrap().0.len(), 3);
}
