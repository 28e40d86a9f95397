//! Unpacked real packages against dpkg's idea of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_oci::{ElfClass, Silent};

use super::*;

#[path = "../../../tests/debs/mod.rs"]
mod debs;

fn output(program: &str, arguments: &[&std::ffi::OsStr]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output();
    let output = output
        .unwrap_or_else(|error| panic!("`{program}` is needed by this test ({error}); run `./x setup`"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn field(deb: &Path, name: &str) -> String {
    String::from_utf8(output("dpkg-deb", &["-f".as_ref(), deb.as_os_str(), name.as_ref()]))
        .unwrap()
        .trim()
        .to_owned()
}

fn stored(deb: &Path, store: &Store) -> (PackageId, Content) {
    let field = |name| field(deb, name);
    let id = PackageId {
        source: "debian".to_owned(),
        name: field("Package"),
        version: field("Version"),
        architecture: field("Architecture"),
    };
    (id, store.put(&fs_err::read(deb).unwrap()).unwrap())
}

fn is_alias(path: &str) -> bool {
    ["/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"].contains(&path)
}

/// One line a path, from a folder that `dpkg-deb -x` made, old paths rewritten by name alone.
fn dump_folder(root: &Path) -> BTreeMap<String, String> {
    use std::os::unix::fs::MetadataExt as _;
    let mut all = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let name = format!("/{}", path.strip_prefix(root).unwrap().display());
            let top = name.split('/').nth(1).unwrap();
            let merged = if is_alias(&format!("/{top}")) { format!("/usr{name}") } else { name.clone() };
            let owner = format!("{:04o} {}:{}", meta.mode() & 0o7777, meta.uid(), meta.gid());
            let said = if meta.is_symlink() {
                format!("link {}", fs_err::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                todo.push(path);
                format!("dir {owner}")
            } else {
                format!("file {owner} {:?} {}", Content::of(&fs_err::read(&path).unwrap()), meta.nlink())
            };
            if !is_alias(&name) {
                all.insert(merged, said);
            }
        }
    }
    all
}

fn dump_tree(tree: &Tree) -> BTreeMap<String, String> {
    let mut links: BTreeMap<TreePath, usize> = BTreeMap::new();
    for (_, entry) in tree.iter() {
        if let Node::Hardlink(target) = &entry.node {
            *links.entry(target.clone()).or_insert(1) += 1;
        }
    }
    let line = |path: &TreePath, entry: &Entry| {
        let owner = format!("{:04o} {}:{}", entry.mode, entry.uid, entry.gid);
        match &entry.node {
            Node::Directory => format!("dir {owner}"),
            Node::Symlink(target) => format!("link {}", String::from_utf8_lossy(target)),
            Node::File(content) => format!("file {owner} {content:?} {}", links.get(path).unwrap_or(&1)),
            Node::Hardlink(target) => match tree.get(target).map(|file| &file.node) {
                Some(Node::File(content)) => {
                    format!("file {owner} {content:?} {}", links[target])
                }
                other => panic!("{path} is a link to {other:?}"),
            },
        }
    };
    tree.iter().map(|(path, entry)| (path.to_string(), line(path, entry))).collect()
}

fn real_packages() -> Vec<PathBuf> {
    let mut all = debs::download(
        "trixie",
        &[
            "perl-base",
            "base-files",
            "base-passwd",
            "passwd",
            "nginx-common",
            "ca-certificates",
            "libsystemd0",
            "tzdata",
            "libc6",
            "dash",
            "zlib1g",
            "postgresql-17",
            "docker.io",
        ],
    );
    all.extend(debs::download(
        "bookworm",
        &["libc6", "zlib1g", "base-files", "passwd", "kmod", "util-linux", "busybox-static"],
    ));
    all
}

#[test]
fn trees_are_those_of_dpkg() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    for (n, deb) in real_packages().iter().enumerate() {
        let (id, content) = stored(deb, &store);
        let component = decode(&id, &content, &store, 2).unwrap();
        let root = folder.path().join(n.to_string());
        output("dpkg-deb", &["-x".as_ref(), deb.as_os_str(), root.as_os_str()]);
        let (expected, found) = (dump_folder(&root), dump_tree(&component.tree));
        // Under root dpkg keeps owners; else everything is the caller's, and owners say nothing.
        if !rustix::process::geteuid().is_root() {
            panic!("this test compares owners: run it as root, as CI does");
        }
        let wrong: Vec<_> =
            expected.iter().filter(|(path, said)| found.get(*path) != Some(said)).take(5).collect();
        assert!(
            wrong.is_empty(),
            "{id}: expected {wrong:#?}, found {:#?}",
            wrong.iter().map(|(p, _)| found.get(*p)).collect::<Vec<_>>()
        );
        let more: Vec<_> = found.keys().filter(|path| !expected.contains_key(*path)).take(5).collect();
        assert!(more.is_empty(), "{id}: dpkg has no {more:?}");
        for (path, entry) in component.tree.iter() {
            if let Node::File(content) = entry.node {
                assert_eq!(Content::of(&store.read_blob(&content).unwrap()), content, "{path}");
            }
        }
        let meta = component.package.unwrap();
        let shown = output("dpkg-deb", &["-I".as_ref(), deb.as_os_str(), "control".as_ref()]);
        assert_eq!(meta.control, shown, "{id}");
        let replaces = field(deb, "Replaces");
        let names: Vec<&str> = replaces.split(',').filter_map(|one| one.split_whitespace().next()).collect();
        assert_eq!(
            meta.replaces,
            names.iter().map(|name| name.split(':').next().unwrap()).collect::<Vec<_>>(),
            "{id}"
        );
        fs_err::remove_dir_all(&root).unwrap();
    }
}

#[test]
fn the_second_time_reads_only_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let deb = &debs::download("trixie", &["zlib1g"])[0];
    let (id, content) = stored(deb, &store);
    let packages = [(&id, &content)];
    let first = all(&packages, 2, &store, &Silent).unwrap();
    // With every blob gone only the record can answer.
    fs_err::remove_dir_all(folder.path().join("blobs")).unwrap();
    assert_eq!(all(&packages, 2, &store, &Silent).unwrap(), first);
    assert!(matches!(decode(&id, &content, &store, 1), Err(UnpackError::Store(StoreError::Missing(_)))));
    // And a lock that names another package for the same file is found out even then.
    let other = PackageId { version: "1".to_owned(), ..id.clone() };
    let error = all(&[(&other, &content)], 2, &store, &Silent).unwrap_err();
    assert!(error.to_string().contains("the file calls itself Version `1:1.3.dfsg"), "{error}");
}

#[test]
fn threads_and_their_number_change_nothing() {
    let debs: Vec<PathBuf> = debs::download("trixie", &["dash", "docker.io", "zlib1g", "tzdata"]);
    let run = |jobs| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let stored: Vec<_> = debs.iter().map(|deb| stored(deb, &store)).collect();
        let packages: Vec<_> = stored.iter().map(|(id, content)| (id, content)).collect();
        all(&packages, jobs, &store, &Silent).unwrap()
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn facts_are_those_of_readelf() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for deb in debs::download("trixie", &["libsystemd0", "postgresql-17", "zlib1g", "docker.io"]) {
        let (id, content) = stored(&deb, &store);
        let component = decode(&id, &content, &store, 2).unwrap();
        let mut objects = 0;
        for (path, entry) in component.tree.iter() {
            let Node::File(content) = entry.node else { continue };
            let Some(FileFacts::Elf(elf)) = component.facts.get(path) else { continue };
            objects += 1;
            let blob = store.blob_path(&content.digest);
            let text = String::from_utf8(output("readelf", &["-Wdl".as_ref(), blob.as_os_str()])).unwrap();
            let between = |mark: &str| -> Vec<Vec<u8>> {
                let lines = text.lines().filter(|line| line.contains(mark));
                lines
                    .map(|line| line.split_once('[').unwrap().1.trim_end_matches(']').as_bytes().to_vec())
                    .collect()
            };
            assert_eq!(elf.needed, between("(NEEDED)"), "{path}");
            assert_eq!(elf.soname, between("(SONAME)").pop(), "{path}");
            assert_eq!(elf.runpath.join(&b':'), between("PATH)").concat(), "{path}");
            let interpreter = text.lines().find_map(|line| line.split_once("program interpreter: "));
            let interpreter = interpreter.map(|(_, rest)| rest.trim_end_matches(']').as_bytes().to_vec());
            assert_eq!(elf.interpreter, interpreter, "{path}");
            assert_eq!((elf.class, elf.machine), (ElfClass::Bits64, 62), "{path}");
        }
        assert!(objects > 0, "{id}");
        if id.name == "libsystemd0" {
            let elf = component.facts.values().find_map(|facts| match facts {
                FileFacts::Elf(elf) if !elf.dlopen.is_empty() => Some(elf.dlopen.clone()),
                _ => None,
            });
            let names: Vec<String> =
                elf.unwrap().into_iter().map(|name| String::from_utf8(name).unwrap()).collect();
            assert_eq!(names, ["libzstd.so.1"]);
        }
    }
}

#[test]
fn replaces_are_names() {
    let id =
        PackageId { source: "s".into(), name: "a".into(), version: "1".into(), architecture: "all".into() };
    let control = b"Package: a\nVersion: 1\nArchitecture: all\nReplaces: b (<< 2), c:any,\n d\n";
    assert_eq!(identity(&id, control).unwrap(), ["b", "c", "d"]);
    assert!(
        identity(&id, b"").is_err()
            && identity(&id, b"\xff").is_err()
            && identity(&id, b"Package a\n").is_err()
    );
    assert!(identity(&id, &[control, &b"\nPackage: b\n"[..]].concat()).is_err());
}
