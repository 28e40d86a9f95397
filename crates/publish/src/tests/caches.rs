//! The cache that machines share, in a real registry: what may be taken from it, and what not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use longshore_oci::{Annotations, Content, Descriptor, Digest, Manifest, Silent, Store, media_type};
use longshore_registry::{At, Client, Repository, Settings};
use longshore_testkit::Tool;
use longshore_testkit::registry::{Kind, Registry};

use crate::cache::{Cache, Lookup, Made, SigningKey, VerifyingKey};

struct World {
    registry: Registry,
    folder: tempfile::TempDir,
}

impl World {
    fn new(kind: Kind) -> Self {
        Self { registry: Registry::start(kind), folder: tempfile::tempdir().unwrap() }
    }

    /// A machine with a store of its own.
    fn machine(&self, name: &str) -> Client {
        Client::new(Settings::default(), Store::open(self.folder.path().join(name)).unwrap())
    }

    fn repository(&self, client: &Client) -> Repository {
        client.repository(&format!("{}/org/cache", self.registry.host()).parse().unwrap()).unwrap()
    }

    /// A key pair as openssl makes it.
    fn key(&self, name: &str) -> (PathBuf, PathBuf) {
        let at = |end: &str| self.folder.path().join(format!("{name}{end}"));
        let arguments = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"];
        Tool::new("openssl").args(arguments).arg(at(".key")).run();
        Tool::new("openssl")
            .args(["pkey", "-pubout", "-in"])
            .arg(at(".key"))
            .arg("-out")
            .arg(at(".pub"))
            .run();
        (at(".key"), at(".pub"))
    }

    fn cache(&self, client: &Client, trusted: &[&Path], signing: Option<&Path>) -> Cache {
        let trusted = trusted.iter().map(|path| VerifyingKey::read(path).unwrap()).collect();
        Cache::new(self.repository(client), trusted, signing.map(|path| SigningKey::read(path).unwrap()))
    }
}

fn files(record: &[u8]) -> Option<Vec<Content>> {
    serde_json::from_slice::<Vec<(Digest, u64)>>(record)
        .ok()
        .map(|all| all.into_iter().map(|(digest, size)| Content { digest, size }).collect())
}

/// What a build made, its files in the store of `client`.
fn made(client: &Client, texts: &[&str]) -> Made {
    let contents: Vec<Content> =
        texts.iter().map(|text| client.store().put(text.as_bytes()).unwrap()).collect();
    let listed: Vec<_> = contents.iter().map(|content| (content.digest, content.size)).collect();
    Made { record: serde_json::to_vec(&listed).unwrap(), files: contents }
}

fn reason<T>(lookup: Lookup<T>) -> String {
    match lookup {
        Lookup::Found(_) => "found".to_owned(),
        Lookup::Absent => "absent".to_owned(),
        Lookup::Refused(reason) => reason,
    }
}

#[test]
fn what_a_trusted_key_signed_is_taken_and_nothing_else() {
    for kind in Kind::ALL {
        let world = World::new(kind);
        let ((ours, ours_public), (theirs, theirs_public)) = (world.key("ours"), world.key("theirs"));
        let (here, key) = (world.machine("here"), Digest::of(b"recipe"));
        let output = made(&here, &["one", &"two".repeat(100_000)]);
        world.cache(&here, &[], None).keep_build(&key, &output, &here, &Silent).unwrap();
        assert!(
            world.repository(&here).tags().unwrap().is_empty(),
            "{kind:?}: what nobody signs is not kept"
        );
        world.cache(&here, &[], Some(&ours)).keep_build(&key, &output, &here, &Silent).unwrap();

        let look = |name: &str, trusted: &[&Path], key: &Digest| {
            let there = world.machine(name);
            let found = world.cache(&there, trusted, None).build(key, files, &there, &Silent).unwrap();
            (found, there)
        };
        let (found, there) = look("there", &[&theirs_public, &ours_public], &key);
        assert!(matches!(found, Lookup::Found(record) if record == output.record), "{kind:?}");
        assert!(output.files.iter().all(|content| there.store().has(content)), "{kind:?}");
        assert_eq!(reason(look("none", &[], &key).0), "absent", "{kind:?}: nobody is trusted");
        assert_eq!(
            reason(look("other", &[&theirs_public], &key).0),
            "no key of `[cache]` signed it",
            "{kind:?}"
        );
        assert_eq!(reason(look("key", &[&ours_public], &Digest::of(b"other")).0), "absent", "{kind:?}");

        // An entry that was signed, under another key; and one by somebody whom we do not trust.
        let repository = world.repository(&here);
        let entry = repository.manifest(&At::Tag(format!("build-{}", key.hex()))).unwrap().bytes;
        let moved = Digest::of(b"moved");
        let text = String::from_utf8(entry).unwrap().replace(&key.to_string(), &moved.to_string());
        repository.tag(&format!("build-{}", moved.hex()), media_type::MANIFEST, text.as_bytes()).unwrap();
        assert_eq!(
            reason(look("moved", &[&ours_public], &moved).0),
            "no key of `[cache]` signed it",
            "{kind:?}"
        );
        let bad = Digest::of(b"bad");
        world.cache(&here, &[], Some(&theirs)).keep_build(&bad, &output, &here, &Silent).unwrap();
        assert_eq!(reason(look("bad", &[&ours_public], &bad).0), "no key of `[cache]` signed it", "{kind:?}");

        // A pack that does not hold what the signed record says.
        let (stripped, short) = (Digest::of(b"stripped"), made(&here, &["one"]));
        let lying = Made { record: output.record.clone(), files: short.files };
        world.cache(&here, &[], Some(&ours)).keep_build(&stripped, &lying, &here, &Silent).unwrap();
        let (refused, there) = look("stripped", &[&ours_public], &stripped);
        assert!(reason(refused).starts_with("it does not hold sha256:"), "{kind:?}");
        assert!(!there.store().has(&output.files[1]), "{kind:?}");
    }
}

#[test]
fn layers_are_taken_when_they_compress_what_we_made() {
    let world = World::new(Kind::Distribution);
    let (here, there) = (world.machine("here"), world.machine("there"));
    let plain = "layer".repeat(10_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, plain.as_bytes()).unwrap();
    let blob = here.store().put(&gzip.finish().unwrap()).unwrap();
    let tar = Content::of(plain.as_bytes());
    let key = Digest::of(b"layer");
    let cache = |client: &Client| world.cache(client, &[], None);
    assert_eq!(
        reason(cache(&there).layer(&key, &tar, media_type::LAYER_GZIP, &there, &Silent).unwrap()),
        "absent"
    );
    let layer = Descriptor::new(media_type::LAYER_GZIP, blob);
    cache(&here).keep_layer(&key, layer, &here, &Silent).unwrap();
    let found = cache(&there).layer(&key, &tar, media_type::LAYER_ZSTD, &there, &Silent).unwrap();
    assert_eq!(reason(found), "it is no `application/vnd.oci.image.layer.v1.tar+zstd`");
    let found = cache(&there).layer(&key, &tar, media_type::LAYER_GZIP, &there, &Silent).unwrap();
    assert!(matches!(found, Lookup::Found(found) if found == blob) && there.store().has(&blob));

    // Somebody else's bytes under the right key.
    let repository = world.repository(&here);
    let wrong = b"not a layer at all";
    repository.upload(&Content::of(wrong), &|_| Ok(Box::new(&wrong[..])), None, &Silent).unwrap();
    let config = Descriptor::new(media_type::EMPTY, Content::of(b"{}"));
    let layer = Descriptor::new(media_type::LAYER_GZIP, Content::of(wrong));
    let annotations: Annotations = BTreeMap::from([("dev.longshore.cache.key".to_owned(), key.to_string())]);
    let mut manifest = Manifest::new(config, vec![layer], annotations);
    manifest.artifact_type = Some("application/vnd.longshore.cache.layer.v1".to_owned());
    repository.tag(&format!("layer-{}", key.hex()), media_type::MANIFEST, &manifest.to_bytes()).unwrap();
    let other = world.machine("other");
    let found = cache(&other).layer(&key, &tar, media_type::LAYER_GZIP, &other, &Silent).unwrap();
    assert_eq!(reason(found), "it is not the compressed form of this layer");
}

#[test]
fn keys_that_are_none_are_refused_without_a_word_of_them() {
    let world = World::new(Kind::Docker);
    let (private, public) = world.key("ours");
    let rsa = world.folder.path().join("rsa.key");
    Tool::new("openssl").args(["genpkey", "-algorithm", "RSA", "-out"]).arg(&rsa).run();
    for error in [
        VerifyingKey::read(&private).err().unwrap().to_string(),
        SigningKey::read(&public).err().unwrap().to_string(),
        SigningKey::read(&rsa).err().unwrap().to_string(),
        SigningKey::read(Path::new("/nowhere")).err().unwrap().to_string(),
    ] {
        assert!(error.contains(" is not a p") && !error.contains("MI"), "{error}");
    }
}
