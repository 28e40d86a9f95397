//! An OCI image layout in a folder.

use std::path::Path;

use longshore_image::ImageIndex;
use longshore_image::pack::Codec;
use longshore_oci::layout::Layout;
use longshore_oci::{Content, Descriptor, Progress, Store};

use crate::copy::cosign::{IMAGE, KIND};
use crate::documents::CONTAINERD_NAME;
use crate::documents::normalised;
use crate::registry::{Blob, Parcel};
use crate::{Error, Identity, Published, PublishedImage};

/// Writes `images` into the layout at `folder`, which is made where there is none, under their references' tags.
///
/// # Errors
/// When the folder holds something else, or the disk says no.
pub fn write(
    images: &[ImageIndex],
    folder: &Path,
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    put(&Parcel::all(images, codec, store, jobs, progress)?, folder, store, progress)
}

/// Puts `parcels` into the layout at `folder`, which is made where there is none. What is in it already stays, except that images
/// of the same name are replaced. Blobs come before the index that names them, so that readers see either the old images or the
/// new ones.
///
/// # Errors
/// When the folder holds something else, or the disk says no.
pub fn put(
    parcels: &[Parcel],
    folder: &Path,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let mut layout = Layout::open_or_create(folder)?;
    let mut published = Published::default();
    for parcel in parcels {
        for (content, blob) in &parcel.blobs {
            let sent = match blob {
                Blob::Bytes(bytes) => document(&layout, bytes)?,
                _ if layout.has(content) => 0,
                blob => {
                    let what = format!("blob {}", content.digest);
                    progress.during("Reading", &what, Some(content.size), |step| {
                        blob.here(content, store, step)
                    })?;
                    layout.add(store, content)?
                }
            };
            published.bytes_sent += sent;
            published.bytes_skipped += content.size - sent;
        }
        let manifests = parcel.manifests.iter().map(|(_, bytes)| bytes);
        for bytes in manifests.chain(parcel.referrers.iter().map(|referrer| &referrer.bytes)) {
            let sent = document(&layout, bytes)?;
            published.bytes_sent += sent;
            published.bytes_skipped += bytes.len() as u64 - sent;
        }
        for referrer in &parcel.referrers {
            layout.list(referrer.entry.clone());
        }
        for name in listed(parcel, |name, descriptor| layout.tag(name, descriptor)) {
            let identity = Identity::Manifest(parcel.top.clone());
            published.images.push(PublishedImage { name, identity });
        }
        if parcel.tags.is_empty() {
            layout.list(parcel.top.clone());
            let name = parcel.repository.with_digest(parcel.top.digest).to_string();
            published.images.push(PublishedImage { name, identity: Identity::Manifest(parcel.top.clone()) });
        }
    }
    layout.commit()?;
    Ok(published)
}

/// Gives `tag` each name of the parcel with what an `index.json` has under it.
pub(crate) fn listed(parcel: &Parcel, mut tag: impl FnMut(&str, Descriptor)) -> Vec<String> {
    let mut names = Vec::new();
    for (name, short) in parcel.names().zip(&parcel.tags) {
        let mut top = parcel.top.clone();
        if !parcel.referrers.is_empty() {
            // So that cosign finds which image the bundles are about.
            top.annotations.insert(KIND.to_owned(), IMAGE.to_owned());
        }
        let reference =
            longshore_oci::Reference { tag: Some(short.clone()), digest: None, ..parcel.repository.clone() };
        top.annotations.insert(CONTAINERD_NAME.to_owned(), normalised(&reference));
        tag(&name, top);
        names.push(name);
    }
    names
}

fn document(layout: &Layout, bytes: &[u8]) -> Result<u64, Error> {
    let content = Content::of(bytes);
    if layout.has(&content) {
        return Ok(0);
    }
    layout.put(bytes)?;
    Ok(content.size)
}
