//! Taking an archive in: everything in it is held to what it is called before any of it is in the store.

use std::io::{ErrorKind, Read, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use fs_err as fs;

use super::{ArchiveError, BLOBS, Problem, RECORDS};
use crate::store::record::{self, Found, Look};
use crate::store::used;
use crate::{Content, Digest, HashingReader, Progress, Store, StoreError};

/// What was taken in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blobs that the store did not have.
    pub blobs: usize,
    /// Records that it did not have.
    pub records: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs and records that it had.
    pub known: usize,
    /// Records that were left, since blobs that they name are neither there nor here.
    pub left: usize,
}

/// What is ready to be put in its place.
struct Ready {
    from: PathBuf,
    to: PathBuf,
    size: u64,
    used: SystemTime,
    names: Vec<Content>,
}

/// Takes the archive `from` into `store`; nothing of it counts as used later than `now`.
///
/// The bytes of every blob are checked. Records can't be: whoever wrote the archive decides what they say, as whoever can
/// write to the store does.
///
/// # Errors
/// When anything in it is not what it should be: then nothing was taken.
pub fn import(
    store: &Store,
    from: impl Read,
    now: SystemTime,
    progress: &dyn Progress,
) -> Result<Imported, ArchiveError> {
    let step = progress.begin("Reading", "the archive", None);
    let mut tar = tar::Archive::new(from);
    let (mut blobs, mut records) = (Vec::new(), Vec::new());
    let mut done = Imported::default();
    // As they are: what only describes the next entry, and could be of any length, is in no export.
    for entry in tar.entries().map_err(ArchiveError::Read)?.raw(true) {
        let mut entry = entry.map_err(ArchiveError::Read)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let wrong = |problem| ArchiveError::Entry { entry: name.clone(), problem };
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(wrong(Problem::Type));
        }
        let since = Duration::from_secs(entry.header().mtime().map_err(ArchiveError::Read)?);
        let used = SystemTime::UNIX_EPOCH.checked_add(since).map_or(now, |used| used.min(now));
        let size = entry.size();
        match Place::of(&name).ok_or_else(|| wrong(Problem::Name))? {
            Place::Blob(_) if !records.is_empty() => return Err(wrong(Problem::Order)),
            Place::Blob(digest) => {
                let content = Content { digest, size };
                let mut hashing = HashingReader::new(&mut entry);
                let from = match store.has(&content) {
                    true => discard(&mut hashing).map(|()| None)?,
                    false => Some(stage(store, &mut hashing)?),
                };
                if hashing.finish() != content {
                    return Err(wrong(Problem::Digest));
                }
                let to = store.blob_path(&digest);
                match from {
                    Some(from) => blobs.push(Ready { from, to, size, used, names: Vec::new() }),
                    None => done.known += 1,
                }
            }
            Place::Record(..) if size > record::MAX => return Err(wrong(Problem::Size)),
            Place::Record(kind, key) => {
                let from = stage(store, &mut entry)?;
                let mut file = fs::File::open(&from).map_err(StoreError::from)?;
                let found = record::names(&mut file, Look::Whole).map_err(StoreError::from)?;
                let Found::Names(names) = found else { return Err(wrong(Problem::Record)) };
                match store.record(&kind, &key)? {
                    None => {
                        let to = store.record_path(&kind, &key);
                        records.push(Ready { from, to, size, used, names });
                    }
                    Some(_) => done.known += 1,
                }
            }
        }
        step.advance(size);
    }
    for blob in &blobs {
        blob.place(store)?;
        done.blobs += 1;
        done.bytes += blob.size;
    }
    for record in &records {
        if !record.names.iter().all(|content| store.has(content)) {
            done.left += 1;
            continue;
        }
        record.place(store)?;
        done.records += 1;
        done.bytes += record.size;
    }
    Ok(done)
}

impl Ready {
    fn place(&self, store: &Store) -> Result<(), StoreError> {
        used::set(&self.from, self.used)?;
        store.place(&self.from, &self.to, self.size)
    }
}

/// Writes all of `from` to a file that is not in the store yet.
fn stage(store: &Store, from: &mut impl Read) -> Result<PathBuf, ArchiveError> {
    let path = store.scratch();
    let mut file = fs::File::create(&path).map_err(StoreError::from)?;
    each(from, |bytes| Ok(file.write_all(bytes).map_err(StoreError::from)?))?;
    Ok(path)
}

fn discard(from: &mut impl Read) -> Result<(), ArchiveError> {
    each(from, |_| Ok(()))
}

/// Calls `take` with all bytes in turn. Reading and writing fail for different reasons.
fn each(
    from: &mut impl Read,
    mut take: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => take(&buffer[..read])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(ArchiveError::Read(error)),
        }
    }
}

/// What an entry is.
enum Place {
    Blob(Digest),
    Record(String, Digest),
}

impl Place {
    /// By its name, of which nothing but kind and digest is used any further.
    fn of(name: &str) -> Option<Self> {
        if let Some(hex) = name.strip_prefix(BLOBS) {
            return Digest::from_hex(hex).ok().map(Self::Blob);
        }
        let (kind, hex) = name.strip_prefix(RECORDS)?.split_once('/')?;
        let key = Digest::from_hex(hex).ok()?;
        record::is_kind(kind).then(|| Self::Record(kind.to_owned(), key))
    }
}
