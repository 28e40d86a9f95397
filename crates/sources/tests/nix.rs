//! Paths of the Nix store, held against Nix itself: its archives, its stores on disk, its binary caches and their signatures.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use longshore_net::{Access, Client, Settings};
use longshore_oci::{Content, Digest, Node, Progress, Silent, Step, Store, StorePath, Trust};
use longshore_sources::nix::{self, Caches, Error, Unpacked, hash, local, nar};
use longshore_stack::lock::{AboutStorePath, LockedStorePath};
use longshore_stack::model::NixKey;
use longshore_testkit::http::{Fault, Server, Times};
use longshore_testkit::nix::{Nix, NixStore};
use tempfile::TempDir;

const COMPRESSIONS: [&str; 6] = ["none", "xz", "zstd", "gzip", "bzip2", "br"];

/// What Nix made, once for all tests.
struct World {
    folder: PathBuf,
    nix: NixStore,
    /// By what they are in the flake.
    outputs: BTreeMap<&'static str, StorePath>,
    /// All of them and what they refer to, as Nix knows it.
    closure: BTreeMap<StorePath, LockedStorePath>,
    first: NixKey,
    second: NixKey,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nix-sources");
    drop(fs_err::remove_dir_all(&folder));
    fs_err::create_dir_all(&folder).unwrap();
    let installed = Nix::installed();
    let nix = installed.store(&folder.join("store"));
    installed.closure_flake(&folder.join("flake"));
    let mut outputs = BTreeMap::new();
    for name in ["stack", "conf", "link", "odd", "tool0", "lib7"] {
        let built = nix.build(&[&format!("path:{}#{name}", folder.join("flake").display())]);
        outputs.insert(name, built[0].parse().unwrap());
    }
    let stack: &StorePath = &outputs["stack"];
    let [first, second] = ["test-1", "test-2"].map(|name| nix.key(name, &folder));
    for compression in COMPRESSIONS {
        // Brotli takes seconds for what is large.
        let tops = if compression == "br" { vec!["odd", "link", "lib7"] } else { vec!["stack"] };
        let tops: Vec<String> = tops.into_iter().map(|name| outputs[name].to_string()).collect();
        nix.cache(&folder.join(compression), compression, Some(&first), &tops);
    }
    nix.cache(&folder.join("unsigned"), "zstd", None, &[stack.to_string()]);
    let sign = ["store", "sign", "-r", "-k"].map(str::to_owned);
    let more = [second.file.display().to_string(), stack.to_string()];
    nix.tool("nix").args(sign).args(more).run();
    nix.cache(&folder.join("twice"), "zstd", Some(&first), &[stack.to_string()]);
    let closure = known(&nix, stack);
    World { folder, outputs, closure, first: key(&first.public), second: key(&second.public), nix }
});

fn key(public: &str) -> NixKey {
    let (name, encoded) = public.split_once(':').unwrap();
    // The digits of base 64 are those of a digest in Nix's other form.
    let key = *hash::digest(&format!("sha256-{encoded}")).unwrap().as_bytes();
    NixKey { name: name.to_owned(), key }
}

/// What Nix says of `top` and all that it refers to.
fn known(nix: &NixStore, top: &StorePath) -> BTreeMap<StorePath, LockedStorePath> {
    let json = nix.run(&["path-info", "--json", "-r", &top.to_string()]);
    let json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let paths = json.into_iter().map(|(path, info)| {
        let references: BTreeSet<StorePath> = info["references"]
            .as_array()
            .unwrap()
            .iter()
            .map(|path| text(path).unwrap().parse().unwrap())
            .collect();
        let locked = LockedStorePath {
            nar: Content {
                digest: hash::digest(info["narHash"].as_str().unwrap()).unwrap(),
                size: info["narSize"].as_u64().unwrap(),
            },
            references: references.into_iter().collect(),
            derivation: text(&info["deriver"]).map(|path| path.parse().unwrap()),
            content_address: text(&info["ca"]),
            about: AboutStorePath::default(),
        };
        (path.parse().unwrap(), locked)
    });
    paths.collect()
}

impl World {
    fn output(&self, name: &str) -> (&StorePath, &LockedStorePath) {
        self.closure.get_key_value(&self.outputs[name]).unwrap()
    }

    /// The path that is named by its content.
    fn busybox(&self) -> (&StorePath, &LockedStorePath) {
        self.closure.iter().find(|(path, _)| path.name() == "busybox-static").unwrap()
    }

    fn on_disk(&self, path: &StorePath) -> PathBuf {
        self.nix.on_disk(&path.to_string())
    }
}

/// Keeps warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Progress for Warnings {
    fn begin(&self, _verb: &'static str, _what: &str, _bytes: Option<u64>) -> Box<dyn Step> {
        Box::new(Silent)
    }

    fn note(&self, _message: &str) {}

    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// A machine without Nix.
struct Machine {
    _folder: TempDir,
    store: Store,
    client: Client,
}

impl Machine {
    fn new() -> Self {
        Self::with(Settings { retries: 0, ..Settings::default() })
    }

    fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Self { store, client: Client::new(settings).unwrap(), _folder: folder }
    }

    fn caches(&self, addresses: &[&str], keys: &[&NixKey]) -> Caches<'_> {
        let keys: Vec<NixKey> = keys.iter().map(|key| (*key).clone()).collect();
        Caches::new(addresses, &keys, &self.client, &self.store, &Silent).unwrap()
    }
}

/// A cache that is a copy of one of the world's, to be spoilt.
struct Spoilt {
    folder: TempDir,
}

impl Spoilt {
    /// Holds what the cache `from` has of `path`.
    fn of(from: &str, path: &StorePath) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spoilt = Self { folder };
        let from = WORLD.folder.join(from);
        let said = fs_err::read_to_string(from.join(narinfo(path))).unwrap();
        fs_err::create_dir(spoilt.at("nar")).unwrap();
        let nar = field(&said, "URL");
        for file in ["nix-cache-info", &narinfo(path)[..], nar] {
            fs_err::copy(from.join(file), spoilt.at(file)).unwrap();
        }
        spoilt
    }

    fn at(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    /// Replaces text in what is said of `path`, which must be there.
    fn say(&self, path: &StorePath, from: &str, to: &str) {
        let file = self.at(&narinfo(path));
        let text = fs_err::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text} has no `{from}`");
        fs_err::write(file, text.replace(from, to)).unwrap();
    }

    /// Takes a line out of what is said of `path`.
    fn unsay(&self, path: &StorePath, key: &str) {
        let file = self.at(&narinfo(path));
        let text = fs_err::read_to_string(&file).unwrap();
        let start = format!("{key}:");
        let left: String =
            text.lines().filter(|line| !line.starts_with(&start)).map(|line| format!("{line}\n")).collect();
        assert_ne!(left, text);
        fs_err::write(file, left).unwrap();
    }

    /// What stands behind `key` of what is said of `path`.
    fn said(&self, path: &StorePath, key: &str) -> String {
        field(&fs_err::read_to_string(self.at(&narinfo(path))).unwrap(), key).to_owned()
    }
}

fn narinfo(path: &StorePath) -> String {
    format!("{}.narinfo", path.hash())
}

fn field<'t>(text: &'t str, key: &str) -> &'t str {
    let start = format!("{key}: ");
    text.lines().find_map(|line| line.strip_prefix(&start)).unwrap()
}

/// All that is told of a failure.
fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn archives_are_those_of_nix() {
    let machine = Machine::new();
    assert_eq!(WORLD.closure.len(), 30);
    for (path, locked) in &WORLD.closure {
        let unpacked = local::fetch(path, locked, &WORLD.on_disk(path), &machine.store).unwrap();
        assert_eq!(unpacked.nar, locked.nar);
        unpacked.tree.check().unwrap();
        let dumped = WORLD.nix.tool("nix-store").arg("--dump").arg(WORLD.on_disk(path)).output().stdout;
        let mut written = Vec::new();
        nar::write(&unpacked.tree, path, &machine.store, &mut written).unwrap();
        assert!(written == dumped, "{path}");
        let other = Machine::new();
        assert_eq!(nar::unpack(&dumped[..], path, locked.nar.size, &other.store).unwrap(), unpacked);
    }
    let kinds = ["conf", "link", "odd"].map(|name| {
        let (path, locked) = WORLD.output(name);
        let unpacked = local::fetch(path, locked, Path::new("/nowhere"), &machine.store).unwrap();
        (unpacked.tree.get(&path.tree_path()).unwrap().node.clone(), unpacked.tree.dump())
    });
    assert!(matches!(kinds[0].0, Node::File(_)) && matches!(kinds[1].0, Node::Symlink(_)));
    contains(
        &kinds[2].1,
        &[
            "/sp ace/f i l e",
            "/ünï/ö",
            "/broken -> dangling",
            "/emptydir",
            &format!("{0}/{0}/file", format!("{:0120}", 7)),
        ],
    );
}

#[test]
fn every_compression_gives_what_a_store_on_disk_gives() {
    for compression in COMPRESSIONS {
        let (machine, local) = (Machine::new(), Machine::new());
        let server = Server::new(WORLD.folder.join(compression));
        let caches = machine.caches(&[&server.url()], &[&WORLD.first]);
        let tops = if compression == "br" { vec!["odd", "link", "lib7"] } else { vec!["stack"] };
        let tops: BTreeSet<StorePath> = tops.into_iter().map(|name| WORLD.outputs[name].clone()).collect();
        let closure = caches.closure(&tops).unwrap();
        if compression != "br" {
            assert_eq!(closure.keys().collect::<Vec<_>>(), WORLD.closure.keys().collect::<Vec<_>>());
        }
        for (path, info) in &closure {
            assert_eq!(info.locked(), WORLD.closure[path], "{path}");
            assert_eq!(info.cache, server.url());
        }
        let wanted: Vec<_> = closure.keys().map(|path| (path, &WORLD.closure[path])).collect();
        let fetched = caches.fetch_all(&wanted).unwrap();
        for ((path, _), unpacked) in wanted.iter().zip(&fetched) {
            assert_eq!(*unpacked, local::read(path, &WORLD.on_disk(path), &local.store).unwrap(), "{path}");
        }
        let said = fs_err::read_to_string(WORLD.folder.join(compression).join(narinfo(wanted[0].0))).unwrap();
        assert_eq!(field(&said, "Compression"), compression);
        // What was unpacked once is asked for no more.
        let asked = server.total_requests();
        assert_eq!(caches.fetch_all(&wanted).unwrap(), fetched);
        assert_eq!(server.total_requests(), asked);
    }
}

#[test]
fn a_file_that_is_gone_from_the_store_is_fetched_again() {
    let machine = Machine::new();
    let caches =
        machine.caches(&[&format!("file://{}", WORLD.folder.join("zstd").display())], &[&WORLD.first]);
    let (path, locked) = WORLD.output("conf");
    let unpacked = caches.fetch(path, locked).unwrap();
    let Node::File(content) = unpacked.tree.get(&path.tree_path()).unwrap().node else { panic!() };
    fs_err::remove_file(machine.store.blob_path(&content.digest)).unwrap();
    let recorded = |trust| nix::recorded(path, &locked.nar, &machine.store, trust).unwrap();
    assert_eq!(recorded(Trust::Records).as_ref(), Some(&unpacked));
    assert_eq!(recorded(Trust::Blobs), None);
    assert_eq!(caches.fetch(path, locked).unwrap(), unpacked);
    assert!(machine.store.has(&content));
}

#[test]
fn one_trusted_signature_is_enough_and_none_is_not() {
    let machine = Machine::new();
    let (path, locked) = WORLD.output("tool0");
    let look_up = |cache: &str, keys: &[&NixKey]| {
        machine.caches(&[&format!("file://{}", WORLD.folder.join(cache).display())], keys).look_up(path)
    };
    for key in [&WORLD.first, &WORLD.second] {
        assert_eq!(look_up("twice", &[key]).unwrap().locked(), *locked);
    }
    let other = NixKey { name: "test-2".to_owned(), key: WORLD.first.key };
    assert_eq!(look_up("twice", &[&other, &WORLD.first]).unwrap().nar, locked.nar);
    contains(
        &told(look_up("zstd", &[&WORLD.second])),
        &[
            &format!("store path `{path}`: binary cache `file://"),
            "/zstd` has it, but it is signed by `test-1`, and trusted is `test-2`",
            "hint: if you trust `test-1`, add its public key to `trusted-public-keys` of [nix]",
        ],
    );
    contains(&told(look_up("twice", &[])), &["it is signed by `test-1`, `test-2`, and trusted is nobody"]);
    contains(&told(look_up("twice", &[&other])), &["its signature by `test-2` does not match"]);
    contains(
        &told(look_up("unsigned", &[&WORLD.first])),
        &[
            "has it, but it is not signed",
            &format!(
                "hint: have the cache's owner sign what is in it: `nix store sign --store CACHE --recursive --key-file SECRET-KEY {path}`"
            ),
        ],
    );
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let (path, locked) = WORLD.output("tool0");
    let size = locked.nar.size;
    let reference = locked.references.iter().find(|other| *other != path).unwrap().base_name();
    for (from, to) in [
        (format!("NarSize: {size}"), format!("NarSize: {}", size + 8)),
        (format!("{reference} "), String::new()),
        (hash::text(&locked.nar.digest), hash::text(&Digest::of(b"other"))),
    ] {
        let (machine, spoilt) = (Machine::new(), Spoilt::of("zstd", path));
        spoilt.say(path, &from, &to);
        let caches = [&spoilt.url()[..]];
        let caches = machine.caches(&caches, &[&WORLD.first]);
        contains(
            &told(caches.look_up(path)),
            &["its signature by `test-1` does not match: it was changed after it was signed"],
        );
        assert!(caches.fetch(path, locked).is_err());
    }
}

/// Everything that can be wrong with an archive, in every compression: as its narinfo knows it, and where that says nothing of it.
#[test]
fn damaged_archives_are_refused() {
    for compression in COMPRESSIONS {
        let (path, locked) = WORLD.output(if compression == "br" { "odd" } else { "tool0" });
        let spoilt = Spoilt::of(compression, path);
        let file = spoilt.at(&spoilt.said(path, "URL"));
        let whole = fs_err::read(&file).unwrap();
        let fetch = |keys: &[&NixKey]| {
            let machine = Machine::new();
            machine.caches(&[&spoilt.url()], keys).fetch(path, locked)
        };
        let keys = [&WORLD.first];
        fetch(&keys).unwrap();
        for silent in [false, true] {
            if silent {
                spoilt.unsay(path, "FileHash");
                spoilt.unsay(path, "FileSize");
                fs_err::write(&file, &whole).unwrap();
                fetch(&keys).unwrap();
            }
            let step = (whole.len() / 40).max(1);
            for at in (0..whole.len()).step_by(step) {
                let mut changed = whole.clone();
                changed[at] ^= 0x10;
                fs_err::write(&file, changed).unwrap();
                match fetch(&keys) {
                    // Some bits of containers mean nothing (gzip's time).
                    Ok(unpacked) => assert!(silent && unpacked.nar == locked.nar, "{compression}, byte {at}"),
                    Err(error) => contains(&error.to_string(), &[&path.to_string(), &spoilt.url(), "nar/"]),
                }
            }
            for end in [0, 1, whole.len() / 2, whole.len() - 1] {
                fs_err::write(&file, &whole[..end]).unwrap();
                let error = told(fetch(&keys));
                contains(&error, &["has it, but", &path.to_string()]);
            }
            fs_err::write(&file, [&whole[..], &whole[..]].concat()).unwrap();
            match fetch(&keys) {
                // Brotli's own end is one; nothing behind it is read.
                Ok(unpacked) => assert!(silent && compression == "br" && unpacked.nar == locked.nar),
                Err(error) => contains(&error.to_string(), &["has it, but"]),
            }
        }
        fs_err::remove_file(&file).unwrap();
        contains(
            &told(fetch(&keys)),
            &["has it, but not its archive: ", "not found", "hint: have the cache's owner remove `"],
        );
    }
}

#[test]
fn archives_without_an_end_end() {
    let (path, locked) = WORLD.output("tool0");
    for (compression, silent) in [("none", false), ("zstd", false), ("zstd", true), ("xz", true)] {
        let spoilt = Spoilt::of(compression, path);
        if silent {
            spoilt.unsay(path, "FileHash");
            spoilt.unsay(path, "FileSize");
        }
        let server = Server::new(spoilt.folder.path());
        server.fault(&spoilt.said(path, "URL"), Fault::Endless, Times::Always);
        let machine = Machine::new();
        let error = told(machine.caches(&[&server.url()], &[&WORLD.first]).fetch(path, locked));
        contains(&error, &["has it, but not its archive"]);
        assert!(error.contains("larger than") || error.contains("got more"), "{error}");
        server.fault(&narinfo(path), Fault::Endless, Times::Always);
        contains(
            &told(machine.caches(&[&server.url()], &[&WORLD.first]).fetch(path, locked)),
            &["larger than the 4194304 bytes"],
        );
    }
}

#[test]
fn other_digests_of_the_compressed_file_are_refused() {
    let (path, locked) = WORLD.output("tool0");
    let spoilt = Spoilt::of("xz", path);
    let file_hash = spoilt.said(path, "FileHash");
    let other = hash::text(&Digest::of(b"other"));
    spoilt.say(path, &format!("FileHash: {file_hash}"), &format!("FileHash: {other}"));
    let fetch = || {
        let machine = Machine::new();
        machine.caches(&[&spoilt.url()], &[&WORLD.first]).fetch(path, locked)
    };
    contains(
        &told(fetch()),
        &["has it, but not its archive: ", &format!("expected {}", Digest::of(b"other"))],
    );
    // Said without the size, and the size without it.
    let size = spoilt.said(path, "FileSize");
    spoilt.unsay(path, "FileSize");
    contains(
        &told(fetch()),
        &["has it, but its archive `nar/", &format!("its narinfo says {}", Digest::of(b"other"))],
    );
    spoilt.say(
        path,
        &format!("FileHash: {other}"),
        &format!("FileSize: {}", size.parse::<u64>().unwrap() + 1),
    );
    contains(&told(fetch()), &["has it, but its archive `nar/"]);
    spoilt.say(path, "FileSize: ", "Later: ");
    fetch().unwrap();
}

#[test]
fn caches_that_differ_from_the_lock_are_told_apart() {
    let (path, locked) = WORLD.output("tool0");
    let machine = Machine::new();
    let cache = format!("file://{}", WORLD.folder.join("zstd").display());
    let caches = machine.caches(&[&cache], &[&WORLD.first]);
    let fetch = |locked: &LockedStorePath| told(caches.fetch(path, locked));
    let nar = |digest, size| LockedStorePath { nar: Content { digest, size }, ..locked.clone() };
    contains(
        &fetch(&nar(Digest::of(b"x"), locked.nar.size)),
        &[
            &format!("its NarHash is {}, expected {}", locked.nar.digest, Digest::of(b"x")),
            "longshore update",
        ],
    );
    contains(
        &fetch(&nar(locked.nar.digest, 8)),
        &[&format!("its NarSize is {}, expected 8", locked.nar.size)],
    );
    let mut references = locked.references.clone();
    let gone = references.remove(0);
    let fewer = LockedStorePath { references, ..locked.clone() };
    contains(&fetch(&fewer), &[&format!("it refers to `{}` as well", gone.base_name())]);
    let mut references = locked.references.clone();
    references.push(WORLD.outputs["odd"].clone());
    let more = LockedStorePath { references, ..locked.clone() };
    contains(&fetch(&more), &["it does not refer to `", "-odd-names`"]);
}

#[test]
fn caches_are_asked_by_priority_and_passed_over_where_they_cannot_be() {
    let (path, locked) = WORLD.output("conf");
    let of = |folder: &str, priority: &str| {
        let spoilt = Spoilt::of(folder, path);
        fs_err::write(spoilt.at("nix-cache-info"), format!("StoreDir: /nix/store\n{priority}")).unwrap();
        (Server::new(spoilt.folder.path()), spoilt)
    };
    let ((slow, _a), (fast, _b), (first, _c)) =
        (of("xz", "Priority: 50\n"), of("zstd", "Priority: 30\n"), of("gzip", ""));
    let machine = Machine::new();
    let asked = |addresses: &[&str]| {
        let caches = machine.caches(addresses, &[&WORLD.first]);
        caches.look_up(path).unwrap().cache
    };
    assert_eq!(asked(&[&slow.url(), &fast.url()]), fast.url());
    assert_eq!(asked(&[&slow.url(), &fast.url(), &first.url()]), first.url());
    assert_eq!(asked(&[&format!("{}?priority=10", slow.url()), &fast.url()]), slow.url());
    assert_eq!(slow.requests("nix-cache-info") + fast.requests("nix-cache-info"), 6);
    // One that has nothing, one that is not there, one for another store, and one whose archive is damaged.
    let empty = tempfile::tempdir().unwrap();
    fs_err::write(empty.path().join("nix-cache-info"), "StoreDir: /nix/store\nPriority: 1\n").unwrap();
    let gone = "http://127.0.0.1:1".to_owned();
    let (other, spoilt) = of("zstd", "Priority: 1\n");
    fs_err::write(spoilt.at("nix-cache-info"), "StoreDir: /gnu/store\n").unwrap();
    let (bad, damaged) = of("zstd", "Priority: 2\n");
    fs_err::write(damaged.at(&damaged.said(path, "URL")), "nothing").unwrap();
    let empty_url = format!("file://{}", empty.path().display());
    let all = [&gone[..], &empty_url, &other.url(), &bad.url(), &slow.url()];
    let machine = Machine::new();
    let (warnings, keys) = (Warnings::default(), [WORLD.first.clone()]);
    let unsigned = format!("file://{}?priority=3", WORLD.folder.join("unsigned").display());
    let more = [&all[..], &[&unsigned]].concat();
    let caches = Caches::new(&more, &keys, &machine.client, &machine.store, &warnings).unwrap();
    assert_eq!(caches.fetch(path, locked).unwrap().nar, locked.nar);
    // Only what is damaged is anybody's business while another one has the path.
    let warnings = warnings.0.into_inner().unwrap();
    assert_eq!(warnings.len(), 1);
    contains(&warnings[0], &[&format!("`{path}`: binary cache `{}` has it, but not its archive", bad.url())]);
    // The same without the last one: every reason is told, those of the caches that were asked first.
    let machine = Machine::new();
    let caches = machine.caches(&all[..4], &[&WORLD.first]);
    let error = told(caches.fetch(path, locked));
    let expected = [
        &format!("binary cache `{empty_url}` does not have it; ")[..],
        &format!("binary cache `{}` has it, but not its archive: ", bad.url()),
        &format!("binary cache `{gone}` can't be read: "),
        &format!("binary cache `{}` is for a store at `/gnu/store`, expected `/nix/store`", other.url()),
    ];
    contains(&error, &expected);
    let machine = Machine::new();
    contains(
        &told(machine.caches(&[], &[]).look_up(path)),
        &["there is no binary cache to ask", "name one in `caches` of [nix]"],
    );
    let nothing = tempfile::tempdir().unwrap();
    let nothing = format!("file://{}", nothing.path().display());
    contains(
        &told(machine.caches(&[&nothing], &[]).look_up(path)),
        &["is none: there is no `nix-cache-info`", "check the address"],
    );
    contains(
        &told(machine.caches(&[&empty_url], &[]).look_up(path)),
        &["does not have it", "nix copy --to CACHE"],
    );
}

#[test]
fn without_a_network_folders_still_serve() {
    let (path, locked) = WORLD.output("conf");
    let machine = Machine::with(Settings { access: Access::Offline, ..Settings::default() });
    let cache = format!("file://{}", WORLD.folder.join("zstd").display());
    machine.caches(&["http://127.0.0.1:1", &cache], &[&WORLD.first]).fetch(path, locked).unwrap();
    let machine = Machine::with(Settings { access: Access::Offline, ..Settings::default() });
    let error = told(machine.caches(&["http://127.0.0.1:1"], &[&WORLD.first]).fetch(path, locked));
    contains(&error, &["the network is needed", "hint: run again without `--offline`"]);
}

#[test]
fn a_transfer_that_broke_off_goes_on() {
    let (path, locked) = WORLD.busybox();
    let spoilt = Spoilt::of("zstd", path);
    let server = Server::new(spoilt.folder.path());
    let nar = spoilt.said(path, "URL");
    server.fault(&nar, Fault::Truncate(100_000), Times::First(1));
    let machine = Machine::with(Settings { retries: 1, ..Settings::default() });
    machine.caches(&[&server.url()], &[&WORLD.first]).fetch(path, locked).unwrap();
    assert_eq!(server.requests(&nar), 2);
}

#[test]
fn what_is_named_by_its_content_needs_no_key() {
    let machine = Machine::new();
    let (path, locked) = WORLD.busybox();
    assert!(locked.content_address.is_some());
    let unsigned = format!("file://{}", WORLD.folder.join("unsigned").display());
    let fetched = machine.caches(&[&unsigned], &[]).fetch(path, locked).unwrap();
    assert_eq!(fetched.nar, locked.nar);

    // A file, and a text that refers to it: their archives' digests do not follow from their names.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    fs_err::write(&file, "text\n").unwrap();
    let added = WORLD.nix.tool("nix-store").args(["--add-fixed", "sha256"]).arg(&file).run();
    let note = WORLD.nix.run(&[
        "eval",
        "--raw",
        "--impure",
        "--expr",
        r#"builtins.toFile "note" "see ${builtins.toFile "seen" "x"}""#,
    ]);
    for path in [added.trim(), note.trim()] {
        let path: StorePath = path.parse().unwrap();
        let cache = folder.path().join(path.hash());
        WORLD.nix.cache(&cache, "none", None, &[path.to_string()]);
        let url = format!("file://{}", cache.display());
        let machine = Machine::new();
        let info = machine.caches(&[&url], &[]).look_up(&path).unwrap();
        machine.caches(&[&url], &[]).fetch(&path, &info.locked()).unwrap();
        // Another file of the same length in an archive whose digest is right.
        let text = fs_err::read_to_string(cache.join(narinfo(&path))).unwrap();
        let mut nar = fs_err::read(cache.join(field(&text, "URL"))).unwrap();
        let at = nar.windows(8).position(|window| window == b"contents").unwrap() + 16;
        nar[at] = b'T';
        let digest = hash::text(&Digest::of(&nar));
        fs_err::write(cache.join(field(&text, "URL")), &nar).unwrap();
        fs_err::write(cache.join(narinfo(&path)), text.replace(&hash::text(&info.nar.digest), &digest))
            .unwrap();
        let machine = Machine::new();
        let caches = machine.caches(&[&url], &[]);
        let locked = caches.look_up(&path).unwrap().locked();
        contains(
            &told(caches.fetch(&path, &locked)),
            &["has it unsigned, and its content is not the one that it is named by (sha256:"],
        );
    }
}

/// A brotli stream (RFC 7932) of `bytes` as they are, in one meta-block: at most 64 KiB.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len() - 1).unwrap();
    assert!(length < 1 << 16);
    // A window of 64 KiB; not the last meta-block; its length in four nibbles; not compressed.
    let head = length << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[3]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn what_servers_encode_is_decoded() {
    let (path, locked) = WORLD.output("odd");
    for coding in ["gzip", "br", "zstd", "x-gzip"] {
        let encode = match coding {
            "br" => brotli,
            "zstd" => zstd,
            _ => gzip,
        };
        let spoilt = Spoilt::of("none", path);
        let nar = spoilt.said(path, "URL");
        let server = Server::new(spoilt.folder.path());
        for file in ["nix-cache-info", &narinfo(path), &nar] {
            let bytes = fs_err::read(spoilt.at(file)).unwrap();
            fs_err::write(spoilt.at(file), encode(&bytes)).unwrap();
            server.header(file, &format!("Content-Encoding: {coding}"));
        }
        // Broken off once: what was there can't be gone on with.
        server.fault(&nar, Fault::Truncate(700), Times::First(1));
        let machine = Machine::with(Settings { retries: 1, ..Settings::default() });
        let caches = machine.caches(&[&server.url()], &[&WORLD.first]);
        assert_eq!(caches.look_up(path).unwrap().locked(), *locked, "{coding}");
        assert_eq!(caches.fetch(path, locked).unwrap().nar, locked.nar, "{coding}");
        let machine = Machine::new();
        server.header(&narinfo(path), "Content-Encoding: compress");
        let error = told(machine.caches(&[&server.url()], &[&WORLD.first]).look_up(path));
        contains(&error, &["with the content coding `compress`, which longshore can't undo"]);
    }
    // As Nix itself encodes an archive.
    let spoilt = Spoilt::of("none", path);
    let nar = spoilt.said(path, "URL");
    let encoded = Spoilt::of("br", path);
    fs_err::copy(encoded.at(&encoded.said(path, "URL")), spoilt.at(&nar)).unwrap();
    let server = Server::new(spoilt.folder.path());
    server.header(&nar, "Content-Encoding: br");
    let machine = Machine::new();
    machine.caches(&[&server.url()], &[&WORLD.first]).fetch(path, locked).unwrap();
}

#[test]
fn buckets_are_read_where_everybody_may() {
    let (path, locked) = WORLD.output("conf");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(WORLD.folder.join("zstd"), folder.path().join("bucket")).unwrap();
    let server = Server::new(folder.path());
    let host = server.url();
    let address =
        format!("s3://bucket?endpoint={}&scheme=http&region=eu-west-1", host.trim_start_matches("http://"));
    let machine = Machine::new();
    let caches = machine.caches(&[&address], &[&WORLD.first]);
    assert_eq!(caches.look_up(path).unwrap().cache, "s3://bucket");
    caches.fetch(path, locked).unwrap();
    // What is not there is forbidden where nobody may list.
    let missing: StorePath = "0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5".parse().unwrap();
    server.fault(&format!("bucket/{}", narinfo(&missing)), Fault::Forbidden, Times::Always);
    contains(&told(caches.look_up(&missing)), &["binary cache `s3://bucket` does not have it"]);
    server.fault("bucket/nix-cache-info", Fault::Forbidden, Times::Always);
    let private = told(machine.caches(&[&address], &[&WORLD.first]).look_up(path));
    contains(
        &private,
        &[
            "not everybody may read (status 403), and longshore makes no signed requests",
            "hint: let everybody read the bucket",
        ],
    );
}

#[test]
fn archives_are_read_from_nowhere_less_safe() {
    let (path, locked) = WORLD.output("conf");
    let spoilt = Spoilt::of("zstd", path);
    let nar = spoilt.said(path, "URL");
    let server = Server::new(spoilt.folder.path());
    let elsewhere = Server::new(spoilt.folder.path());
    let set = |to: &str| spoilt.say(path, &spoilt.said(path, "URL"), to);
    let fetch = || {
        let machine = Machine::new();
        machine.caches(&[&server.url()], &[&WORLD.first]).fetch(path, locked)
    };
    set(&format!("{}/{nar}", elsewhere.url()));
    fetch().unwrap();
    assert_eq!((elsewhere.requests(&nar), server.requests(&nar)), (1, 0));
    set(&format!("{nar}?hash=x"));
    contains(&told(fetch()), &["has it, but not its archive"]);
    assert_eq!(server.requests(&format!("{nar}?hash=x")), 1);
    set(&format!("file://{}", spoilt.at(&nar).display()));
    contains(&told(fetch()), &["no place to read its archive from: `file://"]);
    set("nar/../../etc/passwd");
    contains(&told(fetch()), &["has a narinfo that can't be understood: `URL` is `nar/../../etc/passwd`"]);
    let other = &WORLD.outputs["odd"];
    fs_err::copy(spoilt.at(&narinfo(path)), spoilt.at(&narinfo(other))).unwrap();
    spoilt.say(other, "nar/../../etc/passwd", &nar);
    let server = Server::new(spoilt.folder.path());
    let machine = Machine::new();
    let error = told(machine.caches(&[&server.url()], &[&WORLD.first]).look_up(other));
    contains(&error, &[&format!("has a narinfo of that hash that is about `{path}`")]);
}

#[test]
fn stores_on_disk_are_read_as_they_are() {
    let machine = Machine::new();
    let (path, locked) = WORLD.output("conf");
    let read = |at: &Path| -> Result<Unpacked, Error> { local::read(path, at, &machine.store) };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("x");
    contains(
        &told(read(&at)),
        &[
            &format!("store path `{path}`: "),
            "x`",
            &format!("hint: bring it there with `nix-store --realise {path}`"),
        ],
    );
    // Owners, times and other permissions count for nothing; whether its owner may execute a file does.
    fs_err::copy(WORLD.on_disk(path), &at).unwrap();
    let mode = |mode: u32| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs_err::set_permissions(&at, permissions).unwrap();
        local::fetch(path, locked, &at, &Machine::new().store)
    };
    assert_eq!(mode(0o666).unwrap().nar, locked.nar);
    assert_eq!(mode(0o655).unwrap().nar, locked.nar);
    contains(
        &told(mode(0o744)),
        &[
            &format!(
                "the lock expects the archive {}, {} bytes; `{}` gives sha256:",
                locked.nar.digest,
                locked.nar.size,
                at.display()
            ),
            "nix-store --repair-path",
        ],
    );
    fs_err::remove_file(&at).unwrap();
    fs_err::create_dir(&at).unwrap();
    // Links are not followed, wherever they lead.
    std::os::unix::fs::symlink("/etc/passwd", at.join("link")).unwrap();
    std::os::unix::fs::symlink(".", at.join("loop")).unwrap();
    let dump = read(&at).unwrap().tree.dump();
    contains(&dump, &["link -> /etc/passwd", "loop -> ."]);
    assert_eq!(dump.lines().count(), 3);
    let pipe = at.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    contains(
        &told(read(&at)),
        &[&format!("`{}` is a named pipe; a store path holds files, folders and links only", pipe.display())],
    );
}
