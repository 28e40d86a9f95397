//! Into a container engine, through its own command-line client, which knows where the engine is and may reach it.

mod client;
pub mod containerd;
pub mod docker;
pub mod podman;

use std::path::Path;

use longshore_image::ImageIndex;
use longshore_oci::{Progress, Store};

pub use client::Client;

use crate::archive::{Named, write_oci};
use crate::copy::Engine;
use crate::documents::name;
use crate::registry::Parcel;
use crate::{Error, Published};

/// Gives `parcels` to an engine.
pub(crate) fn import(
    engine: Engine,
    parcels: &[Parcel],
    store: &Store,
    progress: &dyn Progress,
) -> Result<Published, Error> {
    let client = engine.client();
    match engine {
        Engine::Containerd | Engine::K3s => containerd::load(&client, parcels, store, progress),
        Engine::Docker | Engine::Podman => {
            let (published, _) =
                client.feed(&["load", "--quiet"], |out| write_oci(parcels, None, out, store, progress))?;
            Ok(published)
        }
    }
}

impl Engine {
    /// Its command-line client; that of containerd looks where Kubernetes does.
    pub fn client(self) -> Client {
        let namespace = format!("--namespace={}", containerd::KUBERNETES);
        match self {
            Self::Docker | Self::Podman => Client::new(self.name()),
            Self::Containerd => Client::new("ctr").with(namespace),
            // It knows where its containerd is.
            Self::K3s => Client::new("k3s").with("ctr").with(namespace),
        }
    }
}

/// Has an engine write the image that it calls `name` to the archive `file`.
pub(crate) fn save(engine: Engine, name: &str, file: &Path) -> Result<(), Error> {
    let path = file.display().to_string();
    let command: &[&str] = match engine {
        Engine::Docker => &["save", "--output", &path, name],
        Engine::Podman => &["save", "--format=oci-archive", "--output", &path, name],
        Engine::Containerd | Engine::K3s => &["images", "export", &path, name],
    };
    engine.client().run(command).map(drop)
}

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
