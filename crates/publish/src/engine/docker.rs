//! Into Docker.
//!
//! Docker's own image store finds a layer by its chain id (image specification, "Layer ChainID") before it opens the
//! layer's file in an archive, so the files of layers that it has can be left out. Its containerd store opens all.

use std::collections::{BTreeMap, BTreeSet};

use longshore_image::ImageIndex;
use longshore_oci::{DiffId, Digest, Progress, Store};

use super::{Client, choose};
use crate::archive::{LayersLeftOut, Named, write_docker};
use crate::{Error, Identity, Published};

/// How many images are asked about at once.
const BATCH: usize = 200;

/// What the engine runs, `os/architecture`; it may be on another machine than its client.
pub fn platform(client: &Client) -> Result<String, Error> {
    client.run(&["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"])
}

/// Loads `images` for the engine's platform, and sends layers that it lacks only.
pub fn load(
    client: &Client,
    images: &[ImageIndex],
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let named = choose(images, &platform(client)?)?;
    let left_out = known_layers(client, &named)?;
    let sent = send(client, &named, &left_out, store, progress);
    let mut published = match sent {
        // A layer may have gone since we asked.
        Err(Error::Engine { .. }) if !left_out.is_empty() => {
            progress.note("the engine lacks a layer that it listed; sending all of them");
            send(client, &named, &LayersLeftOut::new(), store, progress)?
        }
        other => other?,
    };
    for image in &mut published.images {
        image.identity = Identity::Id(client.image_id(&image.name)?);
    }
    Ok(published)
}

fn send(
    client: &Client,
    images: &[Named<'_>],
    left_out: &LayersLeftOut,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    client
        .feed(&["load", "--quiet"], |out| write_docker(images, left_out, out, store, progress))
        .map(|(sent, _)| sent)
}

/// Layers of `images` whose files the engine will not open.
fn known_layers(client: &Client, images: &[Named<'_>]) -> Result<LayersLeftOut, Error> {
    let driver = client.run(&["info", "--format", "{{json .DriverStatus}}"])?;
    if driver.contains("io.containerd.snapshotter") {
        return Ok(LayersLeftOut::new());
    }
    let ids = client.run(&["image", "ls", "--quiet", "--no-trunc"])?;
    let ids: Vec<&str> = ids.lines().collect::<BTreeSet<_>>().into_iter().collect();
    let mut chains = BTreeSet::new();
    for batch in ids.chunks(BATCH) {
        let command = [&["image", "inspect", "--format", "{{json .RootFS.Layers}}"], batch].concat();
        // An image may go while we ask: then what is known of the others is not told, and their layers are sent.
        let Ok(said) = client.run(&command) else { continue };
        for line in said.lines() {
            let layers: Option<Vec<DiffId>> = serde_json::from_str(line)
                .map_err(|_| client.surprise(&command[..4], line, "a list of diff_ids"))?;
            chains.extend(chain_ids(layers.unwrap_or_default()));
        }
    }
    Ok(left_out(images, &chains))
}

/// Layers that lie on known chains only, in all images.
fn left_out(images: &[Named<'_>], known: &BTreeSet<Digest>) -> LayersLeftOut {
    let mut all: BTreeMap<DiffId, bool> = BTreeMap::new();
    for Named { image, .. } in images {
        let layers = image.layers.iter().map(|layer| layer.diff_id);
        for (layer, chain) in layers.clone().zip(chain_ids(layers)) {
            *all.entry(layer).or_insert(true) &= known.contains(&chain);
        }
    }
    all.into_iter().filter(|(_, known)| *known).map(|(layer, _)| layer).collect()
}

/// The chain id of every layer on those before it.
fn chain_ids(layers: impl IntoIterator<Item = DiffId>) -> impl Iterator<Item = Digest> {
    layers.into_iter().scan(None, |below, layer| {
        let chain = match below {
            None => layer.0,
            Some(below) => Digest::of(format!("{below} {layer}").as_bytes()),
        };
        *below = Some(chain);
        Some(chain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_are_those_of_the_specification() {
        let layers = [b"a", b"b"].map(|bytes| DiffId(Digest::of(bytes)));
        let chains: Vec<_> = chain_ids(layers).collect();
        assert_eq!(chains[0], layers[0].0);
        assert_eq!(chains[1], Digest::of(format!("{} {}", layers[0], layers[1]).as_bytes()));
    }
}
