//! Images of other people, on other people's registries: names that are followed to layers, and layers that are unpacked.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::path::Path;

use longshore_oci::{
    Content, Digest, Epoch, ImageFiles, Node, Platform, Reference, Silent, Store, Tree, TreePath, Trust,
    media_type,
};
use longshore_registry::{At, Client, Repository, Settings};
use longshore_sources::base_image::{self, Access, Error, Want};
use longshore_sources::deb::lock::Refresh;
use longshore_stack::lock::{Lock, LockedImage, LockedManifest};
use longshore_stack::model::{BaseSpec, ImageSpec, Stack, UserSpec};
use longshore_testkit::Tool;
use longshore_testkit::proxy::Proxy;
use longshore_testkit::registry::{Kind, Registry};
use serde_json::{Value, json};
use tempfile::TempDir;

const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/// A registry, and somebody who publishes in it and takes from it.
struct World {
    folder: TempDir,
    store: Store,
    registries: Client,
    registry: Registry,
}

/// A layer as it is pushed.
#[derive(Clone)]
struct Pushed {
    media_type: String,
    blob: Content,
    diff_id: Digest,
}

fn platform(text: &str) -> Platform {
    text.parse().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A stack with one image that builds on `base`.
fn stack(base: &Reference, platforms: &[&str]) -> Stack {
    let user = UserSpec { name: "app".into(), uid: 1, gid: 1, home: "/".into(), shell: "/bin/sh".into() };
    let spec = ImageSpec {
        base: Some(BaseSpec { reference: base.clone(), inherits: None }),
        contents: Vec::new(),
        user,
        users: Vec::new(),
        entrypoint: Vec::new(),
        command: Vec::new(),
        env: BTreeMap::new(),
        workdir: None,
        labels: BTreeMap::new(),
        ports: BTreeMap::new(),
        stop_signal: None,
        writable: Vec::new(),
        alternatives: BTreeMap::new(),
        certificates: Vec::new(),
        keep: Vec::new(),
        allow: Vec::new(),
        max_layers: 40,
        healthcheck: None,
    };
    Stack {
        name: "test".to_owned(),
        profile: None,
        repository: "test".to_owned(),
        version: None,
        epoch: Epoch(0),
        platforms: platforms.iter().map(|text| platform(text)).collect(),
        sources: BTreeMap::new(),
        builds: BTreeMap::new(),
        urls: BTreeMap::new(),
        images: BTreeMap::from([("web".to_owned(), spec)]),
        services: BTreeMap::new(),
        secrets: BTreeMap::new(),
        layers: Default::default(),
        publish: longshore_stack::model::PublishSpec::default(),
        cache: None,
        nix: longshore_stack::model::NixSpec { caches: Vec::new(), trusted_keys: Vec::new() },
    }
}

impl World {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let registries = Client::new(Settings::default(), store.clone());
        Self { folder, store, registries, registry: Registry::start(kind) }
    }

    fn reference(&self, tag: &str) -> Reference {
        format!("{}/org/base:{tag}", self.registry.host()).parse().unwrap()
    }

    fn repository(&self) -> Repository {
        self.registries.repository(&self.reference("x")).unwrap()
    }

    fn access(&self) -> Access<'_> {
        let (registries, store) = (&self.registries, &self.store);
        Access { registries, store, trust: Trust::Records, jobs: 2, progress: &Silent }
    }

    fn blob(&self, bytes: &[u8]) -> Content {
        let content = Content::of(bytes);
        let open = |from: u64| Ok(Box::new(&bytes[usize::try_from(from).unwrap()..]) as Box<dyn Read>);
        self.repository().upload(&content, &open, None, &Silent).unwrap();
        content
    }

    fn layer(&self, media_type: &str, tar: &[u8]) -> Pushed {
        let bytes = match media_type {
            text if text.ends_with("gzip") => gzip(tar),
            text if text.ends_with("zstd") => zstd::encode_all(tar, 3).unwrap(),
            _ => tar.to_vec(),
        };
        Pushed { media_type: media_type.to_owned(), blob: self.blob(&bytes), diff_id: Digest::of(tar) }
    }

    /// Pushes a manifest for `os/architecture`, in Docker's words or OCI's; its descriptor.
    fn manifest(&self, of: &str, layers: &[Pushed], docker: bool) -> Value {
        self.manifest_with(of, layers, docker, |_| {})
    }

    fn manifest_with(
        &self,
        of: &str,
        layers: &[Pushed],
        docker: bool,
        change: impl FnOnce(&mut Value),
    ) -> Value {
        let (os, architecture) = of.split_once('/').unwrap();
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.to_string()).collect();
        // As Docker writes it: what is not there is null.
        let config = json!({
            "os": os, "architecture": architecture, "created": "2024-01-01T00:00:00.123Z",
            "config": { "User": "1000:1000", "Env": ["PATH=/bin"], "Cmd": ["/bin/sh"], "Entrypoint": null, "Labels": null,
                        "ExposedPorts": { "80/tcp": {} }, "Volumes": null, "OnBuild": null, "Image": "" },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": [{ "created": "2024-01-01T00:00:00Z", "created_by": "/bin/sh -c true", "empty_layer": true }],
        });
        let (own, about) = match docker {
            true => (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG),
            false => (media_type::MANIFEST, media_type::CONFIG),
        };
        let config = self.blob(&serde_json::to_vec(&config).unwrap());
        let described = |media_type: &str, content: &Content| json!({ "mediaType": media_type, "digest": content.digest, "size": content.size });
        let listed: Vec<_> = layers.iter().map(|layer| described(&layer.media_type, &layer.blob)).collect();
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": own, "config": described(about, &config), "layers": listed,
        });
        change(&mut manifest);
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let content = self.repository().put_manifest(own, &bytes).unwrap();
        described(own, &content)
    }

    fn index(&self, tag: &str, manifests: &[Value], docker: bool) -> Value {
        let own = if docker { media_type::DOCKER_LIST } else { media_type::INDEX };
        let index = json!({ "schemaVersion": 2, "mediaType": own, "manifests": manifests });
        let bytes = serde_json::to_vec(&index).unwrap();
        let content = self.repository().put_manifest(own, &bytes).unwrap();
        self.repository().tag(tag, own, &bytes).unwrap();
        json!({ "mediaType": own, "digest": content.digest, "size": content.size })
    }

    /// Calls a manifest `tag`.
    fn tag(&self, tag: &str, manifest: &Value) {
        let digest: Digest = manifest["digest"].as_str().unwrap().parse().unwrap();
        let found = self.repository().manifest(&At::Digest(digest)).unwrap();
        self.repository().tag(tag, &found.descriptor.media_type, &found.bytes).unwrap();
    }

    fn lock(&self, tag: &str, platforms: &[&str]) -> Result<LockedImage, Error> {
        self.lock_again(tag, platforms, &Lock::default(), &Refresh::Missing)
    }

    fn lock_again(
        &self,
        tag: &str,
        platforms: &[&str],
        before: &Lock,
        refresh: &Refresh,
    ) -> Result<LockedImage, Error> {
        let reference = self.reference(tag);
        let mut all = base_image::lock(&stack(&reference, platforms), before, refresh, &self.access())?;
        Ok(all.remove(&reference.to_string()).unwrap())
    }

    /// What `lock` is told.
    fn refused(&self, tag: &str, platforms: &[&str]) -> String {
        self.shown(&self.lock(tag, platforms).unwrap_err())
    }

    fn shown(&self, error: &Error) -> String {
        error.to_string().replace(&self.registry.host(), "REGISTRY")
    }

    fn files(&self, tag: &str) -> Result<ImageFiles, Error> {
        let locked = self.lock(tag, &["linux/amd64"])?;
        let pin = &locked.platforms["linux/amd64"];
        Ok(base_image::files(&self.reference(tag), pin, Want::Files, &self.access())?.0)
    }

    /// The tars that a Python program writes: `layer(NAME, ENTRIES)`.
    fn tars<const N: usize>(&self, names: [&str; N], program: &str) -> [Vec<u8>; N] {
        let path = self.folder.path().join("tars.py");
        fs_err::write(&path, format!("{TARS}{program}")).unwrap();
        Tool::new("python3").arg(&path).arg(self.folder.path()).run();
        names.map(|name| fs_err::read(self.folder.path().join(name)).unwrap())
    }

    /// What is said of a layer of these bytes.
    fn refused_layer(&self, tar: &[u8]) -> String {
        let layer = self.layer(media_type::LAYER_GZIP, tar);
        self.tag("harm", &self.manifest("linux/amd64", &[layer], false));
        self.shown(&self.files("harm").unwrap_err())
    }
}

/// Writes tars: entries are `(path, kind, data)` with more keys of `TarInfo`.
const TARS: &str = r#"
import io, os, sys, tarfile
os.chdir(sys.argv[1])
KINDS = {'dir': tarfile.DIRTYPE, 'link': tarfile.SYMTYPE, 'hard': tarfile.LNKTYPE, 'file': tarfile.REGTYPE,
         'char': tarfile.CHRTYPE, 'fifo': tarfile.FIFOTYPE}
def layer(name, entries, format=tarfile.PAX_FORMAT):
    with tarfile.open(name, 'w', format=format) as tar:
        for path, kind, data, *more in entries:
            info = tarfile.TarInfo(path)
            info.type, info.mode, info.mtime = KINDS[kind], 0o755 if kind == 'dir' else 0o644, 1700000000.5
            if kind in ('link', 'hard'): info.linkname = data
            for key, value in (more[0] if more else {}).items(): setattr(info, key, value)
            data = data.encode() if kind == 'file' else b''
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
"#;

/// Three layers that do all that layers do to each other.
const LAYERS: &str = r#"
layer('one', [
    ('./', 'dir', ''), ('bin', 'link', 'usr/bin'), ('etc', 'dir', '', {'mode': 0o750}), ('etc/keep', 'file', 'one'),
    ('etc/gone', 'file', 'one'), ('etc/changed', 'file', 'one'), ('etc/folder', 'dir', ''), ('etc/folder/in', 'file', 'x'),
    ('opaque', 'dir', ''), ('opaque/old', 'file', 'old'), ('opaque/deep', 'dir', ''), ('opaque/deep/old', 'file', 'old'),
    ('usr', 'dir', ''), ('usr/bin', 'dir', ''), ('usr/bin/tool', 'file', '#!/bin/sh\n', {'mode': 0o4755, 'uid': 7, 'gid': 70000}),
    ('usr/bin/tool-too', 'hard', 'usr/bin/tool', {'mode': 0o4755, 'uid': 7, 'gid': 70000}),
    ('usr/bin/third', 'hard', 'usr/bin/tool', {'mode': 0o4755, 'uid': 7, 'gid': 70000}),
    ('x' * 120 + '/' + 'y' * 120, 'file', 'long'), ('was-file', 'file', 'x'), ('was-folder', 'dir', ''), ('was-folder/in', 'file', 'x'),
])
layer('two', [
    ('etc', 'dir', '', {'mode': 0o755}), ('etc/.wh.gone', 'file', ''), ('etc/.wh.folder', 'file', ''), ('etc/changed', 'file', 'two'),
    ('opaque', 'dir', ''), ('opaque/new', 'file', 'new'), ('opaque/.wh..wh..opq', 'file', ''),
    ('usr', 'dir', ''), ('usr/bin', 'dir', ''), ('usr/bin/tool', 'file', 'replaced', {'mode': 0o755}),
    ('.wh..wh.plnk', 'file', ''), ('was-file', 'dir', ''), ('was-file/in', 'file', 'y'), ('was-folder', 'file', 'now a file'),
])
layer('three', [('etc', 'dir', ''), ('etc/gone', 'file', 'back'), ('bin/later', 'file', 'through a link', {'mode': 0o755})])
"#;

fn pinned(locked: &LockedImage, on: &str) -> LockedManifest {
    locked.platforms[on].clone()
}

/// A line for everything below `root`: kind, permissions, owner and what it is.
fn on_disk(root: &Path) -> String {
    let program = r#"
import os, stat, sys
root = sys.argv[1]
seen = {}
for folder, folders, files in os.walk(root):
    for name in folders + files:
        path = os.path.join(folder, name)
        info = os.lstat(path)
        mode = info.st_mode
        shown = os.path.relpath(path, root)
        kind, what = ('d', '') if stat.S_ISDIR(mode) else ('l', os.readlink(path)) if stat.S_ISLNK(mode) else ('f', open(path).read())
        bits = '' if kind == 'l' else '%04o' % stat.S_IMODE(mode)
        print('/' + shown, kind, bits, '%d:%d' % (info.st_uid, info.st_gid), repr(what))
"#;
    let listed = Tool::new("python3").args(["-c", program]).arg(root).run();
    sorted(listed.lines().map(str::to_owned).collect())
}

fn sorted(mut lines: Vec<String>) -> String {
    lines.sort();
    lines.join("\n")
}

/// The same of a tree.
fn in_tree(tree: &Tree, store: &Store) -> String {
    let line = |(path, entry): (&TreePath, &std::sync::Arc<longshore_oci::Entry>)| {
        let bits = format!("{:04o}", entry.mode);
        let (kind, bits, what) = match &entry.node {
            Node::Directory => ('d', bits, String::new()),
            Node::Symlink(to) => ('l', String::new(), String::from_utf8_lossy(to).into_owned()),
            Node::File(content) => ('f', bits, String::from_utf8(store.read_blob(content).unwrap()).unwrap()),
            Node::Hardlink(to) => match &tree.get(to).unwrap().node {
                Node::File(content) => {
                    ('f', bits, String::from_utf8(store.read_blob(content).unwrap()).unwrap())
                }
                other => panic!("{other:?}"),
            },
        };
        format!("{path} {kind} {bits} {}:{} '{}'", entry.uid, entry.gid, what.replace('\n', "\\n"))
    };
    sorted(tree.iter().map(line).collect())
}

#[test]
fn layers_come_to_what_umoci_makes_of_them() {
    let world = World::new(Kind::Distribution);
    let tars = world.tars(["one", "two", "three"], LAYERS);
    let kinds = [media_type::LAYER_GZIP, media_type::LAYER_TAR, media_type::LAYER_GZIP];
    let layers: Vec<_> = kinds.iter().zip(&tars).map(|(kind, tar)| world.layer(kind, tar)).collect();
    world.tag("1", &world.manifest("linux/amd64", &layers, false));
    let files = world.files("1").unwrap();

    let layout = world.folder.path().join("layout");
    let (from, to) = (format!("docker://{}", world.reference("1")), format!("oci:{}:1", layout.display()));
    Tool::new("skopeo")
        .args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", &from, &to])
        .run();
    let bundle = world.folder.path().join("bundle");
    let root = longshore_testkit::layout::umoci_unpack(&layout, "1", &bundle);
    assert_eq!(in_tree(&files.tree, &world.store), on_disk(&root));

    // Hard links stay as far as they are of one layer, and each entry knows its own.
    let path = |text: &str| TreePath::new(text).unwrap();
    assert_eq!(
        files.tree.get(&path("usr/bin/tool-too")).unwrap().node,
        Node::Hardlink(path("usr/bin/third"))
    );
    files.tree.check().unwrap();
    for (at, layer) in
        [("etc/keep", 1), ("etc/changed", 2), ("etc/gone", 3), ("usr/bin/later", 3), ("usr/bin/third", 1)]
    {
        assert_eq!(files.layer(&path(at)).layer, layer, "{at}");
    }
    assert!(files.facts.contains_key(&path("usr/bin/third")), "{:?}", files.facts);
}

#[test]
fn every_way_of_compression_gives_the_same_files() {
    let world = World::new(Kind::Distribution);
    let [tar] = world.tars(
        ["one"],
        "layer('one', [('a', 'file', 'text', {'pax_headers': {'SCHILY.xattr.user.x': 'y'}})])",
    );
    let mut trees = Vec::new();
    for (n, (kind, docker)) in [
        (media_type::LAYER_TAR, false),
        (media_type::LAYER_GZIP, false),
        (media_type::LAYER_ZSTD, false),
        (media_type::DOCKER_LAYER_GZIP, true),
    ]
    .into_iter()
    .enumerate()
    {
        // Each in a store of its own, or the first would be all that is ever unpacked.
        let own = Store::open(world.folder.path().join(format!("store-{n}"))).unwrap();
        let registries = Client::new(Settings::default(), own.clone());
        let tag = format!("t{n}");
        world.tag(&tag, &world.manifest("linux/amd64", &[world.layer(kind, &tar)], docker));
        let pin = pinned(&world.lock(&tag, &["linux/amd64"]).unwrap(), "linux/amd64");
        assert_eq!(pin.layers[0].media_type, kind);
        let access = Access { registries: &registries, store: &own, ..world.access() };
        let (files, sizes) = base_image::files(&world.reference(&tag), &pin, Want::Layers, &access).unwrap();
        assert!(own.has(&pin.layers[0].content));
        assert_eq!(sizes, [tar.len() as u64]);
        trees.push(files.tree);
    }
    let attributes = &trees[0].get(&TreePath::new("a").unwrap()).unwrap().xattrs;
    assert_eq!(**attributes, BTreeMap::from([(b"user.x".to_vec(), b"y".to_vec())]));
    assert!(trees.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn names_are_followed_through_every_kind_of_index() {
    let world = World::new(Kind::Distribution);
    let [tar] = world.tars(["one"], "layer('one', [('a', 'file', 'text')])");
    let layer = world.layer(media_type::DOCKER_LAYER_GZIP, &tar);
    let for_platform = |mut manifest: Value, architecture: &str, variant: Option<&str>| {
        manifest["platform"] = json!({ "os": "linux", "architecture": architecture });
        if let Some(variant) = variant {
            manifest["platform"]["variant"] = json!(variant);
        }
        manifest
    };
    let amd64 =
        for_platform(world.manifest("linux/amd64", std::slice::from_ref(&layer), true), "amd64", None);
    let arm64 =
        for_platform(world.manifest("linux/arm64", std::slice::from_ref(&layer), true), "arm64", Some("v8"));
    let mut about = world.manifest("unknown/unknown", std::slice::from_ref(&layer), false);
    about["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    about["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest" });

    // As go-containerregistry writes it.
    let amd64 = {
        let mut amd64 = amd64;
        amd64["artifactType"] = json!(media_type::DOCKER_CONFIG);
        amd64
    };

    // Docker's list; OCI's index with an attestation before what it is about; an index in an index.
    let list = world.index("list", &[amd64.clone(), arm64.clone()], true);
    let oci = world.index("oci", &[about.clone(), amd64.clone(), arm64.clone()], false);
    world.index("nested", &[list, about], false);
    world.tag("single", &amd64);
    let both = ["linux/amd64", "linux/arm64"];
    for tag in ["list", "oci", "nested"] {
        let locked = world.lock(tag, &both).unwrap();
        for (on, manifest) in [("linux/amd64", &amd64), ("linux/arm64", &arm64)] {
            let pin = &locked.platforms[on];
            assert_eq!(pin.manifest.digest.to_string(), manifest["digest"], "{tag} {on}");
            assert_eq!(pin.media_type, media_type::DOCKER_MANIFEST);
            assert_eq!(pin.layers[0].content, layer.blob);
        }
    }
    let named = world.lock("oci", &both).unwrap().digest;
    assert_eq!(named.to_string(), oci["digest"]);
    let single = world.lock("single", &["linux/amd64"]).unwrap();
    assert_eq!(single.digest, single.platforms["linux/amd64"].manifest.digest);

    assert_eq!(
        world.refused("single", &["linux/arm64"]),
        "image `REGISTRY/org/base:single` is not for linux/arm64, only for linux/amd64"
    );
    assert_eq!(
        world.refused("oci", &["linux/s390x"]),
        "image `REGISTRY/org/base:oci` is not for linux/s390x, only for linux/amd64, linux/arm64/v8"
    );
    let gone = world.lock("gone", &["linux/amd64"]).unwrap_err();
    assert_eq!(world.shown(&gone), "image `REGISTRY/org/base:gone`");
    let hint = gone.hint().unwrap().replace(&world.registry.host(), "REGISTRY");
    assert_eq!(
        hint,
        "correct the name, or run `longshore update REGISTRY/org/base:gone` to pin what it names now"
    );
}

#[test]
fn the_lock_holds_what_a_tag_named_until_it_is_told_to_move() {
    let world = World::new(Kind::Docker);
    let [one, two] =
        world.tars(["one", "two"], "layer('one', [('a', 'file', '1')])\nlayer('two', [('a', 'file', '2')])");
    let push =
        |tar: &[u8], of: &str| world.manifest(of, &[world.layer(media_type::DOCKER_LAYER_GZIP, tar)], true);
    let with = |mut manifest: Value, architecture: &str| {
        manifest["platform"] = json!({ "os": "linux", "architecture": architecture });
        manifest
    };
    let (first, other) = (with(push(&one, "linux/amd64"), "amd64"), with(push(&one, "linux/arm64"), "arm64"));
    world.index("1", &[first, other], true);
    let locked = world.lock("1", &["linux/amd64"]).unwrap();
    let name = world.reference("1").to_string();
    let lock = Lock { images: BTreeMap::from([(name.clone(), locked.clone())]), ..Lock::default() };
    world.index(
        "1",
        &[with(push(&two, "linux/amd64"), "amd64"), with(push(&two, "linux/arm64"), "arm64")],
        true,
    );

    let kept = world.lock_again("1", &["linux/amd64"], &lock, &Refresh::Missing).unwrap();
    assert_eq!(kept, locked);
    // A new platform is that of the image that is pinned, not of what the tag names now.
    let more = world.lock_again("1", &["linux/amd64", "linux/arm64"], &lock, &Refresh::Missing).unwrap();
    assert_eq!(
        (more.digest, &more.platforms["linux/amd64"]),
        (locked.digest, &locked.platforms["linux/amd64"])
    );
    assert_eq!(
        more.platforms["linux/arm64"].layers[0].diff_id,
        locked.platforms["linux/amd64"].layers[0].diff_id
    );
    let others = Refresh::Packages(["nginx".to_owned()].into());
    assert_eq!(world.lock_again("1", &["linux/amd64"], &lock, &others).unwrap(), locked);
    for refresh in [Refresh::All, Refresh::Packages([name].into())] {
        let moved = world.lock_again("1", &["linux/amd64"], &lock, &refresh).unwrap();
        assert_ne!(moved.digest, locked.digest, "{refresh:?}");
    }
}

#[test]
fn what_is_no_image_that_can_be_taken_is_refused_by_name() {
    let world = World::new(Kind::Referrers);
    let [tar] = world.tars(["one"], "layer('one', [('a', 'file', 'text')])");
    let layer = world.layer(media_type::LAYER_GZIP, &tar);
    let one = std::slice::from_ref(&layer);
    let amd64 = ["linux/amd64"];
    let said = |tag: &str, manifest: &Value| {
        world.tag(tag, manifest);
        let text = world.refused(tag, &amd64);
        let digest = manifest["digest"].as_str().unwrap();
        text.replace(digest, "MANIFEST").replace(&layer.blob.digest.to_string(), "LAYER")
    };
    let named = |media_type: &str| Pushed { media_type: media_type.to_owned(), ..layer.clone() };
    let foreign = world.manifest("linux/amd64", &[named(FOREIGN)], false);
    assert_eq!(
        said("foreign", &foreign),
        format!(
            "image `REGISTRY/org/base:foreign`: layer LAYER is foreign (`{FOREIGN}`): its owner allows no copies of it in other registries"
        )
    );
    let odd = world.manifest("linux/amd64", &[named("application/octet-stream")], false);
    assert_eq!(
        said("odd", &odd),
        "image `REGISTRY/org/base:odd`: layer LAYER has the media type `application/octet-stream`, expected a layer: a tar, also with gzip or zstd"
    );
    let artifact = world.manifest_with("linux/amd64", one, false, |manifest| {
        manifest["config"]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json");
    });
    assert_eq!(
        said("helm", &artifact),
        "image `REGISTRY/org/base:helm`: the configuration of manifest MANIFEST has the media type `application/vnd.cncf.helm.config.v1+json`, expected the configuration of an image"
    );
    let short = world.manifest_with("linux/amd64", &[layer.clone(), layer.clone()], false, |manifest| {
        manifest["layers"].as_array_mut().unwrap().pop();
    });
    assert_eq!(
        said("short", &short),
        "image `REGISTRY/org/base:short`: manifest MANIFEST has 1 layers, and its configuration 2"
    );
    let huge = world.manifest_with("linux/amd64", one, false, |manifest| {
        manifest["config"]["size"] = json!(5 << 20);
    });
    assert!(said("huge", &huge).ends_with("has 5242880 bytes; at most 4194304 are taken"));
    let mut lying = world.manifest("linux/arm64", one, false);
    lying["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    world.index("lying", &[lying], false);
    let text = world.refused("lying", &amd64);
    assert!(text.ends_with("is listed for linux/amd64, and its configuration says linux/arm64"), "{text}");
    // Indexes in indexes.
    let mut inner = world.index("deep", &[], false);
    for _ in 0..4 {
        inner = world.index("deep", &[inner], false);
    }
    assert_eq!(
        world.refused("deep", &amd64),
        "image `REGISTRY/org/base:deep`: its indexes lie in each other more than 4 deep"
    );
    world.index("empty", &[], false);
    assert_eq!(
        world.refused("empty", &amd64),
        "image `REGISTRY/org/base:empty` is not for linux/amd64, only for no platform at all"
    );
}

#[test]
fn manifests_of_the_first_schema_are_refused() {
    let body = r#"{"schemaVersion":1,"name":"org/base","tag":"1","architecture":"amd64","fsLayers":[],"history":[]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.distribution.manifest.v1+prettyjws\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let proxy = Proxy::answering("127.0.0.1:1", Box::new(move |_| Some(answer.clone())));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let registries = Client::new(Settings::default(), store.clone());
    let access =
        Access { registries: &registries, store: &store, trust: Trust::Records, jobs: 1, progress: &Silent };
    let reference: Reference = format!("{}/org/base:1", proxy.host()).parse().unwrap();
    let stack = stack(&reference, &["linux/amd64"]);
    let error = base_image::lock(&stack, &Lock::default(), &Refresh::Missing, &access).unwrap_err();
    assert!(matches!(error, Error::Schema1 { .. }), "{error}");
    assert!(error.to_string().contains("has a manifest of Docker's schema 1"), "{error}");
    assert!(error.hint().unwrap().contains("`docker push "), "{error}");
}

#[test]
fn harm_in_layers_is_refused() {
    let world = World::new(Kind::Referrers);
    let tars = world.tars(
        ["device", "outside", "link", "dangling", "below"],
        "layer('device', [('dev/null', 'char', '')])\n\
         layer('outside', [('../etc/passwd', 'file', 'x')])\n\
         layer('link', [('a', 'link', '../../etc')])\n\
         layer('dangling', [('a', 'hard', 'b')])\n\
         layer('below', [('a', 'file', 'x'), ('a/b', 'file', 'y')])\n",
    );
    for (tar, said) in tars.iter().zip([
        "`dev/null` is a character device; only files, directories and links are taken",
        "unsafe path `../etc/passwd`: it contains `..`",
        "symbolic link `/a`: its target `../../etc` leads out of the root",
        "hard link `/a` to `/b`, which is not a file of the same tree",
        "`/a/b` lies under `/a`, which is not a directory",
    ]) {
        assert_eq!(world.refused_layer(tar), format!("image `REGISTRY/org/base:harm`, layer 1: {said}"));
    }
    // Nothing but zeros, which gzip makes small.
    let bomb = vec![0; 200 << 20];
    let text = world.refused_layer(&bomb);
    assert!(text.contains("bytes unpack to more than"), "{text}");
}

#[test]
fn layers_that_are_not_what_they_are_said_to_be_are_refused() {
    let world = World::new(Kind::Referrers);
    let [tar] = world.tars(["one"], "layer('one', [('a', 'file', 'text')])");
    let layer = world.layer(media_type::LAYER_GZIP, &tar);
    let other = Pushed { diff_id: Digest::of(b"other"), ..layer.clone() };
    world.tag("other", &world.manifest("linux/amd64", &[other], false));
    let text = world.shown(&world.files("other").unwrap_err());
    let (expected, found) = (Digest::of(b"other"), layer.diff_id);
    assert_eq!(
        text,
        format!(
            "image `REGISTRY/org/base:other`, layer 1: its uncompressed bytes are {found}, the configuration says {expected}"
        )
    );
    let zstd = Pushed { media_type: media_type::LAYER_ZSTD.to_owned(), ..layer };
    world.tag("zstd", &world.manifest("linux/amd64", &[zstd], false));
    assert_eq!(
        world.shown(&world.files("zstd").unwrap_err()),
        format!(
            "image `REGISTRY/org/base:zstd`, layer 1: its media type is `{}`, and its bytes are gzip",
            media_type::LAYER_ZSTD
        )
    );
}

#[test]
fn a_lock_that_was_tampered_with_brings_nothing_in() {
    let world = World::new(Kind::Docker);
    let [good, evil] = world
        .tars(["good", "evil"], "layer('good', [('a', 'file', '1')])\nlayer('evil', [('a', 'file', '2')])");
    let (good, evil) = (
        world.layer(media_type::DOCKER_LAYER_GZIP, &good),
        world.layer(media_type::DOCKER_LAYER_GZIP, &evil),
    );
    world.tag("1", &world.manifest("linux/amd64", std::slice::from_ref(&good), true));
    world.files("1").unwrap();
    let (reference, pin) =
        (world.reference("1"), pinned(&world.lock("1", &["linux/amd64"]).unwrap(), "linux/amd64"));
    let with = |change: &dyn Fn(&mut LockedManifest)| {
        let mut pin = pin.clone();
        change(&mut pin);
        world.shown(&base_image::files(&reference, &pin, Want::Layers, &world.access()).unwrap_err())
    };
    // Another blob for a layer whose files are known already, which would be published with them.
    let text = with(&|pin| pin.layers[0].content = evil.blob);
    let (expected, found) = (good.diff_id, evil.diff_id);
    assert_eq!(
        text,
        format!(
            "image `REGISTRY/org/base:1`, layer 1: its uncompressed bytes are {found}, the configuration says {expected}"
        )
    );
    let text = with(&|pin| pin.layers[0].diff_id = longshore_oci::DiffId(evil.diff_id));
    assert!(
        text.starts_with(
            "image `REGISTRY/org/base:1`: the layers in the lock are not those of the configuration"
        ),
        "{text}"
    );
}

#[test]
fn what_the_store_has_is_asked_of_nobody_and_what_it_lost_is_brought_again() {
    let world = World::new(Kind::Docker);
    let [tar] = world.tars(["one"], "layer('one', [('a', 'file', 'text')])");
    let layer = world.layer(media_type::DOCKER_LAYER_GZIP, &tar);
    world.tag("1", &world.manifest("linux/amd64", std::slice::from_ref(&layer), true));
    let (reference, pin) =
        (world.reference("1"), pinned(&world.lock("1", &["linux/amd64"]).unwrap(), "linux/amd64"));
    let offline = longshore_net::Settings { access: longshore_net::Access::Offline, ..Default::default() };
    let nobody = Client::new(Settings { net: offline, ..Settings::default() }, world.store.clone());
    let away = Access { registries: &nobody, ..world.access() };
    let error = base_image::files(&reference, &pin, Want::Files, &away).unwrap_err();
    assert_eq!(error.hint().unwrap(), "run again without `--offline`");
    let (files, _) = base_image::files(&reference, &pin, Want::Files, &world.access()).unwrap();
    assert_eq!(base_image::files(&reference, &pin, Want::Files, &away).unwrap().0, files);
    let config = base_image::config(&reference, &pin, &away).unwrap();
    assert_eq!((config.config.user.as_str(), config.config.cmd.len()), ("1000:1000", 1));
    assert_eq!(config.history.len(), 1, "its own speaks of no layer, so that there is one line for each");

    // A file and the blob are gone.
    let text = Content::of(b"text");
    fs_err::remove_file(world.store.blob_path(&text.digest)).unwrap();
    fs_err::remove_file(world.store.blob_path(&layer.blob.digest)).unwrap();
    let checked = Access { trust: Trust::Blobs, ..world.access() };
    assert_eq!(base_image::files(&reference, &pin, Want::Layers, &checked).unwrap().0, files);
    assert!(world.store.has(&text) && world.store.has(&layer.blob));
}
