//! One archive for everyone: an OCI image layout, with Docker's `manifest.json` beside it for engines that read no
//! layouts (Docker before it kept its images in containerd).

use std::collections::BTreeMap;
use std::io::Write;

use longshore_image::ImageIndex;
use longshore_image::pack::Codec;
use longshore_image::pack::tar::Archive;
use longshore_oci::layout::{OCI_LAYOUT, REF_NAME};
use longshore_oci::{Annotations, Content, Digest, Epoch, Index, Progress, Store};

use super::{Counter, Listed, image_on, json, path};
use crate::documents::Documents;
use crate::{Error, Identity, Published, PublishedImage};

/// Where an archive has a blob.
fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Writes `images` to `out` with every platform they are made for. Engines that know one platform only, by
/// `manifest.json`, get that of `platform`.
pub fn oci_dual(
    images: &[ImageIndex],
    platform: &longshore_oci::Platform,
    codec: Codec,
    out: &mut dyn Write,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let (mut listed, mut manifests) = (Vec::new(), Vec::new());
    // Sorted by digest; bytes where they are documents, and else in the store.
    let mut blobs: BTreeMap<Content, Option<Vec<u8>>> = BTreeMap::new();
    let mut published = Published::default();
    for index in images {
        let image = image_on(index, platform)?;
        let documents = Documents::of(index, codec, store, jobs, progress)?;
        let layers =
            index.images.iter().zip(&documents.layers).filter(|(other, _)| other.platform == *platform);
        listed.push(Listed {
            config: blob_path(&image.id()),
            repo_tags: vec![documents.name.clone()],
            layers: layers.flat_map(|(_, layers)| layers).map(|layer| blob_path(&layer.digest)).collect(),
        });
        let mut top = documents.listed(&index.reference);
        top.annotations.insert(REF_NAME.to_owned(), documents.name.clone());
        manifests.push(top);
        blobs.extend(documents.layers.iter().flatten().map(|layer| (layer.content(), None)));
        blobs.extend(documents.documents.into_iter().map(|(content, bytes)| (content, Some(bytes))));
        published
            .images
            .push(PublishedImage { name: documents.name, identity: Identity::Manifest(documents.top) });
    }
    let mut archive = Archive::new(Counter { out, written: 0 }, Epoch(0));
    archive.file(&path("oci-layout")?, OCI_LAYOUT)?;
    archive.file(&path("index.json")?, &Index::new(manifests, Annotations::new()).to_bytes())?;
    archive.file(&path("manifest.json")?, &json(&listed)?)?;
    archive.directory(&path("blobs")?)?;
    archive.directory(&path("blobs/sha256")?)?;
    for (content, bytes) in &blobs {
        let path = path(&blob_path(&content.digest))?;
        match bytes {
            Some(bytes) => archive.file(&path, bytes)?,
            None => archive.stream(&path, *content, |out| {
                std::io::copy(&mut store.open_blob(content)?, out)?;
                Ok::<_, Error>(())
            })?,
        }
    }
    published.bytes_sent = archive.finish()?.written;
    Ok(published)
}
