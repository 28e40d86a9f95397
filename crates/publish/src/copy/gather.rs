//! From a descriptor to all that belongs to it: manifests, blobs, and what refers to them.

use std::collections::{BTreeMap, BTreeSet};

use longshore_oci::{Content, Descriptor, Digest, Index, Manifest, Platform, Reference, media_type};

use crate::Error;
use crate::registry::{Blob, Parcel, Referrer};

/// Most manifests and indexes of one image, with all that refers to it.
const MOST: usize = 2000;
/// More bytes than this no manifest has that is read beside an image: those of signatures have a thousand or two.
const MOST_BESIDE: u64 = 128 << 10;

/// Whether what refers to an image goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referrers {
    /// Signatures, attestations and what else there is go along.
    Along,
    /// What refers to the image itself, for who asks whether it is vouched for. What is said to and can't be understood is in
    /// [`Parcel::unread`]: somebody's broken signature takes nothing from another's.
    Beside,
    /// The image alone.
    Left,
}

/// How much of an image is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// This platform's manifest alone; all of it when there is none.
    pub platform: Option<Platform>,
    /// What refers to it.
    pub referrers: Referrers,
}

/// Where manifests and blobs come from.
pub(super) trait Source {
    /// The verified bytes of a manifest or an index.
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error>;
    /// A blob that can be opened.
    fn blob(&self, descriptor: &Descriptor) -> Result<Blob, Error>;
    /// What refers to a manifest or an index.
    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, Error>;
    /// What it is called in errors.
    fn name(&self) -> String;
}

/// What a manifest or an index says.
enum Document {
    Index(Index),
    Manifest(Box<Manifest>),
}

/// The image that `top` describes, with all that belongs to it.
pub(super) fn gather(
    source: &dyn Source,
    top: Descriptor,
    whole: &Whole,
    repository: Reference,
    tags: Vec<String>,
) -> Result<Parcel, Error> {
    let mut gathering =
        Gathering { source, manifests: Vec::new(), blobs: BTreeMap::new(), seen: BTreeSet::new() };
    let top = match &whole.platform {
        Some(platform) => gathering.on(&top, platform)?,
        None => top,
    };
    gathering.take(&top)?;
    let mut parcel = Parcel {
        image: repository.repository.rsplit('/').next().unwrap_or_default().to_owned(),
        platforms: gathering.platforms(&top)?,
        repository,
        top,
        manifests: std::mem::take(&mut gathering.manifests),
        blobs: BTreeMap::new(),
        referrers: Vec::new(),
        unread: Vec::new(),
        tags,
    };
    match whole.referrers {
        Referrers::Along => parcel.referrers = gathering.referrers(&parcel)?,
        Referrers::Beside => gathering.beside(&mut parcel)?,
        Referrers::Left => {}
    }
    parcel.blobs = gathering.blobs;
    Ok(parcel)
}

struct Gathering<'a> {
    source: &'a dyn Source,
    manifests: Vec<(Descriptor, Vec<u8>)>,
    blobs: BTreeMap<Content, Blob>,
    seen: BTreeSet<Digest>,
}

impl Gathering<'_> {
    /// Takes a manifest, or an index with all that it names, what is named before what names it.
    fn take(&mut self, descriptor: &Descriptor) -> Result<(), Error> {
        if !self.seen.insert(descriptor.digest) {
            return Ok(());
        }
        if self.seen.len() > MOST {
            return Err(self.malformed(descriptor, format!("more than {MOST} manifests belong to it")));
        }
        let bytes = self.source.document(descriptor)?;
        match self.read(descriptor, &bytes)? {
            Document::Index(index) => index.manifests.iter().try_for_each(|child| self.take(child))?,
            Document::Manifest(manifest) => self.blobs(&manifest)?,
        }
        self.manifests.push((descriptor.clone(), bytes));
        Ok(())
    }

    fn blobs(&mut self, manifest: &Manifest) -> Result<(), Error> {
        for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
            if blob.media_type.contains("foreign") || blob.media_type.contains("nondistributable") {
                return Err(Error::Foreign { place: self.source.name(), digest: blob.digest });
            }
            if !self.blobs.contains_key(&blob.content()) {
                let found = self.source.blob(blob)?;
                self.blobs.insert(blob.content(), found);
            }
        }
        Ok(())
    }

    /// The manifest for `platform` below `top`.
    fn on(&self, top: &Descriptor, platform: &Platform) -> Result<Descriptor, Error> {
        let bytes = self.source.document(top)?;
        let Document::Index(index) = self.read(top, &bytes)? else { return Ok(top.clone()) };
        let found = index.manifests.iter().find(|child| child.platform.as_ref() == Some(platform));
        found.cloned().ok_or_else(|| Error::Platform {
            image: self.source.name(),
            wanted: platform.to_string(),
            made: index
                .manifests
                .iter()
                .filter_map(|child| child.platform.as_ref())
                .map(ToString::to_string)
                .collect(),
        })
    }

    /// The manifest of each platform below `top`, which has been taken.
    fn platforms(&self, top: &Descriptor) -> Result<BTreeMap<String, Digest>, Error> {
        let found = self.manifests.iter().find(|(descriptor, _)| descriptor.digest == top.digest);
        let Some((descriptor, bytes)) = found else { return Ok(BTreeMap::new()) };
        let Document::Index(index) = self.read(descriptor, bytes)? else { return Ok(BTreeMap::new()) };
        let named =
            index.manifests.into_iter().filter_map(|child| Some((child.platform?.to_string(), child.digest)));
        // What attestations run on.
        Ok(named.filter(|(platform, _)| platform != "unknown/unknown").collect())
    }

    /// What refers to the manifests of `parcel`, and to that.
    fn referrers(&mut self, parcel: &Parcel) -> Result<Vec<Referrer>, Error> {
        let mut all = Vec::new();
        let mut subjects: Vec<Descriptor> =
            parcel.manifests.iter().map(|(descriptor, _)| descriptor.clone()).collect();
        while let Some(subject) = subjects.pop() {
            for entry in self.source.referrers(&subject)? {
                if !self.seen.insert(entry.digest) {
                    continue;
                }
                if self.seen.len() > MOST {
                    return Err(self.malformed(&subject, format!("more than {MOST} manifests refer to it")));
                }
                all.push(self.referrer(&subject, &entry)?);
                subjects.push(entry);
            }
        }
        Ok(all)
    }

    /// What refers to the image of `parcel` and to nothing below it.
    fn beside(&mut self, parcel: &mut Parcel) -> Result<(), Error> {
        for entry in self.source.referrers(&parcel.top)? {
            // One that is listed wrongly may be listed once more as it is.
            if self.seen.contains(&entry.digest) {
                continue;
            }
            let found = match entry.size > MOST_BESIDE {
                true => {
                    Err(self.malformed(&entry, format!("it has {} bytes, which are too many", entry.size)))
                }
                false => self.referrer(&parcel.top, &entry),
            };
            match found {
                Ok(referrer) => {
                    self.seen.insert(entry.digest);
                    parcel.referrers.push(referrer);
                }
                Err(error) if error.is_of_content() => parcel.unread.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The manifest that `entry` describes, if it refers to `subject`.
    fn referrer(&mut self, subject: &Descriptor, entry: &Descriptor) -> Result<Referrer, Error> {
        let bytes = self.source.document(entry)?;
        let Document::Manifest(manifest) = self.read(entry, &bytes)? else {
            return Err(self.malformed(entry, "an index refers to another, which nobody can".to_owned()));
        };
        if manifest.subject.as_ref().is_none_or(|said| said.digest != subject.digest) {
            return Err(self.malformed(entry, format!("it does not refer to {}", subject.digest)));
        }
        self.blobs(&manifest)?;
        let mut listed = Descriptor::new(&entry.media_type, entry.content());
        // As lists have it (distribution specification, "Listing Referrers").
        listed.artifact_type = Some(manifest.artifact_type.clone().unwrap_or(manifest.config.media_type));
        listed.annotations = manifest.annotations;
        Ok(Referrer { subject: subject.content(), entry: listed, bytes })
    }

    fn read(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<Document, Error> {
        let malformed = |error: serde_json::Error| self.malformed(descriptor, error.to_string());
        match descriptor.media_type.as_str() {
            media_type::INDEX | media_type::DOCKER_LIST => {
                serde_json::from_slice(bytes).map(Document::Index).map_err(malformed)
            }
            media_type::MANIFEST | media_type::DOCKER_MANIFEST => {
                let manifest = serde_json::from_slice(bytes).map_err(malformed)?;
                Ok(Document::Manifest(Box::new(manifest)))
            }
            other => {
                Err(self.malformed(descriptor, format!("it is of the type `{other}`, which is no image")))
            }
        }
    }

    fn malformed(&self, descriptor: &Descriptor, reason: String) -> Error {
        Error::Malformed { place: self.source.name(), digest: descriptor.digest, reason }
    }
}
