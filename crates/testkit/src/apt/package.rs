//! A package described in a test, and the `.deb` it becomes: the same bytes for the same description.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::ar;

/// A package.
#[derive(Debug, Clone)]
pub struct Package {
    name: String,
    version: String,
    architecture: String,
    fields: Vec<(String, String)>,
    scripts: BTreeMap<String, String>,
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
enum Entry {
    Directory { mode: u32 },
    File { mode: u32, bytes: Vec<u8> },
    Symlink { target: String },
    HardLink { target: String },
}

impl Package {
    /// An empty package for amd64.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: String::from("amd64"),
            fields: Vec::new(),
            scripts: BTreeMap::new(),
            entries: BTreeMap::new(),
        }
    }

    /// For another architecture, or `all`.
    pub fn architecture(mut self, name: &str) -> Self {
        name.clone_into(&mut self.architecture);
        self
    }

    /// With a control field besides the required ones.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a `Depends` field.
    pub fn depends(self, value: &str) -> Self {
        self.field("Depends", value)
    }

    /// With a regular file, mode 0644; `path` without a leading slash.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(path, Entry::File { mode: 0o644, bytes: bytes.as_ref().to_vec() })
    }

    /// With a regular file, mode 0755.
    pub fn executable(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(path, Entry::File { mode: 0o755, bytes: bytes.as_ref().to_vec() })
    }

    /// With a directory; those above a file are made of themselves.
    pub fn directory(self, path: &str, mode: u32) -> Self {
        self.entry(path, Entry::Directory { mode })
    }

    /// With a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, Entry::Symlink { target: target.to_owned() })
    }

    /// With a hard link to another file of the package that sorts before it.
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, Entry::HardLink { target: target.to_owned() })
    }

    /// With a maintainer script (`postinst`) or another control file (`conffiles`, `triggers`).
    pub fn script(mut self, name: &str, text: &str) -> Self {
        self.scripts.insert(name.to_owned(), text.to_owned());
        self
    }

    fn entry(mut self, path: &str, entry: Entry) -> Self {
        self.entries.insert(path.to_owned(), entry);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its architecture.
    pub fn arch(&self) -> &str {
        &self.architecture
    }

    /// Where it lies in the archive.
    pub fn pool_path(&self) -> String {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        format!("pool/main/{}/{}_{version}_{}.deb", self.name, self.name, self.architecture)
    }

    /// Its control paragraph, ending with a newline.
    pub fn control(&self) -> String {
        let mut text = format!(
            "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: Test <test@example.org>\n",
            self.name, self.version, self.architecture
        );
        for (name, value) in &self.fields {
            text += &format!("{name}: {value}\n");
        }
        text += "Description: made for a test\n";
        text
    }

    /// The `.deb`.
    pub fn deb(&self) -> Vec<u8> {
        ar::archive(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", &gzip(&self.control_tar())),
            ("data.tar.gz", &gzip(&self.data_tar())),
        ])
    }

    fn control_tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        append(&mut tar, "./", &Entry::Directory { mode: 0o755 });
        append(&mut tar, "./control", &Entry::File { mode: 0o644, bytes: self.control().into_bytes() });
        for (name, text) in &self.scripts {
            append(
                &mut tar,
                &format!("./{name}"),
                &Entry::File { mode: 0o755, bytes: text.clone().into_bytes() },
            );
        }
        tar.into_inner().unwrap()
    }

    fn data_tar(&self) -> Vec<u8> {
        let mut all = self.entries.clone();
        for path in self.entries.keys() {
            for (at, _) in path.match_indices('/') {
                all.entry(path[..at].to_owned()).or_insert(Entry::Directory { mode: 0o755 });
            }
        }
        let mut tar = tar::Builder::new(Vec::new());
        append(&mut tar, "./", &Entry::Directory { mode: 0o755 });
        for (path, entry) in &all {
            append(&mut tar, &format!("./{path}"), entry);
        }
        tar.into_inner().unwrap()
    }
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, entry: &Entry) {
    let mut header = tar::Header::new_gnu();
    let (kind, mode, bytes): (_, _, &[u8]) = match entry {
        Entry::Directory { mode } => (tar::EntryType::Directory, *mode, &[]),
        Entry::File { mode, bytes } => (tar::EntryType::Regular, *mode, bytes),
        Entry::Symlink { .. } => (tar::EntryType::Symlink, 0o777, &[]),
        Entry::HardLink { .. } => (tar::EntryType::Link, 0o644, &[]),
    };
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(bytes.len() as u64);
    match entry {
        Entry::Symlink { target } => tar.append_link(&mut header, path, target).unwrap(),
        Entry::HardLink { target } => tar.append_link(&mut header, path, format!("./{target}")).unwrap(),
        // `append_data` would drop the leading `./` that dpkg-deb writes.
        Entry::Directory { .. } | Entry::File { .. } => {
            let name = if matches!(entry, Entry::Directory { .. }) && !path.ends_with('/') {
                format!("{path}/")
            } else {
                path.to_owned()
            };
            let field = &mut header.as_gnu_mut().unwrap().name;
            assert!(name.len() < field.len(), "`{name}` is too long for a test package");
            field[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, bytes).unwrap();
        }
    }
}

/// Stored, not compressed: the bytes then depend on no compressor's version.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tool, tree};

    /// dpkg-deb itself reads what we write.
    #[test]
    fn dpkg_deb_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.deb");
        let package = Package::new("hello", "1:2.0-1")
            .depends("libc6 (>= 2.36)")
            .executable("usr/bin/hello", "program")
            .symlink("usr/bin/hi", "hello")
            .hard_link("usr/bin/same", "usr/bin/hello")
            .directory("var/lib/hello", 0o750)
            .script("postinst", "#!/bin/sh\nexit 0\n");
        fs_err::write(&file, package.deb()).unwrap();
        assert_eq!(package.deb(), package.deb());
        let version = Tool::new("dpkg-deb").args(["-f"]).arg(&file).arg("Version").run();
        assert_eq!(version.trim(), "1:2.0-1");
        let root = folder.path().join("root");
        Tool::new("dpkg-deb").arg("-x").arg(&file).arg(&root).run();
        let dump = tree::dump(&root);
        assert!(dump["/usr/bin/hello"].starts_with("file 0755"), "{dump:?}");
        assert_eq!(dump["/usr/bin/same"], dump["/usr/bin/hello"]);
        assert_eq!(dump["/usr/bin/hi"], "link -> hello");
        assert!(dump["/var/lib/hello"].starts_with("dir 0750"), "{dump:?}");
    }
}
