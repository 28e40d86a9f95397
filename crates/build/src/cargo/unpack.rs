//! `.crate` files: a gzipped tar of one folder `NAME-VERSION`, read as foreign bytes.

use std::io::Read;

use flate2::read::GzDecoder;
use longshore_oci::{Entry, Store, Tree, TreePath, read_bounded};
use tar::{Archive, EntryType};

use super::Error;

/// Bytes that a crate may unpack to; Cargo's own limit.
const MAX_UNPACKED: u64 = 512 << 20;
/// More files than this is no crate.
const MAX_FILES: usize = 100_000;

/// The files of the crate `package` (`NAME-VERSION`), relative to its folder, their bytes in the store. Links, devices,
/// doubled names and whatever lies outside of the folder are refused: `cargo package` writes none of them.
pub fn unpack(package: &str, file: impl Read, store: &Store) -> Result<Tree, crate::Error> {
    let refuse = |problem: String| Error::Archive { package: package.to_owned(), problem };
    // Headers and long names count too: the whole of what is unpacked is bounded.
    let mut archive = Archive::new(GzDecoder::new(file).take(MAX_UNPACKED));
    let mut tree = Tree::new();
    let mut left = MAX_UNPACKED;
    for entry in archive.entries().map_err(|error| refuse(error.to_string()))? {
        let mut entry = entry.map_err(|error| refuse(error.to_string()))?;
        let name = entry.path_bytes().into_owned();
        let shown = String::from_utf8_lossy(&name).into_owned();
        match entry.header().entry_type() {
            EntryType::Regular => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            kind => {
                return Err(refuse(format!("`{shown}` is neither file nor folder (type {kind:?})")).into());
            }
        }
        let path = inside(package, &name).map_err(|problem| refuse(format!("`{shown}` {problem}")))?;
        left = left
            .checked_sub(entry.size())
            .ok_or_else(|| refuse(format!("it unpacks to more than {MAX_UNPACKED} bytes")))?;
        let mode = entry.header().mode().map_err(|error| refuse(format!("`{shown}`: {error}")))?;
        let bytes = read_bounded(&mut entry, MAX_UNPACKED).map_err(|error| refuse(error.to_string()))?;
        // Cargo's own note of a finished unpacking, which a crate may not make for it.
        if path.as_bytes() == b".cargo-ok" {
            continue;
        }
        let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
        if tree.insert(path, Entry::file(mode, store.put(&bytes)?)).is_some() {
            return Err(refuse(format!("`{shown}` is in it twice")).into());
        }
        if tree.len() > MAX_FILES {
            return Err(refuse(format!("it has more than {MAX_FILES} files")).into());
        }
    }
    tree.check().map_err(|error| refuse(error.to_string()))?;
    if tree.get(&TreePath::new("Cargo.toml").unwrap_or_default()).is_none() {
        return Err(refuse(String::from("it has no `Cargo.toml`")).into());
    }
    Ok(tree)
}

/// `name` of the tar as a path in the package's folder.
fn inside(package: &str, name: &[u8]) -> Result<TreePath, &'static str> {
    let rest = name
        .strip_prefix(package.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"/"))
        .ok_or("lies outside of the package's folder")?;
    if rest.split(|&b| b == b'/').any(|part| part.is_empty() || part == b"." || part == b"..") {
        return Err("lies outside of the package's folder");
    }
    TreePath::new(rest).map_err(|_| "has a name that is too long or holds NUL")
}
