//! A revision as one file: a tar of its objects, each under the path that it has in a repository.
//!
//! It is how a revision is vendored. What comes out of one is a folder of objects as a client leaves them, and is taken like
//! anything that was fetched: by the name of each object.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

use fs_err as fs;
use longshore_oci::{Content, Store};
use tar::{Archive, Builder, EntryType, Header};

use super::{GitError, GitSource, ObjectId, Taken};
use crate::{Kind, Wanted, cargo};

/// Most bytes of all objects of one revision, as they are packed.
const MAX_BYTES: u64 = 8 << 30;

/// How a revision is asked for.
pub(crate) fn wanted(source: &GitSource) -> Wanted {
    Wanted {
        kind: Kind::GitRevision,
        name: source.url.clone(),
        version: source.revision.to_string(),
        id: source.revision.to_string(),
    }
}

/// The tar of what was taken, in the store. The same objects give the same bytes.
pub(crate) fn pack(taken: &Taken, store: &Store) -> Result<Content, crate::Error> {
    let mut tar = Builder::new(store.writer()?);
    let objects: BTreeMap<_, _> = taken.objects.iter().collect();
    for (id, content) in objects {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.size);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_path(path(id))?;
        header.set_cksum();
        tar.append(&header, store.open_blob(content)?)?;
    }
    Ok(tar.into_inner()?.commit()?)
}

/// Puts the objects of a tar below `git/` of `folder`.
pub(crate) fn unpack(
    source: &GitSource,
    content: &Content,
    folder: &Path,
    store: &Store,
) -> Result<(), crate::Error> {
    let refuse = |problem: String| -> crate::Error {
        let (url, revision) = (source.url.clone(), source.revision.to_string());
        cargo::Error::from(GitError::Refused { url, revision, problem }).into()
    };
    let root = folder.join("git").join(source.revision.to_string());
    let mut archive = Archive::new(store.open_blob(content)?.take(MAX_BYTES));
    for entry in archive.entries()? {
        let mut entry = entry.map_err(|error| refuse(format!("can't be read: {error}")))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // Only names that `pack` gives: the path of the file is made anew.
        let id = name.strip_prefix("objects/").and_then(|name| name.replacen('/', "", 1).parse().ok());
        let Some(id) = id.filter(|id: &ObjectId| path(id) == name) else {
            return Err(refuse(format!("has the file `{}`, which is no object", name.escape_default())));
        };
        let to = root.join(path(&id));
        fs::create_dir_all(to.parent().unwrap_or(&root))?;
        io::copy(&mut entry, &mut fs::File::create(to)?)?;
    }
    Ok(())
}

/// Its place in a repository.
fn path(id: &ObjectId) -> String {
    let name = id.to_string();
    format!("objects/{}/{}", &name[..2], &name[2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_out_as_they_went_in_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let revision: ObjectId = "95d09f2b10159347eece71399a7e2e907ea3df4f".parse().unwrap();
        let source = GitSource {
            url: String::from("https://git.example/x"),
            reference: None,
            revision,
            name: String::from("git+https://git.example/x"),
        };
        let objects = BTreeMap::from([(revision, store.put(b"object").unwrap())]);
        let taken = Taken { objects, ..Taken::default() };
        let packed = pack(&taken, &store).unwrap();
        assert_eq!(packed, pack(&taken, &store).unwrap());
        unpack(&source, &packed, folder.path(), &store).unwrap();
        let at = folder.path().join(format!("git/{revision}")).join(path(&revision));
        assert_eq!(fs::read(at).unwrap(), b"object");

        for name in ["objects/../../escape", "objects/95/D09F2B10159347EECE71399A7E2E907EA3DF4F", "other"] {
            let mut tar = Builder::new(Vec::new());
            let mut header = Header::new_ustar();
            header.set_size(1);
            let bytes = name.as_bytes();
            header.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
            header.set_cksum();
            tar.append(&header, &b"x"[..]).unwrap();
            let content = store.put(&tar.into_inner().unwrap()).unwrap();
            let error = unpack(&source, &content, folder.path(), &store).unwrap_err().to_string();
            assert!(error.contains("which is no object"), "{error}");
        }
    }
}
