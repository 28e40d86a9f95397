//! The lock: its text, what it refuses, when it is stale, how two differ.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::HEAD;
use insta::assert_snapshot;
use longshore_oci::{Content, DiffId, Digest, PackageId, StorePath};
use longshore_stack::lock::{
    self, AboutStorePath, Change, Changes, LayoutLayer, Lock, LockError, LockedClosure, LockedImage,
    LockedLayer, LockedManifest, LockedNix, LockedPackage, LockedRelease, LockedStorePath, LockedUrl,
};
use longshore_stack::model::{Consumer, Requirement, Scope, Stack};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

fn id(name: &str, version: &str) -> PackageId {
    let [source, architecture] = ["debian", "amd64"].map(str::to_owned);
    PackageId { source, name: name.to_owned(), version: version.to_owned(), architecture }
}

fn package(name: &str, depends: &[&str]) -> LockedPackage {
    LockedPackage {
        path: format!("pool/main/{name}.deb"),
        content: Content::of(name.as_bytes()),
        depends: depends.iter().map(ToString::to_string).collect(),
    }
}

fn wants(package: &str, scope: Scope) -> Requirement {
    Requirement { source: "debian".to_owned(), package: package.to_owned(), scope }
}

fn stack(rest: &str) -> Stack {
    common::read(&format!("{HEAD}{rest}")).unwrap().stack
}

const WEB: &str = "[image.web]\ncontents = [\"nginx\", \"tzdata\"]\ncommand = [\"/x\"]\n";

/// The lock of [`WEB`].
fn sample() -> Lock {
    Lock {
        assembler: 3,
        sources: stack(WEB).source_definitions(),
        releases: vec![LockedRelease {
            source: "debian".to_owned(),
            suite: "trixie".to_owned(),
            codename: "trixie".to_owned(),
            date: 1_763_800_000,
            release: Content::of(b"release"),
            signed_by: vec!["AB".repeat(20)],
        }],
        packages: BTreeMap::from([
            (id("nginx", "1.26.3-3"), package("nginx", &["libc6"])),
            (id("libc6", "2:2.41-12"), package("libc6", &[])),
            (id("tzdata", "2025b-4"), package("tzdata", &[])),
        ]),
        closures: vec![LockedClosure {
            consumer: Consumer::Image("web".to_owned()),
            platform: "linux/amd64".to_owned(),
            requires: vec![wants("nginx", Scope::Closure), wants("tzdata", Scope::Alone)],
            packages: vec![id("libc6", "2:2.41-12"), id("nginx", "1.26.3-3"), id("tzdata", "2025b-4")],
        }],
        ..Lock::default()
    }
}

fn parse(text: &str) -> Result<Lock, LockError> {
    lock::parse(text, Path::new("stack.lock"))
}

#[test]
fn text() {
    assert_snapshot!(sample(), @r#"
    # Written by longshore: every input of this stack by digest. Keep it under version control beside stack.toml.
    # `longshore lock` follows the stack file, `longshore update` takes newer versions.
    version = 1
    revision = 1
    assembler = 3

    [[source]]
    name = "debian"
    definition = [
      "distribution debian",
      "suite trixie",
      "component main",
      "keyring debian-archive",
    ]

    [[release]]
    source = "debian"
    suite = "trixie"
    codename = "trixie"
    date = 1763800000 # 2025-11-22T08:26:40Z
    size = 7
    sha256 = "a4d451ec23463726f72c43d64c710968f6b602cd653b4de8adee1b556240a829"
    signed-by = [
      "ABABABABABABABABABABABABABABABABABABABAB",
    ]

    [[package]]
    name = "libc6"
    version = "2:2.41-12"
    architecture = "amd64"
    source = "debian"
    path = "pool/main/libc6.deb"
    size = 5
    sha256 = "fb9ce3b804ed6882db53398f268a9c8e59ab103221188aee6513dfddde5b9aff"
    depends = []

    [[package]]
    name = "nginx"
    version = "1.26.3-3"
    architecture = "amd64"
    source = "debian"
    path = "pool/main/nginx.deb"
    size = 5
    sha256 = "5be1ecc7935f1dd85635d4feedaf660594030253cc97c9e9ca3819ffeac36b65"
    depends = [
      "libc6",
    ]

    [[package]]
    name = "tzdata"
    version = "2025b-4"
    architecture = "amd64"
    source = "debian"
    path = "pool/main/tzdata.deb"
    size = 6
    sha256 = "572d4fe95e2cfd3425b70544a829f39104cad64fb57cdc63a25f9e837fb79917"
    depends = []

    [[closure]]
    image = "web"
    platform = "linux/amd64"
    requires = [
      "debian/nginx",
      "debian/tzdata alone",
    ]
    packages = [
      "debian/libc6=2:2.41-12:amd64",
      "debian/nginx=1.26.3-3:amd64",
      "debian/tzdata=2025b-4:amd64",
    ]
    "#);
    assert_eq!(parse(&sample().to_string()).unwrap(), sample());
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9+.-]{1,12}"
}

fn content() -> impl Strategy<Value = Content> {
    (any::<[u8; 8]>(), 0..1_u64 << 40)
        .prop_map(|(bytes, size)| Content { digest: longshore_oci::Digest::of(&bytes), size })
}

prop_compose! {
    fn any_lock()(
        assembler in any::<u32>(),
        profile in prop::option::of("[a-z]{1,4}(-[0-9]{1,2})?"),
        sources in btree_map("[a-z]{1,8}", vec("\\PC{0,20}", 0..4), 1..4),
        releases in vec((any::<prop::sample::Index>(), "\\PC{1,8}", name(), 0..1_u64 << 40, content(), vec("[0-9A-F]{40}", 0..3)), 0..4),
        packages in vec(((any::<prop::sample::Index>(), name(), "[0-9][0-9a-z:.+~-]{0,10}", "[a-z0-9]{1,8}"),
            ("[a-zA-Z0-9_+~%-]{1,10}(/[a-zA-Z0-9_+~%-]{1,10}){0,3}", content(), btree_set(name(), 0..4))), 0..8),
        closures in btree_map((any::<bool>(), "\\PC{1,8}", prop::sample::select(&["linux/amd64", "linux/arm64", "linux/arm/v7"][..])),
            (vec((any::<prop::sample::Index>(), name(), any::<bool>()), 0..4), vec(any::<prop::sample::Index>(), 0..8)), 0..4),
        urls in btree_map(("\\PC{1,8}", prop::option::of(prop::sample::select(&["linux/amd64", "linux/arm64"][..]))), ("\\PC{1,8}", content()), 0..3),
        images in btree_map("[a-z]{1,8}\\.[a-z]{2}/[a-z]{1,8}:[a-z0-9]{1,4}", (any::<[u8; 8]>(), btree_map(
            prop::sample::select(&["linux/amd64", "linux/arm64"][..]), (content(), content(), vec((content(), any::<[u8; 8]>()), 0..3)), 0..3)), 0..3),
        store in btree_map(("[0-9a-df-np-sv-z]{32}", "[a-zA-Z0-9+._?=-]{1,8}"), (content(), vec(any::<prop::sample::Index>(), 0..3),
            prop::option::of("\\PC{1,8}"), prop::option::of("\\PC{1,8}"), vec("CVE-2024-[0-9]{4}", 0..2)), 0..4),
        asked in btree_map(("\\PC{1,8}", prop::sample::select(&["linux/amd64", "linux/arm64"][..])), vec(any::<prop::sample::Index>(), 0..3), 0..3),
        go_sums in btree_set("[a-z.]{1,8}(/[a-z]{1,8}){0,2} v[0-9]\\.[0-9]\\.[0-9](/go\\.mod)? h1:[a-zA-Z0-9+/]{43}=", 0..3),
        (updates, counts) in (0..9_u64, btree_map("\\PC{1,8}", 0..9_u64, 0..3)),
        layouts in btree_map(prop::sample::select(&["linux/amd64", "linux/arm64"][..]),
            btree_set((btree_set("\\PC{1,8}", 1..3), btree_set("\\PC{1,8}", 1..3), any::<[u8; 8]>()), 1..3), 0..3),
    ) -> Lock {
        let urls = urls.into_iter().map(|((name, platform), (url, content))| LockedUrl { name, platform: platform.map(str::to_owned), url, content }).collect();
        let names: Vec<String> = sources.keys().cloned().collect();
        let packages: BTreeMap<PackageId, LockedPackage> = packages.into_iter().map(|((source, name, version, architecture), (path, content, depends))| {
            let id = PackageId { source: source.get(&names).clone(), name, version, architecture };
            (id, LockedPackage { path, content, depends: depends.into_iter().collect() })
        }).collect();
        let ids: Vec<PackageId> = packages.keys().cloned().collect();
        let mut releases: Vec<LockedRelease> = releases.into_iter().map(|(source, suite, codename, date, release, signed_by)| {
            LockedRelease { source: source.get(&names).clone(), suite, codename, date, release, signed_by }
        }).collect();
        releases.sort();
        let closures = closures.into_iter().map(|((build, name, platform), (requires, packages))| {
            let requires: BTreeSet<Requirement> = requires.into_iter().map(|(source, package, alone)| {
                Requirement { source: source.get(&names).clone(), package, scope: if alone { Scope::Alone } else { Scope::Closure } }
            }).collect();
            let packages: BTreeSet<PackageId> = packages.into_iter().filter(|_| !ids.is_empty()).map(|index| index.get(&ids).clone()).collect();
            let consumer = if build { Consumer::Build(name) } else { Consumer::Image(name) };
            LockedClosure { consumer, platform: platform.to_owned(), requires: requires.into_iter().collect(), packages: packages.into_iter().collect() }
        }).collect();
        let images = images.into_iter().map(|(name, (digest, platforms))| {
            let platforms = platforms.into_iter().map(|(platform, (manifest, config, layers))| {
                let layers = layers.into_iter().map(|(content, diff)| LockedLayer {
                    media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(), content, diff_id: DiffId(Digest::of(&diff)),
                }).collect();
                let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
                (platform.to_owned(), LockedManifest { media_type, manifest, config, layers })
            }).collect();
            (name, LockedImage { digest: Digest::of(&digest), platforms })
        }).collect();
        let named: Vec<StorePath> = store.keys().map(|(hash, name)| format!("{hash}-x{name}").parse().unwrap()).collect();
        let some = |indices: &[prop::sample::Index]| -> Vec<StorePath> {
            let paths: BTreeSet<_> = indices.iter().filter(|_| !named.is_empty()).map(|index| index.get(&named).clone()).collect();
            paths.into_iter().collect()
        };
        let store_paths = named.iter().cloned().zip(store.values()).map(|(path, (nar, references, version, license, patched))| {
            let about = AboutStorePath { version: version.clone(), license: license.clone(), patched: patched.clone(), ..AboutStorePath::default() };
            (path, LockedStorePath { nar: *nar, references: some(references), derivation: named.first().cloned(), content_address: None, about })
        }).collect();
        let nix = asked.into_iter().map(|((installable, platform), outputs)| {
            LockedNix { installable, platform: platform.to_owned(), outputs: some(&outputs) }
        }).collect();
        let changes = Changes { updates, inputs: if updates == 0 { BTreeMap::new() } else { counts } };
        let layouts = layouts.into_iter().map(|(platform, layers)| {
            let layer = |(images, members, content): (BTreeSet<String>, BTreeSet<String>, [u8; 8])| LayoutLayer {
                images: images.into_iter().collect(), members: members.into_iter().collect(), content: Digest::of(&content),
            };
            (platform.to_owned(), layers.into_iter().map(layer).collect::<BTreeSet<_>>().into_iter().collect())
        }).collect();
        Lock { assembler, profile, sources, releases, packages, closures, urls, images, nix, store_paths, go_sums, layouts, changes }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(lock in any_lock()) {
        let text = lock.to_string();
        let read = parse(&text).map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        prop_assert_eq!(&read, &lock);
        prop_assert_eq!(read.to_string(), text);
    }

    /// A lock from a pull request may be anything.
    #[test]
    fn nothing_that_is_read_panics(at in any::<prop::sample::Index>(), with in "\\PC{0,3}") {
        let text = sample().to_string();
        let at = text.floor_char_boundary(at.index(text.len()));
        let end = text.ceil_char_boundary((at + 3).min(text.len()));
        let damaged = format!("{}{with}{}", &text[..at], &text[end..]);
        if let Ok(lock) = parse(&damaged) {
            prop_assert_eq!(parse(&lock.to_string()).unwrap(), lock);
        }
    }
}

#[test]
fn a_future_version_is_refused_for_what_it_is() {
    let error = parse("version = 2\nassembler = \"something new\"\n[[wheel]]\nround = true\n").unwrap_err();
    assert_snapshot!(error, @r#"`stack.lock` has format version 2; this longshore knows versions up to 1"#);
    assert!(error.hint().unwrap().contains("newer longshore"));
    let error = parse("version = 0\n").unwrap_err();
    assert!(matches!(error, LockError::Damaged(_)));
}

#[test]
fn what_a_later_revision_adds_is_passed_over() {
    let text = sample().to_string();
    let later = text
        .replace("revision = 1", "revision = 7\nnew = { a = 1 }")
        .replace("[[closure]]", "[[future]]\nname = \"x\"\n\n[[closure]]\nnew = true");
    assert_ne!(later, text);
    assert_eq!(parse(&later).unwrap(), sample());
}

#[test]
fn damage_is_shown_where_it_is() {
    let text = sample().to_string();
    let said: String = [
        ("version = 1\n", "version = one\n"),
        ("assembler = 3\n", ""),
        ("name = \"nginx\"", "nam = \"nginx\""),
        ("sha256 = \"", "sha256 = \"X"),
        ("pool/main/nginx.deb", "../../nginx.deb"),
        ("pool/main/nginx.deb", "https://elsewhere.example/nginx.deb"),
        ("  \"debian/libc6=2:2.41-12:amd64\",", "  \"debian/libc6=2:2.41-13:amd64\","),
        ("  \"debian/libc6=2:2.41-12:amd64\",", "  \"libc6\","),
        ("  \"debian/tzdata alone\"", "  \"debian/tzdata solo\""),
        ("name = \"nginx\"", "name = \"../x\""),
        ("linux/amd64", "plan9/amd64"),
        ("source = \"debian\"", "source = \"other\""),
        ("name = \"tzdata\"\nversion = \"2025b-4\"", "name = \"nginx\"\nversion = \"1.26.3-3\""),
    ]
    .into_iter()
    .map(|(from, to)| {
        assert!(text.contains(from), "{from}");
        match parse(&text.replacen(from, to, 1)).unwrap_err() {
            LockError::Damaged(diagnostic) => format!("{diagnostic}\n"),
            other => panic!("{other:?}"),
        }
    })
    .collect();
    assert_snapshot!(said, @r#"
    stack.lock:3:11: string values must be quoted, expected literal string
    stack.lock:1:1: missing field `assembler`
    stack.lock:37:1: missing field `name`
    stack.lock:22:10: `Xa4d451ec23463726f72c43d64c710968f6b602cd653b4de8adee1b556240a829` is not 64 lower-case hex digits
    stack.lock:42:8: `../../nginx.deb` is not a path inside an archive
    stack.lock:42:8: `https://elsewhere.example/nginx.deb` is not a path inside an archive
    stack.lock:67:3: no [[package]] of this lock is `debian/libc6=2:2.41-13:amd64`
    stack.lock:67:3: `libc6` is not of the form `source/name=version:architecture`
    stack.lock:64:3: `debian/tzdata solo` is not of the form `source/package`
    stack.lock:38:8: `../x=1.26.3-3:amd64` can't be a package
    stack.lock:61:12: `plan9/amd64` is not a platform; expected one of linux/386, linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x
    stack.lock:17:10: no [[source]] of this lock is called `other`
    stack.lock:50:8: package `debian/nginx=1.26.3-3:amd64` is locked twice
    "#);
}

#[test]
fn reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.lock");
    assert!(lock::read(&path).unwrap().is_none());
    fs_err::write(&path, sample().to_string()).unwrap();
    assert_eq!(lock::read(&path).unwrap(), Some(sample()));
    fs_err::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(lock::read(&path), Err(LockError::Unreadable(_))));
}

#[test]
fn a_lock_fits_the_stack_it_was_made_for() {
    assert_eq!(sample().stale(&stack(WEB)), Vec::<String>::new());
    // Neither what is not locked nor an image without packages matters.
    let more = format!("{WEB}env = {{ A = \"b\" }}\n[image.bare]\ncommand = [\"/x\"]\n");
    assert_eq!(sample().stale(&stack(&more)), Vec::<String>::new());
}

#[test]
fn staleness_is_said_in_sentences() {
    let web = WEB.replace("\"nginx\", \"tzdata\"", "\"caddy\", \"nginx\"");
    assert_snapshot!(sample().stale(&stack(&web)).join("\n"), @r#"
    image `web` no longer wants `tzdata` alone from source `debian`
    image `web` now wants `caddy` from source `debian`
    "#);
    let other = WEB.replace("image.web", "image.other");
    assert_snapshot!(sample().stale(&stack(&other)).join("\n"), @r#"
    image `other` is not in the lock
    image `web` is no longer in the stack
    "#);

    let read = |head: String| common::read(&format!("{head}{WEB}")).unwrap().stack;
    let suites = read(HEAD.replace("[\"trixie\"]", "[\"trixie-security\", \"sid\"]"));
    assert_snapshot!(sample().stale(&suites).join("\n"), @r#"source `debian` now has `suite trixie-security`, now has `suite sid`, no longer has `suite trixie`"#);
    let renamed = read(HEAD.replace("sources.debian", "sources.deb"));
    assert_snapshot!(sample().stale(&renamed).join("\n"), @r#"
    source `deb` is not in the lock
    source `debian` is no longer in the stack
    image `web` no longer wants `nginx` from source `debian`
    image `web` no longer wants `tzdata` alone from source `debian`
    image `web` now wants `nginx` from source `deb`
    image `web` now wants `tzdata` alone from source `deb`
    "#);
    let platforms = read(
        HEAD.replace("name = \"demo\"", "name = \"demo\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]"),
    );
    assert_snapshot!(sample().stale(&platforms).join("\n"), @r#"image `web` is not in the lock for linux/arm64"#);
    let other = read(HEAD.replace("name = \"demo\"", "name = \"demo\"\nplatforms = [\"linux/arm64\"]"));
    assert_snapshot!(sample().stale(&other).join("\n"), @r#"
    image `web` is not in the lock
    platform `linux/amd64` is no longer asked for
    "#);

    let mut order = sample();
    order.sources.get_mut("debian").unwrap().reverse();
    assert_eq!(order.stale(&stack(WEB)), ["source `debian` is written in another order"]);
}

/// Only the header differs, and what has no profile is as it always was.
#[test]
fn a_lock_says_which_profile_it_is_of() {
    let lock = Lock { profile: Some("source".to_owned()), ..sample() };
    let text = lock.to_string();
    let expected = sample()
        .to_string()
        .replace("revision = 1\nassembler = 3\n", "revision = 2\nassembler = 3\nprofile = \"source\"\n");
    assert_eq!(text, expected);
    assert_eq!(parse(&text).unwrap(), lock);
    assert_eq!(
        (lock.file_name(), sample().file_name()),
        ("stack.source.lock".to_owned(), "stack.lock".to_owned())
    );
    let LockError::Damaged(odd) = parse(&text.replace("\"source\"", "\"../source\"")).unwrap_err() else {
        panic!()
    };
    assert_eq!(odd.to_string(), "stack.lock:6:11: `../source` can't be the name of a profile");
}

#[test]
fn a_lock_of_another_profile_is_refused() {
    let of = |name: &str| Lock { profile: Some(name.to_owned()), ..sample() };
    assert_eq!(of("a").for_profile(Some("a")).unwrap(), of("a"));
    assert_eq!(sample().for_profile(None).unwrap(), sample());
    let refused = [(of("a"), Some("b")), (of("a"), None), (sample(), Some("b"))];
    let said = refused.map(|(lock, wanted)| {
        let error = lock.for_profile(wanted).unwrap_err();
        format!("{error}\n  hint: {}\n", error.hint().unwrap())
    });
    assert_snapshot!(said.concat(), @r#"
    `stack.b.lock` holds the lock of profile `a`, and that of profile `b` is wanted
      hint: delete it, or keep what it pins: write `profile = "b"` below its `assembler`; then run `longshore lock`
    `stack.lock` holds the lock of profile `a`, and one without a profile is wanted
      hint: delete it, or keep what it pins: take the line `profile = …` out of it; then run `longshore lock`
    `stack.b.lock` holds the lock of a stack without profiles, and that of profile `b` is wanted
      hint: delete it, or keep what it pins: write `profile = "b"` below its `assembler`; then run `longshore lock`
    "#);
}

#[test]
fn differences() {
    let mut new = sample();
    new.packages.remove(&id("tzdata", "2025b-4"));
    new.packages.remove(&id("nginx", "1.26.3-3"));
    new.packages.insert(id("nginx", "1.28.0-1"), package("nginx", &[]));
    new.packages.insert(id("zlib1g", "1.3"), package("zlib1g", &[]));
    new.packages.insert(id("libc6", "2:2.41-12"), package("other bytes", &[]));
    let changes = sample().diff(&new);
    assert!(matches!(&changes[0], Change::Replaced { package, .. } if package == "libc6"));
    assert_snapshot!(changes.iter().map(|change| format!("{change}\n")).collect::<String>(), @r#"
    ! libc6 2:2.41-12: same version, other bytes
    ~ nginx 1.26.3-3 → 1.28.0-1
    - tzdata 2025b-4
    + zlib1g 1.3
    "#);
    assert_eq!(sample().diff(&sample()), []);
    assert_snapshot!(serde_json::to_string(&changes[1]).unwrap(), @r#"{"change":"updated","package":"nginx","from":"1.26.3-3","to":"1.28.0-1"}"#);
}
