//! Toolchain roots: packages unpacked side by side, with what their scripts would have made that builds need.

use std::collections::BTreeMap;
use std::path::PathBuf;

use longshore_oci::folder::{self, Files};
use longshore_oci::{Component, Content, Digest, Entry, Node, PackageId, Store, Tree, TreePath};

use crate::{Error, Executor};

/// A new number whenever the same packages would give another root.
const VERSION: u32 = 1;
/// Where a build's certificates are; fetches see the machine's there.
pub(crate) const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
/// Folders that are there to be mounted on, and that no package has.
const MOUNT_POINTS: [&str; 8] = ["build", "dev", "deps", "homeless", "out", "proc", "src", "tmp"];
/// What no compiler reads, and what makes up most files of many packages.
const LEFT_OUT: [&str; 5] =
    ["usr/share/doc", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man"];
/// Links that packages' scripts make (Debian's alternatives), where the one that is linked to is there.
const ALTERNATIVES: [(&str, &str); 6] =
    [("awk", "mawk"), ("c++", "g++"), ("c89", "c89-gcc"), ("c99", "c99-gcc"), ("cc", "gcc"), ("sh", "dash")];
/// What there is to know of users and hosts.
pub(crate) const FILES: [(&str, &str); 5] = [
    ("etc/group", "root:x:0:\nbuild:x:1000:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/nsswitch.conf", "hosts: files dns\n"),
    ("etc/passwd", "root:x:0:0::/:/bin/sh\nbuild:x:1000:1000::/build:/bin/sh\n"),
    // Fetches see the machine's here.
    ("etc/resolv.conf", ""),
];

/// The folder of the root made of `packages`.
pub(crate) fn packages(
    executor: &Executor<'_>,
    packages: &BTreeMap<PackageId, Digest>,
) -> Result<PathBuf, Error> {
    // The same files under another name of their source are the same root.
    let files: Vec<_> = packages.iter().map(|(id, deb)| (&id.name, &id.architecture, deb)).collect();
    let key = Digest::of(&postcard::to_stdvec(&(VERSION, files)).unwrap_or_default());
    folder::shared(executor.store(), "roots", &key, Files::Copies, executor.jobs(), || {
        let components = executor.toolchains().components(packages).map_err(Error::Toolchain)?;
        let names = components.iter().map(|c| &**c);
        let step = format!("toolchain of {} packages", packages.len());
        executor.progress().during("Preparing", &step, None, |_| tree(names, executor.store()))
    })
}

/// What a root of these components holds.
fn tree<'a>(components: impl Iterator<Item = &'a Component>, store: &Store) -> Result<Tree, Error> {
    let left_out: Vec<TreePath> = LEFT_OUT.iter().filter_map(|path| TreePath::new(path).ok()).collect();
    let mut tree = Tree::new();
    for component in components {
        for (path, entry) in component.tree.iter() {
            if left_out.iter().any(|out| path.is_under(out)) {
                continue;
            }
            // A link to a folder stays one where another package ships the folder, as with dpkg.
            let link = tree.get(path).is_some_and(|there| matches!(there.node, Node::Symlink(_)));
            if !(link && entry.node == Node::Directory) {
                tree.insert(path.clone(), entry.clone());
            }
        }
    }
    complete(&mut tree, store)?;
    tree.check().map_err(|error| Error::Tree { what: String::from("the toolchain's packages"), error })?;
    Ok(tree)
}

/// Adds what no package ships, or its script would have made.
fn complete(tree: &mut Tree, store: &Store) -> Result<(), Error> {
    for name in ["bin", "lib", "lib64", "sbin"] {
        absent(tree, name, Entry::symlink(format!("usr/{name}")))?;
    }
    for name in MOUNT_POINTS {
        absent(tree, name, Entry::directory(0o755))?;
    }
    for (name, target) in ALTERNATIVES {
        if tree.get(&path(&format!("usr/bin/{target}"))?).is_some() {
            absent(tree, &format!("usr/bin/{name}"), Entry::symlink(target))?;
        }
    }
    for (name, text) in FILES {
        tree.insert(path(name)?, Entry::file(0o644, store.put(text.as_bytes())?));
    }
    let certificates = certificates(tree, store)?;
    tree.insert(path(CERTIFICATES)?, Entry::file(0o644, certificates));
    Ok(())
}

/// All certificates that the packages ship, in the order of their names, as `update-ca-certificates` bundles them.
fn certificates(tree: &Tree, store: &Store) -> Result<Content, Error> {
    let mut bundle = Vec::new();
    for (path, entry) in tree.under(&path("usr/share/ca-certificates")?) {
        if let Node::File(content) = &entry.node
            && path.as_bytes().ends_with(b".crt")
        {
            let text = store.read_blob(content)?;
            bundle.extend_from_slice(text.trim_ascii_end());
            bundle.push(b'\n');
        }
    }
    Ok(store.put(&bundle)?)
}

fn absent(tree: &mut Tree, name: &str, entry: Entry) -> Result<(), Error> {
    let path = path(name)?;
    if tree.get(&path).is_none() {
        tree.insert(path, entry);
    }
    Ok(())
}

fn path(text: &str) -> Result<TreePath, Error> {
    TreePath::new(text).map_err(|error| Error::Tree { what: String::from("the toolchain"), error })
}

#[cfg(test)]
mod tests {
    use longshore_oci::{Facts, Origin};

    use super::*;

    #[test]
    fn what_scripts_would_have_made_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let component = |files: &[(&str, &str)]| {
            let file = |(name, text): &(&str, &str)| {
                (path(name).unwrap(), Entry::file(0o755, store.put(text.as_bytes()).unwrap()))
            };
            let tree = files.iter().map(file).collect();
            Component { origin: Origin::Longshore(String::new()), tree, facts: Facts::new(), package: None }
        };
        let gcc = component(&[("usr/bin/gcc", "gcc"), ("usr/bin/sh", "own"), ("usr/share/doc/gcc/x", "doc")]);
        let authorities = component(&[
            ("usr/share/ca-certificates/mozilla/B.crt", "b\n\n"),
            ("usr/share/ca-certificates/mozilla/A.crt", "a"),
            ("usr/share/ca-certificates/mozilla/readme", "no"),
        ]);
        let tree = tree([&gcc, &authorities].into_iter(), &store).unwrap();
        let node = |name: &str| tree.get(&path(name).unwrap()).map(|entry| entry.node.clone());
        assert_eq!(node("usr/bin/cc"), Some(Node::Symlink(b"gcc".to_vec())));
        assert_eq!(node("usr/bin/c++"), None, "no `g++` is there");
        assert_eq!(node("usr/bin/sh"), Some(Node::File(Content::of(b"own"))));
        assert_eq!(node("bin"), Some(Node::Symlink(b"usr/bin".to_vec())));
        assert_eq!(node("usr/share/doc/gcc/x"), None);
        assert_eq!(node("homeless"), Some(Node::Directory));
        assert_eq!(node(CERTIFICATES), Some(Node::File(Content::of(b"a\nb\n"))));
    }
}
