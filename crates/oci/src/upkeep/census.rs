//! What is in the store, by a walk through all of it.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err as fs;

use super::folders::{self, Folder, Inode};
use crate::store::ledger::{self, on_disk};
use crate::store::record::{self, Found, Look};
use crate::{Content, Digest, Store, StoreError};

/// A blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its length.
    pub len: u64,
    /// When it was used last.
    pub used: SystemTime,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What kind of fact it is.
    pub kind: String,
    /// What it was derived from.
    pub key: Digest,
    /// Its length.
    pub len: u64,
    /// When it was used last.
    pub used: SystemTime,
    /// The blobs that it is worth nothing without.
    pub names: Vec<Content>,
}

/// A file that is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Useless {
    /// Where it is.
    pub path: PathBuf,
    /// What it takes.
    pub size: u64,
    /// Why it is of none.
    pub why: Why,
}

/// Why a file is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A record whose check fails.
    Damaged,
    /// A record of which a blob is not there.
    Incomplete,
    /// A record as another longshore made them.
    Foreign,
    /// It is where only blobs and records are, and is called like none.
    Stray,
}

/// What a walk found. Sizes are what files take on a disk with blocks of 4 KiB.
#[derive(Debug, Default)]
pub struct Census {
    /// Blobs by digest.
    pub blobs: BTreeMap<Digest, Blob>,
    /// Records of which all is there that they name.
    pub records: Vec<Record>,
    /// Everything else that is of use.
    pub folders: Vec<Folder>,
    /// What was begun and is not finished, and that nobody works on.
    pub unfinished: Vec<Folder>,
    /// Files that folders share, by what they are to the disk: where they are, and what they take.
    pub(super) shared: BTreeMap<Inode, (PathBuf, u64)>,
    /// What is of no use to anybody.
    pub useless: Vec<Useless>,
    /// What processes that live have begun takes.
    pub busy: u64,
}

impl Useless {
    fn of(path: &Path, meta: &Metadata, why: Why) -> Self {
        Self { path: path.to_owned(), size: on_disk(meta.len()), why }
    }
}

impl Census {
    /// Walks through `store`, whose ledger is right from then on.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn take(store: &Store) -> Result<Self, StoreError> {
        let mut census = Self::default();
        census.blobs(&store.root().join("blobs/sha256"))?;
        census.records(store)?;
        folders::find(store, &mut census)?;
        ledger::set(store, census.size());
        Ok(census)
    }

    /// What all of it takes.
    pub fn size(&self) -> u64 {
        let blobs = self.blobs.values().map(|blob| on_disk(blob.len));
        let records = self.records.iter().map(|record| on_disk(record.len));
        let folders = self.folders.iter().chain(&self.unfinished).map(|folder| folder.size);
        let others = self.shared.values().map(|(_, size)| *size).chain(self.useless.iter().map(|it| it.size));
        blobs.chain(records).chain(folders).chain(others).sum::<u64>() + self.busy
    }

    /// What files that folders share take.
    pub fn shared_size(&self) -> u64 {
        self.shared.values().map(|(_, size)| *size).sum()
    }

    /// Whether blobs are there with the lengths that they are said to have. Others may have brought some since blobs were walked
    /// through, before the record that names them.
    fn has_all(&mut self, names: &[Content], store: &Store) -> io::Result<bool> {
        for content in names {
            if !self.blobs.contains_key(&content.digest)
                && let Some(meta) = there(fs::symlink_metadata(store.blob_path(&content.digest)))?
            {
                self.blobs.insert(content.digest, Blob { len: meta.len(), used: used(&meta)? });
            }
            if self.blobs.get(&content.digest).is_none_or(|blob| blob.len != content.size) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn blobs(&mut self, all: &Path) -> io::Result<()> {
        each(all, &mut |path, meta| {
            match named(path).filter(|_| meta.is_file()) {
                Some(digest) => drop(self.blobs.insert(digest, Blob { len: meta.len(), used: used(meta)? })),
                None => self.useless.push(Useless::of(path, meta, Why::Stray)),
            }
            Ok(())
        })
    }

    fn records(&mut self, store: &Store) -> io::Result<()> {
        for kind in entries(&store.root().join("records"))? {
            let name = kind.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            each(&kind, &mut |path, meta| {
                let Some(key) = named(path).filter(|_| meta.is_file() && record::is_kind(&name)) else {
                    self.useless.push(Useless::of(path, meta, Why::Stray));
                    return Ok(());
                };
                match record::names(&mut fs::File::open(path)?, Look::Names)? {
                    Found::Names(names) if self.has_all(&names, store)? => {
                        let (kind, len) = (name.clone(), meta.len());
                        self.records.push(Record { kind, key, len, used: used(meta)?, names });
                    }
                    Found::Names(_) => self.useless.push(Useless::of(path, meta, Why::Incomplete)),
                    Found::Damage => self.useless.push(Useless::of(path, meta, Why::Damaged)),
                    Found::Other => self.useless.push(Useless::of(path, meta, Why::Foreign)),
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// The digest that a file is named by, if it is in the folder of its first two digits.
fn named(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent()?.file_name()?.to_str()?;
    Digest::from_hex(name).ok().filter(|_| name.get(..2) == Some(folder))
}

/// Calls `tell` with all that is not a folder below `top`.
fn each(top: &Path, tell: &mut dyn FnMut(&Path, &Metadata) -> io::Result<()>) -> io::Result<()> {
    for path in entries(top)? {
        // What others remove meanwhile, as its owners may, is not there.
        let Some(meta) = there(fs::symlink_metadata(&path))? else { continue };
        match meta.is_dir() {
            true => each(&path, tell)?,
            false => tell(&path, &meta)?,
        }
    }
    Ok(())
}

/// What is in a folder, in order; nothing where it is none.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        other => there(other)?,
    };
    let mut paths =
        found.into_iter().flatten().map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}

pub(super) fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

pub(super) fn used(meta: &Metadata) -> io::Result<SystemTime> {
    meta.modified()
}
