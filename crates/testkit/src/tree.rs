//! Dumps a folder, one line a path, so that two trees made by different programs can be compared and read.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use longshore_oci::Digest;

/// What is said of one path: type, permission bits, owner, and content digest or link target.
pub type Dump = BTreeMap<String, String>;

/// Dumps everything under `root`. Times and the numbers of links are left out: tools differ on them.
pub fn dump(root: &Path) -> Dump {
    let mut all = Dump::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs_err::symlink_metadata(&path).unwrap();
            let name = format!("/{}", path.strip_prefix(root).unwrap().to_string_lossy());
            let owner = format!("{:04o} {}:{}", meta.mode() & 0o7777, meta.uid(), meta.gid());
            let said = if meta.is_symlink() {
                format!("link -> {}", fs_err::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                folders.push(path);
                format!("dir {owner}")
            } else if meta.is_file() {
                let bytes = fs_err::read(&path).unwrap();
                format!("file {owner} {} {}", bytes.len(), Digest::of(&bytes))
            } else {
                format!("special {owner}")
            };
            all.insert(name, said);
        }
    }
    all
}

/// Lines for what is in `left` and is otherwise or not at all in `right`.
pub fn missing_from(left: &Dump, right: &Dump) -> Vec<String> {
    left.iter()
        .filter(|(path, said)| right.get(*path) != Some(said))
        .map(|(path, said)| {
            let there = right.get(path).map_or("nothing", String::as_str);
            format!("{path}: expected {said}, found {there}")
        })
        .collect()
}

/// All regular files under `root` by path, for comparing outputs byte by byte.
pub fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for (path, said) in dump(root) {
        if said.starts_with("file ") {
            let bytes = fs_err::read(root.join(path.trim_start_matches('/'))).unwrap();
            all.insert(path, bytes);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found() {
        let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for root in [&left, &right] {
            fs_err::create_dir(root.path().join("d")).unwrap();
            fs_err::write(root.path().join("d/f"), "same").unwrap();
        }
        assert_eq!(dump(left.path()), dump(right.path()));
        fs_err::write(right.path().join("d/f"), "other").unwrap();
        let said = missing_from(&dump(left.path()), &dump(right.path()));
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("/d/f: expected file"), "{said:?}");
    }
}
