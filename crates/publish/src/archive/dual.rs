//! One archive for everyone: an OCI image layout, with Docker's `manifest.json` beside it for engines that read no
//! layouts (Docker before it kept its images in containerd).

use std::collections::BTreeMap;
use std::io::Write;

use longshore_image::ImageIndex;
use longshore_image::pack::Codec;
use longshore_image::pack::tar::Archive;
use longshore_oci::layout::{OCI_LAYOUT, REF_NAME};
use longshore_oci::{Annotations, Content, Digest, Epoch, Index, Manifest, Platform, Progress, Store};

use super::{Counter, Listed, image_on, json, path};
use crate::layout::listed;
use crate::registry::{Blob, Parcel};
use crate::{Error, Identity, Published, PublishedImage};

/// Where an archive has a blob.
fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Writes `images` to `out` with every platform they are made for. Engines that know one platform only, by
/// `manifest.json`, get that of `platform`.
pub fn oci_dual(
    images: &[ImageIndex],
    platform: &Platform,
    codec: Codec,
    out: &mut dyn Write,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    for index in images {
        image_on(index, platform)?;
    }
    let parcels = Parcel::all(images, codec, store, jobs, progress)?;
    write_oci(&parcels, Some(platform), out, store, progress)
}

/// The same of `parcels`; without a platform for engines that know one only, they get the first.
pub(crate) fn write_oci(
    parcels: &[Parcel],
    platform: Option<&Platform>,
    out: &mut dyn Write,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let (mut saved, mut entries) = (Vec::new(), Vec::new());
    // Sorted by digest.
    let mut blobs: BTreeMap<Content, Blob> = BTreeMap::new();
    let mut published = Published::default();
    for parcel in parcels {
        for (content, blob) in &parcel.blobs {
            let what = format!("blob {}", content.digest);
            let here = match blob {
                Blob::Remote(_) => progress
                    .during("Reading", &what, Some(content.size), |step| blob.here(content, store, step))?,
                here => here.clone(),
            };
            blobs.insert(*content, here);
        }
        let documents = parcel.manifests.iter().map(|(_, bytes)| bytes);
        for bytes in documents.chain(parcel.referrers.iter().map(|referrer| &referrer.bytes)) {
            blobs.insert(Content::of(bytes), Blob::Bytes(bytes.clone()));
        }
        saved.extend(for_docker(parcel, platform));
        let names = listed(parcel, |name, mut top| {
            top.annotations.insert(REF_NAME.to_owned(), name.to_owned());
            entries.push(top);
        });
        if names.is_empty() {
            entries.push(parcel.top.clone());
        }
        entries.extend(parcel.referrers.iter().map(|referrer| referrer.entry.clone()));
        let identity = Identity::Manifest(parcel.top.clone());
        published
            .images
            .extend(names.into_iter().map(|name| PublishedImage { name, identity: identity.clone() }));
    }
    let mut archive = Archive::new(Counter { out, written: 0 }, Epoch(0));
    archive.file(&path("oci-layout")?, OCI_LAYOUT)?;
    archive.file(&path("index.json")?, &Index::new(entries, Annotations::new()).to_bytes())?;
    archive.file(&path("manifest.json")?, &json(&saved)?)?;
    archive.directory(&path("blobs")?)?;
    archive.directory(&path("blobs/sha256")?)?;
    for (content, blob) in &blobs {
        let path = path(&blob_path(&content.digest))?;
        archive.stream(&path, *content, |out| {
            std::io::copy(&mut blob.open(0)?, out)?;
            Ok::<_, Error>(())
        })?;
    }
    published.bytes_sent = archive.finish()?.written;
    Ok(published)
}

/// What Docker's list says of it; nothing of what is no image, which Docker would not load.
fn for_docker(parcel: &Parcel, platform: Option<&Platform>) -> Option<Listed> {
    let wanted = platform.and_then(|platform| parcel.platforms.get(&platform.to_string()));
    let wanted = wanted.or(parcel.platforms.values().next()).unwrap_or(&parcel.top.digest);
    let (_, bytes) = parcel.manifests.iter().find(|(descriptor, _)| descriptor.digest == *wanted)?;
    let manifest: Manifest = serde_json::from_slice(bytes).ok()?;
    Some(Listed {
        config: blob_path(&manifest.config.digest),
        repo_tags: parcel.names().collect(),
        layers: manifest.layers.iter().map(|layer| blob_path(&layer.digest)).collect(),
    })
}
