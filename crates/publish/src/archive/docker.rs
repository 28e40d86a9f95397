//! Docker's own archive (`docker save`), with uncompressed layers streamed from their recipes: nothing is compressed,
//! and nothing is written to disk on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use longshore_image::pack::Layer;
use longshore_image::pack::tar::Archive;
use longshore_image::{Image, ImageIndex};
use longshore_oci::{DiffId, Epoch, Platform, Progress, Store};

use super::{Counter, Listed, image_on, json, path};
use crate::documents::name;
use crate::{Error, Identity, Published, PublishedImage};

/// An image of one platform and what to call it.
pub(crate) struct Named<'a> {
    pub name: String,
    pub image: &'a Image,
}

/// Layers whose files an archive does not hold, though its images have them.
pub(crate) type LayersLeftOut = BTreeSet<DiffId>;

/// Writes the images for `platform` to `out`.
pub fn docker(
    images: &[ImageIndex],
    platform: &Platform,
    out: &mut dyn Write,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let mut named = Vec::new();
    for index in images {
        named.push(Named { name: name(&index.reference), image: image_on(index, platform)? });
    }
    write(&named, &LayersLeftOut::new(), out, store, progress)
}

/// Writes the archive of `images` but for the files of the layers in `left_out`.
pub(crate) fn write(
    images: &[Named<'_>],
    left_out: &LayersLeftOut,
    out: &mut dyn Write,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let mut listed = Vec::new();
    let mut configs = BTreeMap::new();
    let mut layers: BTreeMap<DiffId, &Layer> = BTreeMap::new();
    let mut published = Published::default();
    for Named { name, image } in images {
        let id = image.id();
        listed.push(Listed {
            config: config_path(image),
            repo_tags: vec![name.clone()],
            layers: image.layers.iter().map(layer_path).collect(),
        });
        configs.insert(config_path(image), image.config.to_bytes());
        layers.extend(image.layers.iter().map(|layer| (layer.diff_id, layer)));
        published.images.push(PublishedImage { name: name.clone(), identity: Identity::Id(id) });
    }
    let mut archive = Archive::new(Counter { out, written: 0 }, Epoch(0));
    // First, so that a reader of a stream knows what follows.
    archive.file(&path("manifest.json")?, &json(&listed)?)?;
    for (name, bytes) in configs {
        archive.file(&path(&name)?, &bytes)?;
    }
    for layer in layers.into_values() {
        if left_out.contains(&layer.diff_id) {
            published.bytes_skipped += layer.size;
            continue;
        }
        progress.during("Writing", layer.name(), Some(layer.size), |_| {
            archive.stream(&path(&layer_path(layer))?, layer.tar(), |out| {
                layer.write_tar(store, out).map_err(Error::from)
            })
        })?;
    }
    published.bytes_sent = archive.finish()?.written;
    Ok(published)
}

fn config_path(image: &Image) -> String {
    format!("{}.json", image.id().hex())
}

fn layer_path(layer: &Layer) -> String {
    format!("{}.tar", layer.diff_id.0.hex())
}
