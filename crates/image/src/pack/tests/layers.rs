//! Layers and their blobs: caches, threads, cuts, faults.

use std::collections::BTreeSet;
use std::io::Read;

use longshore_oci::{Content, Digest, Entry, Epoch, Silent, Tree};

use super::super::buffer::Buffer;
use super::super::{Codec, Error, Recipe, Wanted, chunk, compress, layers};
use super::{everything, layer, noise, path, store, tar};

fn recipe(tree: &Tree) -> Recipe {
    Recipe::new("all", tree, tree.iter().map(|(path, _)| path), Epoch(0)).unwrap()
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let made: BTreeSet<_> = [1, 2, 3, 16]
        .map(|jobs| {
            let (_folder, store) = store();
            let layer = layer(&store, &everything(&store));
            let codecs = [Codec::Gzip, Codec::GzipFast, Codec::Zstd];
            let blobs =
                codecs.map(|codec| compress(&layer, codec, &store, jobs, &Silent).unwrap().descriptor.digest);
            assert_ne!(blobs[0], blobs[1]);
            (layer.diff_id, blobs)
        })
        .into();
    assert_eq!(made.len(), 1);
}

#[test]
fn many_layers_at_once_come_in_order() {
    let (_folder, store) = store();
    let recipes: Vec<_> = (0..40)
        .map(|i| {
            let content = store.put(format!("file {}", i % 7).as_bytes()).unwrap();
            let tree: Tree = [(path("f"), Entry::file(0o644, content))].into_iter().collect();
            Recipe::new(&format!("layer {i}"), &tree, &[path("f")], Epoch(0)).unwrap()
        })
        .collect();
    let made = layers(recipes, Wanted::DiffIds, &store, 4, &Silent).unwrap();
    for (i, layer) in made.iter().enumerate() {
        assert_eq!(layer.name(), format!("layer {i}"));
        assert_eq!(Digest::of(&tar(&store, layer)), layer.diff_id.0);
    }
    assert_eq!(made.iter().map(|layer| layer.diff_id).collect::<BTreeSet<_>>().len(), 7);
}

#[test]
fn what_is_known_is_not_read_again() {
    let (_folder, store) = store();
    let content = store.put(b"bytes").unwrap();
    let tree: Tree = [(path("f"), Entry::file(0o644, content))].into_iter().collect();
    let first = layer(&store, &tree);
    let blob = compress(&first, Codec::Gzip, &store, 2, &Silent).unwrap();
    fs_err::remove_file(store.blob_path(&content.digest)).unwrap();
    assert_eq!(layer(&store, &tree), first);
    assert_eq!(compress(&first, Codec::Gzip, &store, 2, &Silent).unwrap(), blob);
    // The blob itself must be there, though.
    fs_err::remove_file(store.blob_path(&blob.descriptor.digest)).unwrap();
    let error = compress(&first, Codec::Gzip, &store, 2, &Silent).unwrap_err();
    assert!(matches!(error, Error::Content { path: missing, .. } if missing == path("f")));
}

#[test]
fn changed_bytes_in_the_store_are_found() {
    let (_folder, store) = store();
    let content = store.put(&noise(3 << 20, 5)).unwrap();
    let tree: Tree = [(path("f"), Entry::file(0o644, content))].into_iter().collect();
    let layer = layer(&store, &tree);
    fs_err::write(store.blob_path(&content.digest), noise(3 << 20, 6)).unwrap();
    for result in [
        compress(&layer, Codec::Gzip, &store, 2, &Silent).map(drop),
        layer.write_tar(&store, &mut std::io::sink()),
    ] {
        assert!(matches!(result, Err(Error::Inconsistent { layer, .. }) if layer == "all"));
    }
}

#[test]
fn an_empty_layer_is_two_zero_blocks() {
    let (_folder, store) = store();
    let layer = layer(&store, &Tree::new());
    assert_eq!(tar(&store, &layer), [0; 1024]);
    let blob = compress(&layer, Codec::Gzip, &store, 2, &Silent).unwrap();
    let mut plain = Vec::new();
    let packed = store.open_blob(&blob.descriptor.content()).unwrap();
    flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, [0; 1024]);
}

/// A thousand small files and two large ones, with `change` made.
fn chunks(change: impl FnOnce(&mut Tree)) -> Vec<Content> {
    let (_folder, store) = store();
    let mut tree = Tree::new();
    for i in 0..1000_usize {
        let bytes = noise(200 + i * 7919 % 30_000, i as u64);
        tree.insert(path(format!("f{i:04}")), Entry::file(0o644, store.put(&bytes).unwrap()));
    }
    for (name, size) in [("f0300-large", 5 << 20), ("f0700-large", (2 << 20) + 1)] {
        tree.insert(path(name), Entry::file(0o644, store.put(&noise(size, size as u64)).unwrap()));
    }
    store.put(b"new").unwrap();
    change(&mut tree);
    let recipe = recipe(&tree);
    let mut out = Buffer::default();
    let fill = |part: &chunk::Chunk| {
        chunk::fill(&mut chunk::Blobs::new(&store), &recipe, part, &mut out).unwrap();
        assert!(out.len() as u64 <= chunk::MAX + 1024, "{}", out.len());
        Content::of(&out)
    };
    chunk::plan(&recipe).iter().map(fill).collect()
}

#[test]
fn a_small_change_moves_few_cuts() {
    let before: BTreeSet<_> = chunks(|_| ()).into_iter().collect();
    let new = |tree: &mut Tree, name: &str| {
        tree.insert(path(name), Entry::file(0o644, Content::of(b"new")));
    };
    let changes: [Vec<Content>; 4] = [
        chunks(|tree| new(tree, "f0100-new")),
        chunks(|tree| drop(tree.remove(&path("f0500")))),
        chunks(|tree| new(tree, "f0800")),
        // Other metadata of a large file leaves its bytes' chunks alone.
        chunks(|tree| {
            let large = tree.remove(&path("f0300-large")).unwrap();
            tree.insert(path("f0300-large"), Entry::clone(&large).owned_by(5, 5));
        }),
    ];
    for after in changes {
        let moved = after.iter().filter(|chunk| !before.contains(chunk)).count();
        assert!((1..=3).contains(&moved), "{moved} of {}", after.len());
    }
}
