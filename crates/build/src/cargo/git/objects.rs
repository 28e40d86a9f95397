//! The objects that a client left in its folder, wherever it keeps them: Cargo has databases, checkouts, and checkouts'
//! submodules, in places that change with its versions.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::object::{Collision, Kind, Object, ObjectId};
use super::pack::{Pack, loose};

/// Folders in each other that are looked through.
const MAX_DEPTH: usize = 64;

/// Objects on disk, by the names that the client gave them.
#[derive(Default)]
pub(crate) struct Objects {
    packs: Vec<Pack>,
    names: BTreeSet<String>,
    loose: BTreeMap<ObjectId, Vec<PathBuf>>,
}

/// Why an object can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// No file has it.
    Missing,
    /// What is there is something else.
    Other(String),
    /// It bears the marks of an attack on SHA-1.
    Collision,
}

impl Objects {
    /// All that are anywhere below `folder`. Links are not followed: they could name any file of the machine.
    pub fn below(folder: &Path) -> io::Result<Self> {
        let mut objects = Self::default();
        if fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
            objects.walk(folder, MAX_DEPTH)?;
        }
        Ok(objects)
    }

    fn walk(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        for (name, path, kind) in listed(folder)? {
            match name.as_str() {
                "objects" if kind.is_dir() => self.database(&path)?,
                _ if kind.is_dir() => self.walk(&path, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn database(&mut self, folder: &Path) -> io::Result<()> {
        for (start, path, kind) in listed(folder)? {
            if !kind.is_dir() {
                continue;
            }
            for (name, file, kind) in listed(&path)? {
                if !kind.is_file() {
                    continue;
                }
                if let Ok(id) = format!("{start}{name}").parse() {
                    self.loose.entry(id).or_default().push(file);
                } else if start == "pack" && name.ends_with(".idx") && !self.names.contains(&name) {
                    let pack = file.with_extension("pack");
                    if !fs::symlink_metadata(pack).is_ok_and(|found| found.is_file()) {
                        continue;
                    }
                    // Any folder of a working tree may be called `objects`.
                    let Ok(pack) = Pack::open(&file) else { continue };
                    self.packs.push(pack);
                    // The same objects are in the database and in its checkouts.
                    self.names.insert(name);
                }
            }
        }
        Ok(())
    }

    /// The object called `id`, which is of `kind`: its bytes have been held to that name.
    pub(super) fn take(&self, id: &ObjectId, kind: Kind) -> Result<Object, Lost> {
        let packed = self.packs.iter().filter_map(|pack| pack.read(id));
        let loose = self.loose.get(id).into_iter().flatten().map(|path| loose(path));
        let mut lost = Lost::Missing;
        for found in packed.chain(loose) {
            lost = match found.map(|object| (object.id(), object)) {
                Ok((Ok(found), object)) if found == *id && object.kind == kind => return Ok(object),
                Ok((Ok(found), object)) => Lost::Other(format!("is the {} {found}", object.kind)),
                Ok((Err(Collision), _)) => Lost::Collision,
                Err(error) => Lost::Other(format!("can't be read: {error}")),
            };
        }
        Err(lost)
    }
}

/// What is in `folder`, sorted; names that are no UTF-8 are nobody's.
fn listed(folder: &Path) -> io::Result<Vec<(String, PathBuf, std::fs::FileType)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path(), entry.file_type()?));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
