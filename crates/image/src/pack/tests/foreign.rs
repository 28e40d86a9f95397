//! Other programs read what is packed: GNU tar, bsdtar, Python, gzip.

use std::path::Path;

use longshore_oci::{Content, Entry, Epoch, Silent, Store};
use longshore_testkit::{Tool, tree};

use super::super::{Codec, compress, tar as writer};
use super::{everything, layer, path, store, tar};

/// Every name, kind, mode, owner, digest and attribute, as Python's `tarfile` sees them; in order.
const PYTHON: &str = r#"
import hashlib, os, sys, tarfile
with tarfile.open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as archive:
    for m in archive:
        name = os.fsencode(m.name).hex()
        what = "-"
        if m.isfile(): what = hashlib.sha256(archive.extractfile(m).read()).hexdigest()
        if m.issym() or m.islnk(): what = os.fsencode(m.linkname).hex()
        xattrs = sorted(k[len("SCHILY.xattr."):] for k in m.pax_headers if k.startswith("SCHILY.xattr."))
        print(name, m.type.decode(), oct(m.mode), m.uid, m.gid, m.mtime, repr(m.uname + m.gname), what, *xattrs)
"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn written(folder: &Path, store: &Store) -> (std::path::PathBuf, super::Layer) {
    let layer = layer(store, &everything(store));
    let file = folder.join("layer.tar");
    fs_err::write(&file, tar(store, &layer)).unwrap();
    (file, layer)
}

#[test]
fn python_reads_every_field() {
    use longshore_oci::Node;
    let (folder, store) = store();
    let (file, layer) = written(folder.path(), &store);
    let said = Tool::new("python3").args(["-c", PYTHON]).arg(&file).run();
    let expected = layer.recipe().unwrap().entries().iter().map(|(path, entry)| {
        let (kind, what) = match &entry.node {
            Node::Directory => (5, "-".to_owned()),
            Node::File(content) => (0, content.digest.hex()),
            Node::Symlink(target) => (2, hex(target)),
            Node::Hardlink(target) => (1, hex(target.as_bytes())),
        };
        let Entry { mode, uid, gid, .. } = &**entry;
        let mut line = format!("{} {kind} 0o{mode:o} {uid} {gid} 1700000000 '' {what}", hex(path.as_bytes()));
        for name in entry.xattrs.keys() {
            line.push(' ');
            line.push_str(std::str::from_utf8(name).unwrap());
        }
        line
    });
    assert_eq!(said.lines().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// What a program unpacks, but for owners, which only root can set.
fn unpacked(tool: Tool, folder: &Path) -> Vec<String> {
    fs_err::create_dir(folder).unwrap();
    tool.run();
    let without_owner = |(path, said): (String, String)| {
        let mut words: Vec<_> = said.split(' ').collect();
        if words[0] != "link" {
            words.remove(2);
        }
        format!("{path} {}", words.join(" "))
    };
    tree::dump(folder).into_iter().map(without_owner).collect()
}

/// What should be on disk after unpacking.
fn on_disk(layer: &super::Layer) -> Vec<String> {
    use longshore_oci::Node;
    let tree: longshore_oci::Tree = layer.recipe().unwrap().entries().iter().cloned().collect();
    let line = |(path, entry): crate::rootfs::Held<'_>| {
        let node = match &entry.node {
            Node::Hardlink(target) => &tree.get(target).unwrap().node,
            node => node,
        };
        let said = match node {
            Node::Symlink(target) => format!("link -> {}", String::from_utf8_lossy(target)),
            Node::File(content) => format!("file {:04o} {} {}", entry.mode, content.size, content.digest),
            _ => format!("dir {:04o}", entry.mode),
        };
        format!("{path} {said}")
    };
    tree.iter().map(line).collect()
}

#[test]
fn gnu_tar_unpacks_the_same_tree() {
    let (folder, store) = store();
    let (file, layer) = written(folder.path(), &store);
    let to = folder.path().join("gnu");
    let tool = Tool::new("tar").args(["--no-same-owner", "-xpf"]).arg(&file).arg("-C").arg(&to);
    let mut expected = on_disk(&layer);
    expected.sort();
    let mut found = unpacked(tool, &to);
    found.sort();
    assert_eq!(found, expected);
    use std::os::unix::fs::MetadataExt;
    let links = ["bin/a-ping", "bin/ping", "bin/ping4"].map(|name| fs_err::metadata(to.join(name)).unwrap());
    assert!(
        links
            .iter()
            .all(|meta| meta.ino() == links[0].ino() && meta.nlink() == 3 && meta.mtime() == 1_700_000_000)
    );
}

#[test]
fn sizes_of_eight_gigabytes_and_more_are_read() {
    let (folder, _store) = store();
    let file = folder.path().join("header.tar");
    for size in [(8 << 30) - 1, 8 << 30, 20_u64 << 30] {
        let mut header = Vec::new();
        let content = Content { size, ..Content::of(b"") };
        writer::append_header(&mut header, Epoch(0), &path("big"), &Entry::file(0o644, content));
        fs_err::write(&file, header).unwrap();
        let script = "import sys, tarfile; print(tarfile.open(sys.argv[1]).firstmember.size)";
        assert_eq!(Tool::new("python3").args(["-c", script]).arg(&file).run().trim(), size.to_string());
        // GNU tar complains of the missing bytes after it has listed the header.
        let listed = Tool::new("tar").arg("-tvf").arg(&file).output();
        assert!(String::from_utf8_lossy(&listed.stdout).contains(&size.to_string()));
    }
}

#[test]
fn zstd_decompresses_every_frame() {
    let (folder, store) = store();
    let layer = layer(&store, &everything(&store));
    let blob = compress(&layer, Codec::Zstd, &store, 2, &Silent).unwrap().descriptor;
    assert_eq!(blob.media_type, "application/vnd.oci.image.layer.v1.tar+zstd");
    let bytes = store.read_blob(&blob.content()).unwrap();
    assert_eq!(bytes[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    assert_eq!(bytes[4] & 0b0010_0111, 0b0010_0000, "one segment of known size; no checksum, no dictionary");
    let file = folder.path().join("layer.tar.zst");
    fs_err::write(&file, bytes).unwrap();
    let said = Tool::new("sh").args(["-c", "zstd -dc \"$0\" | sha256sum"]).arg(&file).run();
    assert_eq!(&said[..64], layer.diff_id.0.hex());
    let listed = Tool::new("zstd").args(["-l", "-v"]).arg(&file).run();
    assert!(listed.contains(&format!("({} B)", layer.size)), "{listed}");
}

#[test]
fn gzip_and_python_decompress_every_member() {
    let (folder, store) = store();
    let layer = layer(&store, &everything(&store));
    for codec in [Codec::Gzip, Codec::GzipFast] {
        let blob = compress(&layer, codec, &store, 2, &Silent).unwrap().descriptor;
        let bytes = store.read_blob(&blob.content()).unwrap();
        assert_eq!(bytes[..4], [0x1f, 0x8b, 8, 0], "magic, deflate, no flags");
        assert_eq!(bytes[4..8], [0; 4], "no time");
        assert_eq!(bytes[9], 255, "no operating system");
        let file = folder.path().join("layer.tar.gz");
        fs_err::write(&file, bytes).unwrap();
        Tool::new("gzip").arg("-t").arg(&file).run();
        let script =
            "import gzip, hashlib, sys; print(hashlib.sha256(gzip.open(sys.argv[1]).read()).hexdigest())";
        let said = Tool::new("python3").args(["-c", script]).arg(&file).run();
        assert_eq!(said.trim(), layer.diff_id.0.hex());
        let said = Tool::new("sh").args(["-c", "gzip -dc \"$0\" | sha256sum"]).arg(&file).run();
        assert_eq!(&said[..64], layer.diff_id.0.hex());
    }
}
