use super::*;
use crate::media_type;

fn descriptor(layout: &Layout, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type::MANIFEST, layout.put(bytes).unwrap())
}

#[test]
fn extends_what_is_there_and_replaces_the_same_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("new/layout");
    let mut first = Layout::open_or_create(&root).unwrap();
    let (one, two) = (descriptor(&first, b"1"), descriptor(&first, b"2"));
    first.tag("b:1", one.clone());
    first.tag("a:1", one.clone());
    first.commit().unwrap();
    let mut again = Layout::open_or_create(&root).unwrap();
    again.tag("b:1", two.clone());
    again.commit().unwrap();

    let read = Layout::open(&root).unwrap();
    assert_eq!(read.find("a:1").unwrap().digest, one.digest);
    assert_eq!(read.find("b:1").unwrap().digest, two.digest);
    assert_eq!(read.entries().count(), 2);
    assert_eq!(read.read_document(&one).unwrap(), b"1");
    let names: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn what_other_programs_wrote_stays() {
    let folder = tempfile::tempdir().unwrap();
    Layout::open_or_create(folder.path()).unwrap().commit().unwrap();
    let digest = Digest::of(b"x");
    let foreign = format!(
        r#"{{"mediaType":"a/b","digest":"{digest}","size":1,"artifactType":"c/d","platform":{{"architecture":"amd64","os":"windows","os.version":"10"}}}}"#
    );
    fs::write(folder.path().join("index.json"), format!(r#"{{"schemaVersion":2,"manifests":[{foreign}]}}"#))
        .unwrap();
    let mut layout = Layout::open(folder.path()).unwrap();
    let ours = descriptor(&layout, b"1");
    layout.tag("a:1", ours);
    layout.commit().unwrap();
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"][0], serde_json::from_str::<serde_json::Value>(&foreign).unwrap());
    assert_eq!(index["manifests"][1]["annotations"][REF_NAME], "a:1");
}

#[test]
fn foreign_folders_and_versions_are_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years").unwrap();
    assert!(matches!(Layout::open_or_create(folder.path()), Err(LayoutError::NotALayout { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let future = tempfile::tempdir().unwrap();
    Layout::open_or_create(future.path()).unwrap().commit().unwrap();
    fs::write(future.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert!(matches!(Layout::open_or_create(future.path()), Err(LayoutError::Version { .. })));
}

#[test]
fn a_start_without_an_end_can_be_started_again() {
    let folder = tempfile::tempdir().unwrap();
    Layout::open_or_create(folder.path()).unwrap().put(b"blob").unwrap();
    Layout::open_or_create(folder.path()).unwrap().commit().unwrap();
    assert!(Layout::open(folder.path()).unwrap().has(&Content::of(b"blob")));
}

#[test]
fn damage_is_found_on_reading() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open_or_create(folder.path()).unwrap();
    let one = descriptor(&layout, b"1");
    fs::write(layout.blob_path(&one.digest), b"2").unwrap();
    assert!(matches!(layout.read_document(&one), Err(LayoutError::Blob { .. })));
    let missing = Descriptor::new(media_type::MANIFEST, Content::of(b"3"));
    assert!(matches!(layout.read_document(&missing), Err(LayoutError::Blob { .. })));
    let size = MAX_MANIFEST + 1;
    let long = descriptor(&layout, &vec![b' '; usize::try_from(size).unwrap()]);
    assert!(matches!(layout.read_document(&long), Err(LayoutError::Blob { .. })));
}

#[test]
fn blobs_of_the_store_are_added_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let layout = Layout::open_or_create(folder.path().join("layout")).unwrap();
    let content = store.put(b"layer").unwrap();
    assert_eq!(layout.add(&store, &content).unwrap(), 5);
    assert_eq!(layout.add(&store, &content).unwrap(), 0);
    assert_eq!(fs::read(layout.blob_path(&content.digest)).unwrap(), b"layer");
    assert_eq!(fs::read_dir(layout.root().join("blobs/sha256")).unwrap().count(), 1);
    assert!(matches!(layout.add(&store, &Content::of(b"x")), Err(LayoutError::Store(_))));
}
