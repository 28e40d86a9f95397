//! Layers for tests.

use longshore_oci::{Entry, Epoch, Silent, Store, Tree, TreePath};

use super::{Layer, Recipe, Wanted, layers};

/// Layers `one` and `two` of a file each.
pub(crate) fn two_layers() -> Vec<Layer> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let recipes = ["one", "two"].map(|name| {
        let path = TreePath::new(name).unwrap();
        let tree: Tree =
            [(path.clone(), Entry::file(0o644, store.put(name.as_bytes()).unwrap()))].into_iter().collect();
        Recipe::new(name, &tree, [&path], Epoch(0)).unwrap()
    });
    layers(recipes.into(), Wanted::DiffIds, &store, 1, &Silent).unwrap()
}
