//! Compressed layers: independent chunks in parallel, put together in order, so that the bytes do not depend on how
//! many threads made them.
//!
//! Each chunk is one gzip member (RFC 1952, section 2.2: a file is a series of members) without name and time. Input
//! and output are hashed in the same pass that writes the blob.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};

use libdeflater::{CompressionLvl, Compressor};
use longshore_oci::{
    BlobWriter, Content, Descriptor, Digest, Progress, Sha256, Store, StoreError, media_type,
};

use super::chunk::{self, Chunk};
use super::each::each;
use super::{ASSEMBLER, Body, Error, Layer, Recipe};

/// The records that keep what a layer came to with a codec.
const RECORD: &str = "layer-blob-1";

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// gzip at libdeflate's level 6: smaller than `gzip -6`.
    #[default]
    Gzip,
    /// gzip at libdeflate's level 1: twice as fast, a tenth larger.
    GzipFast,
}

impl Codec {
    fn level(self) -> CompressionLvl {
        let level = match self {
            Self::Gzip => 6,
            Self::GzipFast => 1,
        };
        CompressionLvl::new(level).unwrap_or_default()
    }

    /// Names everything besides the tar that decides the compressed bytes.
    fn id(self) -> String {
        let name = match self {
            Self::Gzip => "gzip-6",
            Self::GzipFast => "gzip-1",
        };
        format!("longshore {ASSEMBLER} {name}")
    }
}

/// A compressed layer whose blob is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compressed {
    /// The blob.
    pub descriptor: Descriptor,
}

/// What a worker fills and hands on: the tar's bytes and their compressed form. They are used again and again, since
/// fresh memory costs more than copying into used memory.
#[derive(Default)]
struct Buffers {
    plain: Vec<u8>,
    packed: Vec<u8>,
}

/// Compresses `layers`, `jobs` at once, in their order: most layers are too small to keep several threads busy alone.
pub fn compress_all(
    layers: &[Layer],
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Compressed>, Error> {
    each(layers, jobs, |layer, (): &mut ()| compress(layer, codec, store, jobs, progress))
}

/// Compresses `layer` on `jobs` threads, or finds the result in the store.
pub fn compress(
    layer: &Layer,
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Compressed, Error> {
    let failed = |source| Error::Store { layer: layer.name().to_owned(), source };
    let recipe = match &layer.body {
        Body::Made(recipe) => recipe,
        // Its blob is what it is, whatever we would have made of it.
        Body::Taken(taken) => {
            let content = taken.descriptor.content();
            return match store.has(&content) {
                true => Ok(Compressed { descriptor: taken.descriptor.clone() }),
                false => Err(failed(StoreError::Missing(content))),
            };
        }
    };
    let content: Content = match recorded(layer, codec, store).map_err(failed)? {
        Some(content) => content,
        None => {
            let content = write_blob(store, layer, recipe, codec, jobs, progress)?;
            record(layer, codec, content, store).map_err(failed)?;
            content
        }
    };
    Ok(Compressed { descriptor: Descriptor::new(media_type::LAYER_GZIP, content) })
}

/// The key of what a layer that we make comes to with a codec: of everything that decides its bytes.
pub fn blob_key(layer: &Layer, codec: Codec) -> Digest {
    Digest::of(format!("{} {}", codec.id(), layer.diff_id).as_bytes())
}

/// The blob that compresses a layer that we make, where it was made before and is in the store.
///
/// # Errors
/// When the disk says no.
pub fn recorded(layer: &Layer, codec: Codec, store: &Store) -> Result<Option<Content>, StoreError> {
    let record = store.record(RECORD, &blob_key(layer, codec))?;
    Ok(record.and_then(|bytes| postcard::from_bytes(&bytes).ok()).filter(|content| store.has(content)))
}

/// Keeps that `content`, which is in the store, compresses a layer.
///
/// # Errors
/// When the disk says no.
pub fn record(layer: &Layer, codec: Codec, content: Content, store: &Store) -> Result<(), StoreError> {
    // These types hold nothing that postcard can't, so an empty record is never written.
    let record = postcard::to_allocvec(&content).unwrap_or_default();
    store.put_record(RECORD, &blob_key(layer, codec), &record, [content])
}

fn write_blob(
    store: &Store,
    layer: &Layer,
    recipe: &Recipe,
    codec: Codec,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Content, Error> {
    let chunks = chunk::plan(recipe);
    let failed = |source| Error::Store { layer: layer.name().to_owned(), source };
    progress.during("Compressing", layer.name(), Some(layer.size), |step| {
        let mut blob = store.writer().map_err(failed)?;
        let mut tar = Sha256::new();
        in_order(store, recipe, &chunks, codec, jobs, |buffers| {
            tar.update(&buffers.plain);
            step.advance(buffers.plain.len() as u64);
            write(&mut blob, &buffers.packed).map_err(failed)
        })?;
        layer.check(tar)?;
        blob.commit().map_err(failed)
    })
}

fn write(blob: &mut BlobWriter, bytes: &[u8]) -> Result<(), StoreError> {
    Ok(blob.write_all(bytes)?)
}

/// Has every chunk compressed and hands the results to `sink` in order. A set of buffers comes with each permission
/// to work on a chunk, and there are few of them: that bounds the memory.
fn in_order(
    store: &Store,
    recipe: &Recipe,
    chunks: &[Chunk],
    codec: Codec,
    jobs: usize,
    mut sink: impl FnMut(&Buffers) -> Result<(), Error>,
) -> Result<(), Error> {
    let jobs = jobs.max(1).min(chunks.len());
    let (permits, waiting) = mpsc::channel::<(usize, Buffers)>();
    let waiting = &Mutex::new(waiting);
    std::thread::scope(|scope| {
        // Dropped on every way out of this closure, which ends the workers.
        let permits = permits;
        let (done, results) = mpsc::channel();
        for _ in 0..jobs {
            let done = done.clone();
            scope.spawn(move || work(store, recipe, chunks, codec, waiting, &done));
        }
        drop(done);
        let mut issued = 0..chunks.len();
        for index in issued.by_ref().take(2 * jobs + 2) {
            // The receiver outlives this scope.
            let _ = permits.send((index, Buffers::default()));
        }
        let mut early = BTreeMap::new();
        for index in 0..chunks.len() {
            let buffers = loop {
                if let Some(buffers) = early.remove(&index) {
                    break buffers;
                }
                // All workers gone without a result means that one panicked; the scope passes that on.
                let Ok((done, result)) = results.recv() else { return Ok(()) };
                early.insert(done, result?);
            };
            sink(&buffers)?;
            if let Some(next) = issued.next() {
                let _ = permits.send((next, buffers));
            }
        }
        Ok(())
    })
}

/// One thread's life: take a permit, fill, compress, hand on.
fn work(
    store: &Store,
    recipe: &Recipe,
    chunks: &[Chunk],
    codec: Codec,
    waiting: &Mutex<Receiver<(usize, Buffers)>>,
    done: &Sender<(usize, Result<Buffers, Error>)>,
) {
    let mut compressor = Compressor::new(codec.level());
    loop {
        let permit = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((index, mut buffers)) = permit else { return };
        let result = chunk::fill(store, recipe, &chunks[index], &mut buffers.plain).map(|()| {
            let bound = compressor.gzip_compress_bound(buffers.plain.len());
            buffers.packed.resize(bound, 0);
            let size = compressor
                .gzip_compress(&buffers.plain, &mut buffers.packed)
                .expect("the output has the room that libdeflate asked for");
            buffers.packed.truncate(size);
            buffers
        });
        if done.send((index, result)).is_err() {
            return;
        }
    }
}
