//! What keeping a store within bounds promises.

use std::path::Path;
use std::time::{Duration, SystemTime};

use fs_err as fs;

use super::archive::{ArchiveError, Problem, export, import};
use super::*;
use crate::folder::{self, Files, FolderError, Owners};
use crate::store::used;
use crate::{Content, Digest, Entry, Silent, Store, Tree, TreePath};

const DAY: u64 = 24 * 60 * 60;

fn day(n: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(n * DAY)
}

/// A store with three records of one day each: `1` and `2` share a blob, and each has one of its own. Nothing names `loose`.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let store = bench.store();
        let shared = bench.blob(&store, "shared", 1);
        for n in 1..=3_u64 {
            let own = bench.blob(&store, &format!("own {n}"), 1);
            let names = [Some(own), Some(shared).filter(|_| n < 3)];
            store.put_record("fact", &key(n), b"body", names.into_iter().flatten()).unwrap();
            used::set(&store.record_path("fact", &key(n)), day(10 + n)).unwrap();
        }
        bench.blob(&store, "loose", 12);
        drop(store);
        bench
    }

    fn store(&self) -> Store {
        Store::open(self.folder.path()).unwrap()
    }

    fn blob(&self, store: &Store, text: &str, used: u64) -> Content {
        let content = store.put(text.as_bytes()).unwrap();
        used::set(&store.blob_path(&content.digest), day(used)).unwrap();
        content
    }

    fn collect(&self, bounds: Bounds) -> Freed {
        let alone = Alone::try_now(self.folder.path()).unwrap().unwrap();
        let census = Census::take(alone.store()).unwrap();
        let freed = alone.carry_out(&census, &Plan::of(&census, &bounds), &Silent).unwrap();
        let after = Census::take(alone.store()).unwrap();
        assert_eq!(after.size(), census.size() - freed.bytes);
        assert_eq!(known_size(self.folder.path()), Some(after.size()));
        assert!(after.useless.is_empty(), "{after:?}");
        freed
    }

    /// Which records and blobs are there.
    fn left(&self) -> String {
        let store = self.store();
        let records = (1..=3).filter(|n| store.record("fact", &key(*n)).unwrap().is_some());
        let mut left: Vec<_> = records.map(|n| format!("record {n}")).collect();
        let texts = ["shared", "own 1", "own 2", "own 3", "loose"];
        left.extend(
            texts.iter().filter(|text| store.has(&Content::of(text.as_bytes()))).map(|t| (*t).to_owned()),
        );
        left.join(", ")
    }
}

fn key(n: u64) -> Digest {
    Digest::of(&n.to_le_bytes())
}

#[test]
fn what_was_used_longest_ago_goes_first_and_blobs_stay_as_long_as_a_record_names_them() {
    let all = "record 1, record 2, record 3, shared, own 1, own 2, own 3, loose";
    for (blocks, left) in [
        (100, all),
        (8, all),
        (7, "record 2, record 3, shared, own 2, own 3, loose"),
        // The loose one was used on the same day as the second record.
        (5, "record 3, own 3"),
        (1, ""),
        (0, ""),
    ] {
        let bench = Bench::new();
        bench.collect(Bounds { size: Some(blocks * 4096), ..Bounds::default() });
        assert_eq!(bench.left(), left, "{blocks} blocks");
        assert!(Census::take(&bench.store()).unwrap().size() <= blocks * 4096);
    }
    for (since, left) in [
        (11, all),
        (12, "record 2, record 3, shared, own 2, own 3, loose"),
        (13, "record 3, own 3"),
        (14, ""),
    ] {
        let bench = Bench::new();
        bench.collect(Bounds { since: Some(day(since)), ..Bounds::default() });
        assert_eq!(bench.left(), left, "since {since}");
    }
}

#[test]
fn a_plan_removes_nothing_by_itself() {
    let bench = Bench::new();
    let census = Census::take(&bench.store()).unwrap();
    let plan = Plan::of(&census, &Bounds { size: Some(0), ..Bounds::default() });
    assert_eq!((plan.records.len(), plan.blobs.len(), plan.size()), (3, 5, census.size()));
    assert!(bench.left().ends_with("loose"));
}

#[test]
fn nothing_is_removed_while_others_use_the_store() {
    let bench = Bench::new();
    let store = bench.store();
    assert!(Alone::try_now(bench.folder.path()).unwrap().is_none());
    // What a process keeps that lives on, stays with it.
    let kept = store.keep(&Content::of(b"loose")).unwrap();
    store.let_go();
    bench.collect(Bounds { size: Some(0), ..Bounds::default() });
    assert_eq!(fs::read(&kept).unwrap(), b"loose");
    let alone = Alone::try_now(bench.folder.path()).unwrap().unwrap();
    assert!(Store::try_open(bench.folder.path()).unwrap().is_none());
    drop(alone);
    assert!(Store::try_open(bench.folder.path()).unwrap().is_some());
    drop(store);
    assert!(!kept.exists());
}

#[test]
fn records_of_no_use_go_in_any_case() {
    let bench = Bench::new();
    let store = bench.store();
    fs::remove_file(store.blob_path(&Content::of(b"own 1").digest)).unwrap();
    fs::write(store.record_path("fact", &key(2)), b"as records once were, without a magic").unwrap();
    fs::write(bench.folder.path().join("blobs/sha256/strange"), b"?").unwrap();
    let whys: Vec<_> = Census::take(&store).unwrap().useless.iter().map(|it| it.why).collect();
    assert_eq!(whys.iter().filter(|why| **why == Why::Incomplete).count(), 1);
    assert_eq!(whys.iter().filter(|why| **why == Why::Foreign).count(), 1);
    assert_eq!(whys.len(), 3);
    drop(store);
    bench.collect(Bounds::default());
    assert_eq!(bench.left(), "record 3, shared, own 2, own 3, loose");
}

#[test]
fn what_is_unfinished_goes_after_a_day() {
    let bench = Bench::new();
    let store = bench.store();
    let (old, new) = (store.partial(&key(1)), store.partial(&key(2)));
    fs::write(&old, b"half").unwrap();
    fs::write(&new, b"half").unwrap();
    let claim = store.claim("fetch", &key(3)).unwrap().unwrap().path.clone();
    fs::write(claim.join("half"), b"half").unwrap();
    for (path, n) in [(&old, 17), (&new, 19), (&claim, 17)] {
        used::set(path, day(n)).unwrap();
    }
    drop(store);
    let freed = bench.collect(Bounds { now: Some(day(19)), ..Bounds::default() });
    assert_eq!((freed.unfinished, freed.records), (2, 0));
    assert!(!old.exists() && new.exists() && !claim.exists());
}

fn tree(store: &Store, text: &str) -> Result<Tree, FolderError> {
    let mut tree = Tree::new();
    tree.insert(TreePath::new("common").unwrap(), Entry::file(0o644, store.put(b"common")?));
    tree.insert(TreePath::new("own").unwrap(), Entry::file(0o644, store.put(text.as_bytes())?));
    Ok(tree)
}

fn shared(store: &Store, text: &str) -> std::path::PathBuf {
    let key = Digest::of(text.as_bytes());
    folder::shared(store, "services", &key, Files::Shared(Owners::Caller), 1, || tree(store, text)).unwrap()
}

#[test]
fn folders_go_as_a_whole_but_not_while_somebody_lives_on_them() {
    let bench = Bench::new();
    let store = bench.store();
    let (old, new) = (shared(&store, "old"), shared(&store, "new"));
    let used_on = |folder: &Path, n| used::set(&folder.with_file_name("whole"), day(n)).unwrap();
    used_on(&old, 20);
    used_on(&new, 30);
    let held = folder::hold(&old).unwrap().unwrap();
    let files = || fs_files(&bench.folder.path().join("files"));
    assert_eq!(files(), 3);
    drop(store);
    let freed = bench.collect(Bounds { since: Some(day(40)), ..Bounds::default() });
    assert_eq!(freed.folders, 1);
    assert!(old.join("own").exists() && old.join("common").exists() && !new.exists());
    assert_eq!(files(), 2);
    drop(held);
    // Once used, it stays.
    let store = bench.store().at(day(45));
    assert_eq!(shared(&store, "old"), old);
    drop(store);
    bench.collect(Bounds { since: Some(day(40)), ..Bounds::default() });
    assert_eq!(files(), 2);
    bench.collect(Bounds { since: Some(day(50)), ..Bounds::default() });
    assert_eq!(files(), 0);
    assert!(fs::read_dir(bench.folder.path().join("services")).unwrap().next().is_none());
}

fn fs_files(folder: &Path) -> usize {
    let inside = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.map(|path| if path.is_dir() { fs_files(&path) } else { 1 }).sum()
}

#[test]
fn a_folder_that_may_not_be_written_goes_all_the_same() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let cache = bench.folder.path().join("caches/go");
    fs::create_dir_all(cache.join("read/only")).unwrap();
    fs::write(cache.join("read/only/file"), b"x").unwrap();
    fs::set_permissions(cache.join("read/only"), std::fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(bench.collect(Bounds { size: Some(0), ..Bounds::default() }).folders, 1);
    assert!(!cache.exists());
}

#[test]
fn damage_is_found_and_mended() {
    let bench = Bench::new();
    let store = bench.store();
    let damage = verify(&store, 2, &Silent).unwrap();
    assert!(damage.is_none());
    assert_eq!((damage.blobs_read, damage.records_read), (5, 3));
    let digest = Content::of(b"shared").digest;
    fs::write(store.blob_path(&digest), b"sharec").unwrap();
    let path = store.record_path("fact", &key(3));
    let mut record = fs::read(&path).unwrap();
    record[60] ^= 1;
    fs::write(&path, record).unwrap();
    let damage = verify(&store, 2, &Silent).unwrap();
    assert_eq!(
        (damage.blobs.as_slice(), damage.records.as_slice()),
        ([digest].as_slice(), [path].as_slice())
    );
    drop(store);
    Alone::try_now(bench.folder.path()).unwrap().unwrap().mend(&damage).unwrap();
    assert_eq!(bench.left(), "own 1, own 2, own 3, loose");
    let store = bench.store();
    assert!(verify(&store, 2, &Silent).unwrap().is_none());
}

#[test]
fn what_was_put_right_meanwhile_stays() {
    let bench = Bench::new();
    let store = bench.store();
    let path = store.blob_path(&Content::of(b"shared").digest);
    fs::write(&path, b"sharec").unwrap();
    let damage = verify(&store, 1, &Silent).unwrap();
    fs::write(&path, b"shared").unwrap();
    drop(store);
    Alone::try_now(bench.folder.path()).unwrap().unwrap().mend(&damage).unwrap();
    assert!(bench.left().starts_with("record 1, record 2, record 3, shared"));
}

fn archive(bench: &Bench, bounds: Bounds) -> Vec<u8> {
    let mut bytes = Vec::new();
    export(&bench.store(), &bounds, &mut bytes, &Silent).unwrap();
    bytes
}

#[test]
fn an_archive_carries_everything_and_when_it_was_used() {
    let from = Bench::new();
    let bytes = archive(&from, Bounds::default());
    let to = Bench { folder: tempfile::tempdir().unwrap() };
    let store = to.store();
    let done = import(&store, bytes.as_slice(), day(12), &Silent).unwrap();
    assert_eq!((done.blobs, done.records, done.known, done.left), (5, 3, 0, 0));
    assert_eq!(to.left(), from.left());
    let used = |n| fs::metadata(store.record_path("fact", &key(n))).unwrap().modified().unwrap();
    assert_eq!((used(1), used(2), used(3)), (day(11), day(12), day(12)), "nothing is younger than now");
    let again = import(&store, bytes.as_slice(), day(12), &Silent).unwrap();
    assert_eq!((again.blobs, again.records, again.known), (0, 0, 8));
    assert!(verify(&store, 1, &Silent).unwrap().is_none());
    // Only what was used last.
    let some = archive(&from, Bounds { since: Some(day(13)), ..Bounds::default() });
    let to = Bench { folder: tempfile::tempdir().unwrap() };
    import(&to.store(), some.as_slice(), day(20), &Silent).unwrap();
    assert_eq!(to.left(), "record 3, own 3");
}

/// An archive of these entries.
fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        // As it is, also where it leads out of the folder.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn nothing_is_taken_of_an_archive_that_is_not_what_it_should_be() {
    let hex = Digest::of(b"good").hex();
    let good = format!("blobs/sha256/{hex}");
    let record = format!("records/fact/{hex}");
    let long = "x".repeat(100);
    for (name, bytes, expected) in [
        (good.as_str(), b"evil".as_slice(), Problem::Digest),
        (&format!("blobs/sha256/../{hex}"), b"good", Problem::Name),
        (&format!("/blobs/sha256/{hex}"), b"good", Problem::Name),
        ("../../etc/passwd", b"good", Problem::Name),
        (&format!("records/../{hex}"), b"good", Problem::Name),
        (&format!("records//{hex}"), b"good", Problem::Name),
        (&format!("records/a/b/{hex}"), b"good", Problem::Name),
        (&format!("tmp/{hex}"), b"good", Problem::Name),
        (&long, b"good", Problem::Name),
        (&record, b"good", Problem::Record),
    ] {
        let bench = Bench { folder: tempfile::tempdir().unwrap() };
        let store = bench.store();
        let bytes = tar(&[(&good, b"good"), (name, bytes)]);
        let error = import(&store, bytes.as_slice(), day(20), &Silent).unwrap_err();
        let ArchiveError::Entry { problem, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!(*problem, expected, "{name}");
        assert!(!store.has(&Content::of(b"good")), "{name}");
    }
}

#[test]
fn links_long_names_and_half_archives_are_refused() {
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    let store = bench.store();
    let hex = Digest::of(b"good").hex();
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
        tar::EntryType::GNULongName,
        tar::EntryType::XHeader,
    ] {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path(format!("blobs/sha256/{hex}")).unwrap();
        header.set_link_name("/etc/passwd").unwrap();
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
        let error = import(&store, builder.into_inner().unwrap().as_slice(), day(20), &Silent).unwrap_err();
        assert!(matches!(error, ArchiveError::Entry { problem: Problem::Type, .. }), "{kind:?}: {error}");
    }
    let whole = archive(&Bench::new(), Bounds::default());
    for len in [1, 511, 512 + 3, 600, 1024 + 700] {
        assert!(import(&store, &whole[..len], day(20), &Silent).is_err(), "{len} bytes");
    }
    assert_eq!(Census::take(&store).unwrap().blobs.len(), 0);
}

#[test]
fn a_record_whose_blobs_are_nowhere_is_left() {
    let from = Bench::new();
    let bytes = archive(&from, Bounds::default());
    // Without its first blob.
    let first = tar::Archive::new(bytes.as_slice()).entries().unwrap().next().unwrap().unwrap().size();
    let rest = &bytes[512 + usize::try_from(first.next_multiple_of(512)).unwrap()..];
    let to = Bench { folder: tempfile::tempdir().unwrap() };
    let done = import(&to.store(), rest, day(20), &Silent).unwrap();
    assert_eq!((done.blobs, done.records + done.left), (4, 3));
    assert!(Census::take(&to.store()).unwrap().useless.is_empty());
}
