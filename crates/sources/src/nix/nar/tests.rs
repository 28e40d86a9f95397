//! Archives by hand: what is read, and everything that is refused.

use longshore_oci::{Entry, Node, Store, StorePath, Tree, TreePath};

use super::{Problem, Unpacked, unpack, write};

const NAME: &str = "0jrqim1cazlpna8xlygq78x1gmkmy9fg-tool5-0.5";

fn path() -> StorePath {
    NAME.parse().unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

/// An archive of these strings, padded as they should be.
fn archive(strings: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for string in ["nix-archive-1"].into_iter().chain(strings.split(' ')) {
        let string = string.replace('_', "");
        bytes.extend((string.len() as u64).to_le_bytes());
        bytes.extend(string.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

fn read(bytes: &[u8], store: &Store) -> Result<Unpacked, Problem> {
    unpack(bytes, &path(), bytes.len() as u64, store)
}

/// `_` stands for nothing.
const FOLDER: &str = "( type directory entry ( name a node ( type regular contents _ ) ) entry ( name b node ( type directory ) ) \
                      entry ( name c node ( type symlink target /x ) ) entry ( name d node ( type regular executable _ contents #!/bin/sh ) ) )";

#[test]
fn a_folder() {
    let (_folder, store) = store();
    let bytes = archive(FOLDER);
    let unpacked = read(&bytes, &store).unwrap();
    assert_eq!(unpacked.nar, longshore_oci::Content::of(&bytes));
    let root = format!("/nix/store/{NAME}");
    let expected = format!(
        "d 0555 0:0         - {root}\n\
         f 0444 0:0         0 {root}/a e3b0c44298fc\n\
         d 0555 0:0         - {root}/b\n\
         l 0777 0:0         - {root}/c -> /x\n\
         f 0555 0:0         9 {root}/d {}\n",
        longshore_oci::Digest::of(b"#!/bin/sh").short()
    );
    assert_eq!(unpacked.tree.dump(), expected);
    assert_eq!(unpacked.facts.len(), 1);
    let mut again = Vec::new();
    write(&unpacked.tree, &path(), &store, &mut again).unwrap();
    assert_eq!(again, bytes);
}

#[test]
fn single_things() {
    let (_folder, store) = store();
    for (strings, mode) in [
        ("( type regular contents abcdefgh )", 0o444),
        ("( type regular executable _ contents abc )", 0o555),
        ("( type symlink target ../x )", 0o777),
        ("( type directory )", 0o555),
    ] {
        let bytes = archive(strings);
        let unpacked = read(&bytes, &store).unwrap();
        assert_eq!(unpacked.tree.len(), 1);
        assert_eq!(unpacked.tree.get(&path().tree_path()).unwrap().mode, mode);
        let mut again = Vec::new();
        write(&unpacked.tree, &path(), &store, &mut again).unwrap();
        assert_eq!(again, bytes, "{strings}");
    }
}

/// Names sort by folder: `a` and all below it come before `a.b`, though `a.b` comes before `a/b`.
#[test]
fn names_that_sort_between() {
    let (_folder, store) = store();
    let bytes = archive(
        "( type directory entry ( name a node ( type directory entry ( name b node ( type directory entry ( name c node ( type symlink target x ) ) ) ) ) ) \
         entry ( name a.b node ( type symlink target y ) ) )",
    );
    let unpacked = read(&bytes, &store).unwrap();
    let mut again = Vec::new();
    write(&unpacked.tree, &path(), &store, &mut again).unwrap();
    assert_eq!(again, bytes);
}

#[test]
fn a_large_file_and_a_deep_folder() {
    let (_folder, store) = store();
    let large = "x".repeat(5 << 20);
    let bytes = archive(&format!("( type regular contents {large} )"));
    let unpacked = read(&bytes, &store).unwrap();
    assert_eq!(super::single(&unpacked, &path()), Some(longshore_oci::Content::of(large.as_bytes())));
    let mut again = Vec::new();
    write(&unpacked.tree, &path(), &store, &mut again).unwrap();
    assert!(again == bytes);

    let deep = |levels: usize| {
        let down = "( type directory entry ( name x node ".repeat(levels);
        archive(&format!("{down}( type directory ){}", " ) )".repeat(levels)))
    };
    assert_eq!(read(&deep(2000), &store).unwrap().tree.len(), 2001);
    let error = read(&deep(3000), &store).unwrap_err().to_string();
    assert!(error.contains("longer than 4094 bytes"), "{error:.100}");
}

#[test]
fn what_is_refused() {
    let (_folder, store) = store();
    let check = |strings: &str, expected: &str| {
        let error = read(&archive(strings), &store).unwrap_err().to_string();
        assert!(error.contains(expected), "{strings}: {error}");
    };
    let entries = |names: &[&str]| {
        let entries: Vec<_> = names
            .iter()
            .map(|name| format!("entry ( name {name} node ( type regular contents x ) )"))
            .collect();
        format!("( type directory {} )", entries.join(" "))
    };
    check("[", "expected `(`");
    check("( kind", "expected `type`");
    check("( type pipe )", "expected `regular`, `symlink` or `directory`");
    check("( type regular )", "expected `contents`");
    check("( type regular executable yes contents x )", "expected ``");
    check("( type regular contents x entry", "expected `)`");
    check("( type symlink )", "expected `target`");
    check("( type symlink target _ )", "has a target that is empty, too long or holds NUL");
    check("( type symlink target a\0b )", "has a target that is empty, too long or holds NUL");
    check(&format!("( type symlink target {} )", "x".repeat(4096)), "has a target that is empty, too long");
    check("( type directory name )", "expected `entry`");
    check("( type directory entry ( node", "expected `name`");
    check("( type directory entry ( name a )", "expected `node`");
    check("( type regular contents x ) )", "data follows its end");
    check(&entries(&["_"]), "which is no name: it is empty");
    check(&entries(&["."]), "`.`, which is no name");
    check(&entries(&[".."]), "`..`, which is no name");
    check(&entries(&["a/b"]), "`a/b`, which is no name: it holds a slash");
    check(&entries(&["a\0b"]), "it contains a NUL byte");
    check(&entries(&[&"x".repeat(256)]), "it is longer than 255 bytes");
    check(&entries(&["a", "a"]), "`a` comes after `a`: entries are not sorted, or one is there twice");
    check(&entries(&["b", "a"]), "`a` comes after `b`");
    check(&"x".repeat(17), "expected `(`");
}

#[test]
fn damage_anywhere_is_noticed_and_nothing_panics() {
    let (_folder, store) = store();
    let bytes = archive(FOLDER);
    let whole = read(&bytes, &store).unwrap();
    for end in 0..bytes.len() {
        let error = unpack(&bytes[..end], &path(), bytes.len() as u64, &store).unwrap_err();
        assert!(matches!(error, Problem::Truncated), "{end}: {error}");
        // As much as promised, and not enough.
        assert!(read(&bytes[..end], &store).is_err());
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(read(&changed, &store).map_or(true, |unpacked| unpacked.nar != whole.nar), "{at}");
    }
    assert!(matches!(read(b"PK\x03\x04 and so on, for a while", &store), Err(Problem::TooLarge { .. })));
    assert!(matches!(read(&[0; 64], &store), Err(Problem::NotNar)));
    assert!(matches!(read(&[&bytes[..], b"x"].concat(), &store), Err(Problem::Trailing)));
    let padded = [&archive("")[..16 + 8 + 5], b"x"].concat();
    assert!(matches!(
        unpack(&padded[..], &path(), 1000, &store),
        Err(Problem::Truncated | Problem::Padding { .. })
    ));
    let endless = unpack(std::io::repeat(b'x'), &path(), 1 << 20, &store);
    assert!(matches!(endless, Err(Problem::TooLarge { limit: 1_048_576 })));
}

#[test]
fn padding_is_zero() {
    let (_folder, store) = store();
    let mut bytes = archive("( type regular contents abc )");
    let at = bytes.windows(3).position(|window| window == b"abc").unwrap() + 3;
    bytes[at] = 1;
    let error = read(&bytes, &store).unwrap_err();
    assert!(matches!(error, Problem::Padding { .. }), "{error}");
}

#[test]
fn trees_that_are_no_store_path() {
    let (_folder, store) = store();
    let root = path().tree_path();
    let below = |name: &str| root.join(name).unwrap();
    let check = |entries: Vec<(TreePath, Entry)>, expected: &str| {
        let tree: Tree = entries.into_iter().collect();
        let error = write(&tree, &path(), &store, Vec::new()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let folder = || Entry::directory(0o555);
    check(vec![], "nothing of it is there");
    check(vec![(below("a"), folder())], "nothing of it is there");
    check(vec![(root.clone(), folder()), (below("a/b"), folder())], "something of it lies in no folder");
    check(
        vec![(root.clone(), Entry::symlink("x")), (below("a"), folder())],
        "something of it lies in no folder",
    );
    check(
        vec![(root.clone(), folder()), (TreePath::new("etc").unwrap(), folder())],
        "it is not in the store path",
    );
    let link = Entry { node: Node::Hardlink(below("a")), ..folder() };
    check(vec![(root.clone(), folder()), (below("b"), link)], "it holds a hard link");
    let missing = Entry::file(0o444, longshore_oci::Content::of(b"missing"));
    check(vec![(root.clone(), missing)], "is not in the store");
}
