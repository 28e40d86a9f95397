//! `stack.published`: what was pushed last, by digest. Deploy commands read it, so that what runs is what was pushed.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use fs_err as fs;
use longshore_oci::layout::AtomicFile;
use longshore_oci::{Digest, Reference, read_bounded};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::registry::Parcel;

/// The breaking version of the format.
const VERSION: u32 = 1;
/// More than this is no such file.
const LIMIT: u64 = 16 << 20;

/// What was pushed last, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Of the format.
    version: u32,
    /// The stack's name.
    pub stack: String,
    /// By name in the stack.
    pub images: BTreeMap<String, RecordedImage>,
}

/// An image in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedImage {
    /// `ghcr.io/org/web`.
    pub repository: Reference,
    /// The manifest of a single platform, or else the index.
    pub digest: Digest,
    /// Which of the two.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// What it was called.
    pub tags: Vec<String>,
    /// The manifest of each platform.
    pub platforms: BTreeMap<String, Digest>,
}

/// What the record of a profile is called, beside the stack file.
pub fn file_name(profile: Option<&str>) -> String {
    match profile {
        Some(name) => format!("stack.{name}.published"),
        None => "stack.published".to_owned(),
    }
}

impl Record {
    /// The record at `path`; none where there is no such file.
    ///
    /// # Errors
    /// When it can't be read, or is of a later longshore.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let unreadable = |source| Error::Record { path: path.to_owned(), source };
        let bytes = match fs::File::open(path).and_then(|file| read_bounded(file, LIMIT)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let record: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.into()))?;
        if record.version > VERSION {
            return Err(unreadable(io::Error::other(format!(
                "its format has version {}, and this longshore knows versions up to {VERSION}",
                record.version
            ))));
        }
        Ok(Some(record))
    }

    /// Takes up `parcels`, which were pushed, in the place of what was pushed of these images before.
    pub fn take(&mut self, stack: &str, parcels: &[Parcel]) {
        self.version = VERSION;
        self.stack = stack.to_owned();
        for parcel in parcels {
            let image = RecordedImage {
                repository: Reference { tag: None, digest: None, ..parcel.repository.clone() },
                digest: parcel.top.digest,
                media_type: parcel.top.media_type.clone(),
                size: parcel.top.size,
                tags: parcel.tags.clone(),
                platforms: parcel.platforms.clone(),
            };
            self.images.insert(parcel.image.clone(), image);
        }
    }

    /// Writes it to `path`, by rename.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let mut file = AtomicFile::create(path).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.commit()).map_err(failed)
    }
}

impl RecordedImage {
    /// Its name by digest.
    pub fn reference(&self) -> Reference {
        self.repository.with_digest(self.digest)
    }
}
