//! What goes into a layer, and what can't.

use longshore_oci::{Content, Entry, Epoch, Node, Tree, TreePath};

use super::super::{Error, Recipe};
use super::path;

fn file() -> Entry {
    Entry::file(0o644, Content::of(b"x"))
}

fn link(target: &str) -> Entry {
    Entry { node: Node::Hardlink(path(target)), ..Entry::directory(0o600) }
}

fn tree(entries: &[(&str, Entry)]) -> Tree {
    entries.iter().map(|(name, entry)| (path(name), entry.clone())).collect()
}

fn recipe(tree: &Tree, paths: &[&str]) -> Result<Recipe, Error> {
    let paths: Vec<TreePath> = paths.iter().map(path).collect();
    Recipe::new("test", tree, &paths, Epoch(0))
}

fn lines(tree: &Tree, paths: &[&str]) -> Vec<String> {
    let layer: Tree = recipe(tree, paths).unwrap().entries().iter().cloned().collect();
    layer.dump().lines().map(str::to_owned).collect()
}

#[test]
fn directories_above_come_with_their_own_metadata() {
    let tree = tree(&[
        ("a", Entry::directory(0o700).owned_by(1, 2)),
        ("a/b", Entry::directory(0o755)),
        ("a/b/f", file()),
        ("a/g", file()),
        ("c", Entry::directory(0o755)),
    ]);
    assert_eq!(
        lines(&tree, &["a/b/f"]),
        ["d 0700 1:2         - /a", "d 0755 0:0         - /a/b", "f 0644 0:0         1 /a/b/f 2d711642b726"]
    );
}

#[test]
fn a_hard_link_into_another_layer_becomes_the_file() {
    let tree = tree(&[("a", file()), ("b", link("a")), ("c", link("a"))]);
    assert_eq!(
        lines(&tree, &["a", "b", "c"]),
        [
            "f 0644 0:0         1 /a 2d711642b726",
            "h 0644 0:0         - /b => /a",
            "h 0644 0:0         - /c => /a"
        ]
    );
    assert_eq!(
        lines(&tree, &["c", "b"]),
        ["f 0644 0:0         1 /b 2d711642b726", "h 0644 0:0         - /c => /b"]
    );
}

#[test]
fn what_a_layer_can_not_say_is_refused() {
    let mut odd = file();
    odd.xattrs.insert(b"user.a=b".to_vec(), Vec::new());
    let tree = tree(&[
        (".wh.gone", file()),
        ("odd", odd),
        ("loose", link("nothing")),
        ("to-link", link("link")),
        ("link", Entry::symlink("x")),
        ("link/f", file()),
        ("orphan/f", file()),
    ]);
    let error = |name| recipe(&tree, &[name]).unwrap_err();
    assert!(matches!(error(".wh.gone"), Error::Whiteout { .. }));
    assert!(matches!(error("odd"), Error::XattrName { .. }));
    assert!(matches!(error("loose"), Error::DanglingHardlink { .. }));
    assert!(matches!(error("to-link"), Error::DanglingHardlink { .. }));
    assert!(matches!(error("link/f"), Error::NotADirectory { .. }));
    assert!(matches!(error("orphan/f"), Error::NotInTree { .. }));
    assert!(matches!(error("absent"), Error::NotInTree { .. }));
}

#[test]
fn the_key_names_all_that_decides_the_bytes() {
    let base = tree(&[("a", file()), ("b", file())]);
    let key = |tree: &Tree| recipe(tree, &["a", "b"]).unwrap().key();
    let with = |entry: Entry| tree(&[("a", file()), ("b", entry)]);
    let mut noted = file();
    noted.xattrs.insert(b"user.x".to_vec(), b"y".to_vec());
    let others = [
        with(Entry::file(0o644, Content::of(b"y"))),
        with(Entry::file(0o600, Content::of(b"x"))),
        with(file().owned_by(1, 0)),
        with(file().owned_by(0, 1)),
        with(link("a")),
        with(Entry::symlink("a")),
        with(Entry::directory(0o644)),
        with(noted),
    ];
    let mut keys: Vec<_> = others.iter().map(key).collect();
    keys.push(key(&base));
    keys.push(recipe(&base, &["a"]).unwrap().key());
    keys.push(Recipe::new("test", &base, &[path("a"), path("b")], Epoch(1)).unwrap().key());
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(
        key(&base),
        Recipe::new("other name", &base, &[path("b"), path("a")], Epoch(0)).unwrap().key()
    );
}
