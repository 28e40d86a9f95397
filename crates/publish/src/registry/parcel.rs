//! What goes to a registry: an image with everything that belongs to it.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use longshore_image::ImageIndex;
use longshore_image::pack::Codec;
use longshore_oci::{Content, Descriptor, Digest, Progress, Reference, Step, Store, media_type};
use longshore_registry::Repository;

use crate::Error;
use crate::documents::Documents;

/// An image as it goes to a registry.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Its name in the stack, for people.
    pub image: String,
    /// The repository that it goes to; tag and digest don't matter.
    pub repository: Reference,
    /// What its tags will name.
    pub top: Descriptor,
    /// Manifests and indexes with their bytes, what is named before what names it; the last is `top`.
    pub manifests: Vec<(Descriptor, Vec<u8>)>,
    /// Configurations and layers.
    pub blobs: BTreeMap<Content, Blob>,
    /// What refers to one of the manifests.
    pub referrers: Vec<Referrer>,
    /// Of what is only said to refer to it: why it does not.
    pub unread: Vec<String>,
    /// What it is to be called.
    pub tags: Vec<String>,
    /// The manifest of each platform.
    pub platforms: BTreeMap<String, Digest>,
}

/// Where a blob's bytes are.
#[derive(Debug, Clone)]
pub enum Blob {
    /// Here.
    Bytes(Vec<u8>),
    /// In this file.
    File(PathBuf),
    /// In this file; and in this repository, whose registry may take it from there.
    Taken(PathBuf, Reference),
    /// In this repository; it is fetched into the store when somebody opens it.
    Remote(Arc<Repository>),
}

/// A manifest that refers to another.
#[derive(Debug, Clone)]
pub struct Referrer {
    /// The other.
    pub subject: Content,
    /// What lists of referrers say of it.
    pub entry: Descriptor,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Referrer {
    /// What its manifest names: its configuration and its layers.
    pub fn blobs(&self) -> Vec<Content> {
        let read = serde_json::from_slice::<longshore_oci::Manifest>(&self.bytes);
        read.map_or_else(
            |_| Vec::new(),
            |manifest| {
                std::iter::once(&manifest.config).chain(&manifest.layers).map(Descriptor::content).collect()
            },
        )
    }
}

/// Which tags may not move.
#[derive(Debug, Clone, Default)]
pub struct Tagging {
    /// Those that one of these patterns fits; `*` stands for any characters.
    pub immutable: Vec<String>,
}

impl Parcel {
    /// Each of `images`, called by its reference's tag, `latest` where it has none.
    ///
    /// # Errors
    /// When a layer can't be packed.
    pub fn all(
        images: &[ImageIndex],
        codec: Codec,
        store: &Store,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<Self>, Error> {
        let parcel = |index: &ImageIndex| {
            let tag = index.reference.tag.clone().unwrap_or_else(|| "latest".to_owned());
            Self::of(index, vec![tag], codec, store, jobs, progress)
        };
        images.iter().map(parcel).collect()
    }

    /// `index`, which is to be called `tags`. Compresses what is not compressed yet.
    ///
    /// # Errors
    /// When a layer can't be packed.
    pub fn of(
        index: &ImageIndex,
        tags: Vec<String>,
        codec: Codec,
        store: &Store,
        jobs: usize,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let image = index.images.first().map(|image| image.name.clone()).unwrap_or_default();
        let documents = Documents::of(index, codec, store, jobs, progress)?;
        let mut manifests = Vec::new();
        let mut blobs = BTreeMap::new();
        for layer in documents.layers.iter().flatten() {
            blobs.insert(layer.content(), Blob::File(store.blob_path(&layer.digest)));
        }
        for layer in index.images.iter().flat_map(|image| &image.layers) {
            // What a base brought is mostly in the registry that it is from.
            if let Some(taken) = layer.taken() {
                let content = taken.descriptor.content();
                blobs.insert(content, Blob::Taken(store.blob_path(&content.digest), taken.from.clone()));
            }
        }
        for image in &index.images {
            let (bytes, content) = image.config_bytes();
            blobs.insert(content, Blob::Bytes(bytes));
        }
        let mut platforms = BTreeMap::new();
        for (image, layers) in index.images.iter().zip(&documents.layers) {
            platforms
                .insert(image.platform.to_string(), Content::of(&image.manifest(layers).to_bytes()).digest);
        }
        let mut top = None;
        for (content, bytes) in documents.documents {
            if blobs.contains_key(&content) {
                continue;
            }
            match content.digest == documents.top.digest {
                true => top = Some((documents.top.clone(), bytes)),
                false => manifests.push((Descriptor::new(media_type::MANIFEST, content), bytes)),
            }
        }
        manifests.extend(top);
        Ok(Self {
            image,
            repository: index.reference.clone(),
            top: documents.top,
            manifests,
            blobs,
            referrers: Vec::new(),
            unread: Vec::new(),
            tags,
            platforms,
        })
    }

    /// What it is called: `repository:tag` for each tag.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.tags.iter().map(|tag| format!("{}:{tag}", self.repository.name()))
    }

    /// Keeps its blobs that are in `store`, for a process that lives on without holding the store.
    ///
    /// # Errors
    /// When one is missing, or the disk says no.
    pub fn keep(&mut self, store: &Store) -> Result<(), Error> {
        for (content, blob) in &mut self.blobs {
            if let Blob::File(path) | Blob::Taken(path, _) = blob
                && *path == store.blob_path(&content.digest)
            {
                *path = store.keep(content)?;
            }
        }
        Ok(())
    }

    /// All bytes that belong to it.
    pub fn size(&self) -> u64 {
        let manifests = self.manifests.iter().map(|(descriptor, _)| descriptor.size);
        self.blobs.keys().map(|content| content.size).chain(manifests).sum()
    }
}

impl Blob {
    /// The blob where it can be opened: fetched where it is elsewhere.
    ///
    /// # Errors
    /// When the registry that has it does not give it.
    pub fn here(&self, content: &Content, store: &Store, step: &dyn Step) -> Result<Self, Error> {
        match self {
            Self::Remote(repository) => {
                repository.fetch_blob(content, step)?;
                Ok(Self::File(store.blob_path(&content.digest)))
            }
            here => Ok(here.clone()),
        }
    }

    /// Opens it, from byte `offset` on.
    ///
    /// # Errors
    /// When the file can't be read, or it is not here.
    pub fn open(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(Box::new(&bytes[start..]))
            }
            Self::File(path) | Self::Taken(path, _) => {
                let mut file = fs_err::File::open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                Ok(Box::new(file))
            }
            Self::Remote(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Tagging {
    /// Whether `tag` must go on naming what it names.
    pub fn is_immutable(&self, tag: &str) -> bool {
        self.immutable.iter().any(|pattern| fits(pattern, tag))
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        match parts.peek() {
            None => return left.ends_with(part),
            Some(_) => match left.find(part) {
                Some(at) => left = &left[at + part.len()..],
                None => return false,
            },
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("latest", "latest", true),
            ("latest", "latest2", false),
            ("*", "", true),
            ("v*", "v1.2", true),
            ("v*", "1.2", false),
            ("*-rc*", "1.0-rc1", true),
            ("*-rc*", "1.0", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "ac", false),
            ("*.*.*", "1.2.3", true),
            ("*.*.*", "1.2", false),
            ("ab*ab", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
