//! Writing the store into an archive.

use std::io::{Read, Write};
use std::path::Path;
use std::time::SystemTime;

use fs_err as fs;

use super::{ArchiveError, BLOBS, RECORDS};
use crate::upkeep::Census;
use crate::upkeep::plan::{self, Bounds, Plan};
use crate::{HashingReader, Progress, Store, StoreError};

/// What an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Blobs.
    pub blobs: usize,
    /// Records.
    pub records: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Writes blobs and records of `store` to `to`: what was used last, as much of it as `bounds` has room for.
///
/// # Errors
/// When a blob is damaged or something can't be read or written.
pub fn export(
    store: &Store,
    bounds: &Bounds,
    to: impl Write,
    progress: &dyn Progress,
) -> Result<Exported, ArchiveError> {
    let mut census = Census::take(store)?;
    // What stays here takes no room there.
    census.folders.clear();
    census.unfinished.clear();
    census.shared.clear();
    census.busy = 0;
    let (records, blobs) = plan::rest(&census, &Plan::of(&census, bounds));
    let lens = blobs.iter().filter_map(|digest| census.blobs.get(digest)).map(|blob| blob.len);
    let bytes = lens.chain(records.iter().map(|record| record.len)).sum();
    let step = progress.begin("Writing", "the archive", Some(bytes));
    let mut tar = tar::Builder::new(to);
    for digest in &blobs {
        let Some(blob) = census.blobs.get(digest) else { continue };
        let file = fs::File::open(store.blob_path(digest)).map_err(StoreError::from)?;
        let mut file = HashingReader::new(file.take(blob.len));
        append(&mut tar, &format!("{BLOBS}{}", digest.hex()), blob.len, blob.used, &mut file)?;
        let found = file.finish();
        if found.digest != *digest {
            return Err(ArchiveError::Damaged(*digest));
        }
        step.advance(blob.len);
    }
    for record in &records {
        let path = store.record_path(&record.kind, &record.key);
        let name = format!("{RECORDS}{}/{}", record.kind, record.key.hex());
        append_record(&mut tar, &name, &path)?;
        step.advance(record.len);
    }
    tar.into_inner().and_then(|mut to| to.flush()).map_err(ArchiveError::Write)?;
    Ok(Exported { blobs: blobs.len(), records: records.len(), bytes })
}

/// A record may have been written anew since the walk: it goes as it is now.
fn append_record(tar: &mut tar::Builder<impl Write>, name: &str, path: &Path) -> Result<(), ArchiveError> {
    let mut file = fs::File::open(path).map_err(StoreError::from)?;
    let meta = file.metadata().map_err(StoreError::from)?;
    let used = meta.modified().map_err(StoreError::from)?;
    append(tar, name, meta.len(), used, &mut file)
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    name: &str,
    len: u64,
    used: SystemTime,
    file: &mut impl Read,
) -> Result<(), ArchiveError> {
    let mut header = tar::Header::new_ustar();
    header.set_size(len);
    header.set_mode(0o644);
    header.set_mtime(used.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    tar.append_data(&mut header, name, file).map_err(ArchiveError::Write)
}
