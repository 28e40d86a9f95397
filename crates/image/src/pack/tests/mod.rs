mod again;
mod foreign;
mod golden;
mod layers;
mod recipe;
mod round_trip;

use longshore_oci::{Entry, Epoch, Node, Silent, Store, Tree, TreePath};

use super::{Layer, Recipe, Wanted};

/// A store of its own, gone with the test.
fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn path(bytes: impl AsRef<[u8]>) -> TreePath {
    TreePath::new(bytes).unwrap()
}

/// Bytes that do not compress to nothing, the same every time.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b"etaoin shrdlu\n 0"[(state >> 60) as usize]
    };
    (0..size).map(|_| next()).collect()
}

/// One of everything that a layer can hold.
fn everything(store: &Store) -> Tree {
    let mut tree = Tree::new();
    let file = |bytes: &[u8]| Entry::file(0o644, store.put(bytes).unwrap());
    let long = "a-rather-long-name-".repeat(7);
    for directory in ["bin", "etc", "etc/d", "data", "dir.d", "dir", &format!("etc/{long}")] {
        tree.insert(path(directory), Entry::directory(0o755));
    }
    tree.insert(path("tmp"), Entry::directory(0o1777));
    tree.insert(path("data"), Entry::directory(0o750).owned_by(10_001, 10_002));
    tree.insert(path("dir/file"), file(b"under dir"));
    tree.insert(path("dir.d/file"), file(b"under dir.d"));
    tree.insert(path("etc/empty"), file(b""));
    tree.insert(path("etc/block"), file(&[b'x'; 512]));
    tree.insert(path("etc/large"), file(&noise((3 << 20) + 17, 1)));
    tree.insert(path("etc/exact"), file(&noise(2 << 20, 2)));
    tree.insert(path(format!("etc/{long}/{long}")), file(b"long"));
    tree.insert(path("etc/naïve"), file("ünïcode".as_bytes()));
    tree.insert(path(b"etc/latin-\xe9"), file(b"not UTF-8"));
    tree.insert(path("etc/new\nline"), file(b"odd"));
    tree.insert(path("etc/owner"), file(b"far").owned_by(3_000_000, 4_294_967_294));
    tree.insert(path("bin/su"), Entry { mode: 0o4755, ..file(b"setuid") });
    let mut ping = file(b"ping");
    ping.xattrs
        .insert(b"security.capability".to_vec(), b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec());
    ping.xattrs.insert(b"user.note".to_vec(), "a=b\nß".as_bytes().to_vec());
    tree.insert(path("bin/ping"), ping);
    tree.insert(
        path("bin/ping4"),
        Entry { node: Node::Hardlink(path("bin/ping")), ..Entry::directory(0o755) },
    );
    // Named before the file that holds the bytes in the tree.
    tree.insert(
        path("bin/a-ping"),
        Entry { node: Node::Hardlink(path("bin/ping")), ..Entry::directory(0o755) },
    );
    tree.insert(path("bin/sh"), Entry::symlink("ping"));
    tree.insert(path("bin/far"), Entry::symlink(format!("../{}", "x/".repeat(60))));
    tree.insert(path("bin/odd"), Entry::symlink(b"\xff\xfe".to_vec()));
    tree
}

/// All of `tree` as one layer.
fn layer(store: &Store, tree: &Tree) -> Layer {
    let recipe = Recipe::new("all", tree, tree.iter().map(|(path, _)| path), Epoch(1_700_000_000)).unwrap();
    super::layers(vec![recipe], Wanted::DiffIds, store, 1, &Silent).unwrap().remove(0)
}

fn tar(store: &Store, layer: &Layer) -> Vec<u8> {
    let mut out = Vec::new();
    layer.write_tar(store, &mut out).unwrap();
    out
}
