//! What is packed comes back the same: through the strict reader, for any tree.

use std::collections::BTreeMap;

use longshore_oci::validate::read_tar;
use longshore_oci::{Entry, Epoch, Node, Silent, Store, Tree, TreePath};
use proptest::prelude::*;

use super::super::{Recipe, Wanted, layers};
use super::{everything, layer, path, store, tar};

/// The tree as a layer has it: the first path of each set of hard links holds the bytes, the others say so.
fn expected(recipe: &Recipe) -> Tree {
    recipe.entries().iter().cloned().collect()
}

#[test]
fn everything_comes_back() {
    let (_folder, store) = store();
    let layer = layer(&store, &everything(&store));
    let bytes = tar(&store, &layer);
    assert_eq!(bytes.len() as u64, layer.size);
    assert_eq!(read_tar(&*bytes).unwrap().dump(), expected(layer.recipe().unwrap()).dump());
    assert_eq!(read_tar(&*bytes).unwrap(), expected(layer.recipe().unwrap()));
}

#[test]
fn names_at_the_edge_of_the_header_come_back() {
    let (_folder, store) = store();
    let mut tree = Tree::new();
    for length in 98..103 {
        tree.insert(path("f".repeat(length)), Entry::file(0o644, store.put(b"x").unwrap()));
        tree.insert(path("d".repeat(length)), Entry::directory(0o755));
        tree.insert(path(format!("l{length}")), Entry::symlink("t".repeat(length)));
    }
    for (id, name) in [(0o7_777_777, "id-most"), (0o10_000_000, "id-more")] {
        tree.insert(path(name), Entry::directory(0o755).owned_by(id, id));
    }
    // Long values make the length of a record's length change.
    for length in [80, 81, 82, 970, 971, 972, 973] {
        let mut entry = Entry::directory(0o755);
        entry.xattrs.insert(b"user.x".to_vec(), vec![b'v'; length]);
        tree.insert(path(format!("x{length}")), entry);
    }
    assert_eq!(read_tar(&*tar(&store, &layer(&store, &tree))).unwrap(), tree);
}

/// A name: mostly plain, sometimes long, sometimes any bytes.
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-c.]{1,3}".prop_map(String::into_bytes),
        1 => "[a-z]{90,110}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(1_u8.., 1..6),
    ]
    .prop_filter("a name of its own", |name| {
        !name.contains(&b'/') && name != b"." && name != b".." && !name.starts_with(b".wh.")
    })
}

/// Kind, mode, owner, group, bytes or target, attributes.
type Made = (u8, u16, u32, u32, Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>);

fn entry() -> impl Strategy<Value = Made> {
    let xattrs = proptest::collection::btree_map(
        "user\\.[a-z]{1,4}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..20),
        0..2,
    );
    let bytes = proptest::collection::vec(1_u8.., 1..1200);
    (0_u8..8, 0_u16..0o10_000, any::<u32>(), 0_u32..5_000_000, bytes, xattrs)
}

fn tree(store: &Store, made: Vec<(Vec<Vec<u8>>, Made)>) -> Tree {
    let mut tree = Tree::new();
    let mut file: Option<TreePath> = None;
    for (names, (kind, mode, uid, gid, bytes, xattrs)) in made {
        let path = path(names.join(&b'/'));
        let blocked =
            path.ancestors().any(|above| tree.get(&above).is_some_and(|e| e.node != Node::Directory));
        if blocked || tree.get(&path).is_some() {
            continue;
        }
        for above in path.ancestors() {
            if tree.get(&above).is_none() {
                tree.insert(above, Entry::directory(0o755));
            }
        }
        let node = match (kind, &file) {
            (0, _) => Node::Directory,
            (1, _) => Node::Symlink(bytes),
            (2 | 3, Some(target)) => Node::Hardlink(target.clone()),
            _ => {
                file = Some(path.clone());
                Node::File(store.put(&bytes).unwrap())
            }
        };
        tree.insert(path, Entry { mode, uid, gid, xattrs: xattrs.into(), node });
    }
    tree.check().unwrap();
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any tree, dealt into two layers, comes back: each layer holds its paths and the directories above them.
    #[test]
    fn any_tree_comes_back(made in proptest::collection::vec((proptest::collection::vec(name(), 1..5), entry()), 1..30), deal in any::<u64>()) {
        let (_folder, store) = store();
        let tree = tree(&store, made);
        for half in [0, 1] {
            let paths: Vec<_> = tree.iter().map(|(path, _)| path).enumerate().filter(|(i, _)| deal >> (i % 64) & 1 == half).map(|(_, path)| path).collect();
            let recipe = Recipe::new("half", &tree, paths.iter().copied(), Epoch(7)).unwrap();
            let layer = layers(vec![recipe.clone()], Wanted::DiffIds, &store, 2, &Silent).unwrap().remove(0);
            let back = read_tar(&*tar(&store, &layer)).unwrap();
            prop_assert_eq!(&back, &expected(&recipe));
            for path in paths {
                let (came, went) = (back.get(path).unwrap(), tree.get(path).unwrap());
                let bytes = |tree: &Tree, entry: &Entry| match &entry.node {
                    Node::Hardlink(target) => tree.get(target).unwrap().node.clone(),
                    node => node.clone(),
                };
                prop_assert_eq!(bytes(&back, came), bytes(&tree, went));
            }
        }
    }
}
