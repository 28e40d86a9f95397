//! One layer: its files, and what it takes away of the layers below (OCI image specification, "Image Layer Filesystem
//! Changeset").

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::rc::Rc;

use longshore_oci::{
    Content, DiffId, Entry, Facts, FileFacts, Node, Reference, Sha256, Step, StoreError, Tree, TreePath,
    Trust,
};
use longshore_stack::lock::LockedLayer;
use serde::{Deserialize, Serialize};

use super::Error;
use super::documents::LayerKind;
use super::fetch::Access;
use crate::deb::archive::compression::Compression;
use crate::deb::archive::entries::{Dialect, Entries, Member};
use crate::deb::archive::{Limits, MemberKind, Problem};
use crate::intake;

/// Kind of the store's records; a new number whenever the same layer would give other files.
const RECORD: &str = "image-layer-1";
/// Kind of the records of what blobs are when they are decompressed: the lock's word is not enough, since the blob is published
/// with it.
const BLOB: &str = "image-blob-1";
/// Names of the files that take away others ("Whiteouts").
const WHITEOUT: &[u8] = b".wh.";
/// The name of the file that hides all that lies below in its folder.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Names that AUFS kept for itself.
const META: &[u8] = b".wh..wh.";
/// Bytes that a layer may unpack to.
const UNPACKED: u64 = 64 << 30;

/// What a layer does to those below. First it takes away, then it puts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layer {
    /// Bytes of its uncompressed tar.
    pub(super) size: u64,
    /// What is taken away.
    pub(super) removed: BTreeSet<TreePath>,
    /// Folders whose contents are taken away.
    pub(super) opaque: BTreeSet<TreePath>,
    /// What is put. Hard links may name what lies below.
    pub(super) tree: Tree,
    /// What the programs in it need.
    pub(super) facts: Facts,
}

/// What the store has of a layer.
pub(super) fn recorded(locked: &LockedLayer, access: &Access<'_>) -> Result<Option<Layer>, Error> {
    let LockedLayer { diff_id: DiffId(tar), content, .. } = locked;
    if access.store.record(BLOB, &content.digest)?.as_deref() != Some(tar.as_bytes()) {
        return Ok(None);
    }
    let record = access.store.record(RECORD, tar)?;
    let layer = record.and_then(|bytes| postcard::from_bytes::<Layer>(&bytes).ok());
    let whole = |layer: &Layer| access.trust == Trust::Records || access.store.has_all(&layer.tree);
    Ok(layer.filter(whole))
}

/// Unpacks the layer whose blob is in the store, the `n`th from below.
pub(super) fn unpack(
    reference: &Reference,
    n: usize,
    locked: &LockedLayer,
    access: &Access<'_>,
) -> Result<Layer, Error> {
    let what = format!("{} layer {n}", reference.repository);
    let unpacked =
        access.progress.during("Unpacking", &what, Some(locked.content.size), |_: &dyn Step| {
            read(reference, n, locked, access)
        })?;
    // Serialising plain data to memory can't fail.
    if let Ok(bytes) = postcard::to_stdvec(&unpacked) {
        access.store.put_record(RECORD, &locked.diff_id.0, &bytes, unpacked.tree.contents())?;
        access.store.put_record(BLOB, &locked.content.digest, locked.diff_id.0.as_bytes(), [])?;
    }
    Ok(unpacked)
}

/// What can go wrong while a layer is read; which it is, is added above.
enum Bad {
    Problem(Problem),
    Store(StoreError),
}

impl From<Problem> for Bad {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Bad {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn read(reference: &Reference, n: usize, locked: &LockedLayer, access: &Access<'_>) -> Result<Layer, Error> {
    let bad = |bad: Bad| match bad {
        Bad::Problem(problem) => Error::Layer { reference: Box::new(reference.clone()), layer: n, problem },
        Bad::Store(error) => error.into(),
    };
    let mut blob = access.store.open_blob(&locked.content)?;
    let mut start = Vec::new();
    blob.by_ref().take(16).read_to_end(&mut start).map_err(StoreError::from)?;
    blob.seek(SeekFrom::Start(0)).map_err(StoreError::from)?;
    let compression = Compression::sniff(&start);
    let (said, found) = match compression {
        Compression::None => (LayerKind::Tar, "not compressed"),
        Compression::Gzip => (LayerKind::Gzip, "gzip"),
        Compression::Zstd => (LayerKind::Zstd, "zstd"),
        Compression::Xz => (LayerKind::Other, "xz"),
        Compression::Bzip2 => (LayerKind::Other, "bzip2"),
    };
    // A frame that zstd skips may come first (zstd:chunked).
    let skippable = matches!(start[..], [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    let kind = LayerKind::of(&locked.media_type);
    if said != kind && !(kind == LayerKind::Zstd && skippable) {
        let media_type = locked.media_type.clone();
        return Err(Error::Compression {
            reference: Box::new(reference.clone()),
            layer: n,
            media_type,
            found,
        });
    }
    let compression = if kind == LayerKind::Zstd { Compression::Zstd } else { compression };
    let limits = Limits { unpacked: UNPACKED, ..Limits::default() };
    let hash = Rc::new(RefCell::new(Sha256::new()));
    let plain =
        compression.decode(blob, locked.content.size, &limits, 1).map_err(|problem| bad(problem.into()))?;
    let hashing = Hashing { inner: plain, hash: Rc::clone(&hash) };
    let mut tar = Entries::new(Box::new(hashing), &limits, Dialect::Layer);
    let mut files = Files { access, layer: Layer::default() };
    while let Some(member) = tar.advance().map_err(|problem| bad(problem.into()))? {
        files.add(member, &mut tar).map_err(bad)?;
    }
    let Content { digest, size } = hash.borrow().clone().finish();
    if DiffId(digest) != locked.diff_id {
        return Err(Error::DiffId {
            reference: Box::new(reference.clone()),
            layer: n,
            expected: locked.diff_id,
            found: DiffId(digest),
        });
    }
    Ok(Layer { size, ..files.layer })
}

/// Hashes what is read.
struct Hashing<R> {
    inner: R,
    hash: Rc<RefCell<Sha256>>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.borrow_mut().update(&buffer[..read]);
        Ok(read)
    }
}

/// The layer as it grows.
struct Files<'a> {
    access: &'a Access<'a>,
    layer: Layer,
}

impl Files<'_> {
    fn add(&mut self, member: Member, tar: &mut Entries<'_>) -> Result<(), Bad> {
        let Member { path, mode, uid, gid, xattrs, kind } = member;
        // The root's own metadata is not part of a tree.
        let Some(parent) = path.parent() else { return Ok(()) };
        if let Some(hidden) = path.name().strip_prefix(WHITEOUT) {
            match path.name() {
                OPAQUE => drop(self.layer.opaque.insert(parent)),
                name if name.starts_with(META) => {}
                // `.wh..` and the like hide nothing that could be there.
                _ => drop(parent.join(hidden).map(|path| self.layer.removed.insert(path))),
            }
            return Ok(());
        }
        let node = match kind {
            MemberKind::Directory => Node::Directory,
            MemberKind::Symlink(target) => Node::Symlink(target),
            MemberKind::Hardlink(target) => Node::Hardlink(target),
            MemberKind::File(size) => {
                let (content, facts) = self.file(size, tar)?;
                // Only what the kernel would run has needs: a script without the bit is a document.
                let runs = !matches!(facts, Some(FileFacts::Script { .. })) || mode & 0o111 != 0;
                self.layer.facts.remove(&path);
                self.layer.facts.extend(facts.filter(|_| runs).map(|facts| (path.clone(), facts)));
                Node::File(content)
            }
        };
        self.put(path, Entry { mode, uid, gid, xattrs: xattrs.into(), node });
        Ok(())
    }

    /// What comes last counts, as when it is unpacked one after the other.
    fn put(&mut self, path: TreePath, entry: Entry) {
        let Layer { tree, facts, .. } = &mut self.layer;
        if entry.node != Node::Directory && tree.get(&path).is_some_and(|old| old.node == Node::Directory) {
            let below: Vec<_> = tree.under(&path).map(|(path, _)| path.clone()).collect();
            for path in below {
                tree.remove(&path);
                facts.remove(&path);
            }
        }
        if !matches!(entry.node, Node::File(_)) {
            facts.remove(&path);
        }
        tree.insert(path, entry);
    }

    fn file(&mut self, size: u64, tar: &mut Entries<'_>) -> Result<(Content, Option<FileFacts>), Bad> {
        let store = self.access.store;
        let read = |buffer: &mut [u8]| tar.read(buffer).map_err(|error| Bad::Problem(error.into()));
        intake::sized(size, read, store)
    }
}
