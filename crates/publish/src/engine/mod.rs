//! Into a container engine, through its own command-line client, which knows where the engine is and may reach it.

mod client;
pub mod docker;
pub mod podman;

use longshore_image::ImageIndex;

pub use client::Client;

use crate::Error;
use crate::archive::Named;
use crate::documents::name;

/// The images of the platform `os/architecture`, as an engine says it.
fn choose<'a>(images: &'a [ImageIndex], platform: &str) -> Result<Vec<Named<'a>>, Error> {
    let choose = |index: &'a ImageIndex| {
        // Engines do not tell their variant.
        let fits = |os: &str, architecture: &str| format!("{os}/{architecture}") == platform;
        let image = index.images.iter().find(|image| fits(&image.platform.os, &image.platform.architecture));
        let image = image.ok_or_else(|| Error::Platform {
            image: index.reference.to_string(),
            wanted: platform.to_owned(),
            made: index.images.iter().map(|image| image.platform.to_string()).collect(),
        })?;
        Ok(Named { name: name(&index.reference), image })
    };
    images.iter().map(choose).collect()
}
