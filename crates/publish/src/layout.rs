//! An OCI image layout in a folder.

use std::path::Path;

use longshore_image::ImageIndex;
use longshore_image::pack::Codec;
use longshore_oci::layout::Layout;
use longshore_oci::{Progress, Store};

use crate::documents::Documents;
use crate::{Error, Identity, Published, PublishedImage};

/// Writes `images` into the layout at `folder`, which is made where there is none. What is in it already stays, except
/// that images of the same name are replaced. Blobs come before the index that names them, so that readers see either
/// the old images or the new ones.
pub fn write(
    images: &[ImageIndex],
    folder: &Path,
    codec: Codec,
    store: &Store,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let mut layout = Layout::open_or_create(folder)?;
    let mut published = Published::default();
    for index in images {
        let documents = Documents::of(index, codec, store, jobs, progress)?;
        for layer in documents.layers.iter().flatten() {
            let sent = layout.add(store, &layer.content())?;
            published.bytes_sent += sent;
            published.bytes_skipped += layer.size - sent;
        }
        for (content, bytes) in &documents.documents {
            let total =
                if layout.has(content) { &mut published.bytes_skipped } else { &mut published.bytes_sent };
            *total += content.size;
            layout.put(bytes)?;
        }
        layout.tag(&documents.name, documents.listed(&index.reference));
        published
            .images
            .push(PublishedImage { name: documents.name, identity: Identity::Manifest(documents.top) });
    }
    layout.commit()?;
    Ok(published)
}
