//! Layers by what they are: the digest and size of the uncompressed tar.

use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use longshore_oci::{Content, Descriptor, DiffId, Reference, Sha256, Store, StoreError, media_type};

use super::buffer::Buffer;
use super::{Error, Recipe, chunk};

/// The largest window of zstd that is had: 128 MiB, as when the layer was unpacked.
const WINDOW: u32 = 27;

/// A layer, known by its uncompressed tar. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// Bytes of the uncompressed tar.
    pub size: u64,
    /// Where the tar comes from.
    pub body: Body,
}

/// Where a layer's tar comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// It is made so.
    Made(Arc<Recipe>),
    /// It is somebody's, and stays as it is.
    Taken(Arc<Taken>),
}

/// A layer of somebody's image: the same blob for whoever publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// For people: whose it is.
    pub name: String,
    /// The blob, as a manifest of ours lists it.
    pub descriptor: Descriptor,
    /// The image that has it: registries may take the blob from its repository instead of being sent it.
    pub from: Reference,
}

impl Layer {
    /// The uncompressed tar.
    pub fn tar(&self) -> Content {
        Content { digest: self.diff_id.0, size: self.size }
    }

    /// What history says of it: `debian/nginx 1.26.3-3`.
    pub fn name(&self) -> &str {
        match &self.body {
            Body::Made(recipe) => recipe.name(),
            Body::Taken(taken) => &taken.name,
        }
    }

    /// How the tar is made; none of a layer that is somebody's.
    pub fn recipe(&self) -> Option<&Recipe> {
        match &self.body {
            Body::Made(recipe) => Some(recipe),
            Body::Taken(_) => None,
        }
    }

    /// The layer of somebody's image that it is; none of one that is made here.
    pub fn taken(&self) -> Option<&Taken> {
        match &self.body {
            Body::Made(_) => None,
            Body::Taken(taken) => Some(taken),
        }
    }

    /// Streams the uncompressed tar from the store, and fails at its end if it is not the layer's.
    pub fn write_tar(&self, store: &Store, out: &mut dyn Write) -> Result<(), Error> {
        let failed = |source| Error::Write { layer: self.name().to_owned(), source };
        let mut hash = Sha256::new();
        match &self.body {
            Body::Made(recipe) => {
                let (mut blobs, mut buffer) = (chunk::Blobs::new(store), Buffer::default());
                for chunk in chunk::plan(recipe) {
                    chunk::fill(&mut blobs, recipe, &chunk, &mut buffer)?;
                    hash.update(&buffer);
                    out.write_all(&buffer).map_err(failed)?;
                }
            }
            Body::Taken(taken) => {
                let mut tar = taken.open(store)?.take(self.size.saturating_add(1));
                let mut buffer = vec![0; chunk::MAX as usize];
                loop {
                    let read = tar.read(&mut buffer).map_err(|source| self.unreadable(source.into()))?;
                    if read == 0 {
                        break;
                    }
                    hash.update(&buffer[..read]);
                    out.write_all(&buffer[..read]).map_err(failed)?;
                }
            }
        }
        Error::unless_same(self.name(), self.tar(), hash.finish())
    }

    fn unreadable(&self, source: StoreError) -> Error {
        Error::Store { layer: self.name().to_owned(), source }
    }
}

impl Taken {
    /// Its uncompressed tar; no more of it than the layer is read, since what it is shows at its end.
    fn open(&self, store: &Store) -> Result<Box<dyn Read>, Error> {
        let failed = |source: StoreError| Error::Store { layer: self.name.clone(), source };
        let blob = store.open_blob(&self.descriptor.content()).map_err(failed)?;
        decode(&self.descriptor.media_type, Box::new(blob)).map_err(|error| failed(error.into()))
    }
}

/// The uncompressed bytes of a layer's blob, by its media type. How many they are is the reader's to bound.
///
/// # Errors
/// When it is of another media type than layers have.
pub fn decode(media_type: &str, blob: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    match media_type {
        media_type::LAYER_TAR => Ok(blob),
        media_type::LAYER_GZIP => Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, blob)))),
        media_type::LAYER_ZSTD => {
            let mut decoder = zstd::stream::read::Decoder::new(blob)?;
            decoder.window_log_max(WINDOW)?;
            Ok(Box::new(decoder))
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, format!("`{media_type}` can't be decompressed"))),
    }
}
