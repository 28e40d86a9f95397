//! Into podman, which needs every layer in the archive.

use longshore_image::ImageIndex;
use longshore_oci::{Progress, Store};

use super::{Client, choose};
use crate::archive::{LayersLeftOut, write_docker};
use crate::{Error, Identity, Published};

/// What the engine runs, `os/architecture`; it may be on another machine than its client.
pub fn platform(client: &Client) -> Result<String, Error> {
    client.run(&["info", "--format", "{{.Host.OS}}/{{.Host.Arch}}"])
}

/// Loads `images` for the engine's platform.
pub fn load(
    client: &Client,
    images: &[ImageIndex],
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let named = choose(images, &platform(client)?)?;
    let none = LayersLeftOut::new();
    let (mut published, _) =
        client.feed(&["load", "--quiet"], |out| write_docker(&named, &none, out, store, progress))?;
    for image in &mut published.images {
        image.identity = Identity::Id(client.image_id(&image.name)?);
    }
    Ok(published)
}
