//! Images in archives that anybody may have written: an OCI layout in a tar file, or what `docker save` writes.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use fs_err as fs;
use longshore_oci::layout::{Layout, MAX_MANIFEST};
use longshore_oci::{
    Annotations, Content, Descriptor, DiffId, Digest, Manifest, Progress, Store, media_type, read_bounded,
};
use serde::Deserialize;

use super::gather::Whole;
use super::layout;
use crate::Error;
use crate::registry::{Blob, Parcel};

/// Most entries of an archive.
const MOST: usize = 100_000;

/// An entry of Docker's `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The image called `name` in the archive `file`, or its only one.
///
/// # Errors
/// When there is no such image, or the archive is damaged or of another kind.
pub fn foreign(
    file: &Path,
    name: Option<&str>,
    whole: Whole,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Parcel, Error> {
    let place = format!("archive:{}", file.display());
    let unpacked = Unpacked::read(file, &place, store, progress)?;
    let parcel =
        match (unpacked.files.contains_key("index.json"), unpacked.files.contains_key("manifest.json")) {
            (true, _) => {
                let open = Layout::open(&unpacked.folder)?;
                layout::of(&open, &place, name, whole, store, progress)
            }
            (false, true) => unpacked.saved_by_docker(name, &place, store),
            (false, false) => Err(Error::NoArchive { place: place.clone() }),
        };
    // The scratch folder goes with the process at the latest.
    let _ = fs::remove_dir_all(&unpacked.folder);
    parcel
}

/// An archive's files in a folder, under names of our own but for those of a layout.
struct Unpacked {
    folder: PathBuf,
    /// By name in the archive.
    files: BTreeMap<String, PathBuf>,
    /// Names that stand for another's file.
    links: BTreeMap<String, String>,
}

impl Unpacked {
    fn read(file: &Path, place: &str, store: &Store, progress: &dyn Progress) -> Result<Self, Error> {
        let failed = |source| Error::File { path: file.to_owned(), source };
        let size = fs::metadata(file).map_err(failed)?.len();
        let folder = store.scratch();
        let mut unpacked = Self { folder, files: BTreeMap::new(), links: BTreeMap::new() };
        progress.during("Reading", place, Some(size), |_| unpacked.unpack(file).map_err(failed))?;
        Ok(unpacked)
    }

    fn unpack(&mut self, file: &Path) -> io::Result<()> {
        fs::create_dir_all(self.folder.join("blobs/sha256"))?;
        let mut archive = tar::Archive::new(open(file)?);
        for (number, entry) in archive.entries()?.enumerate() {
            if number >= MOST {
                return Err(io::Error::other(format!("it has more than {MOST} entries")));
            }
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
            let kind = entry.header().entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = resolved(&name, &String::from_utf8_lossy(&target));
                self.links.insert(name, target);
            } else if kind.is_file() {
                // A layout's files keep their places; everything else gets a number, whatever it is called.
                let blob =
                    name.strip_prefix("blobs/sha256/").is_some_and(|hex| Digest::from_hex(hex).is_ok());
                let path = match name.as_str() {
                    "oci-layout" | "index.json" => self.folder.join(&name),
                    _ if blob => self.folder.join(&name),
                    _ => self.folder.join(format!("{number}")),
                };
                let mut out = fs::File::create(&path)?;
                io::copy(&mut entry, &mut out)?;
                self.files.insert(name, path);
            }
        }
        Ok(())
    }

    /// The file called `name`, through at most a few links.
    fn file(&self, name: &str) -> Option<&Path> {
        let mut name = name;
        for _ in 0..8 {
            if let Some(path) = self.files.get(name) {
                return Some(path);
            }
            name = self.links.get(name)?;
        }
        None
    }

    fn saved_by_docker(&self, name: Option<&str>, place: &str, store: &Store) -> Result<Parcel, Error> {
        let damaged = |reason: String| Error::DamagedArchive { place: place.to_owned(), reason };
        let bytes = |name: &str| -> Result<Vec<u8>, Error> {
            let path = self.file(name).ok_or_else(|| damaged(format!("it has no `{name}`")))?;
            let read = fs::File::open(path).and_then(|file| read_bounded(file, MAX_MANIFEST));
            read.map_err(|error| damaged(format!("`{name}`: {error}")))
        };
        let all: Vec<Saved> = serde_json::from_slice(&bytes("manifest.json")?)
            .map_err(|error| damaged(format!("`manifest.json`: {error}")))?;
        let saved = choose(&all, name, place)?;
        let config = bytes(&saved.config)?;
        let parsed: Rootfs = serde_json::from_slice(&config)
            .map_err(|error| damaged(format!("`{}`: {error}", saved.config)))?;
        if parsed.rootfs.diff_ids.len() != saved.layers.len() {
            let (says, has) = (parsed.rootfs.diff_ids.len(), saved.layers.len());
            return Err(damaged(format!("its configuration says {says} layers, and it has {has}")));
        }
        let mut blobs = BTreeMap::new();
        let mut layers = Vec::new();
        for (layer, diff_id) in saved.layers.iter().zip(&parsed.rootfs.diff_ids) {
            let path = self.file(layer).ok_or_else(|| damaged(format!("it has no `{layer}`")))?;
            let mut writer = store.writer()?;
            let copied = fs::File::open(path).and_then(|mut file| io::copy(&mut file, &mut writer));
            copied.map_err(|error| damaged(format!("`{layer}`: {error}")))?;
            let content = writer.commit()?;
            if content.digest != diff_id.0 {
                return Err(damaged(format!(
                    "`{layer}` is {}, and its configuration says {diff_id}",
                    content.digest
                )));
            }
            layers.push(Descriptor::new(media_type::LAYER_TAR, content));
            blobs.insert(content, Blob::File(store.blob_path(&content.digest)));
        }
        let config_descriptor = Descriptor::new(media_type::CONFIG, Content::of(&config));
        blobs.insert(config_descriptor.content(), Blob::Bytes(config));
        let manifest = Manifest::new(config_descriptor, layers, Annotations::new()).to_bytes();
        let top = Descriptor::new(media_type::MANIFEST, Content::of(&manifest));
        let said = name.or(saved.repo_tags.iter().flatten().next().map(String::as_str));
        let (repository, tags) = layout::reference(said);
        Ok(Parcel {
            image: repository.repository.rsplit('/').next().unwrap_or_default().to_owned(),
            repository,
            top: top.clone(),
            manifests: vec![(top, manifest)],
            blobs,
            referrers: Vec::new(),
            unread: Vec::new(),
            tags,
            platforms: BTreeMap::new(),
        })
    }
}

/// A configuration, as far as it matters here: Docker's may lack what the specification asks for.
#[derive(Deserialize)]
struct Rootfs {
    rootfs: Layers,
}

#[derive(Deserialize)]
struct Layers {
    #[serde(default)]
    diff_ids: Vec<DiffId>,
}

fn choose<'a>(all: &'a [Saved], name: Option<&str>, place: &str) -> Result<&'a Saved, Error> {
    let found = match (name, all) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), _) => all.iter().find(|saved| {
            let full = if name.contains(':') { name.to_owned() } else { format!("{name}:latest") };
            saved.repo_tags.iter().flatten().any(|tag| *tag == full)
        }),
    };
    found.ok_or_else(|| Error::NoSuchImage {
        place: place.to_owned(),
        wanted: name.map(str::to_owned),
        has: all.iter().flat_map(|saved| saved.repo_tags.iter().flatten().cloned()).collect(),
    })
}

/// Where a link in `name`'s folder leads; out of the archive is nowhere.
fn resolved(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The archive's bytes, uncompressed.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = fs::File::open(path)?;
    let mut start = [0; 2];
    let read = file.read(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    let file = BufReader::with_capacity(1 << 18, file);
    Ok(match &start[..read] {
        [0x1f, 0x8b] => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    })
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn links_stay_in_the_archive() {
        for (name, target, expected) in [
            ("a/layer.tar", "../b/layer.tar", "b/layer.tar"),
            ("a/layer.tar", "../../../etc/passwd", "etc/passwd"),
            ("x", "./y", "y"),
        ] {
            assert_eq!(resolved(name, target), expected);
        }
    }
}
