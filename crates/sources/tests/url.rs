//! Pinned archives and files: real ones of every form, and ones made to do harm, each refused by name.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;

use longshore_net::{Access, Client, Settings, Url};
use longshore_oci::{Component, Content, Digest, Origin, Platform, Silent, Store};
use longshore_sources::deb::lock::Refresh;
use longshore_sources::url::{self, Error};
use longshore_stack::lock::{Lock, LockedUrl};
use longshore_stack::model::{Stack, UrlFile, UrlForm, UrlSpec};
use longshore_testkit::Tool;
use longshore_testkit::http::Server;
use tempfile::TempDir;

/// Makes `a.*`: every form of archive of one tree, and `tool` and `plain`.
const ARCHIVES: &str = r#"
import io, sys, tarfile, zipfile
long = 'x' * 120
def entries():
    yield 'top', 'dir', b'', 0o775
    yield 'top/bin', 'dir', b'', 0o700
    yield 'top/bin/tool', 'file', b'#!/bin/sh\necho hi\n', 0o775
    yield 'top/bin/tool2', 'link', b'tool', 0o777
    yield 'top/' + long, 'file', b'long', 0o664
    yield 'top/d\u00fc', 'file', b'u' * 6000000, 0o600
    yield 'README', 'file', b'beside', 0o644
for mode, name in [('w', 'a.tar'), ('w:gz', 'a.tgz'), ('w:xz', 'a.tar.xz'), ('w:bz2', 'a.tar.bz2')]:
    for format, start in [(tarfile.PAX_FORMAT, 'pax-'), (tarfile.GNU_FORMAT, 'gnu-')]:
        with tarfile.open(start + name, mode, format=format, pax_headers={'comment': 'abc'}) as tar:
            for path, kind, data, bits in entries():
                info = tarfile.TarInfo(path)
                info.mode, info.uid, info.gid, info.mtime = bits, 1234, 5678, 1700000000.5
                info.uname = 'somebody'
                if kind == 'dir': info.type = tarfile.DIRTYPE
                elif kind == 'link': info.type, info.linkname = tarfile.SYMTYPE, data.decode()
                else: info.size = len(data)
                tar.addfile(info, io.BytesIO(data) if kind == 'file' else None)
with zipfile.ZipFile('a.zip', 'w') as zip:
    for path, kind, data, bits in entries():
        info = zipfile.ZipInfo(path + ('/' if kind == 'dir' else ''))
        info.create_system = 3
        type = {'dir': 0o040000, 'link': 0o120000, 'file': 0o100000}[kind]
        info.external_attr = (type | bits) << 16
        info.compress_type = zipfile.ZIP_DEFLATED if kind == 'file' and len(data) > 10 else zipfile.ZIP_STORED
        zip.writestr(info, data)
open('tool', 'wb').write(b'#!/bin/sh\n')
open('plain.txt', 'wb').write(b'text\n')
"#;

struct World {
    folder: TempDir,
    store: Store,
    client: Client,
}

fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn spec(url: &str, form: UrlForm, strip: u32) -> UrlSpec {
    let file = UrlFile { url: url.to_owned(), sha256: None };
    UrlSpec { files: BTreeMap::from([(None, file)]), strip, form }
}

fn stack(urls: impl IntoIterator<Item = (&'static str, UrlSpec)>) -> Stack {
    Stack {
        name: "test".to_owned(),
        profile: None,
        repository: "test".to_owned(),
        version: None,
        epoch: longshore_oci::Epoch(0),
        platforms: vec![amd64()],
        sources: BTreeMap::new(),
        builds: BTreeMap::new(),
        urls: urls.into_iter().map(|(name, spec)| (name.to_owned(), spec)).collect(),
        images: BTreeMap::new(),
        services: BTreeMap::new(),
        secrets: BTreeMap::new(),
        layers: Default::default(),
        publish: longshore_stack::model::PublishSpec::default(),
        cache: None,
        nix: longshore_stack::model::NixSpec { caches: Vec::new(), trusted_keys: Vec::new() },
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        fs_err::create_dir(folder.path().join("files")).unwrap();
        let client = Client::new(Settings { retries: 0, ..Settings::default() }).unwrap();
        Self { folder, store, client }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join("files").join(name);
        fs_err::write(&path, bytes).unwrap();
        self.url(name)
    }

    fn url(&self, name: &str) -> String {
        format!("file://{}", self.folder.path().join("files").join(name).display())
    }

    /// Pins and unpacks one thing.
    fn component(&self, spec: &UrlSpec) -> Result<Component, Error> {
        let lock = self.lock(&stack([("thing", spec.clone())]), &Lock::default(), &Refresh::Missing)?;
        self.unpack(spec, &lock[0])
    }

    fn unpack(&self, spec: &UrlSpec, pin: &LockedUrl) -> Result<Component, Error> {
        url::component("thing", spec, &amd64(), pin, &self.client, &self.store, &Silent)
    }

    fn lock(&self, stack: &Stack, previous: &Lock, refresh: &Refresh) -> Result<Vec<LockedUrl>, Error> {
        url::lock(stack, previous, refresh, &self.client, &self.store, &Silent)
    }

    /// What an archive of these bytes is told.
    fn refused(&self, bytes: &[u8]) -> String {
        let spec = spec(&self.put("harm", bytes), UrlForm::Archive, 0);
        self.component(&spec).unwrap_err().to_string()
    }

    fn python(&self, script: &str) {
        let script = format!("import os; os.chdir({:?})\n{script}", self.folder.path().join("files"));
        Tool::new("python3").args(["-c", &script]).run();
    }
}

#[test]
fn archives_of_every_form_are_one_tree() {
    let world = World::new();
    world.python(ARCHIVES);
    let tar = fs_err::read(world.folder.path().join("files/pax-a.tar")).unwrap();
    world.put("a.tar.zst", &zstd::encode_all(tar.as_slice(), 1).unwrap());
    let all = [
        "pax-a.tar",
        "gnu-a.tar",
        "pax-a.tgz",
        "gnu-a.tgz",
        "pax-a.tar.xz",
        "pax-a.tar.bz2",
        "a.tar.zst",
        "a.zip",
    ];
    let mut first = None;
    for name in all {
        let component = world.component(&spec(&world.url(name), UrlForm::Archive, 1)).unwrap();
        assert_eq!(component.origin, Origin::Url("thing".to_owned()));
        let dump = component.tree.dump().replace(&"x".repeat(120), "long");
        let first = first.get_or_insert_with(|| component.tree.clone());
        assert_eq!(component.tree, *first, "{name}");
        // The digests are those of the first archive.
        let line = |line: &str| match line.starts_with('f') {
            true => line.rsplit_once(' ').unwrap().0.to_owned(),
            false => line.to_owned(),
        };
        assert_eq!(
            dump.lines().map(line).collect::<Vec<_>>(),
            [
                "d 0755 0:0         - /bin",
                "f 0755 0:0        18 /bin/tool",
                "l 0777 0:0         - /bin/tool2 -> tool",
                "f 0644 0:0   6000000 /dü",
                "f 0644 0:0         4 /long",
            ],
            "{name}"
        );
        let facts: Vec<_> = component.facts.keys().map(ToString::to_string).collect();
        assert_eq!(facts, ["/bin/tool"], "{name}");
    }
    let whole = world.component(&spec(&world.url("a.zip"), UrlForm::Archive, 0)).unwrap();
    assert_eq!(whole.tree.len(), 7);
    let error = world.component(&spec(&world.url("a.zip"), UrlForm::Archive, 9)).unwrap_err();
    assert!(matches!(error, Error::Stripped { .. }), "{error}");
    assert!(error.hint().unwrap().contains("[url.thing]"));
}

#[test]
fn a_file_is_a_tree_of_its_name() {
    let world = World::new();
    world.python(ARCHIVES);
    let dump = |name: &str| world.component(&spec(&world.url(name), UrlForm::File, 0)).unwrap().tree.dump();
    assert!(dump("tool").starts_with("f 0755 0:0        10 /tool "), "{}", dump("tool"));
    assert!(dump("plain.txt").starts_with("f 0644 0:0         5 /plain.txt "));
    let error = world.component(&spec(&world.url("plain.txt"), UrlForm::Archive, 0)).unwrap_err();
    assert!(matches!(error, Error::NoArchive { .. }), "{error}");
}

#[test]
fn tars_made_to_do_harm_are_refused_by_name() {
    let world = World::new();
    let cases = [
        ("up", "add('../../etc/evil')", "`../../etc/evil`"),
        ("absolute", "add('/etc/evil')", "`/etc/evil`: it is absolute"),
        (
            "link out",
            "add('evil', tarfile.SYMTYPE, '../../etc')",
            "`/evil`: its target `../../etc` leads out",
        ),
        ("through a link", "add('a', tarfile.SYMTYPE, 'b'); add('a/c')", "`/a/c` lies under `/a`"),
        ("hard link out", "add('evil', tarfile.LNKTYPE, '/etc/passwd')", "`/etc/passwd`: it is absolute"),
        ("hard link to nothing", "add('evil', tarfile.LNKTYPE, 'x')", "hard link `evil`"),
        ("twice", "add('evil'); add('evil')", "`evil` is there twice"),
        ("device", "add('evil', tarfile.CHRTYPE)", "`evil` is a character device"),
        ("pipe", "add('evil', tarfile.FIFOTYPE)", "`evil` is a named pipe"),
        ("long name up", "add('../' + 'evil/' * 60)", "`../evil/"),
    ];
    for (what, script, expected) in cases {
        world.python(&format!(
            "import tarfile\ntar = tarfile.open('harm.tar', 'w')\ndef add(name, type=tarfile.REGTYPE, link=''):\n    info = tarfile.TarInfo(name); info.type = type; info.linkname = link; tar.addfile(info)\n{script}\ntar.close()"
        ));
        let said = world.refused(&fs_err::read(world.folder.path().join("files/harm.tar")).unwrap());
        assert!(said.starts_with("url `thing`: ") && said.contains(expected), "{what}: {said}");
    }
    // What stays inside the archive may lead out of what is left of it.
    world.python("import tarfile\ntar = tarfile.open('harm.tar', 'w')\ninfo = tarfile.TarInfo('top/evil'); info.type = tarfile.SYMTYPE; info.linkname = '../x'; tar.addfile(info)\ntar.close()");
    assert!(world.component(&spec(&world.url("harm.tar"), UrlForm::Archive, 0)).is_ok());
    let error = world.component(&spec(&world.url("harm.tar"), UrlForm::Archive, 1)).unwrap_err();
    assert!(error.to_string().contains("leads out of the root"), "{error}");
}

#[test]
fn zips_made_to_do_harm_are_refused_by_name() {
    let world = World::new();
    let cases = [
        ("up", "add('../evil')", "`../evil`"),
        ("absolute", "add('/etc/evil')", "`/etc/evil`: it is absolute"),
        ("backslash", "add('a\\\\..\\\\evil')", "it contains a backslash"),
        ("link out", "add('evil', b'../x', 0o120777)", "its target `../x` leads out"),
        ("through a link", "add('a', b'b', 0o120777); add('a/c')", "`/a/c` lies under `/a`"),
        ("twice", "add('evil'); add('evil')", "`evil` is there twice"),
        ("as folder and file", "add('evil/'); add('evil')", "`evil` is there twice"),
        ("device", "add('evil', b'', 0o020644)", "`evil` in the zip is neither a file"),
        ("method", "add('evil', b'x' * 99, compress=zipfile.ZIP_LZMA)", "neither stored nor deflated"),
    ];
    for (what, script, expected) in cases {
        world.python(&format!(
            "import zipfile, warnings\nwarnings.simplefilter('ignore')\nzip = zipfile.ZipFile('harm.zip', 'w')\ndef add(name, data=b'', mode=0o100644, compress=zipfile.ZIP_STORED):\n    info = zipfile.ZipInfo(name); info.filename = name; info.create_system = 3; info.external_attr = mode << 16; info.compress_type = compress; zip.writestr(info, data)\n{script}\nzip.close()"
        ));
        let said = world.refused(&fs_err::read(world.folder.path().join("files/harm.zip")).unwrap());
        assert!(said.starts_with("url `thing`: ") && said.contains(expected), "{what}: {said}");
    }
}

#[test]
fn bombs_and_damage() {
    let world = World::new();
    world.python(
        "import zipfile, tarfile, gzip, io\n\
         zip = zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED); zip.writestr('zeros', bytes(80_000_000)); zip.close()\n\
         zip = zipfile.ZipFile('fine.zip', 'w', zipfile.ZIP_DEFLATED); zip.writestr('a', b'hello ' * 100); zip.writestr('b', b'x'); zip.close()\n\
         tar = tarfile.open('bomb.tgz', 'w:gz'); info = tarfile.TarInfo('zeros'); info.size = 80_000_000; tar.addfile(info, io.BytesIO(bytes(80_000_000))); tar.close()",
    );
    let read = |name: &str| fs_err::read(world.folder.path().join("files").join(name)).unwrap();
    for name in ["bomb.zip", "bomb.tgz"] {
        let said = world.refused(&read(name));
        assert!(said.contains("unpack to more than"), "{name}: {said}");
    }
    // Wherever a zip is damaged, it is refused or reads as the same tree: names and bytes are held to the checksum.
    let fine = read("fine.zip");
    let tree = world.component(&spec(&world.put("ok", &fine), UrlForm::Archive, 0)).unwrap().tree;
    for at in 0..fine.len() {
        let mut damaged = fine.clone();
        damaged[at] ^= 0x55;
        let spec = spec(&world.put("harm", &damaged), UrlForm::Archive, 0);
        if let Ok(component) = world.component(&spec) {
            let contents =
                |tree: &longshore_oci::Tree| tree.iter().map(|(_, e)| e.node.clone()).collect::<Vec<_>>();
            let (was, is) = (contents(&tree), contents(&component.tree));
            assert!(is == was || is.len() < was.len(), "byte {at}");
        }
    }
    for length in 0..fine.len() {
        world.refused(&fine[..length]);
    }
}

#[test]
fn pins_are_learnt_kept_and_refreshed() {
    let world = World::new();
    let served = world.folder.path().join("files");
    world.put("tool", b"one");
    let server = Server::new(&served);
    let address = format!("{}/tool", server.url());
    let mut spec = spec(&address, UrlForm::File, 0);
    let stack_of = |spec: &UrlSpec| stack([("tool", spec.clone())]);
    let first = world.lock(&stack_of(&spec), &Lock::default(), &Refresh::Missing).unwrap();
    assert_eq!(first[0].content, Content::of(b"one"));
    let mut lock = Lock { urls: first, ..Lock::default() };
    assert_eq!(lock.stale(&stack_of(&spec)), Vec::<String>::new());

    world.put("tool", b"two");
    assert_eq!(world.lock(&stack_of(&spec), &lock, &Refresh::Missing).unwrap(), lock.urls);
    let names = |name: &str| Refresh::Packages([name.to_owned()].into());
    assert_eq!(world.lock(&stack_of(&spec), &lock, &names("other")).unwrap(), lock.urls);
    for refresh in [Refresh::All, names("tool")] {
        assert_eq!(world.lock(&stack_of(&spec), &lock, &refresh).unwrap()[0].content, Content::of(b"two"));
    }

    // The store has what the lock pins; without it, the server's new file is refused.
    assert!(
        url::component("tool", &spec, &amd64(), &lock.urls[0], &world.client, &world.store, &Silent).is_ok()
    );
    let bare = World::new();
    let error = url::component("tool", &spec, &amd64(), &lock.urls[0], &bare.client, &bare.store, &Silent)
        .unwrap_err();
    assert_eq!(
        error.hint().unwrap(),
        "find out why it changed; if it is meant to, run `longshore update tool`"
    );

    let file = spec.files.get_mut(&None).unwrap();
    file.sha256 = Some(Digest::of(b"one"));
    assert_eq!(lock.stale(&stack_of(&spec)), Vec::<String>::new());
    let error = world.lock(&stack_of(&spec), &Lock::default(), &Refresh::Missing).unwrap_err();
    assert!(matches!(error, Error::Different { .. }), "{error}");
    spec.files.get_mut(&None).unwrap().sha256 = Some(Digest::of(b"two"));
    assert_eq!(lock.stale(&stack_of(&spec)), ["url `tool` has another sha256 in the stack file"]);
    assert!(matches!(world.unpack(&spec, &lock.urls[0]), Err(Error::NotLocked { .. })));
    lock.urls = world.lock(&stack_of(&spec), &lock, &Refresh::Missing).unwrap();
    assert_eq!(lock.urls[0].content, Content::of(b"two"));

    spec.files.get_mut(&None).unwrap().url = format!("{}/gone", server.url());
    assert_eq!(lock.stale(&stack_of(&spec)), ["url `tool` is at another address now"]);
    let error = world.lock(&stack_of(&spec), &lock, &Refresh::Missing).unwrap_err();
    assert!(matches!(&error, Error::Net { error, .. } if error.is_gone()), "{error}");
    assert_eq!(lock.stale(&stack([])), ["url `tool` is pinned for more than the stack asks"]);
}

#[test]
fn what_was_unpacked_needs_no_network() {
    let world = World::new();
    world.python(ARCHIVES);
    let spec = spec(&world.url("a.zip"), UrlForm::Archive, 1);
    let lock = world.lock(&stack([("thing", spec.clone())]), &Lock::default(), &Refresh::Missing).unwrap();
    let first = world.unpack(&spec, &lock[0]).unwrap();
    fs_err::remove_dir_all(world.folder.path().join("files")).unwrap();
    let offline = Client::new(Settings { access: Access::Offline, ..Settings::default() }).unwrap();
    let again = url::component("thing", &spec, &amd64(), &lock[0], &offline, &world.store, &Silent).unwrap();
    assert_eq!(again, first);
    // A file that was lost is unpacked again, from the archive in the store.
    let lost = first.tree.iter().find_map(|(_, entry)| match &entry.node {
        longshore_oci::Node::File(content) => Some(*content),
        _ => None,
    });
    let lost = lost.unwrap();
    fs_err::remove_file(world.store.blob_path(&lost.digest)).unwrap();
    assert_eq!(world.unpack(&spec, &lock[0]).unwrap(), first);
    assert!(world.store.has(&lost));
    assert!(lock[0].url.parse::<Url>().is_ok());
}
