//! Layers that were made before but for a part: what of them is read, hashed and compressed again, and that nobody sees it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Content, Entry, Epoch, Sha256, Silent, Store, Tree};

use super::super::buffer::Buffer;
use super::super::{Codec, Error, Layer, Recipe, Wanted, chunk, compress, keys, layers, recorded, reuse};
use super::{noise, path, store, tar};

const CODECS: [Codec; 3] = [Codec::Gzip, Codec::GzipFast, Codec::Zstd];

/// Some 44 files of most sizes, of 35 MB, in the order of their names; `changed` is another one.
fn tree(store: &Store, changed: Option<usize>) -> Tree {
    let file = |i: usize| {
        let size = if i.is_multiple_of(5) { (2 << 20) + i } else { 300_000 + i * 7919 % 400_000 };
        let seed = if changed == Some(i) { 1000 } else { i } as u64;
        (path(format!("f{i:04}")), Entry::file(0o644, store.put(&noise(size, seed)).unwrap()))
    };
    (0..44).map(file).collect()
}

fn recipe(tree: &Tree) -> Recipe {
    Recipe::new("all", tree, tree.iter().map(|(path, _)| path), Epoch(0)).unwrap()
}

fn made(store: &Store, tree: &Tree, wanted: Wanted) -> Result<Layer, Error> {
    Ok(layers(vec![recipe(tree)], wanted, store, 2, &Silent)?.remove(0))
}

fn blob(store: &Store, layer: &Layer, codec: Codec) -> Content {
    recorded(layer.diff_id, codec, store).unwrap().unwrap()
}

/// What comes of `tree` in a store that has seen nothing.
fn afresh(codec: Codec, changed: Option<usize>) -> (Layer, Content) {
    let (_folder, store) = store();
    let layer = made(&store, &tree(&store, changed), Wanted::Blobs(codec)).unwrap();
    let blob = blob(&store, &layer, codec);
    (layer, blob)
}

/// Damages the file called `name` where the store has it, without a change of its size.
fn damage(store: &Store, tree: &Tree, name: &str) {
    let Some(longshore_oci::Node::File(content)) = tree.get(&path(name)).map(|file| &file.node) else {
        panic!("`{name}` is a file")
    };
    damage_blob(store, content, 0);
}

fn damage_blob(store: &Store, content: &Content, at: usize) {
    let path = store.blob_path(&content.digest);
    let mut bytes = fs_err::read(&path).unwrap();
    bytes[at] ^= 1;
    fs_err::write(path, bytes).unwrap();
}

#[test]
fn one_pass_gives_what_two_give() {
    let (_folder, store) = store();
    let tree = tree(&store, None);
    let layer = made(&store, &tree, Wanted::DiffIds).unwrap();
    for codec in CODECS {
        let apart = compress(&layer, codec, &store, 2, &Silent).unwrap().descriptor.content();
        assert_eq!(afresh(codec, None), (layer.clone(), apart));
    }
}

#[test]
fn what_was_wanted_is_in_the_store_and_nothing_else_is() {
    let (_folder, store) = store();
    let tree = tree(&store, None);
    let layer = made(&store, &tree, Wanted::DiffIds).unwrap();
    for codec in CODECS {
        assert_eq!(recorded(layer.diff_id, codec, &store).unwrap(), None);
    }
    // Known uncompressed is not known compressed.
    assert_eq!(made(&store, &tree, Wanted::Blobs(Codec::Zstd)).unwrap(), layer);
    assert!(store.has(&blob(&store, &layer, Codec::Zstd)));
    assert_eq!(recorded(layer.diff_id, Codec::Gzip, &store).unwrap(), None);
}

#[test]
fn a_change_anywhere_gives_what_a_new_store_gives() {
    for codec in [Codec::GzipFast, Codec::Zstd] {
        let (_folder, store) = store();
        made(&store, &tree(&store, None), Wanted::Blobs(codec)).unwrap();
        for changed in [0, 21, 43] {
            let layer = made(&store, &tree(&store, Some(changed)), Wanted::Blobs(codec)).unwrap();
            let (expected, packed) = afresh(codec, Some(changed));
            assert_eq!((&layer, blob(&store, &layer, codec)), (&expected, packed), "{codec:?} {changed}");
            // And so do the bytes.
            assert_eq!(Content::of(&store.read_blob(&packed).unwrap()), packed, "{codec:?} {changed}");
        }
    }
}

#[test]
fn what_lies_before_a_late_change_is_not_read_again() {
    for wanted in [Wanted::DiffIds, Wanted::Blobs(Codec::GzipFast)] {
        let (_folder, store) = store();
        let before = tree(&store, None);
        made(&store, &before, wanted).unwrap();
        fs_err::remove_file(store.blob_path(&Content::of(&noise(2 << 20, 0)).digest)).unwrap();
        let after = made(&store, &tree_without_first(&store, &before), wanted).unwrap();
        let expected = afresh(Codec::GzipFast, Some(41)).0;
        assert_eq!(after.diff_id, expected.diff_id, "{wanted:?}");
    }
}

/// The tree with another file near its end, without a look at its first one.
fn tree_without_first(store: &Store, before: &Tree) -> Tree {
    let mut after = before.clone();
    let size = 300_000 + 41 * 7919;
    after.insert(path("f0041"), Entry::file(0o644, store.put(&noise(size, 1000)).unwrap()));
    after
}

#[test]
fn compressed_bytes_that_are_damaged_or_gone_are_made_again() {
    let codec = Codec::Gzip;
    let expected = afresh(codec, Some(41));
    type Fault = fn(&Store, &Content);
    let faults: [(&str, Fault); 4] = [
        ("early", |store, blob| damage_blob(store, blob, 100)),
        ("late", |store, blob| damage_blob(store, blob, blob.size as usize - 2_000_000)),
        ("gone", |store, blob| fs_err::remove_file(store.blob_path(&blob.digest)).unwrap()),
        ("records", |store, _| {
            for kind in ["layer-chunks-1", "layer-state-1"] {
                fs_err::remove_dir_all(store.root().join("records").join(kind)).unwrap();
            }
        }),
    ];
    for (name, fault) in faults {
        let (_folder, store) = store();
        let first = made(&store, &tree(&store, None), Wanted::Blobs(codec)).unwrap();
        fault(&store, &blob(&store, &first, codec));
        let layer = made(&store, &tree(&store, Some(41)), Wanted::Blobs(codec)).unwrap();
        let packed = blob(&store, &layer, codec);
        assert_eq!((&layer, packed), (&expected.0, expected.1), "{name}");
        assert_eq!(Content::of(&store.read_blob(&packed).unwrap()), packed, "{name}");
    }
}

/// A file that is damaged is never told as what it was beside compressed bytes of what it was.
#[test]
fn a_damaged_file_does_not_part_a_layer_from_its_blob() {
    let codec = Codec::Zstd;
    let (_folder, store) = store();
    let before = tree(&store, None);
    made(&store, &before, Wanted::Blobs(codec)).unwrap();
    damage(&store, &before, "f0043");
    let layer = made(&store, &tree_without_first(&store, &before), Wanted::Blobs(codec)).unwrap();
    let packed = store.open_blob(&blob(&store, &layer, codec)).unwrap();
    let plain = zstd::decode_all(packed).unwrap();
    assert_eq!(Content::of(&plain), layer.tar());
    assert_eq!(Content::of(&tar(&store, &layer)), layer.tar());
    // What was made before is compressed again from the damaged file, and that is seen.
    let first = made(&store, &before, Wanted::DiffIds).unwrap();
    let error = compress(&first, Codec::Gzip, &store, 2, &Silent).unwrap_err();
    assert!(matches!(error, Error::Inconsistent { .. }));
}

/// Chunks move between layers when plans change.
#[test]
fn chunks_are_found_in_layers_that_were_dealt_otherwise() {
    let codec = Codec::Gzip;
    let (_folder, store) = store();
    let tree = tree(&store, None);
    let whole = made(&store, &tree, Wanted::Blobs(codec)).unwrap();
    let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
    let half = Recipe::new("half", &tree, paths[22..].iter().copied(), Epoch(0)).unwrap();
    let keys = |recipe: &Recipe| keys::Keys::of(recipe, &chunk::plan(recipe)).unwrap();
    let found = reuse::find(&store, codec, &keys(&half)).unwrap();
    let lacking = found.iter().filter(|range| range.is_none()).count();
    assert!(found.len() > 16 && lacking <= 3, "{lacking} of {}", found.len());
    // Another codec's are not.
    let other = reuse::find(&store, Codec::GzipFast, &keys(&half)).unwrap();
    assert!(other.iter().all(Option::is_none));
    drop(whole);
}

/// Keys are as good as the bytes: equal where these are, and nowhere else.
#[test]
fn keys_of_chunks_say_what_the_bytes_are() {
    let (_folder, store) = store();
    let mut seen: BTreeMap<_, Content> = BTreeMap::new();
    let mut buffer = Buffer::default();
    let mut others = tree(&store, Some(21));
    let large = others.remove(&path("f0010")).unwrap();
    others.insert(path("f0010"), Entry::clone(&large).owned_by(5, 5));
    for tree in [tree(&store, None), others] {
        let recipe = recipe(&tree);
        let chunks = chunk::plan(&recipe);
        let keys = keys::Keys::of(&recipe, &chunks).unwrap();
        for (chunk, key) in chunks.iter().zip(keys.chunks) {
            chunk::fill(&mut chunk::Blobs::new(&store), &recipe, chunk, &mut buffer).unwrap();
            let content = Content::of(&buffer);
            assert_eq!(*seen.entry(key).or_insert(content), content);
        }
    }
    let contents: BTreeSet<_> = seen.values().collect();
    assert_eq!(contents.len(), seen.len());
}

/// As when a file was damaged while the state was taken.
#[test]
fn a_wrong_state_is_found_by_whoever_reads_the_whole_layer() {
    let (_folder, store) = store();
    let tree = tree(&store, Some(41));
    let recipe = recipe(&tree);
    let keys = keys::Keys::of(&recipe, &chunk::plan(&recipe)).unwrap();
    let mut other = Sha256::new();
    other.update(&[7; 512]);
    let point = keys.points().next().unwrap();
    store.put_record("layer-state-1", keys.before(point).unwrap(), &other.state(), []).unwrap();
    let layer = made(&store, &tree, Wanted::DiffIds).unwrap();
    let results = [
        compress(&layer, Codec::Zstd, &store, 2, &Silent).map(drop),
        layer.write_tar(&store, &mut std::io::sink()),
    ];
    for result in results {
        assert!(matches!(result, Err(Error::Inconsistent { .. })));
    }
}
