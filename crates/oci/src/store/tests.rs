//! What the store promises.

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn blobs_come_back_and_a_short_one_counts_as_missing() {
    let (_folder, store) = store();
    let content = store.put(b"hello").unwrap();
    assert_eq!(store.read_blob(&content).unwrap(), b"hello");
    fs::write(store.blob_path(&content.digest), b"hell").unwrap();
    assert!(!store.has(&content));
    assert!(matches!(store.open_blob(&content), Err(StoreError::Missing(_))));
    store.put(b"hello").unwrap();
    assert!(store.has(&content));
}

#[test]
fn a_wrong_blob_is_refused_and_leaves_nothing() {
    let (_folder, store) = store();
    let expected = Content::of(b"right");
    let mut writer = store.writer().unwrap();
    writer.write_all(b"wrong").unwrap();
    assert!(matches!(writer.commit_expecting(&expected), Err(StoreError::Verify(_))));
    assert!(!store.has(&expected) && !store.has(&Content::of(b"wrong")));
    assert_eq!(fs::read_dir(&store.inner.tmp).unwrap().count(), 0);
}

#[test]
fn damaged_records_count_as_never_made() {
    let (_folder, store) = store();
    let key = Digest::of(b"key");
    assert_eq!(store.record("tree", &key).unwrap(), None);
    store.put_record("tree", &key, b"value", []).unwrap();
    assert_eq!(store.record("tree", &key).unwrap().unwrap(), b"value");
    fs::write(store.record_path("tree", &key), b"valuf").unwrap();
    assert_eq!(store.record("tree", &key).unwrap(), None);
}

#[test]
fn unfinished_work_stays_and_is_one_process_s_at_a_time() {
    let (folder, first) = store();
    let key = Digest::of(b"fetch");
    let claim = first.claim("fetch", &key).unwrap().unwrap();
    fs::write(claim.path.join("half"), b"half").unwrap();
    let second = Store::open(folder.path()).unwrap();
    assert!(second.claim("fetch", &key).unwrap().is_none());
    drop(claim);
    let claim = second.claim("fetch", &key).unwrap().unwrap();
    assert_eq!(fs::read(claim.path.join("half")).unwrap(), b"half");
}

#[test]
fn leftovers_of_dead_processes_are_swept_and_those_of_live_ones_are_not() {
    let (folder, first) = store();
    let dead = folder.path().join("tmp/99-0");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("0"), b"half").unwrap();
    let scratch = first.scratch();
    fs::write(&scratch, b"mine").unwrap();
    let _second = Store::open(folder.path()).unwrap();
    assert!(!dead.exists());
    assert!(scratch.exists());
}

#[test]
fn records_name_blobs_and_either_part_may_be_damaged() {
    let (_folder, store) = store();
    let (key, one, two) = (Digest::of(b"key"), Content::of(b"1"), Content::of(b"2"));
    store.put_record("tree", &key, b"value", [two, one, two]).unwrap();
    let path = store.record_path("tree", &key);
    let names = |look| record::names(&mut fs::File::open(&path).unwrap(), look).unwrap();
    let mut expected = [one, two];
    expected.sort_unstable();
    assert_eq!(names(record::Look::Names), record::Found::Names(expected.to_vec()));
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let expected = if at < 8 { record::Found::Other } else { record::Found::Damage };
        assert_eq!(names(record::Look::Whole), expected, "byte {at}");
    }
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(names(record::Look::Whole), record::Found::Damage, "{len} bytes");
        assert_eq!(store.record("tree", &key).unwrap(), None, "{len} bytes");
    }
}

#[test]
fn what_is_used_is_younger_and_only_once_a_day() {
    let (_folder, store) = store();
    let day = |n: u64| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n * 86_400 + n);
    let content = store.put(b"hello").unwrap();
    let path = store.blob_path(&content.digest);
    let modified = || fs::metadata(&path).unwrap().modified().unwrap();
    used::set(&path, day(100)).unwrap();
    store.read_blob(&content).unwrap();
    assert_eq!(modified(), day(100), "without a time, nothing is used");
    store.clone().at(day(100) + std::time::Duration::from_secs(3600)).read_blob(&content).unwrap();
    assert_eq!(modified(), day(100));
    store.clone().at(day(102)).read_blob(&content).unwrap();
    assert_eq!(modified(), day(102));
    assert!(store.clone().at(day(104)).has(&content));
    assert_eq!(modified(), day(104));
    assert!(store.at(day(50)).has(&content));
    assert_eq!(modified(), day(104), "clocks may go wrong");
}

#[test]
fn the_ledger_adds_what_processes_bring() {
    let (folder, first) = store();
    first.put(b"before anybody counted").unwrap();
    drop(first);
    assert_eq!(ledger::read(folder.path()), None);
    let store = Store::open(folder.path()).unwrap();
    ledger::set(&store, 10_000);
    store.put(&[1; 5000]).unwrap();
    store.put(&[1; 5000]).unwrap();
    drop(store);
    assert_eq!(ledger::read(folder.path()), Some(10_000 + 8192));
}
