//! What was vendored, opened: its list of inputs, and each of them into the store when it is asked for.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use longshore_oci::layout::{Layout, LayoutError};
use longshore_oci::{Content, Digest, Manifest, Progress, Silent, Store, StoreError, read_bounded};
use longshore_registry::{At, Repository};

use crate::inventory::MAX_BYTES;
use crate::{ARTIFACT, Error, Inventory, Kind, Listed, NAME, Place};

/// Vendored inputs.
pub struct Vendored {
    place: Place,
    inventory: Inventory,
    /// Sizes of the layers.
    layers: BTreeMap<Digest, u64>,
    source: Source,
    store: Store,
    /// Held while a layer comes from a registry, which several inputs may be in.
    fetching: Mutex<()>,
}

enum Source {
    Folder(Layout),
    Registry(Box<Repository>),
}

impl Vendored {
    /// Those in a folder.
    pub fn open_folder(folder: &Path, store: &Store) -> Result<Self, Error> {
        let place = Place::Folder(folder.to_owned());
        if !folder.exists() {
            return Err(Error::Nothing { place: place.to_string() });
        }
        let not = |reason: &str| Error::NotInputs { place: place.to_string(), reason: reason.to_owned() };
        let layout = match Layout::open(folder) {
            Err(LayoutError::NotALayout { .. }) => return Err(not("it is no OCI image layout")),
            other => other?,
        };
        let descriptor = layout.find(NAME).ok_or_else(|| not(&format!("it has nothing called `{NAME}`")))?;
        let damaged = |what: &str, error: LayoutError| damaged(&place, what, &error);
        let bytes = layout.read_document(descriptor).map_err(|error| damaged("its manifest", error))?;
        let manifest = manifest(&bytes, &place)?;
        let content = manifest.config.content();
        let list = layout.open_blob(&content).map_err(|error| damaged("its list of inputs", error))?;
        let list = read_bounded(list, MAX_BYTES)
            .map_err(|error| self::damaged(&place, "its list of inputs", &error))?;
        Self::new(place, &manifest, &list, Source::Folder(layout), store)
    }

    /// Those in `repository`, at a tag or digest.
    pub fn open_registry(
        place: Place,
        repository: Repository,
        at: &At,
        store: &Store,
    ) -> Result<Self, Error> {
        let found = match repository.manifest(at) {
            Err(error) if error.is_not_found() => return Err(Error::Nothing { place: place.to_string() }),
            other => other?,
        };
        let manifest = manifest(&found.bytes, &place)?;
        let content = manifest.config.content();
        if content.size > MAX_BYTES {
            let reason = format!("its list of inputs is larger than {MAX_BYTES} bytes");
            return Err(Error::NotInputs { place: place.to_string(), reason });
        }
        repository.fetch_blob(&content, &Silent)?;
        let list = store.read_blob(&content)?;
        Self::new(place, &manifest, &list, Source::Registry(Box::new(repository)), store)
    }

    fn new(
        place: Place,
        manifest: &Manifest,
        list: &[u8],
        source: Source,
        store: &Store,
    ) -> Result<Self, Error> {
        let layers = manifest.layers.iter().map(|layer| (layer.digest, layer.size)).collect();
        let inventory = Inventory::parse(list, &layers, &place)?;
        Ok(Self { place, inventory, layers, source, store: store.clone(), fetching: Mutex::default() })
    }

    /// Where they are.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What they are.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Brings an input into the store; none where it is not among them. It is what the list says; whether it is what the lock
    /// says, the caller finds out.
    pub fn bring(&self, kind: Kind, id: &str, progress: &dyn Progress) -> Result<Option<Content>, Error> {
        let Some(listed) = self.inventory.get(kind, id) else { return Ok(None) };
        let content = listed.input.content;
        if self.store.has(&content) {
            return Ok(Some(content));
        }
        match &self.source {
            Source::Folder(layout) => {
                let opened = fs_err::File::open(layout.blob_path(&listed.layer));
                self.take(listed, opened)?;
            }
            Source::Registry(repository) => {
                let layer = Content { digest: listed.layer, size: self.size(listed) };
                {
                    let _one = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
                    progress.during("Fetching", &listed.input.name, Some(layer.size), |step| {
                        repository.fetch_blob(&layer, step)
                    })?;
                }
                if listed.offset.is_some() {
                    self.take(listed, Ok(self.store.open_blob(&layer)?))?;
                }
            }
        }
        Ok(Some(content))
    }

    fn size(&self, listed: &Listed) -> u64 {
        self.layers.get(&listed.layer).copied().unwrap_or(0)
    }

    /// Copies an input out of its layer, verified by its own digest.
    fn take(&self, listed: &Listed, layer: io::Result<fs_err::File>) -> Result<(), Error> {
        let what = what(listed);
        let mut layer = match layer {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("is missing: there is no {}", listed.layer);
                return Err(Error::Damaged { place: self.place.to_string(), what, reason });
            }
            other => other?,
        };
        layer.seek(SeekFrom::Start(listed.offset.unwrap_or(0)))?;
        let content = listed.input.content;
        let mut writer = self.store.writer()?;
        // One byte more, to see that a layer of one input ends there.
        let more = u64::from(listed.offset.is_none());
        io::copy(&mut layer.take(content.size + more), &mut writer)?;
        match writer.commit_expecting(&content) {
            Err(StoreError::Verify(reason)) => Err(Error::Damaged {
                place: self.place.to_string(),
                what,
                reason: format!("is another file: {reason}"),
            }),
            other => Ok(other?),
        }
    }

    /// Reads all layers of a folder, or asks the registry for each: what is missing or damaged, for people.
    pub fn damages(&self) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for (&digest, &size) in &self.layers {
            let content = Content { digest, size };
            match &self.source {
                Source::Folder(layout) => {
                    let read = layout.open_blob(&content).map_err(|error| cause(&error));
                    let read = read.and_then(|mut blob| {
                        io::copy(&mut blob, &mut io::sink()).map_err(|error| error.to_string())
                    });
                    if let Err(reason) = read {
                        found.push(format!("layer {digest}: {reason}"));
                    }
                }
                Source::Registry(repository) => {
                    if !repository.has_blob(&content)? {
                        found.push(format!("layer {digest} is missing"));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// ``deb `hello` 1.0-1 ``
fn what(listed: &Listed) -> String {
    let input = &listed.input;
    format!("{} `{}` {}", input.kind.word(), input.name, input.version).trim_end().to_owned()
}

fn manifest(bytes: &[u8], place: &Place) -> Result<Manifest, Error> {
    let not = |reason: String| Error::NotInputs { place: place.to_string(), reason };
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| not(format!("its manifest can't be read: {error}")))?;
    match manifest.artifact_type.as_deref() {
        Some(ARTIFACT) => Ok(manifest),
        Some(other) => Err(not(format!("it is of type `{}`", other.escape_default()))),
        None => Err(not("it is an image".to_owned())),
    }
}

fn damaged(place: &Place, what: &str, error: &dyn std::error::Error) -> Error {
    Error::Damaged {
        place: place.to_string(),
        what: what.to_owned(),
        reason: format!("can't be read: {}", cause(error)),
    }
}

/// The innermost reason.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
